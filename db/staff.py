"""What staff look at: deliveries as they came, money in suspense, the ledger, and what a time came to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final
from uuid import UUID

from app.domain.money import Money
from app.domain.states import (
    GatewayName,
    InboxEventStatus,
    LedgerAccount,
    PaymentStatus,
)
from db.rows import PAYMENT_COLUMNS, SUSPENSE_COLUMNS, payment_from, suspense_from

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.domain.order import Payment
    from app.domain.suspense import SuspenseItem
    from db.pool import Database, Reader
    from db.rows import Columns


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxEvent:
    """One webhook delivery as it came, and what became of it."""

    id: UUID
    gateway: GatewayName
    external_id: str
    type: str
    status: InboxEventStatus
    deliveries: int
    attempts: int
    error: str | None
    body: bytes
    payment_id: UUID | None
    received_at: datetime
    applied_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxCriteria:
    """Which deliveries. Empty fields mean any."""

    gateway: GatewayName | None = None
    statuses: tuple[InboxEventStatus, ...] = ()
    type: str | None = None
    before: UUID | None = None
    """The last delivery of the page before; the list goes back in time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentCriteria:
    """Which payments. Empty fields mean any."""

    gateway: GatewayName | None = None
    statuses: tuple[PaymentStatus, ...] = ()
    reference: str | None = None
    created_after: datetime | None = None
    created_before: datetime | None = None
    awaited: bool = False
    """Only those that a job asks after."""
    before: UUID | None = None
    """The last payment of the page before; the list goes back in time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerEntry:
    """One entry of the ledger: positive for a debit of the account, negative for a credit."""

    transaction_id: UUID
    account: LedgerAccount
    amount: Money
    payment_id: UUID
    description: str
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Statistics:
    """What a time came to."""

    received: int
    applied: int
    succeeded: int
    failed: int
    pending_oldest_seconds: float | None
    unmatched: int
    suspense_open: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Activity:
    """What one gateway's payments that were opened in one minute have come to."""

    starts_at: datetime
    gateway: GatewayName
    opened: int
    succeeded: int
    failed: int


_UNAPPLIED: Final = frozenset(
    {InboxEventStatus.RECEIVED, InboxEventStatus.UNMATCHED, InboxEventStatus.FAILED}
)
_SKEW: Final = timedelta(minutes=10)
"""How far the clocks that make ids may be from the database's."""
_INBOX_COLUMNS: Final = (
    "id, gateway, external_id, type, status, deliveries, attempts, error, body, payment_id, "
    "received_at, applied_at"
)


async def inbox_events(reader: Reader, ids: Sequence[UUID]) -> dict[UUID, InboxEvent]:
    """Return the deliveries of these ids that there are."""
    rows = await reader.fetch(
        f"SELECT {_INBOX_COLUMNS} FROM inbox_events WHERE id = ANY($1::uuid[])", list(ids)
    )
    return {row["id"]: _inbox_event_from(row) for row in rows}


async def inbox_page(reader: Reader, criteria: InboxCriteria, limit: int) -> list[InboxEvent]:
    """Return up to `limit` deliveries that meet the criteria, newest first, by keyset."""
    few = criteria.statuses and _UNAPPLIED.issuperset(criteria.statuses)
    indexed = "AND status IN ('RECEIVED', 'UNMATCHED', 'FAILED')" if few else ""
    rows = await reader.fetch(
        f"""SELECT {_INBOX_COLUMNS} FROM inbox_events
             WHERE ($1::text IS NULL OR gateway = $1) AND ($2::text[] = '{{}}' OR status = ANY($2)) {indexed}
               AND ($3::text IS NULL OR type = $3) AND ($4::uuid IS NULL OR id < $4)
             ORDER BY id DESC LIMIT $5""",
        criteria.gateway,
        list(criteria.statuses),
        criteria.type,
        criteria.before,
        limit,
    )
    return [_inbox_event_from(row) for row in rows]


async def payments_page(reader: Reader, criteria: PaymentCriteria, limit: int) -> list[Payment]:
    """Return up to `limit` payments that meet the criteria, newest first, by keyset.

    Only what is asked for is compared, so that references are found by their index, times by the ids that hold them,
    and those that are awaited by their jobs, of which there are few.
    """
    gateways = list(GatewayName) if criteria.gateway is None else [criteria.gateway]
    after, before = criteria.created_after, criteria.created_before
    conditions: list[tuple[str, object]] = [
        ("gateway = ANY($?::text[])", gateways if criteria.reference or criteria.gateway else None),
        ("reference = $?", criteria.reference),
        ("status = ANY($?::text[])", list(criteria.statuses) or None),
        ("id >= $?", None if after is None else _first_id(after)),
        ("created_at >= $?", after),
        ("id <= $?", None if before is None else _last_id(before)),
        ("created_at < $?", before),
        ("id < $?", criteria.before),
    ]
    asked = [(words, value) for words, value in conditions if value is not None]
    words = [text.replace("$?", f"${place}") for place, (text, _) in enumerate(asked, 1)]
    awaited = "AND id IN (SELECT subject_id FROM awaited)" if criteria.awaited else ""
    rows = await reader.fetch(
        f"""WITH awaited AS MATERIALIZED (SELECT subject_id FROM jobs WHERE kind = 'PAYMENT_POLL')
            SELECT {PAYMENT_COLUMNS} FROM payments WHERE {" AND ".join(["true", *words])} {awaited}
             ORDER BY id DESC LIMIT ${len(words) + 1}""",
        *(value for _, value in asked),
        limit,
    )
    return [payment_from(row) for row in rows]


async def suspense_page(
    reader: Reader, *, is_open: bool | None, before: tuple[datetime, UUID] | None, limit: int
) -> list[SuspenseItem]:
    """Return up to `limit` suspense items, newest first, by keyset; `is_open` None means any."""
    which = {True: "resolution IS NULL", False: "resolution IS NOT NULL", None: "true"}[is_open]
    before_at, before_id = before or (None, None)
    rows = await reader.fetch(
        f"""SELECT {SUSPENSE_COLUMNS} FROM suspense_items
             WHERE {which} AND ($1::timestamptz IS NULL OR (created_at, id) < ($1, $2::uuid))
             ORDER BY created_at DESC, id DESC LIMIT $3""",
        before_at,
        before_id,
        limit,
    )
    return [suspense_from(row) for row in rows]


async def ledger_entries(reader: Reader, order_id: UUID) -> list[LedgerEntry]:
    """Return everything that was booked for an order, oldest first."""
    rows = await reader.fetch(
        """SELECT transaction_id, account, amount_minor, currency, payment_id, description, created_at
             FROM ledger_entries WHERE order_id = $1 ORDER BY created_at, transaction_id, position""",
        order_id,
    )
    return [
        LedgerEntry(
            transaction_id=row["transaction_id"],
            account=LedgerAccount(row["account"]),
            amount=Money(row["amount_minor"], row["currency"]),
            payment_id=row["payment_id"],
            description=row["description"],
            created_at=row["created_at"],
        )
        for row in rows
    ]


_STATISTICS: Final = """
WITH inbox AS (
  SELECT count(*) AS received, count(*) FILTER (WHERE status = 'APPLIED') AS applied
    FROM inbox_events WHERE id >= $2 AND received_at >= $1
), opened AS (
  SELECT count(*) FILTER (WHERE status = 'SUCCEEDED') AS succeeded, count(*) FILTER (WHERE status = 'FAILED') AS failed,
         extract(epoch FROM now() - min(created_at) FILTER (WHERE status IN ('REQUIRES_ACTION', 'PROCESSING')))
           ::double precision AS pending_oldest_seconds
    FROM payments WHERE id >= $2 AND created_at >= $1
)
SELECT inbox.*, opened.*,
       (SELECT count(*) FROM inbox_events WHERE status IN ('RECEIVED', 'UNMATCHED', 'FAILED')
           AND status = 'UNMATCHED') AS unmatched,
       (SELECT count(*) FROM suspense_items WHERE resolution IS NULL) AS suspense_open
  FROM inbox, opened
"""


async def statistics(reader: Reader, since: datetime) -> Statistics:
    """Count what came in and was opened since then, and what waits now."""
    row = await reader.fetch_row(_STATISTICS, since, _first_id(since))
    assert row is not None, "a count always has a row"  # noqa: S101 - holds by construction
    return Statistics(**dict(row))


_ACTIVITY: Final = """
WITH since AS (SELECT date_trunc('minute', statement_timestamp()) - make_interval(mins => $1 - 1) AS at)
SELECT date_trunc('minute', created_at) AS starts_at, gateway, count(*) AS opened,
       count(*) FILTER (WHERE status = 'SUCCEEDED') AS succeeded, count(*) FILTER (WHERE status = 'FAILED') AS failed
  FROM payments
 WHERE created_at >= (SELECT at FROM since)
   AND id >= (SELECT (lpad(to_hex((extract(epoch FROM at - $2::interval) * 1000)::bigint), 12, '0')
                      || repeat('0', 20))::uuid FROM since)
 GROUP BY starts_at, gateway ORDER BY starts_at, gateway
"""


async def activity(reader: Reader, minutes: int) -> list[Activity]:
    """Count the payments that were opened in these minutes up to now, by minute and gateway, and what came of them."""
    rows = await reader.fetch(_ACTIVITY, minutes, _SKEW)
    return [Activity(**{**dict(row), "gateway": GatewayName(row["gateway"])}) for row in rows]


_DUE_NOW: Final = """
INSERT INTO jobs AS j (id, kind, subject_id, gateway, due_at, attempts, created_at)
SELECT $1, 'INBOX_REPLAY', i.id, i.gateway, clock_timestamp(), 0, clock_timestamp() FROM inbox_events i WHERE i.id = $2
ON CONFLICT (kind, subject_id) DO UPDATE SET due_at = least(j.due_at, excluded.due_at), died_at = NULL
"""


async def owe_replay(database: Database, job_id: UUID, event_id: UUID) -> None:
    """Have a delivery tried again as soon as a worker is free, also one that was given up."""
    await database.fetch(_DUE_NOW, job_id, event_id)


def _inbox_event_from(row: Columns) -> InboxEvent:
    return InboxEvent(
        id=row["id"],
        gateway=GatewayName(row["gateway"]),
        external_id=row["external_id"],
        type=row["type"],
        status=InboxEventStatus(row["status"]),
        deliveries=row["deliveries"],
        attempts=row["attempts"],
        error=row["error"],
        body=row["body"],
        payment_id=row["payment_id"],
        received_at=row["received_at"],
        applied_at=row["applied_at"],
    )


def _first_id(at: datetime) -> UUID:
    """Return the lowest id of version 7 that may have been made at an instant."""
    return UUID(int=_milliseconds(at, -_SKEW) << 80)


def _last_id(at: datetime) -> UUID:
    """Return the highest id of version 7 that may have been made at an instant."""
    return UUID(int=((_milliseconds(at, _SKEW) + 1) << 80) - 1)


def _milliseconds(at: datetime, skew: timedelta) -> int:
    """Return the instant as ids of version 7 hold it."""
    return max(int((at - _EPOCH + skew) / timedelta(milliseconds=1)), 0)


_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
