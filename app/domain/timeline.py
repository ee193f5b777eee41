"""What a change looks like to the people who follow the order: its events, numbered by the order's version."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from app.domain.events import OrderEvent
from app.domain.money import Money
from app.domain.states import DisputeStatus, OrderEventType, OrderStatus, PaymentStatus, RefundStatus

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime
    from uuid import UUID

    from app.domain.facts import Fact
    from app.domain.order import Order, Payment
    from app.domain.payment import PaymentState
    from app.domain.states import EventSource


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One thing that happened to a payment."""

    type: OrderEventType
    amount: Money
    message: str | None = None


class Timeline:
    """Numbers events from the order's version on. One event is one version."""

    def __init__(self, before: Order, source: EventSource, now: datetime) -> None:
        self._before = before
        self._source = source
        self._now = now
        self._events: list[OrderEvent] = []

    @property
    def events(self) -> tuple[OrderEvent, ...]:
        """The events so far, in order."""
        return tuple(self._events)

    def numbered(self, order: Order) -> Order:
        """Return the order at the version of its last event."""
        if not self._events:
            return order
        return replace(order, version=self._events[-1].version, updated_at=self._now)

    def add(
        self,
        order: Order,
        type_: OrderEventType,
        *,
        payment_id: UUID | None = None,
        amount: Money | None = None,
        message: str | None = None,
        reported_at: datetime | None = None,
        status: OrderStatus | None = None,
    ) -> None:
        """Add an event that shows the order as `order`, in `status` where that is given."""
        event = OrderEvent(
            order_id=order.id,
            version=self._before.version + len(self._events) + 1,
            type=type_,
            source=self._source,
            status=status or order.status,
            payment_status=order.payment_status,
            fulfillment_status=order.fulfillment_status,
            payment_id=payment_id,
            amount=amount,
            message=message,
            occurred_at=self._now,
            reported_at=reported_at,
        )
        self._events.append(event)

    def extend(
        self, order: Order, payment: Payment, entries: Iterable[tuple[Entry, datetime | None]]
    ) -> None:
        """Add what happened to a payment; the order's own status moves only with the event that says so."""
        for entry, reported_at in entries:
            self.add(
                order,
                entry.type,
                payment_id=payment.id,
                amount=entry.amount,
                message=entry.message,
                reported_at=reported_at,
                status=self._before.status,
            )

    def status_change(self, order: Order) -> None:
        """Add the event of the order's status, when money moved it."""
        if order.status is self._before.status:
            return
        reopened = self._before.status is not OrderStatus.PENDING
        self.add(order, OrderEventType.ORDER_REOPENED if reopened else OrderEventType.ORDER_CONFIRMED)


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
