"""What may be asked of an order, and the order with its payments as the asking finds it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from app.domain.order import Order, OrderChange, Payment, PaymentDetails
from app.domain.payment import PaymentState, PaymentTerms, payment_state

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from app.domain.events import OrderEvent
    from app.domain.facts import Fact, Facts
    from app.domain.jobs import Job
    from app.domain.ledger import Posting
    from app.domain.money import Money
    from app.domain.states import EventSource, FulfillmentStatus, RefundInitiator, SuspenseResolution
    from app.domain.suspense import SuspenseItem


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentRecord:
    """A payment, the facts known about it, and the state that follows from them."""

    payment: Payment
    facts: Facts
    state: PaymentState

    @classmethod
    def of(cls, payment: Payment, facts: Facts) -> PaymentRecord:
        """Derive the state from the facts."""
        return cls(payment=payment, facts=facts, state=payment_state(terms_of(payment), facts.values()))

    @property
    def details(self) -> PaymentDetails:
        """The payment as it is read."""
        state = self.state
        return PaymentDetails(
            payment=self.payment,
            attempts=state.attempts,
            refunds=state.refunds,
            disputes=state.disputes,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRecord:
    """An order with its payments: what one change is decided on, under the order's lock."""

    order: Order
    payments: Mapping[UUID, PaymentRecord]
    suspense: Mapping[UUID, SuspenseItem] = field(default_factory=dict)
    """Its items, open and closed."""

    @property
    def states(self) -> list[PaymentState]:
        """The payments' states."""
        return [record.state for record in self.payments.values()]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a gateway was found to say about one payment, by webhook, answer or poll."""

    payment_id: UUID
    source: EventSource
    facts: tuple[Fact, ...]
    reference: str | None = None
    next_action: Mapping[str, object] | None = None
    asks: bool = False
    """Whether it says too little by itself, so that the gateway is to be asked at once."""
    concluded: bool = False
    """Whether facts about our own id of the payment are our conclusion: the gateway has nothing by `reference`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenPayment:
    """A payment to be written before the gateway is asked, so that a crash leaves something to ask about."""

    payment: Payment
    """As it is to be, but for its amount and times, which are set under the order's lock."""
    amount: Money | None
    """None for whatever is left to pay."""
    source: EventSource
    poll_after_seconds: float = 60.0
    """When its gateway is asked for the first time, should no webhook come."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestRefund:
    """A refund to be written before the gateway is asked."""

    payment_id: UUID
    refund_id: UUID
    amount: Money | None
    """None for whatever is left."""
    reason: str | None
    initiator: RefundInitiator
    source: EventSource


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolveSuspense:
    """A person's word on money that is held. `refund_id` is the refund that giving it back makes."""

    item_id: UUID
    resolution: SuspenseResolution
    message: str | None
    refund_id: UUID
    source: EventSource


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelOrder:
    """An order to be given up. `expected_version` refuses when the order has moved on meanwhile."""

    reason: str | None
    source: EventSource
    expected_version: int | None = None
    confirmed_too: bool = False
    """Whether an order that the shop has already promised may be canceled (staff)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpireOrder:
    """The order's time to pay may have run out. Nothing happens to one that is paid, under way or not due yet."""

    source: EventSource


@dataclass(frozen=True, slots=True, kw_only=True)
class FulfillOrder:
    """The goods moved."""

    status: FulfillmentStatus
    message: str | None
    source: EventSource
    expected_version: int | None = None


Change = Report | OpenPayment | RequestRefund | ResolveSuspense | CancelOrder | ExpireOrder | FulfillOrder


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What a change comes to. `record` is the very object that went in when nothing changed."""

    record: OrderRecord
    events: tuple[OrderEvent, ...] = ()
    facts: tuple[tuple[UUID, Fact], ...] = ()
    postings: tuple[tuple[UUID, Posting], ...] = ()
    jobs: tuple[Job, ...] = ()

    @property
    def owes(self) -> bool:
        """Whether some of the work is due at once."""
        return any(job.delay_seconds <= 0 for job in self.jobs)

    def as_change(self, received_at: float | None = None) -> OrderChange:
        """Return what subscribers are told; `received_at` is when the cause of it came in."""
        return OrderChange(
            order=self.record.order,
            payments=tuple(record.details for record in self.record.payments.values()),
            events=self.events,
            received_at=received_at,
        )


def terms_of(payment: Payment) -> PaymentTerms:
    """Return what was asked of the gateway."""
    return PaymentTerms(amount=payment.amount, capture_method=payment.capture_method)
