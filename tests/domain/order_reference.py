"""The order's rules a second time, read from the design alone and written without a look at `app.domain.settlement`.

Slow and plain on purpose: whole sums over whole sets of facts in minor units, one question after the other. What a
single payment is comes from `tests.domain.reference`, which is written apart as well.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from app.domain.facts import FactKind as Kind
from app.domain.money import Money
from app.domain.states import (
    DisputeStatus,
    FulfillmentStatus,
    LatePaymentPolicy,
    OrderPaymentStatus,
    OrderStatus,
    PaymentStatus,
    RefundInitiator,
    RefundStatus,
    SuspenseReason,
    SuspenseResolution,
)
from tests.domain.reference import expected

if TYPE_CHECKING:
    from uuid import UUID

    from app.domain.facts import Fact
    from app.domain.payment import PaymentTerms
    from tests.domain.reference import Expected

CLOSED: Final = (OrderStatus.CANCELED, OrderStatus.EXPIRED)
_HOLDING: Final = (PaymentStatus.REQUIRES_CAPTURE, PaymentStatus.PARTIALLY_CAPTURED)
_COMES: Final = (Kind.AUTHORIZED, Kind.CAPTURED)
_MOVING: Final = (PaymentStatus.PROCESSING, PaymentStatus.REQUIRES_ACTION)
_OPEN_DISPUTES: Final = (DisputeStatus.NEEDS_RESPONSE, DisputeStatus.UNDER_REVIEW)
_AUTOMATIC: Final = (RefundInitiator.LATE_PAYMENT, RefundInitiator.SURPLUS, RefundInitiator.STAFF)
_GOODS: Final = {
    FulfillmentStatus.UNFULFILLED: (FulfillmentStatus.PREPARING, FulfillmentStatus.SHIPPED),
    FulfillmentStatus.PREPARING: (FulfillmentStatus.UNFULFILLED, FulfillmentStatus.SHIPPED),
    FulfillmentStatus.SHIPPED: (FulfillmentStatus.DELIVERED, FulfillmentStatus.RETURNED),
    FulfillmentStatus.DELIVERED: (FulfillmentStatus.RETURNED,),
    FulfillmentStatus.RETURNED: (),
}


OWN: Final = "INR"
FOREIGN: Final = "USD"
"""The one other currency that histories tell of."""


def _sum(refunds: list[tuple[RefundStatus, Money]], status: RefundStatus, currency: str) -> int:
    return sum(money.minor for each, money in refunds if each is status and money.currency == currency)


@dataclass(slots=True)
class ReferencePayment:
    """One payment: what was asked, what is known, and what of its money is held in suspense."""

    id: UUID
    terms: PaymentTerms
    facts: dict[tuple[str, Kind], Fact] = field(default_factory=dict)
    held: dict[SuspenseReason, int] = field(default_factory=dict)
    """Open suspense items, in minor units, by their reason."""
    written_off: int = 0
    let_go: int = 0
    """How much of what is in question the shop said that it keeps."""
    told: dict[tuple[str, Kind], int] = field(default_factory=dict)
    """The step in which each fact became known."""
    first_captured: int | None = None
    """The step in which the first capture became known."""
    by_rule: set[UUID] = field(default_factory=set)
    """Refunds that a rule asked for and nobody else."""
    state: Expected = field(init=False)
    conflicted: bool = field(init=False)
    """Whether its money is nobody's yet."""
    captured: int = field(init=False)
    refunded: int = field(init=False)
    disputed: int = field(init=False)
    """What somebody took back, or may."""
    rest: int = field(init=False)
    """What is still there to keep or to give back."""
    foreign: int = field(init=False)
    """What was captured in another currency than asked."""
    foreign_refunded: int = field(init=False)
    foreign_rest: int = field(init=False)

    def __post_init__(self) -> None:
        self.read()

    def read(self) -> None:
        """Read the facts anew, and reckon what follows."""
        self.state = state = expected(self.terms, self.facts.values())
        own = self.terms.amount.currency
        self.conflicted = state.status is PaymentStatus.CONFLICTED
        self.captured = state.captured
        self.refunded = _sum(state.refunds, RefundStatus.SUCCEEDED, own)
        self.disputed = state.disputed
        self.rest = (
            self.captured - self.refunded - _sum(state.refunds, RefundStatus.PENDING, own) - self.disputed
        )
        foreign = [fact.amount for fact in self.facts.values() if fact.kind is Kind.CAPTURED and fact.amount]
        self.foreign = sum(money.minor for money in foreign if money.currency == FOREIGN)
        self.foreign_refunded = _sum(state.refunds, RefundStatus.SUCCEEDED, FOREIGN)
        self.foreign_rest = (
            self.foreign - self.foreign_refunded - _sum(state.refunds, RefundStatus.PENDING, FOREIGN)
        )

    def learn(self, told: Fact, step: int) -> bool:
        """Note a fact, and say whether it was news. Of two tellings the larger amount counts."""
        key = (told.object_id, told.kind)
        known = self.facts.get(key)
        if known is not None and (told.amount is None or known.amount is None or known.amount >= told.amount):
            return False
        self.facts[key] = told if known is None else replace(known, amount=told.amount)
        self.told.setdefault(key, step)
        if told.kind is Kind.CAPTURED and self.first_captured is None:
            self.first_captured = step
        return True

    def there_at(self, step: int) -> int:
        """What was promised or paid in a step, less what had gone back before it; nothing goes before it came."""
        came = min((at for (_, kind), at in self.told.items() if kind in _COMES), default=step)
        known = [
            fact
            for key, fact in self.facts.items()
            if (self.told[key] if key[1] in _COMES else max(self.told[key], came) + 1) <= step
        ]
        then = expected(self.terms, known)
        if then.status is PaymentStatus.CONFLICTED:
            return 0
        there = then.authorized if then.status in _HOLDING else then.captured
        return there - _sum(then.refunds, RefundStatus.SUCCEEDED, self.terms.amount.currency)

    @property
    def parked(self) -> int:
        """What of the money that counts has a place outside its order."""
        return min(sum(self.held.values()) + self.written_off, max(self.rest, 0))

    @property
    def in_question(self) -> tuple[SuspenseReason, int] | None:
        """What of a conflicted payment's money has to be looked at; promised money too, until it is given up."""
        if not self.conflicted:
            return None
        if self.foreign:
            return (SuspenseReason.CURRENCY_MISMATCH, self.foreign_rest) if self.foreign_rest > 0 else None
        if self.captured:
            return (SuspenseReason.AMOUNT_MISMATCH, self.rest) if self.rest > 0 else None
        kinds = {kind for _, kind in self.facts}
        promised = sum(
            fact.amount.minor
            for (_, kind), fact in self.facts.items()
            if kind is Kind.AUTHORIZED and fact.amount
        )
        released = sum(
            fact.amount.minor
            for (_, kind), fact in self.facts.items()
            if kind is Kind.RELEASED and fact.amount
        )
        if Kind.CANCELED in kinds or (released and promised <= released):
            return None
        return SuspenseReason.AMOUNT_MISMATCH, max(promised - released, 0) or self.terms.amount.minor

    def refund_failed(self) -> bool:
        """Whether a refund that a rule asked for came to nothing."""
        ended = (Kind.REFUND_FAILED, Kind.REFUND_CANCELED)
        for own_id in self.by_rule:
            mine = [fact for fact in self.facts.values() if fact.own_id == own_id]
            objects = {fact.object_id for fact in mine} - {str(own_id)}
            theirs = [fact for fact in self.facts.values() if fact.object_id in objects]
            if any(fact.kind in ended for fact in (theirs or mine)):
                return True
        return False


@dataclass(slots=True)
class Wanted:
    """A refund that the rules ask for in this very decision."""

    payment_id: UUID
    minor: int
    initiator: RefundInitiator


@dataclass(slots=True)
class ReferenceOrder:
    """An order with its payments, moved by one change after the other."""

    total: int
    policy: LatePaymentPolicy
    expires_at: int | None = None
    status: OrderStatus = OrderStatus.PENDING
    goods: FulfillmentStatus = FulfillmentStatus.UNFULFILLED
    payments: dict[UUID, ReferencePayment] = field(default_factory=dict)
    was_promised: bool = False
    """Whether the shop ever confirmed it."""
    given_up_with_money: bool = False
    """Whether a person canceled it while it held money."""
    wanted: list[Wanted] = field(default_factory=list)
    """The refunds that the last change owes by a rule."""

    counted: list[ReferencePayment] = field(default_factory=list)
    """The payments whose money is what was asked."""
    paid: int = 0
    refunded: int = 0
    authorized: int = 0
    """What is promised by banks and not captured."""
    under_way: bool = False
    """Whether money may be on its way."""

    # What it is.

    def reckon(self) -> None:
        """Add up the payments."""
        payments = self.payments.values()
        self.counted = [payment for payment in payments if not payment.conflicted]
        self.paid = sum(payment.captured for payment in self.counted)
        self.refunded = sum(payment.refunded for payment in self.counted)
        holding = [payment.state for payment in self.counted if payment.state.status in _HOLDING]
        self.authorized = sum(state.authorized - state.captured for state in holding)
        self.under_way = any(payment.state.status in _MOVING for payment in payments)

    @property
    def keeps(self) -> int:
        """What it may keep."""
        return 0 if self.status in CLOSED else self.total

    @property
    def balance(self) -> int:
        """What is left to pay."""
        return 0 if self.status in CLOSED else max(self.total - self.paid + self.refunded, 0)

    @property
    def surplus(self) -> int:
        """What was paid beyond what it keeps, and not given back."""
        return max(self.paid - self.refunded - self.keeps, 0)

    @property
    def excess(self) -> int:
        """Money that no order may keep and that has no other place."""
        placed = sum(payment.parked for payment in self.counted)
        # Below zero is what was taken back before we learned of its capture: it says nothing of the others' money.
        return sum(max(payment.rest, 0) for payment in self.counted) - self.keeps - placed

    @property
    def payment_status(self) -> OrderPaymentStatus:  # noqa: PLR0911 - a table
        """What the money says: the first line that holds."""
        paid, refunded, total = self.paid, self.refunded, self.total
        if any(payment.held for payment in self.payments.values()):
            return OrderPaymentStatus.REVIEW
        disputes = (
            dispute for payment in self.payments.values() for dispute in payment.state.disputes.values()
        )
        if any(status in _OPEN_DISPUTES for status, _ in disputes):
            return OrderPaymentStatus.DISPUTED
        if refunded:
            whole = refunded >= paid > 0
            return OrderPaymentStatus.REFUNDED if whole else OrderPaymentStatus.PARTIALLY_REFUNDED
        if paid:
            if paid == total:
                return OrderPaymentStatus.PAID
            return OrderPaymentStatus.OVERPAID if paid > total else OrderPaymentStatus.PARTIALLY_PAID
        if self.authorized >= total:
            return OrderPaymentStatus.AUTHORIZED
        return OrderPaymentStatus.PENDING if self.under_way else OrderPaymentStatus.UNPAID

    # What may be asked of it. Each returns whether it was granted.

    def report(self, payment_id: UUID, told: tuple[Fact, ...], step: int) -> bool:
        """Learn what a gateway says."""
        payment = self.payments[payment_id]
        before = self.paid
        news = [payment.learn(fact, step) for fact in told]
        if any(news):
            payment.read()
            self.reckon()
            self._follow(came_in=self.paid > before)
        else:
            self.wanted = []
        return True

    def open_payment(self, payment: ReferencePayment, minor: int | None) -> bool:
        """Begin to pay what is left, or a part of it."""
        self.wanted = []
        left = self.balance - self.authorized
        if self.status in CLOSED or self.status is OrderStatus.COMPLETED or self.under_way or left <= 0:
            return False
        if minor is not None and not 0 < minor <= left:
            return False
        asked = left if minor is None else minor
        payment.terms = replace(payment.terms, amount=replace(payment.terms.amount, minor=asked))
        payment.read()
        self.payments[payment.id] = payment
        self.reckon()
        return True

    def request_refund(self, payment_id: UUID, minor: int | None, asked: Fact, step: int) -> bool:
        """Give back what is there, or a part of it."""
        payment = self.payments[payment_id]
        self.wanted = []
        there = payment.foreign_rest if payment.foreign else payment.rest
        if there <= 0 or (minor is not None and (payment.foreign or not 0 < minor <= there)):
            return False
        amount = Money(there if minor is None else minor, FOREIGN if payment.foreign else OWN)
        return self.report(payment_id, (replace(asked, amount=amount),), step)

    def cancel(self, *, by_staff: bool) -> bool:
        """Give it up because a person says so."""
        self.wanted = []
        if self.status is OrderStatus.CANCELED:
            return True
        allowed = (OrderStatus.PENDING, OrderStatus.CONFIRMED) if by_staff else (OrderStatus.PENDING,)
        if self.status not in allowed or self.under_way:
            return False
        self.given_up_with_money = self.paid > 0
        self.status = OrderStatus.CANCELED
        self._place(owed=True)
        return True

    def expire(self, now: int) -> bool:
        """Give it up because its time is over, unless it is paid or money is on its way."""
        self.wanted = []
        due = self.expires_at is not None and self.expires_at <= now
        if self.status is OrderStatus.PENDING and due and not self.under_way:
            self.status = OrderStatus.EXPIRED
            self._place()
        return True

    def fulfill(self, goods: FulfillmentStatus) -> bool:
        """Move the goods."""
        self.wanted = []
        if goods is self.goods:
            return True
        if (
            self.status not in (OrderStatus.CONFIRMED, OrderStatus.COMPLETED)
            or goods not in _GOODS[self.goods]
        ):
            return False
        self.goods = goods
        self._complete()
        return True

    def resolve(
        self, payment_id: UUID, reason: SuspenseReason, word: SuspenseResolution, asked: Fact, step: int
    ) -> bool:
        """A person's word on money that is held."""
        self.wanted = []
        payment = self.payments[payment_id]
        minor = payment.held[reason]
        match word:
            case SuspenseResolution.REFUND:
                if not (payment.captured or payment.foreign):
                    return True  # nothing to give back yet, but something to let go at the gateway
                del payment.held[reason]
                amount = Money(minor, FOREIGN if payment.foreign else OWN)
                return self.report(payment_id, (replace(asked, amount=amount),), step)
            case SuspenseResolution.WRITE_OFF:
                del payment.held[reason]
                if payment.conflicted:
                    payment.let_go = minor
                else:
                    payment.written_off += minor
            case SuspenseResolution.APPLY_TO_ORDER:
                return self._apply(payment)
        return True

    def _apply(self, payment: ReferencePayment) -> bool:
        if payment.conflicted:
            if payment.foreign or not payment.captured or self.status in CLOSED:
                return False
            asked = payment.terms
            payment.terms = replace(asked, amount=Money(payment.captured, OWN))
            payment.read()
            still = payment.state.status is PaymentStatus.CONFLICTED  # something else differs as well
            if still:
                payment.terms = asked
                payment.read()
            self.reckon()
            if not still:
                self._follow()
            return not still
        if self.status not in CLOSED or self.paid - self.refunded < self.total:
            return False
        self._promise()
        self._place()
        return True

    # What follows.

    def _follow(self, *, came_in: bool = False) -> None:
        kept = self.paid - self.refunded
        covered = kept + self.authorized >= self.total
        if self.status is OrderStatus.PENDING and (covered or self._once_covered()):
            self._promise()
        self._place(came_in=came_in)
        self._complete()

    def _once_covered(self) -> bool:
        steps = {step for payment in self.counted for step in payment.told.values()}
        return any(sum(payment.there_at(step) for payment in self.counted) >= self.total for step in steps)

    def _promise(self) -> None:
        self.status = OrderStatus.CONFIRMED
        self.was_promised = True

    def _complete(self) -> None:
        delivered = self.goods is FulfillmentStatus.DELIVERED
        if self.status is OrderStatus.CONFIRMED and delivered and self.paid >= self.total:
            self.status = OrderStatus.COMPLETED

    def _place(self, *, owed: bool = False, came_in: bool = False) -> None:
        """Give every amount that the order may not keep its place. `owed`: the shop itself closed the order over it.

        Only money that comes in reopens an order, not a refund that fails.
        """
        self.wanted = []
        honors = self.status in CLOSED and self.policy is LatePaymentPolicy.HONOR
        first = not self.was_promised and not self.given_up_with_money
        if honors and first and came_in and self.paid - self.refunded >= self.total:
            self._promise()
        for payment in self.payments.values():
            self._hold_mismatch(payment)
        self._take_back()
        left = self.excess
        for payment in sorted(self.counted, key=lambda one: one.first_captured or 0, reverse=True):
            minor = min(left, payment.rest - payment.parked)
            if minor > 0:
                left -= minor
                self._place_from(payment, minor, owed=owed)

    def _take_back(self) -> None:
        """Let go of what is no longer there, and let the order keep what it has come to have room for."""
        for payment in self.counted:
            # What went back is taken from what the shop said that it keeps, before it is taken from what is held.
            _shrink(payment, sum(payment.held.values()) - max(payment.rest, 0))
        for payment in sorted(self.counted, key=lambda one: one.first_captured or 0):
            _shrink(payment, -self.excess)

    def _hold_mismatch(self, payment: ReferencePayment) -> None:
        for reason in (SuspenseReason.AMOUNT_MISMATCH, SuspenseReason.CURRENCY_MISMATCH):
            payment.held.pop(reason, None)
        if payment.conflicted:
            payment.held.clear()  # all of it is in question now, and in one item
        if payment.in_question is not None:
            reason, minor = payment.in_question
            if minor != payment.let_go:  # what changes is looked at anew
                payment.held[reason] = minor
                payment.let_go = 0

    def _place_from(self, payment: ReferencePayment, minor: int, *, owed: bool) -> None:
        closed = self.status in CLOSED
        holds = self.policy is LatePaymentPolicy.HOLD or (closed and self.policy is LatePaymentPolicy.HONOR)
        if payment.refund_failed() or (holds and not owed):
            reason = SuspenseReason.LATE_PAYMENT if closed else SuspenseReason.SURPLUS
            payment.held[reason] = payment.held.get(reason, 0) + minor
            return
        initiator = RefundInitiator.LATE_PAYMENT if closed else RefundInitiator.SURPLUS
        self.wanted.append(Wanted(payment.id, minor, RefundInitiator.STAFF if owed else initiator))

    def adopt(self, payment_id: UUID, asked: Fact, step: int) -> None:
        """Give a refund that the rules asked for its id, and count it as pending from here."""
        assert asked.own_id is not None
        payment = self.payments[payment_id]
        payment.by_rule.add(asked.own_id)
        payment.learn(asked, step)
        payment.read()
        self.reckon()


def _shrink(payment: ReferencePayment, minor: int) -> None:
    """Take an amount out of what is held of a payment."""
    for reason in sorted(payment.held):
        taken = min(max(minor, 0), payment.held[reason])
        minor -= taken
        payment.held[reason] -= taken
        if payment.held[reason] == 0:
            del payment.held[reason]
