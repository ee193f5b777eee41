"""Payments and orders derived once more by the domain's own rules from the facts, and held against the rows."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from app.domain.order import order_money, order_payment_status
from app.integrity.violations import Violation
from db import reads
from db.settlement import load

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from uuid import UUID

    from app.domain.changes import OrderRecord, PaymentRecord
    from db.pool import Reader

BREATH_ORDERS: Final = 50
"""After so many orders, whatever else the process has to do gets its turn."""
RECOMPUTED: Final = (
    "order_payment_status",
    "payment_state",
    "payment_attempts",
    "payment_refunds",
    "payment_disputes",
)


@dataclass(slots=True)
class Recomputed:
    """What deriving everything again came to: how many things were held against their rows, and what differs."""

    rows_checked: dict[str, int] = field(default_factory=lambda: dict.fromkeys(RECOMPUTED, 0))
    violations: list[Violation] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stored:
    """The rows that follow from facts, by payment and what names them there."""

    payment_attempts: Mapping[UUID, Mapping[object, object]]
    payment_refunds: Mapping[UUID, Mapping[object, object]]
    payment_disputes: Mapping[UUID, Mapping[object, object]]


async def recompute(reader: Reader, order_ids: Sequence[UUID]) -> Recomputed:
    """Derive the orders' money again from the facts (6 statements at most)."""
    orders = await reads.orders(reader, order_ids)
    records = await load(reader, orders)  # type: ignore[arg-type]  # it only fetches
    payment_ids = [payment_id for record in records.values() for payment_id in record.payments]
    stored = _Stored(
        payment_attempts={
            key: {attempt.reference: attempt for attempt in found}
            for key, found in (await reads.attempts_of(reader, payment_ids)).items()
        },
        payment_refunds={
            key: {refund.id: refund for refund in found}
            for key, found in (await reads.refunds_of(reader, payment_ids)).items()
        },
        payment_disputes={
            key: {dispute.id: dispute for dispute in found}
            for key, found in (await reads.disputes_of(reader, payment_ids)).items()
        },
    )
    result = Recomputed()
    for number, record in enumerate(records.values()):
        if number % BREATH_ORDERS == 0:
            await asyncio.sleep(0)
        _order(record, result)
        for payment in record.payments.values():
            _payment(payment, stored, result)
    return result


def _order(record: OrderRecord, result: Recomputed) -> None:
    order = record.order
    money = order_money(record.states)
    review = any(item.is_open for item in record.suspense.values())
    told = (order_payment_status(order.total_minor, money, review=review), money.under_way)
    held = (order.payment_status, order.payment_in_progress)
    result.rows_checked["order_payment_status"] += 1
    if held != told:
        numbers = {"held": _progress(*held), "told": _progress(*told)}
        result.violations.append(Violation.of("order_payment_status", order.id, "ord", order.id, numbers))


def _progress(status: str, in_progress: bool) -> str:
    return f"{status}, a payment in progress" if in_progress else status


def _payment(record: PaymentRecord, stored: _Stored, result: Recomputed) -> None:
    payment, state = record.payment, record.state
    result.rows_checked["payment_state"] += 1
    held = (payment.status, payment.last_error, payment.late_authorized)
    told = (state.status, state.last_error, state.late_authorized)
    if held != told:
        numbers = {"held": ", ".join(map(_word, held)), "told": ", ".join(map(_word, told))}
        result.violations.append(Violation.of("payment_state", payment.order_id, "pay", payment.id, numbers))
    derived: dict[str, tuple[Mapping[UUID, Mapping[object, object]], dict[object, object]]] = {
        "payment_attempts": (stored.payment_attempts, {each.reference: each for each in state.attempts}),
        "payment_refunds": (stored.payment_refunds, {each.id: each for each in state.refunds}),
        "payment_disputes": (stored.payment_disputes, {each.id: each for each in state.disputes}),
    }
    for check, (rows, expected) in derived.items():
        there = rows.get(payment.id, {})
        result.rows_checked[check] += len(there.keys() | expected.keys())
        if there != expected:
            numbers = {"differences": "; ".join(_differences(there, expected))}
            result.violations.append(Violation.of(check, payment.order_id, "pay", payment.id, numbers))


def _word(value: object) -> str:
    match value:
        case None:
            return "no error"
        case True:
            return "late"
        case False:
            return "in time"
        case _:
            return str(value)


def _differences(there: Mapping[object, object], expected: Mapping[object, object]) -> Iterator[str]:
    for key in sorted(there.keys() | expected.keys(), key=str):
        if key not in expected:
            yield f"{key} is in no fact"
        elif key not in there:
            yield f"{key} is missing"
        elif there[key] != expected[key]:
            yield f"{key} is {there[key]}, told {expected[key]}"
