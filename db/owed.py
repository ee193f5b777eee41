"""What those read who do owed work: the refund, the stored delivery that a job is about."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from app.domain.states import GatewayName, InboxEventStatus
from db.rows import PAYMENT_COLUMNS, REFUND_COLUMNS, payment_from, refund_from

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from app.domain.order import Payment
    from app.domain.refunds import Refund
    from db.pool import Reader


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredDelivery:
    """A verified delivery as the inbox keeps it."""

    id: UUID
    gateway: GatewayName
    external_id: str
    type: str
    status: InboxEventStatus
    error: str | None
    body: bytes
    payment_id: UUID | None
    received_at: datetime


_DELIVERY: Final = """
SELECT id, gateway, external_id, type, status, error, body, payment_id, received_at FROM inbox_events WHERE id = $1
"""


async def delivery(reader: Reader, inbox_id: UUID) -> StoredDelivery | None:
    """Return a stored delivery."""
    row = await reader.fetch_row(_DELIVERY, inbox_id)
    if row is None:
        return None
    return StoredDelivery(
        id=row["id"],
        gateway=GatewayName(row["gateway"]),
        external_id=row["external_id"],
        type=row["type"],
        status=InboxEventStatus(row["status"]),
        error=row["error"],
        body=row["body"],
        payment_id=row["payment_id"],
        received_at=row["received_at"],
    )


async def known_deliveries(reader: Reader, gateway: GatewayName, external_ids: Sequence[str]) -> set[str]:
    """Return those of a gateway's ids of which a delivery is stored."""
    rows = await reader.fetch(
        "SELECT external_id FROM inbox_events WHERE gateway = $1 AND external_id = ANY($2::text[])",
        gateway,
        list(external_ids),
    )
    return {row["external_id"] for row in rows}


async def refund_and_payment(reader: Reader, refund_id: UUID) -> tuple[Refund, Payment] | None:
    """Return a refund and the payment that it belongs to (2 statements)."""
    refund = await reader.fetch_row(f"SELECT {REFUND_COLUMNS} FROM refunds WHERE id = $1", refund_id)
    if refund is None:
        return None
    payment = await reader.fetch_row(
        f"SELECT {PAYMENT_COLUMNS} FROM payments WHERE id = $1", refund["payment_id"]
    )
    assert payment is not None, "a refund's payment is there"  # noqa: S101 - a foreign key
    return refund_from(refund), payment_from(payment)
