"""What a change looks like to the people who follow the order: its events, numbered by the order's version."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from app.domain.events import OrderEvent
from app.domain.money import Money
from app.domain.states import DisputeStatus, OrderEventType, PaymentStatus, RefundStatus

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime
    from uuid import UUID

    from app.domain.facts import Fact
    from app.domain.order import Order, Payment
    from app.domain.payment import PaymentState
    from app.domain.states import EventSource, OrderPaymentStatus, OrderStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One thing that happened to a payment."""

    type: OrderEventType
    amount: Money
    message: str | None = None


class Note(NamedTuple):
    """One entry of the timeline to be: what happened, and the status that the order had then."""

    type: OrderEventType
    status: OrderStatus
    source: EventSource
    payment_id: UUID | None = None
    amount: Money | None = None
    message: str | None = None
    reported_at: datetime | None = None


def events_of(
    notes: Sequence[Note], order: Order, payment_status: OrderPaymentStatus, now: datetime
) -> tuple[OrderEvent, ...]:
    """Number what happened from the order's version on: one event is one version."""
    return tuple(
        OrderEvent(
            order_id=order.id,
            version=version,
            type=note.type,
            source=note.source,
            status=note.status,
            payment_status=payment_status,
            fulfillment_status=order.fulfillment_status,
            payment_id=note.payment_id,
            amount=note.amount,
            message=note.message,
            occurred_at=now,
            reported_at=note.reported_at,
        )
        for version, note in enumerate(notes, start=order.version + 1)
    )


_PAYMENT_EVENTS: Final = {
    PaymentStatus.REQUIRES_PAYMENT_METHOD: OrderEventType.PAYMENT_PROCESSING,
    PaymentStatus.REQUIRES_ACTION: OrderEventType.PAYMENT_ACTION_REQUIRED,
    PaymentStatus.PROCESSING: OrderEventType.PAYMENT_PROCESSING,
    PaymentStatus.REQUIRES_CAPTURE: OrderEventType.PAYMENT_AUTHORIZED,
    PaymentStatus.PARTIALLY_CAPTURED: OrderEventType.PAYMENT_SUCCEEDED,
    PaymentStatus.SUCCEEDED: OrderEventType.PAYMENT_SUCCEEDED,
    PaymentStatus.CANCELED: OrderEventType.PAYMENT_CANCELED,
    PaymentStatus.FAILED: OrderEventType.PAYMENT_FAILED,
    PaymentStatus.EXPIRED: OrderEventType.PAYMENT_EXPIRED,
    PaymentStatus.CONFLICTED: OrderEventType.PAYMENT_CONFLICTED,
}
_DISPUTE_EVENTS: Final = {
    DisputeStatus.WON: OrderEventType.DISPUTE_WON,
    DisputeStatus.LOST: OrderEventType.DISPUTE_LOST,
}
_REFUND_EVENTS: Final = {
    RefundStatus.PENDING: OrderEventType.REFUND_CREATED,  # the gateway has it after all
    RefundStatus.SUCCEEDED: OrderEventType.REFUND_SUCCEEDED,
    RefundStatus.FAILED: OrderEventType.REFUND_FAILED,
    RefundStatus.CANCELED: OrderEventType.REFUND_FAILED,
}


def payment_entries(
    payment: Payment, before: PaymentState, after: PaymentState, told: Iterable[Fact]
) -> Iterator[tuple[Entry, datetime | None]]:
    """Yield what a change of state looks like on the timeline, with the time that the gateway gives."""
    reported_at = max((fact.reported_at for fact in told if fact.reported_at), default=None)
    for entry in (*_status_entries(payment, before, after), *_refund_entries(before, after)):
        yield entry, reported_at
    for entry in _dispute_entries(before, after):
        yield entry, reported_at


def _status_entries(payment: Payment, before: PaymentState, after: PaymentState) -> Iterator[Entry]:
    newest_failed = after.status is PaymentStatus.FAILED and _failed_tries(before) != _failed_tries(after)
    waits = after.status is PaymentStatus.REQUIRES_CAPTURE  # then the order follows what is held
    moved = before.status is not after.status or before.conflict != after.conflict
    other_amount = before.captured != after.captured or (waits and before.authorized != after.authorized)
    if not (moved or other_amount or newest_failed):
        return
    taken = after.authorized if waits else _counted(after) - _counted(before)
    yield Entry(
        type=_PAYMENT_EVENTS[after.status],
        amount=taken if taken.minor > 0 else payment.amount,
        message=_message(after),
    )


def _counted(state: PaymentState) -> Money:
    """Return the captured money that counts for the order."""
    if state.status is PaymentStatus.CONFLICTED:
        return Money.zero(state.captured.currency)
    return state.captured


def _failed_tries(state: PaymentState) -> list[str]:
    return [attempt.reference for attempt in state.attempts if attempt.failed]


def _message(state: PaymentState) -> str | None:
    if state.status is PaymentStatus.CONFLICTED:
        return state.conflict
    if state.status is PaymentStatus.FAILED and state.last_error is not None:
        return state.last_error.message
    return None


def _refund_entries(before: PaymentState, after: PaymentState) -> Iterator[Entry]:
    if before.refunds == after.refunds:
        return
    known = {refund.id: refund for refund in before.refunds}
    for refund in after.refunds:
        earlier = known.get(refund.id)
        if earlier is None:
            yield Entry(type=OrderEventType.REFUND_CREATED, amount=refund.amount, message=refund.reason)
        moved = refund.status is not (earlier.status if earlier else RefundStatus.PENDING)
        corrected = earlier is not None and earlier.amount != refund.amount
        if moved or (corrected and refund.status is RefundStatus.SUCCEEDED):
            yield Entry(type=_REFUND_EVENTS[refund.status], amount=refund.amount, message=refund.reason)


def _dispute_entries(before: PaymentState, after: PaymentState) -> Iterator[Entry]:
    known = {dispute.id: dispute.status for dispute in before.disputes}
    for dispute in after.disputes:
        if dispute.id not in known:
            yield Entry(type=OrderEventType.DISPUTE_OPENED, amount=dispute.amount, message=dispute.reason)
        if dispute.status is not known.get(dispute.id) and dispute.status in _DISPUTE_EVENTS:
            yield Entry(type=_DISPUTE_EVENTS[dispute.status], amount=dispute.amount, message=dispute.reason)
