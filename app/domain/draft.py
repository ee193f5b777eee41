"""An order while a change of it is decided: what was learned so far, what it shows, and what it leaves to be done."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, TypeVar

from app.domain.changes import Decision, OrderRecord, PaymentRecord, terms_of
from app.domain.copying import copy_with
from app.domain.cover import ever_covered
from app.domain.errors import DomainError, ErrorCode
from app.domain.facts import add_facts
from app.domain.jobs import REFUND_FINAL, Job
from app.domain.ledger import positions, postings
from app.domain.order import is_complete, order_money, order_payment_status, order_status
from app.domain.payment import payment_state
from app.domain.states import JobKind, OrderEventType, OrderStatus, PaymentStatus, RefundStatus
from app.domain.suspense import open_amounts
from app.domain.timeline import Note, events_of, payment_entries

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime
    from uuid import UUID

    from app.domain.facts import Fact, Facts
    from app.domain.ledger import Posting
    from app.domain.money import Money
    from app.domain.order import Order, OrderMoney, Payment
    from app.domain.payment import PaymentState
    from app.domain.states import EventSource
    from app.domain.suspense import SuspenseItem


class Draft:
    """A change in the making. `order`, `payments` and `suspense` are as the change leaves them so far."""

    def __init__(self, record: OrderRecord, source: EventSource, now: datetime) -> None:
        self.before = record
        self.order = record.order
        self.payments: Mapping[UUID, PaymentRecord] = record.payments
        self.suspense: Mapping[UUID, SuspenseItem] = record.suspense
        self.now = now
        self._source = source
        self._money: OrderMoney | None = None
        self._notes: list[Note] = []
        self._facts: list[tuple[UUID, Fact]] = []
        self._jobs: list[Job] = []

    def note(
        self,
        type_: OrderEventType,
        *,
        payment_id: UUID | None = None,
        amount: Money | None = None,
        message: str | None = None,
        reported_at: datetime | None = None,
        source: EventSource | None = None,
    ) -> None:
        """Put something on the timeline, at the status that the order has now."""
        note = Note(
            type=type_,
            status=self.order.status,
            source=source or self._source,
            payment_id=payment_id,
            amount=amount,
            message=message,
            reported_at=reported_at,
        )
        self._notes.append(note)

    def owe(self, job: Job) -> None:
        """Leave work to be done after the commit."""
        self._jobs.append(job)

    def ask(self, payment_id: UUID) -> None:
        """Have its gateway asked at once about a payment that isn't paid, and its refunds that are not at their end.

        A hint may be all that is ever told of money for a payment that we canceled.
        """
        payment, refunds = self.payments[payment_id].payment, self.payments[payment_id].state.refunds
        if payment.status is not PaymentStatus.SUCCEEDED:
            self.owe(Job(kind=JobKind.PAYMENT_POLL, subject_id=payment_id, gateway=payment.gateway))
        for refund in refunds:
            if refund.status not in REFUND_FINAL:
                self.owe(Job(kind=JobKind.REFUND, subject_id=refund.id, gateway=payment.gateway))

    def put(self, record: PaymentRecord) -> None:
        """Set one payment."""
        self.payments = {**self.payments, record.payment.id: record}
        self._money = None

    def hold(self, item: SuspenseItem) -> None:
        """Set one suspense item."""
        self.suspense = {**self.suspense, item.id: item}

    def learn(
        self,
        payment_id: UUID,
        told: Iterable[Fact],
        *,
        reference: str | None = None,
        next_action: Mapping[str, object] | None = None,
        source: EventSource | None = None,
        caller_refunds: bool = True,
    ) -> None:
        """Add facts to a payment, and show what follows. `caller_refunds`: whoever asked calls the gateway itself.

        Raises:
            DomainError: INVALID_STATE when the payment is known under another reference.
        """
        known = self.payments[payment_id]
        _same_payment(known.payment, reference)
        facts, news = _learn(known.facts, told, self.now)
        state = payment_state(terms_of(known.payment), facts.values()) if news else known.state
        payment = _summary(known.payment, state, reference, next_action, self.now)
        if payment is known.payment and not news:
            return
        self.put(PaymentRecord(payment=payment, facts=facts, state=state))
        self._facts.extend((payment_id, fact) for fact in news)
        for entry, reported_at in payment_entries(payment, known.state, state, news):
            self.note(
                entry.type,
                payment_id=payment_id,
                amount=entry.amount,
                message=entry.message,
                reported_at=reported_at,
                source=source,
            )
        if state.refunds != known.state.refunds:
            self._owe_refunds(payment, known.state, state, CALLER_SECONDS if caller_refunds else 0.0)

    def _owe_refunds(
        self, payment: Payment, before: PaymentState, after: PaymentState, delay_seconds: float
    ) -> None:
        """Leave each refund that came to be under way to be looked after."""
        known = {refund.id for refund in before.refunds if refund.status is RefundStatus.PENDING}
        for refund in after.refunds:
            if refund.id not in known and refund.status is RefundStatus.PENDING:
                self.owe(
                    Job(
                        kind=JobKind.REFUND,
                        subject_id=refund.id,
                        gateway=payment.gateway,
                        delay_seconds=delay_seconds,
                    )
                )

    def follow_money(self) -> None:
        """Let the order follow its payments, and show when that moves its status."""
        money = self._money = order_money(record.state for record in self.payments.values())
        before = self.before.order
        status = order_status(self.order, money, ever_covered=self._was_covered(money))
        self.order = changed(
            self.order,
            self.order.updated_at,
            status=status,
            paid_minor=money.paid,
            refunded_minor=money.refunded,
            payment_in_progress=money.under_way,
        )
        if status is OrderStatus.CONFIRMED and before.status is not status:
            reopened = before.status is not OrderStatus.PENDING
            self.note(OrderEventType.ORDER_REOPENED if reopened else OrderEventType.ORDER_CONFIRMED)

    def _was_covered(self, money: OrderMoney) -> bool:
        """Whether the total was reached before, which may be told later; asked only where it isn't now."""
        order = self.order
        if order.status is not OrderStatus.PENDING or money.cover >= order.total_minor:
            return False
        return ever_covered(self.payments.values(), order.total_minor)

    def decision(self) -> Decision:
        """Return what the change comes to; the very record that went in when nothing changed."""
        if is_complete(self.order):
            self.order = replace(self.order, status=OrderStatus.COMPLETED)
            self.note(OrderEventType.ORDER_COMPLETED)
        if self.suspense:
            self._follow_suspense()
        money = self._money or order_money(record.state for record in self.payments.values())
        review = any(item.resolution is None for item in self.suspense.values())
        payment_status = order_payment_status(self.order.total_minor, money, review=review)
        events = events_of(self._notes, self.order, payment_status, self.now)
        order = changed(
            self.order,
            self.now if events else self.order.updated_at,
            payment_status=payment_status,
            has_suspense=bool(self.suspense),
            version=self.order.version + len(events),
        )
        if order is self.before.order and self.payments is self.before.payments and not self._jobs:
            return Decision(record=self.before)
        record = OrderRecord(order=order, payments=self.payments, suspense=self.suspense)
        return Decision(
            record=record,
            events=events,
            facts=tuple(self._facts),
            postings=self._postings(),
            jobs=tuple(self._jobs),
        )

    def _follow_suspense(self) -> None:
        """Write on each payment how much of it is in suspense."""
        for record in self.payments.values():
            suspended = open_amounts(self.suspense, record).get(record.payment.currency, 0)
            payment = changed(record.payment, self.now, suspended_minor=suspended)
            if payment is not record.payment:
                self.put(replace(record, payment=payment))

    def _postings(self) -> tuple[tuple[UUID, Posting], ...]:
        found: list[tuple[UUID, Posting]] = []
        same_suspense = self.suspense is self.before.suspense
        for payment_id, after in self.payments.items():
            before = self.before.payments.get(payment_id)
            if before is after and same_suspense:
                continue
            earlier = positions(before.state, open_amounts(self.before.suspense, before)) if before else {}
            later = positions(after.state, open_amounts(self.suspense, after))
            found.extend((payment_id, posting) for posting in postings(earlier, later))
        return tuple(found)


CALLER_SECONDS: Final = 60.0
"""How long a caller may take to call the gateway itself, before a job does what was written first."""

_ACTIONABLE: Final = frozenset(
    {PaymentStatus.REQUIRES_PAYMENT_METHOD, PaymentStatus.REQUIRES_ACTION, PaymentStatus.FAILED}
)


def _learn(known: Facts, told: Iterable[Fact], now: datetime) -> tuple[Facts, list[Fact]]:
    """Return all facts, and those worth writing: when we learned of one is not news."""
    facts, joined = add_facts(known, told)
    news = []
    for fact in joined:
        before = known.get(fact.key)
        if before is None:
            stamped = fact if fact.recorded_at else copy_with(fact, recorded_at=now)
            facts[fact.key] = stamped
            news.append(stamped)
        elif replace(fact, recorded_at=before.recorded_at) != before:
            news.append(fact)
    return facts, news


def _same_payment(payment: Payment, reference: str | None) -> None:
    if reference and payment.reference and reference != payment.reference:
        raise DomainError(
            ErrorCode.INVALID_STATE,
            f"The payment is {payment.reference} at the gateway, not {reference}.",
        )


def _summary(
    payment: Payment,
    state: PaymentState,
    reference: str | None,
    next_action: Mapping[str, object] | None,
    now: datetime,
) -> Payment:
    """Return the payment's row as the state says, or the very same object."""
    methods = [attempt.method for attempt in state.attempts if attempt.method is not None]
    return changed(
        payment,
        now,
        method=methods[-1] if methods else payment.method,
        status=state.status,
        authorized_minor=state.authorized.minor,
        captured_minor=state.captured.minor,
        refunded_minor=state.refunded.minor,
        disputed_minor=state.disputed.minor,
        reference=payment.reference or reference,
        next_action=(next_action or payment.next_action) if state.status in _ACTIONABLE else None,
        last_error=state.last_error,
        late_authorized=state.late_authorized,
    )


_Row = TypeVar("_Row", "Order", "Payment")


def changed(row: _Row, updated_at: datetime, **values: Any) -> _Row:  # noqa: ANN401 - the row's own fields
    """Return the row with these values, or the very same object when it has them already."""
    for name, value in values.items():
        if getattr(row, name) != value:
            return copy_with(row, updated_at=updated_at, **values)
    return row
