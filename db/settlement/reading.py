"""What a settlement reads: the orders concerned, locked first, in id order, and what hangs on them after that."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from app.domain.changes import OrderRecord, PaymentRecord
from db.rows import (
    ORDER_COLUMNS,
    PAYMENT_COLUMNS,
    SUSPENSE_COLUMNS,
    fact_from,
    order_from,
    payment_from,
    qualified,
    suspense_from,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime
    from uuid import UUID

    from app.domain.facts import Facts
    from app.domain.order import Order, Payment
    from app.domain.states import GatewayName
    from app.domain.suspense import SuspenseItem
    from db.pool import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """How a delivery names its payment; any of the three may be unknown."""

    gateway: GatewayName
    payment_id: UUID | None
    reference: str | None
    object_ids: tuple[str, ...] = ()


@dataclass(slots=True, kw_only=True)
class Locked:
    """The orders of a batch, locked at `now`: `matches` says which payments each probe names."""

    now: datetime
    orders: dict[UUID, Order] = field(default_factory=dict)
    matches: dict[int, dict[UUID, UUID]] = field(default_factory=dict)
    """Probe number → payment id → order id."""


_LOCK: Final = f"""
WITH named AS (
  SELECT p.id AS payment_id, p.order_id, w.no
    FROM unnest($1::int[], $2::text[], $3::uuid[]) AS w(no, gateway, payment_id)
    JOIN payments p ON p.id = w.payment_id AND p.gateway = w.gateway
  UNION
  SELECT p.id, p.order_id, w.no
    FROM unnest($1::int[], $2::text[], $4::text[]) AS w(no, gateway, reference)
    JOIN payments p ON p.gateway = w.gateway AND p.reference = w.reference
  UNION
  SELECT p.id, p.order_id, w.no
    FROM unnest($5::int[], $6::text[], $7::text[]) AS w(no, gateway, object_id)
    JOIN facts f ON f.gateway = w.gateway AND f.object_id = w.object_id
    JOIN payments p ON p.id = f.payment_id
), locked AS (
  SELECT o.* FROM orders o
   WHERE o.id = ANY($8::uuid[] || ARRAY(SELECT order_id FROM named))
   ORDER BY o.id
     FOR UPDATE
)
SELECT named.no, named.payment_id, clock_timestamp() AS now, {qualified("locked", ORDER_COLUMNS)}
  FROM (SELECT) AS always LEFT JOIN locked ON true LEFT JOIN named ON named.order_id = locked.id
"""

_LOAD: Final = f"""
SELECT {qualified("p", PAYMENT_COLUMNS)},
       f.object_id, f.kind, f.amount_minor AS fact_amount_minor, f.currency AS fact_currency,
       f.attempt_id, f.own_id, f.method AS fact_method, f.failure, f.initiator, f.detail, f.respond_by,
       f.reported_at, f.recorded_at
  FROM payments p LEFT JOIN facts f ON f.payment_id = p.id
 WHERE p.order_id = ANY($1::uuid[])
 ORDER BY p.id
"""

_LOAD_SUSPENSE: Final = f"SELECT {SUSPENSE_COLUMNS} FROM suspense_items WHERE order_id = ANY($1::uuid[])"


async def lock(connection: Connection, probes: Sequence[Probe], order_ids: Iterable[UUID]) -> Locked:
    """Find the payments that the probes name, and lock their orders and `order_ids`, in id order."""
    related = [
        (number, probe.gateway, object_id)
        for number, probe in enumerate(probes)
        for object_id in probe.object_ids
    ]
    rows = await connection.fetch(
        _LOCK,
        list(range(len(probes))),
        [probe.gateway for probe in probes],
        [probe.payment_id for probe in probes],
        [probe.reference for probe in probes],
        [number for number, _, _ in related],
        [gateway for _, gateway, _ in related],
        [object_id for _, _, object_id in related],
        list(order_ids),
    )
    locked = Locked(now=rows[-1]["now"])
    for row in rows:
        order_id = row["id"]
        if order_id is None:
            continue
        if order_id not in locked.orders:
            locked.orders[order_id] = order_from(row)
        if row["no"] is not None:
            locked.matches.setdefault(row["no"], {})[row["payment_id"]] = order_id
    return locked


async def load(connection: Connection, orders: dict[UUID, Order]) -> dict[UUID, OrderRecord]:
    """Read the payments of the locked orders, and the facts known about each."""
    payments: dict[UUID, Payment] = {}
    facts: dict[UUID, Facts] = {}
    for row in await connection.fetch(_LOAD, list(orders)):
        payment_id = row["id"]
        if payment_id not in payments:
            payments[payment_id] = payment_from(row)
            facts[payment_id] = {}
        if row["object_id"] is not None:
            fact = fact_from(_FactView(row))
            facts[payment_id][fact.key] = fact
    records: dict[UUID, dict[UUID, PaymentRecord]] = {order_id: {} for order_id in orders}
    for payment_id, payment in payments.items():
        records[payment.order_id][payment_id] = PaymentRecord.of(payment, facts[payment_id])
    suspense = await _load_suspense(connection, orders)
    return {
        order_id: OrderRecord(order=orders[order_id], payments=found, suspense=suspense.get(order_id, {}))
        for order_id, found in records.items()
    }


async def _load_suspense(
    connection: Connection, orders: dict[UUID, Order]
) -> dict[UUID, dict[UUID, SuspenseItem]]:
    """Read the suspense items of those few orders that ever had any."""
    concerned = [order_id for order_id, order in orders.items() if order.has_suspense]
    found: dict[UUID, dict[UUID, SuspenseItem]] = {}
    if concerned:
        for row in await connection.fetch(_LOAD_SUSPENSE, concerned):
            found.setdefault(row["order_id"], {})[row["id"]] = suspense_from(row)
    return found


class _FactView(dict[str, Any]):
    """The fact's half of a joined row, under the fact's own column names."""

    def __init__(self, row: Any) -> None:  # noqa: ANN401 - an asyncpg record
        super().__init__(row)
        self["method"] = row["fact_method"]
        self["amount_minor"] = row["fact_amount_minor"]
        self["currency"] = row["fact_currency"]
