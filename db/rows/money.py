"""Where money is, and what is owed, as rows: the ledger, suspense, jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from app.domain.money import Money
from app.domain.states import (
    GatewayName,
    SuspenseReason,
    SuspenseResolution,
)
from app.domain.suspense import SuspenseItem

if TYPE_CHECKING:
    from uuid import UUID

    from app.domain.jobs import Job
    from app.domain.ledger import Posting
    from db.rows.columns import Columns, Row


def posting_rows(transaction_id: UUID, order_id: UUID, payment_id: UUID, given: list[Posting]) -> list[Row]:
    """Return the rows of one ledger transaction; `created_at` is the database's."""
    return [
        {
            "transaction_id": transaction_id,
            "position": position,
            "order_id": order_id,
            "payment_id": payment_id,
            "account": posting.account,
            "amount_minor": posting.amount_minor,
            "currency": posting.currency,
            "description": posting.description,
        }
        for position, posting in enumerate(given)
    ]


SUSPENSE_COLUMNS: Final = (
    "id, reason, gateway, reference, amount_minor, currency, order_id, payment_id, resolution, "
    "message, created_at, resolved_at"
)


def suspense_from(row: Columns) -> SuspenseItem:
    """Return the item of a row of `suspense_items`."""
    resolution = row["resolution"]
    return SuspenseItem(
        id=row["id"],
        reason=SuspenseReason(row["reason"]),
        gateway=GatewayName(row["gateway"]),
        reference=row["reference"],
        amount=Money(row["amount_minor"], row["currency"]),
        order_id=row["order_id"],
        payment_id=row["payment_id"],
        resolution=SuspenseResolution(resolution) if resolution else None,
        message=row["message"],
        created_at=row["created_at"],
        resolved_at=row["resolved_at"],
    )


def suspense_row(item: SuspenseItem) -> Row:
    """Return the row of a suspense item."""
    return {
        "id": item.id,
        "reason": item.reason,
        "gateway": item.gateway,
        "reference": item.reference,
        "amount_minor": item.amount.minor,
        "currency": item.amount.currency,
        "order_id": item.order_id,
        "payment_id": item.payment_id,
        "resolution": item.resolution,
        "message": item.message,
        "created_at": item.created_at,
        "resolved_at": item.resolved_at,
    }


def job_row(job_id: UUID, job: Job) -> Row:
    """Return the row of a new job; its times are the database's."""
    return {
        "id": job_id,
        "kind": job.kind,
        "subject_id": job.subject_id,
        "gateway": job.gateway,
        "delay_seconds": job.delay_seconds,
    }
