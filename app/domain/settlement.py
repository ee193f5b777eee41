"""The decision: an order as it is and a change that is asked of it → the order as it becomes, and what to write.

Pure: no I/O, the clock is an argument. `app.settle` calls it under the order's lock.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, TypeVar, assert_never

from app.domain.changes import (
    CancelOrder,
    Change,
    Decision,
    ExpireOrder,
    FulfillOrder,
    OpenPayment,
    OrderRecord,
    PaymentRecord,
    Report,
    RequestRefund,
    terms_of,
)
from app.domain.errors import DomainError, ErrorCode
from app.domain.facts import Fact, FactKind, add_facts
from app.domain.ledger import postings
from app.domain.machines import FULFILLMENT_MACHINE
from app.domain.money import Money
from app.domain.order import is_complete, order_money, order_payment_status, order_status
from app.domain.payment import payment_state
from app.domain.states import OrderEventType, OrderStatus, PaymentStatus
from app.domain.timeline import Timeline, payment_entries

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime
    from uuid import UUID

    from app.domain.facts import Facts
    from app.domain.order import Order, Payment
    from app.domain.payment import PaymentState


def decide(record: OrderRecord, change: Change, now: datetime) -> Decision:
    """Decide what a change comes to.

    Raises:
        DomainError: the change is refused, and nothing is to be written.
    """
    match change:
        case Report():
            return _report(record, change, now)
        case OpenPayment():
            return _open_payment(record, change, now)
        case RequestRefund():
            return _request_refund(record, change, now)
        case CancelOrder():
            return _cancel(record, change, now)
        case ExpireOrder():
            return _expire(record, change, now)
        case FulfillOrder():
            return _fulfill(record, change, now)
        case _:
            assert_never(change)


def _report(record: OrderRecord, report: Report, now: datetime) -> Decision:
    known = record.payments[report.payment_id]
    _same_payment(known.payment, report)
    facts, told = _learn(known.facts, report.facts, now)
    state = payment_state(terms_of(known.payment), facts.values()) if told else known.state
    payment = _summary(known.payment, state, report, now)
    if payment is known.payment and not told:
        return Decision(record=record)
    fresh = PaymentRecord(payment=payment, facts=facts, state=state)
    payments = {**record.payments, payment.id: fresh}
    order = _with_money(record.order, payments)
    timeline = Timeline(record.order, report.source, now)
    timeline.extend(order, payment, payment_entries(payment, known.state, state, told))
    timeline.status_change(order)
    order = _completed(order, timeline)
    return Decision(
        record=OrderRecord(order=timeline.numbered(order), payments=payments),
        events=timeline.events,
        facts=tuple((payment.id, fact) for fact in told),
        postings=tuple((payment.id, posting) for posting in postings(known.state, state)),
    )


def _learn(known: Facts, told: Iterable[Fact], now: datetime) -> tuple[Facts, list[Fact]]:
    """Return all facts, and those worth writing: when we learned of one is not news."""
    facts, joined = add_facts(known, told)
    news = []
    for fact in joined:
        before = known.get(fact.key)
        if before is None:
            stamped = fact if fact.recorded_at else replace(fact, recorded_at=now)
            facts[fact.key] = stamped
            news.append(stamped)
        elif replace(fact, recorded_at=before.recorded_at) != before:
            news.append(fact)
    return facts, news


def _same_payment(payment: Payment, report: Report) -> None:
    if report.reference and payment.reference and report.reference != payment.reference:
        raise DomainError(
            ErrorCode.INVALID_STATE,
            f"The payment is {payment.reference} at the gateway, not {report.reference}.",
        )


_ACTIONABLE: Final = frozenset(
    {PaymentStatus.REQUIRES_PAYMENT_METHOD, PaymentStatus.REQUIRES_ACTION, PaymentStatus.FAILED}
)


def _summary(payment: Payment, state: PaymentState, report: Report, now: datetime) -> Payment:
    """Return the payment's row as the state says, or the very same object."""
    methods = [attempt.method for attempt in state.attempts if attempt.method is not None]
    next_action = report.next_action or payment.next_action
    return _changed(
        payment,
        now,
        method=methods[-1] if methods else payment.method,
        status=state.status,
        authorized_minor=state.authorized.minor,
        captured_minor=state.captured.minor,
        refunded_minor=state.refunded.minor,
        reference=payment.reference or report.reference,
        next_action=next_action if state.status in _ACTIONABLE else None,
        last_error=state.last_error,
        late_authorized=state.late_authorized,
    )


def _with_money(order: Order, payments: Mapping[UUID, PaymentRecord]) -> Order:
    """Return the order as its payments say, or the very same object."""
    money = order_money([record.state for record in payments.values()])
    return _changed(
        order,
        order.updated_at,
        status=order_status(order, money),
        payment_status=order_payment_status(order.total_minor, money),
        paid_minor=money.paid,
        refunded_minor=money.refunded,
        payment_in_progress=money.under_way,
    )


_Row = TypeVar("_Row", "Order", "Payment")


def _changed(row: _Row, updated_at: datetime, **values: Any) -> _Row:  # noqa: ANN401 - the row's own fields
    if all(getattr(row, name) == value for name, value in values.items()):
        return row
    return replace(row, updated_at=updated_at, **values)


def _open_payment(record: OrderRecord, change: OpenPayment, now: datetime) -> Decision:
    if change.payment.id in record.payments:
        return Decision(record=record)
    amount = change.amount or amount_due(record)
    _payable(record, amount)
    payment = replace(
        change.payment,
        currency=amount.currency,
        amount_minor=amount.minor,
        created_at=now,
        updated_at=now,
    )
    payments = {**record.payments, payment.id: PaymentRecord.of(payment, {})}
    order = _with_money(record.order, payments)
    timeline = Timeline(record.order, change.source, now)
    timeline.add(order, OrderEventType.PAYMENT_CREATED, payment_id=payment.id, amount=payment.amount)
    return Decision(
        record=OrderRecord(order=timeline.numbered(order), payments=payments), events=timeline.events
    )


def amount_due(record: OrderRecord) -> Money:
    """Return what is neither paid nor authorised yet."""
    held = order_money(record.states).authorized
    return Money(max(record.order.balance.minor - held, 0), record.order.currency)


def _payable(record: OrderRecord, amount: Money) -> None:
    order = record.order
    if amount.currency != order.currency:
        raise DomainError(
            ErrorCode.CURRENCY_MISMATCH,
            f"The order is in {order.currency}, the payment in {amount.currency}.",
            ("amount", "currency"),
        )
    if not order.is_open or order.status is OrderStatus.COMPLETED:
        raise DomainError(ErrorCode.INVALID_STATE, f"The order is {order.status} and takes no payment.")
    due = amount_due(record)
    if due.minor == 0:
        raise DomainError(ErrorCode.ALREADY_PAID, "Nothing is left to pay on this order.")
    if order.payment_in_progress:
        raise DomainError(
            ErrorCode.PAYMENT_IN_PROGRESS,
            "A payment for this order is under way. Wait for its outcome, or cancel it first.",
        )
    if amount.minor <= 0:
        raise DomainError(ErrorCode.AMOUNT_TOO_SMALL, "The amount must be above zero.", ("amount",))
    if amount > due:
        raise DomainError(ErrorCode.AMOUNT_TOO_LARGE, f"Only {due} is left to pay.", ("amount",))


def _request_refund(record: OrderRecord, change: RequestRefund, now: datetime) -> Decision:
    known = record.payments[change.payment_id]
    if any(refund.id == change.refund_id for refund in known.state.refunds):
        return Decision(record=record)
    left = known.state.refundable
    amount = change.amount or left
    if amount.currency != left.currency:
        raise DomainError(
            ErrorCode.CURRENCY_MISMATCH,
            f"The payment is in {left.currency}, the refund in {amount.currency}.",
            ("amount", "currency"),
        )
    if known.state.captured.minor == 0:
        raise DomainError(ErrorCode.INVALID_STATE, "Nothing of this payment was captured.")
    if left.minor <= 0:
        raise DomainError(ErrorCode.INVALID_STATE, "All of this payment was refunded or disputed already.")
    if amount.minor <= 0:
        raise DomainError(ErrorCode.AMOUNT_TOO_SMALL, "The amount must be above zero.", ("amount",))
    if amount > left:
        raise DomainError(ErrorCode.AMOUNT_TOO_LARGE, f"Only {left} can still be refunded.", ("amount",))
    asked = Fact(
        gateway=known.payment.gateway,
        object_id=str(change.refund_id),
        kind=FactKind.REFUND_REQUESTED,
        amount=amount,
        own_id=change.refund_id,
        initiator=change.initiator,
        detail=change.reason,
    )
    return _report(record, Report(payment_id=change.payment_id, source=change.source, facts=(asked,)), now)


def _cancel(record: OrderRecord, change: CancelOrder, now: datetime) -> Decision:
    order = record.order
    if order.status is OrderStatus.CANCELED:
        return Decision(record=record)
    _expect_version(order, change.expected_version)
    allowed = {OrderStatus.PENDING, OrderStatus.CONFIRMED} if change.confirmed_too else {OrderStatus.PENDING}
    if order.status not in allowed:
        raise DomainError(ErrorCode.INVALID_STATE, f"The order is {order.status} and can't be canceled.")
    if order.payment_in_progress:
        raise DomainError(
            ErrorCode.PAYMENT_IN_PROGRESS,
            "A payment for this order is under way. Wait for its outcome, or cancel it first.",
        )
    canceled = replace(order, status=OrderStatus.CANCELED)
    timeline = Timeline(order, change.source, now)
    timeline.add(canceled, OrderEventType.ORDER_CANCELED, message=change.reason)
    return Decision(record=replace(record, order=timeline.numbered(canceled)), events=timeline.events)


def _expire(record: OrderRecord, change: ExpireOrder, now: datetime) -> Decision:
    order = record.order
    due = order.expires_at is not None and order.expires_at <= now
    if order.status is not OrderStatus.PENDING or order.payment_in_progress or not due:
        return Decision(record=record)
    expired = replace(order, status=OrderStatus.EXPIRED)
    timeline = Timeline(order, change.source, now)
    timeline.add(expired, OrderEventType.ORDER_EXPIRED)
    return Decision(record=replace(record, order=timeline.numbered(expired)), events=timeline.events)


def _expect_version(order: Order, expected: int | None) -> None:
    if expected is not None and expected != order.version:
        raise DomainError(
            ErrorCode.VERSION_CONFLICT,
            f"The order is at version {order.version}, not {expected}. Read it again.",
            ("expectedVersion",),
        )


def _fulfill(record: OrderRecord, change: FulfillOrder, now: datetime) -> Decision:
    order = record.order
    if order.fulfillment_status is change.status:
        return Decision(record=record)
    _expect_version(order, change.expected_version)
    if order.status not in (OrderStatus.CONFIRMED, OrderStatus.COMPLETED):
        raise DomainError(
            ErrorCode.INVALID_STATE, f"The order is {order.status}: there is nothing to deliver."
        )
    if not FULFILLMENT_MACHINE.allows(order.fulfillment_status, change.status):
        raise DomainError(
            ErrorCode.INVALID_STATE,
            f"Goods that are {order.fulfillment_status} can't become {change.status}.",
            ("status",),
        )
    moved = replace(order, fulfillment_status=change.status)
    timeline = Timeline(order, change.source, now)
    timeline.add(moved, OrderEventType.FULFILLMENT_CHANGED, message=change.message)
    moved = _completed(moved, timeline)
    return Decision(record=replace(record, order=timeline.numbered(moved)), events=timeline.events)


def _completed(order: Order, timeline: Timeline) -> Order:
    """Complete the order when that was the last thing missing, be it the goods or the money."""
    if not is_complete(order):
        return order
    completed = replace(order, status=OrderStatus.COMPLETED)
    timeline.add(completed, OrderEventType.ORDER_COMPLETED)
    return completed
