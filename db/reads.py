"""Reading orders and what belongs to them: each function is one statement for any number of keys, or says how many."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar
from uuid import UUID

from app.domain.order import OrderSnapshot, PaymentDetails
from db.rows import (
    ADJUSTMENT_COLUMNS,
    ATTEMPT_COLUMNS,
    DISPUTE_COLUMNS,
    EVENT_COLUMNS,
    LINE_COLUMNS,
    ORDER_COLUMNS,
    PAYMENT_COLUMNS,
    REFUND_COLUMNS,
    adjustment_from,
    attempt_from,
    dispute_from,
    event_from,
    line_from,
    order_from,
    payment_from,
    qualified,
    refund_from,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import datetime

    from app.domain.events import OrderEvent
    from app.domain.order import Order, OrderAdjustment, OrderLine, Payment
    from app.domain.payment import PaymentAttempt
    from app.domain.refunds import Dispute, Refund
    from db.pool import Database, Reader, Record

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderCriteria:
    """Which orders, and in which order. Empty fields mean any."""

    statuses: tuple[str, ...] = ()
    payment_statuses: tuple[str, ...] = ()
    fulfillment_statuses: tuple[str, ...] = ()
    customer_id: str | None = None
    customer_email: str | None = None
    number: str | None = None
    created_after: datetime | None = None
    created_before: datetime | None = None
    sort_column: str = "created_at"
    descending: bool = True
    after: tuple[datetime, UUID] | None = None
    """The sort column and id of the last order of the page before."""


async def orders(reader: Reader, ids: Sequence[UUID]) -> dict[UUID, Order]:
    """Return the orders of these ids that there are."""
    rows = await reader.fetch(f"SELECT {ORDER_COLUMNS} FROM orders WHERE id = ANY($1::uuid[])", list(ids))
    return {row["id"]: order_from(row) for row in rows}


_SORT_COLUMNS: Final = frozenset({"created_at", "updated_at"})


async def orders_page(reader: Reader, criteria: OrderCriteria, limit: int) -> list[Order]:
    """Return up to `limit` orders that meet the criteria, by keyset."""
    assert criteria.sort_column in _SORT_COLUMNS, "the column is one of ours"  # noqa: S101 - it goes into the SQL
    direction, beyond = ("DESC", "<") if criteria.descending else ("ASC", ">")
    column = criteria.sort_column
    statement = f"""
        SELECT {ORDER_COLUMNS} FROM orders
         WHERE ($1::text[] = '{{}}' OR status = ANY($1))
           AND ($2::text[] = '{{}}' OR payment_status = ANY($2))
           AND ($3::text[] = '{{}}' OR fulfillment_status = ANY($3))
           AND ($4::text IS NULL OR customer_id = $4)
           AND ($5::text IS NULL OR customer_email = $5)
           AND ($6::text IS NULL OR number = $6)
           AND ($7::timestamptz IS NULL OR created_at >= $7)
           AND ($8::timestamptz IS NULL OR created_at < $8)
           AND ($9::timestamptz IS NULL OR ({column}, id) {beyond} ($9, $10::uuid))
         ORDER BY {column} {direction}, id {direction} LIMIT $11"""
    after_at, after_id = criteria.after or (None, None)
    rows = await reader.fetch(
        statement,
        list(criteria.statuses),
        list(criteria.payment_statuses),
        list(criteria.fulfillment_statuses),
        criteria.customer_id,
        criteria.customer_email,
        criteria.number,
        criteria.created_after,
        criteria.created_before,
        after_at,
        after_id,
        limit,
    )
    return [order_from(row) for row in rows]


async def lines(reader: Reader, order_ids: Sequence[UUID]) -> dict[UUID, list[OrderLine]]:
    """Return the lines of these orders, by position."""
    rows = await reader.fetch(
        f"SELECT {LINE_COLUMNS} FROM order_lines WHERE order_id = ANY($1::uuid[]) ORDER BY order_id, position",
        list(order_ids),
    )
    return _grouped(rows, "order_id", line_from)


async def adjustments(reader: Reader, order_ids: Sequence[UUID]) -> dict[UUID, list[OrderAdjustment]]:
    """Return the adjustments of these orders, by position."""
    rows = await reader.fetch(
        f"""SELECT {ADJUSTMENT_COLUMNS} FROM order_adjustments
             WHERE order_id = ANY($1::uuid[]) ORDER BY order_id, position""",
        list(order_ids),
    )
    return _grouped(rows, "order_id", adjustment_from)


async def payments(reader: Reader, ids: Sequence[UUID]) -> dict[UUID, Payment]:
    """Return the payments of these ids that there are."""
    rows = await reader.fetch(f"SELECT {PAYMENT_COLUMNS} FROM payments WHERE id = ANY($1::uuid[])", list(ids))
    return {row["id"]: payment_from(row) for row in rows}


async def payments_of(reader: Reader, order_ids: Sequence[UUID]) -> dict[UUID, list[Payment]]:
    """Return the payments of these orders, oldest first."""
    rows = await reader.fetch(
        f"SELECT {PAYMENT_COLUMNS} FROM payments WHERE order_id = ANY($1::uuid[]) ORDER BY order_id, id",
        list(order_ids),
    )
    return _grouped(rows, "order_id", payment_from)


async def attempts_of(reader: Reader, payment_ids: Sequence[UUID]) -> dict[UUID, list[PaymentAttempt]]:
    """Return the attempts of these payments, oldest first."""
    rows = await reader.fetch(
        f"""SELECT {ATTEMPT_COLUMNS} FROM payment_attempts
             WHERE payment_id = ANY($1::uuid[]) ORDER BY created_at, reference""",
        list(payment_ids),
    )
    return _grouped(rows, "payment_id", attempt_from)


async def refunds_of(reader: Reader, payment_ids: Sequence[UUID]) -> dict[UUID, list[Refund]]:
    """Return the refunds of these payments, by id."""
    rows = await reader.fetch(
        f"SELECT {REFUND_COLUMNS} FROM refunds WHERE payment_id = ANY($1::uuid[]) ORDER BY id",
        list(payment_ids),
    )
    return _grouped(rows, "payment_id", refund_from)


async def disputes_of(reader: Reader, payment_ids: Sequence[UUID]) -> dict[UUID, list[Dispute]]:
    """Return the disputes of these payments, by the gateway's id."""
    rows = await reader.fetch(
        f"SELECT {DISPUTE_COLUMNS} FROM disputes WHERE payment_id = ANY($1::uuid[]) ORDER BY reference",
        list(payment_ids),
    )
    return _grouped(rows, "payment_id", dispute_from)


async def refund_owner(reader: Reader, refund_id: UUID) -> UUID | None:
    """Return the payment that a refund belongs to."""
    row = await reader.fetch_row("SELECT payment_id FROM refunds WHERE id = $1", refund_id)
    return row["payment_id"] if row else None


async def dispute_owner(reader: Reader, dispute_id: UUID) -> UUID | None:
    """Return the payment that a dispute belongs to."""
    row = await reader.fetch_row("SELECT payment_id FROM disputes WHERE id = $1", dispute_id)
    return row["payment_id"] if row else None


class OrderReader:
    """What the live hub reads: snapshots, events and versions of any number of orders at once."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def snapshots(self, order_ids: Sequence[UUID]) -> dict[UUID, OrderSnapshot]:
        """Return the orders with everything that belongs to them, all as of one moment (7 statements)."""
        async with self._database.moment() as moment:
            return await _snapshots(moment, order_ids)

    async def versions(self, order_ids: Sequence[UUID]) -> dict[UUID, int]:
        """Return the orders' newest versions (1 statement)."""
        rows = await self._database.fetch(
            "SELECT id, version FROM orders WHERE id = ANY($1::uuid[])", list(order_ids)
        )
        return {row["id"]: row["version"] for row in rows}

    async def events(self, after: Mapping[UUID, int], limit_per_order: int) -> dict[UUID, list[OrderEvent]]:
        """Return each order's events beyond a version, in order, up to a limit for each (1 statement)."""
        return await events_of(self._database, after, limit_per_order)


async def events_of(
    reader: Reader, after: Mapping[UUID, int], limit_per_order: int
) -> dict[UUID, list[OrderEvent]]:
    """Return each order's events beyond a version, in order, up to a limit for each (1 statement)."""
    rows = await reader.fetch(
        f"""SELECT {qualified("e", EVENT_COLUMNS)} FROM unnest($1::uuid[], $2::int[]) AS w(order_id, version)
            CROSS JOIN LATERAL (SELECT * FROM order_events e
                                 WHERE e.order_id = w.order_id AND e.version > w.version
                                 ORDER BY e.version LIMIT $3) e""",
        list(after.keys()),
        list(after.values()),
        limit_per_order,
    )
    found = _grouped(rows, "order_id", event_from)
    return {order_id: found.get(order_id, []) for order_id in after}


async def _snapshots(moment: Reader, order_ids: Sequence[UUID]) -> dict[UUID, OrderSnapshot]:
    found = await orders(moment, order_ids)
    ids = list(found)
    line_of = await lines(moment, ids)
    adjustment_of = await adjustments(moment, ids)
    payment_of = await payments_of(moment, ids)
    payment_ids = [payment.id for given in payment_of.values() for payment in given]
    attempt_of = await attempts_of(moment, payment_ids)
    refund_of = await refunds_of(moment, payment_ids)
    dispute_of = await disputes_of(moment, payment_ids)

    def details(payment: Payment) -> PaymentDetails:
        return PaymentDetails(
            payment=payment,
            attempts=tuple(attempt_of.get(payment.id, ())),
            refunds=tuple(refund_of.get(payment.id, ())),
            disputes=tuple(dispute_of.get(payment.id, ())),
        )

    return {
        order_id: OrderSnapshot(
            order=order,
            lines=tuple(line_of.get(order_id, ())),
            adjustments=tuple(adjustment_of.get(order_id, ())),
            payments=tuple(details(payment) for payment in payment_of.get(order_id, ())),
        )
        for order_id, order in found.items()
    }


def _grouped(rows: Iterable[Record], key: str, build: Callable[[Any], _T]) -> dict[Any, list[_T]]:
    groups: dict[Any, list[_T]] = {}
    for row in rows:
        groups.setdefault(row[key], []).append(build(row))
    return groups


@dataclass(frozen=True, slots=True, order=True)
class LogPosition:
    """A place in the log of all orders: transaction, then order and version within it."""

    xid: int
    order_id: UUID
    version: int


_NOWHERE: Final = UUID(int=0)


async def log(reader: Reader, after: LogPosition | None, limit: int) -> list[tuple[LogPosition, OrderEvent]]:
    """Return events of all orders in commit order, beyond a position.

    Only transactions older than every one still running are shown: none that commits later can come before them.
    """
    position = after or LogPosition(0, _NOWHERE, 0)
    rows = await reader.fetch(
        f"""SELECT {EVENT_COLUMNS}, xid::text::bigint AS position FROM order_events
            WHERE (xid, order_id, version) > ($1::text::xid8, $2::uuid, $3::int)
              AND xid < pg_snapshot_xmin(pg_current_snapshot())
            ORDER BY xid, order_id, version LIMIT $4""",
        str(position.xid),
        position.order_id,
        position.version,
        limit,
    )
    return [(LogPosition(row["position"], row["order_id"], row["version"]), event_from(row)) for row in rows]


async def log_end(reader: Reader) -> LogPosition:
    """Return the position just before the oldest transaction that still runs."""
    row = await reader.fetch_row("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint AS xid")
    assert row is not None, "a snapshot is always there"  # noqa: S101 - holds by construction
    return LogPosition(row["xid"], _NOWHERE, 0)
