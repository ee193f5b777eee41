"""Histories of one order as data, drawn at random, and played to the rules and to the reference side by side.

A history is JSON: how the order begins, and a list of steps. Payments and refunds are named by number, modulo how many
there are, so that any part of a history is a history too: that is what lets a failing one be made shorter.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from app.domain.changes import (
    CancelOrder,
    ExpireOrder,
    FulfillOrder,
    OpenPayment,
    PaymentRecord,
    Report,
    RequestRefund,
    ResolveSuspense,
)
from app.domain.errors import DomainError
from app.domain.facts import Fact
from app.domain.facts import FactKind as Kind
from app.domain.machines import FULFILLMENT_MACHINE, ORDER_MACHINE, PAYMENT_MACHINE
from app.domain.money import Money
from app.domain.payment import PaymentTerms
from app.domain.settlement import decide
from app.domain.states import (
    CaptureMethod,
    EventSource,
    FulfillmentStatus,
    GatewayName,
    LatePaymentPolicy,
    LedgerAccount,
    PaymentStatus,
    RefundInitiator,
    SuspenseResolution,
)
from tests.domain.order_reference import FOREIGN, ReferenceOrder, ReferencePayment
from tests.domain.told import NOON, a_payment, a_record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime

    from app.domain.changes import Change, Decision, OrderRecord

History = dict[str, Any]
Step = list[Any]

TOTAL: Final = 500
GATEWAYS: Final = (GatewayName.SANDBOX, GatewayName.STRIPE)
_PAID: Final = (PaymentStatus.SUCCEEDED, PaymentStatus.PARTIALLY_CAPTURED)
_REFUND_KINDS: Final = {
    "PENDING": Kind.REFUND_PENDING,
    "SUCCEEDED": Kind.REFUND_SUCCEEDED,
    "FAILED": Kind.REFUND_FAILED,
    "CANCELED": Kind.REFUND_CANCELED,
}


class DisagreementError(AssertionError):
    """The rules and the reference came to different ends, or a step broke what must always hold."""


class Play:
    """One order as the rules have it and as the reference has it."""

    def __init__(self, history: History) -> None:
        self._step = 0
        self._books: Counter[tuple[UUID, LedgerAccount, str]] = Counter()
        self._refunds: list[tuple[UUID, Fact]] = []
        self._owed: set[UUID] = set()
        policy = LatePaymentPolicy(history["policy"])
        expires_at = history["expires_at"]
        self.reference = ReferenceOrder(total=TOTAL, policy=policy, expires_at=expires_at)
        payments = [
            a_payment(
                id=UUID(int=100 + number),
                gateway=GATEWAYS[number % len(GATEWAYS)],
                amount_minor=minor,
                capture_method=CaptureMethod(method),
            )
            for number, (minor, method) in enumerate(history["payments"])
        ]
        self.record = a_record(
            *payments,
            late_payment_policy=policy,
            expires_at=None if expires_at is None else self._time(expires_at),
        )
        for payment in payments:
            terms = PaymentTerms(amount=payment.amount, capture_method=payment.capture_method)
            self.reference.payments[payment.id] = ReferencePayment(payment.id, terms)
        self.reference.reckon()

    @staticmethod
    def _time(step: int) -> Any:  # noqa: ANN401 - a datetime
        return NOON + timedelta(minutes=step)

    # Steps.

    def take(self, step: Step) -> None:
        """Take one step on both sides and compare.

        Raises:
            DisagreementError: they differ, or an invariant is broken.
        """
        self._step += 1
        name, *given = step
        act: Callable[..., None] = getattr(self, f"_{name}")
        act(*given)

    def _payment(self, number: int) -> PaymentRecord | None:
        records = list(self.record.payments.values())
        return records[number % len(records)] if records else None

    def _report(self, number: int, told: Sequence[Sequence[Any]]) -> None:
        found = self._payment(number)
        if found is None:
            return
        facts = tuple(_fact(found, self._time(self._step), *fact) for fact in told)
        self._tell(found.payment.id, tuple(self._plausible(found, facts)))

    def _plausible(self, found: PaymentRecord, facts: Sequence[Fact]) -> Iterator[Fact]:
        """Leave out that one payment was captured in two currencies: no gateway can do that."""
        currencies = {f.amount.currency for f in found.facts.values() if f.kind is Kind.CAPTURED and f.amount}
        for fact in facts:
            if fact.kind is Kind.CAPTURED and fact.amount:
                if currencies - {fact.amount.currency}:
                    continue
                currencies.add(fact.amount.currency)
            yield fact

    def _refund_news(self, number: int, status: str) -> None:
        """What the gateway says of a refund that we asked for."""
        if not self._refunds:
            return
        payment_id, asked = self._refunds[number % len(self._refunds)]
        assert asked.own_id is not None
        news = Fact(
            gateway=asked.gateway,
            object_id=f"re_{asked.own_id}",
            kind=_REFUND_KINDS[status],
            amount=asked.amount,
            own_id=asked.own_id,
        )
        self._tell(payment_id, (news,))

    def _tell(self, payment_id: UUID, facts: tuple[Fact, ...]) -> None:
        change = Report(payment_id=payment_id, source=EventSource.WEBHOOK, facts=facts)
        self._compare(change, granted=self.reference.report(payment_id, facts, self._step))

    def _open(self, minor: int | None, method: str) -> None:
        number = len(self.record.payments)
        payment = a_payment(
            id=UUID(int=100 + number),
            gateway=GATEWAYS[number % len(GATEWAYS)],
            capture_method=CaptureMethod(method),
            amount_minor=0,
        )
        change = OpenPayment(
            payment=payment, amount=None if minor is None else Money(minor, "INR"), source=EventSource.API
        )
        terms = PaymentTerms(amount=payment.amount, capture_method=payment.capture_method)
        self._compare(change, granted=self.reference.open_payment(ReferencePayment(payment.id, terms), minor))

    def _refund(self, number: int, minor: int | None) -> None:
        found = self._payment(number)
        if found is None:
            return
        refund_id = UUID(int=1000 + self._step)
        change = RequestRefund(
            payment_id=found.payment.id,
            refund_id=refund_id,
            amount=None if minor is None else Money(minor, "INR"),
            reason=None,
            initiator=RefundInitiator.API,
            source=EventSource.API,
        )
        asked = Fact(
            gateway=found.payment.gateway,
            object_id=str(refund_id),
            kind=Kind.REFUND_REQUESTED,
            amount=Money(0, "INR"),
            own_id=refund_id,
        )
        granted = self.reference.request_refund(found.payment.id, minor, asked, self._step)
        self._compare(change, granted=granted)

    def _resolve(self, number: int, word: str) -> None:
        """What staff says about money that is held."""
        items = sorted(
            (item for item in self.record.suspense.values() if item.is_open),
            key=lambda item: (str(item.payment_id), item.reason),
        )
        if not items:
            return
        item = items[number % len(items)]
        assert item.payment_id is not None
        refund_id = UUID(int=1000 + self._step)
        change = ResolveSuspense(
            item_id=item.id,
            resolution=SuspenseResolution(word),
            message=None,
            refund_id=refund_id,
            source=EventSource.STAFF,
        )
        asked = Fact(
            gateway=item.gateway, object_id=str(refund_id), kind=Kind.REFUND_REQUESTED, own_id=refund_id
        )
        granted = self.reference.resolve(item.payment_id, item.reason, change.resolution, asked, self._step)
        self._compare(change, granted=granted)

    def _cancel(self, by_staff: bool) -> None:
        change = CancelOrder(reason=None, source=EventSource.STAFF, confirmed_too=by_staff)
        self._compare(change, granted=self.reference.cancel(by_staff=by_staff))

    def _expire(self) -> None:
        self._compare(ExpireOrder(source=EventSource.SYSTEM), granted=self.reference.expire(self._step))

    def _fulfill(self, status: str) -> None:
        goods = FulfillmentStatus(status)
        change = FulfillOrder(status=goods, message=None, source=EventSource.STAFF)
        self._compare(change, granted=self.reference.fulfill(goods))

    # Comparing.

    def _compare(self, change: Change, *, granted: bool) -> None:
        before, now = self.record, self._time(self._step)
        try:
            decision = decide(before, change, now)
        except DomainError as error:
            self._same("refused", not granted, True, error.message)
            return
        self.record = decision.record
        self._same("granted", True, granted)
        self._adopt(change, decision)
        self._check_events(before, decision)
        self._check_edges(before)
        self._check_books(decision)
        self._check_state(before, every=isinstance(change, ResolveSuspense))
        if decision.events and not isinstance(
            change, ResolveSuspense
        ):  # what has its place already is refused by name
            again = decide(self.record, change, now)
            self._same("again", (again.record is self.record, again.jobs, again.events), (True, (), ()))

    def _adopt(self, change: Change, decision: Decision) -> None:
        """Compare the refunds that rules ask for, and give them the ids that the rules chose."""
        asked = [(p, fact) for p, fact in decision.facts if fact.kind is Kind.REFUND_REQUESTED]
        self._refunds += asked
        if isinstance(change, RequestRefund | ResolveSuspense):
            asked = [(p, fact) for p, fact in asked if fact.own_id != change.refund_id]
        found = [(p, _minor(fact), fact.initiator) for p, fact in asked]
        wanted = [(want.payment_id, want.minor, want.initiator) for want in self.reference.wanted]
        self._same("refunds that rules ask for", sorted(found, key=str), sorted(wanted, key=str))
        for payment_id, fact in asked:
            self.reference.adopt(payment_id, fact, self._step)
        owed = {job.subject_id for job in decision.jobs if job.kind == "REFUND"}
        requested = {fact.own_id for _, fact in decision.facts if fact.kind is Kind.REFUND_REQUESTED}
        self._same("refunds that are asked for and not owed", requested - owed, set())

    def _check_events(self, before: OrderRecord, decision: Decision) -> None:
        versions = [event.version for event in decision.events]
        order = decision.record.order
        self._same("versions", versions, list(range(before.order.version + 1, order.version + 1)))
        visible = [
            (
                record.order.status,
                record.order.payment_status,
                record.order.paid_minor,
                record.order.refunded_minor,
            )
            for record in (before, decision.record)
        ]
        self._same("no silent change", visible[0] != visible[1] and not versions, False)
        paid = {p for p, record in decision.record.payments.items() if record.state.status in _PAID}
        unpaid = [
            e.type for e in decision.events if e.type == "PAYMENT_SUCCEEDED" and e.payment_id not in paid
        ]
        self._same("payments that are said to have succeeded and did not", unpaid, [])
        last = [(e.status, e.payment_status, e.fulfillment_status) for e in decision.events[-1:]]
        self._same(
            "the last event shows the order",
            last,
            [(order.status, order.payment_status, order.fulfillment_status)] if versions else [],
        )

    def _check_edges(self, before: OrderRecord) -> None:
        moves = [
            (ORDER_MACHINE, before.order.status, self.record.order.status),
            (FULFILLMENT_MACHINE, before.order.fulfillment_status, self.record.order.fulfillment_status),
        ]
        for payment_id, record in self.record.payments.items():
            if payment_id in before.payments and record is not before.payments[payment_id]:
                moves.append((PAYMENT_MACHINE, before.payments[payment_id].state.status, record.state.status))
        for machine, source, target in moves:
            self._same(f"{machine.kind} goes from {source} to {target}", machine.allows(source, target), True)

    def _check_books(self, decision: Decision) -> None:
        sums: Counter[tuple[UUID, str]] = Counter()
        for payment_id, posting in decision.postings:
            self._books[payment_id, posting.account, posting.currency] += posting.amount_minor
            sums[payment_id, posting.currency] += posting.amount_minor
        self._same("each payment's postings balance", [key for key, minor in sums.items() if minor], [])

    def _check_state(self, before: OrderRecord, *, every: bool) -> None:
        order, reference = self.record.order, self.reference
        self._same("status", order.status, reference.status)
        self._same("payment status", order.payment_status, reference.payment_status)
        self._same("fulfillment", order.fulfillment_status, reference.goods)
        self._same("paid", order.paid_minor, reference.paid)
        self._same("refunded", order.refunded_minor, reference.refunded)
        self._same("balance", order.balance.minor, reference.balance)
        self._same("surplus", order.surplus.minor, reference.surplus)
        self._same("under way", order.payment_in_progress, reference.under_way)
        items = {(i.payment_id, i.reason): i.amount.minor for i in self.record.suspense.values() if i.is_open}
        held = {(p.id, why): minor for p in reference.payments.values() for why, minor in p.held.items()}
        self._same("suspense", items, held)
        for payment_id, record in self.record.payments.items():
            if every or record is not before.payments.get(payment_id):
                self._check_payment(record, reference.payments[payment_id])
        self._same("no excess", max(reference.excess, 0), 0)

    def _check_payment(self, record: PaymentRecord, payment: ReferencePayment) -> None:
        row, state = record.payment, payment.state
        self._same("payment", row.status, state.status)
        self._same("captured", row.captured_minor, payment.captured)
        self._same("given back", row.refunded_minor, payment.refunded)
        refunds = [(r.status, r.amount.minor) for r in record.state.refunds]
        self._same(
            "refunds", sorted(refunds), sorted((status, money.minor) for status, money in state.refunds)
        )
        self._same(
            "books",
            {key[1:]: minor for key, minor in self._books.items() if key[0] == row.id and minor},
            {key: minor for key, minor in _books_of(payment).items() if minor},
        )

    def _same(self, what: str, found: object, wanted: object, why: str = "") -> None:
        if found != wanted:
            raise DisagreementError(
                f"step {self._step}: {what}: {found!r}, by the reference {wanted!r} {why}"
            )


def _minor(fact: Fact) -> int:
    assert fact.amount is not None
    return fact.amount.minor


def _books_of(payment: ReferencePayment) -> dict[tuple[LedgerAccount, str], int]:
    open_ = sum(payment.held.values())
    out = 0 if payment.foreign else min(open_, max(payment.captured - payment.refunded, 0))
    books = {
        (LedgerAccount.SALES, "INR"): -(payment.captured - out),
        (LedgerAccount.SUSPENSE, "INR"): -out,
        (LedgerAccount.REFUNDS, "INR"): payment.refunded,
        (LedgerAccount.DISPUTES, "INR"): payment.disputed,
        (LedgerAccount.GATEWAY_CLEARING, "INR"): payment.captured - payment.refunded - payment.disputed,
    }
    if payment.foreign:
        held = min(open_, payment.foreign - payment.foreign_refunded)
        books |= {
            (LedgerAccount.SALES, FOREIGN): held - payment.foreign,
            (LedgerAccount.SUSPENSE, FOREIGN): -held,
            (LedgerAccount.REFUNDS, FOREIGN): payment.foreign_refunded,
            (LedgerAccount.GATEWAY_CLEARING, FOREIGN): payment.foreign - payment.foreign_refunded,
        }
    return books


def _fact(
    found: PaymentRecord, at: datetime, kind: str, object_id: str, minor: int | str | None, currency: str
) -> Fact:
    """Return a fact about a payment of the history; objects of different payments are different objects.

    Refunds and disputes are about the payment's first capture, and happen when they are told.
    """
    number = found.payment.id.int
    asked = found.payment.amount_minor if isinstance(minor, str) else minor
    told = Fact(
        gateway=found.payment.gateway,
        object_id=f"{object_id}{number}",
        kind=Kind(kind),
        amount=None if asked is None else Money(asked, currency),
    )
    if kind.startswith(("REFUND_", "DISPUTE_")):
        return replace(told, attempt_id=f"c{number}", reported_at=at)
    return replace(told, attempt_id=f"a{number}") if kind in ("AUTHORIZED", "CAPTURED", "RELEASED") else told
