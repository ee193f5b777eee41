"""No money without a place: what an order may not keep is refunded or held, once, in the decision that finds it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final
from uuid import UUID

import pytest

from app.domain.changes import (
    CancelOrder,
    Decision,
    ExpireOrder,
    OrderRecord,
    RequestRefund,
    ResolveSuspense,
)
from app.domain.errors import DomainError, ErrorCode
from app.domain.facts import Fact
from app.domain.facts import FactKind as Kind
from app.domain.money import Money
from app.domain.settlement import decide
from app.domain.states import (
    CaptureMethod,
    EventSource,
    JobKind,
    LatePaymentPolicy,
    OrderPaymentStatus,
    OrderStatus,
    RefundInitiator,
    RefundStatus,
    SuspenseReason,
    SuspenseResolution,
)
from app.domain.states import OrderEventType as Event
from app.domain.suspense import item_id
from tests.domain.told import (
    LATER,
    NOON,
    OTHER_PAYMENT_ID,
    PAYMENT_ID,
    a_payment,
    a_record,
    a_report,
    authorized,
    captured,
    fact,
)

if TYPE_CHECKING:
    from app.domain.changes import Change
    from app.domain.suspense import SuspenseItem

REFUND_ID: Final = UUID("00000000-0000-0000-0000-00000000000f")
ITS: Final = a_report(captured())
OTHERS: Final = a_report(captured(object_id="d", attempt_id="b"), payment_id=OTHER_PAYMENT_ID)
CANCEL: Final = CancelOrder(reason=None, source=EventSource.STAFF, confirmed_too=True)
EXPIRE: Final = ExpireOrder(source=EventSource.SYSTEM)
REFUND, HOLD, HONOR = LatePaymentPolicy.REFUND, LatePaymentPolicy.HOLD, LatePaymentPolicy.HONOR


def two(policy: LatePaymentPolicy, **more: object) -> OrderRecord:
    """Return an order of 5.00 with two payments of all of it."""
    payments = (a_payment(), a_payment(id=OTHER_PAYMENT_ID))
    return a_record(*payments, late_payment_policy=policy, **more)


def after(record: OrderRecord, *changes: Change) -> OrderRecord:
    for number, change in enumerate(changes):
        record = decide(record, change, NOON.replace(minute=number)).record
    return record


def refunds_of(record: OrderRecord) -> list[tuple[UUID, RefundInitiator, RefundStatus, int]]:
    return [
        (payment_id, refund.initiated_by, refund.status, refund.amount.minor)
        for payment_id, payment in record.payments.items()
        for refund in payment.state.refunds
    ]


def items_of(record: OrderRecord) -> list[tuple[SuspenseReason, int, SuspenseResolution | None]]:
    return [(item.reason, item.amount.minor, item.resolution) for item in record.suspense.values()]


def owed(decision: Decision) -> list[tuple[JobKind, float]]:
    return [(job.kind, job.delay_seconds) for job in decision.jobs]


def the_item(record: OrderRecord) -> SuspenseItem:
    (item,) = record.suspense.values()
    return item


def resolve(record: OrderRecord, resolution: SuspenseResolution) -> ResolveSuspense:
    return ResolveSuspense(
        item_id=the_item(record).id,
        resolution=resolution,
        message="looked at",
        refund_id=REFUND_ID,
        source=EventSource.STAFF,
    )


@pytest.mark.parametrize("policy", [REFUND, HONOR])
@pytest.mark.parametrize("reports", [(ITS, OTHERS), (OTHERS, ITS)])
def test_of_two_payments_that_both_succeed_the_later_one_goes_back(
    policy: LatePaymentPolicy, reports: tuple[Change, Change]
) -> None:
    first = after(two(policy), reports[0])

    decision = decide(first, reports[1], LATER)

    loser = OTHER_PAYMENT_ID if reports[1] is OTHERS else PAYMENT_ID
    assert refunds_of(decision.record) == [(loser, RefundInitiator.SURPLUS, RefundStatus.PENDING, 500)]
    assert owed(decision) == [(JobKind.REFUND, 0.0)]
    assert decision.record.order.payment_status is OrderPaymentStatus.OVERPAID
    assert not decision.record.suspense
    assert decide(decision.record, reports[1], LATER).record is decision.record


def test_a_surplus_is_held_where_the_policy_says_so() -> None:
    decision = decide(after(two(HOLD), ITS), OTHERS, LATER)

    order = decision.record.order
    assert items_of(decision.record) == [(SuspenseReason.SURPLUS, 500, None)]
    assert (order.payment_status, order.has_suspense) == (OrderPaymentStatus.REVIEW, True)
    assert decision.record.payments[OTHER_PAYMENT_ID].payment.suspended_minor == 500
    assert decision.record.payments[PAYMENT_ID].payment.suspended_minor == 0
    assert [event.type for event in decision.events] == [Event.PAYMENT_SUCCEEDED, Event.SUSPENSE_OPENED]
    assert not owed(decision)


@pytest.mark.parametrize("minor", [499, 1])
def test_a_part_of_a_payment_may_be_too_much(minor: int) -> None:
    payments = (a_payment(amount_minor=minor), a_payment(id=OTHER_PAYMENT_ID))
    record = after(a_record(*payments), a_report(captured(minor)))

    assert refunds_of(after(record, OTHERS)) == [
        (OTHER_PAYMENT_ID, RefundInitiator.SURPLUS, RefundStatus.PENDING, minor)
    ]


@pytest.mark.parametrize("close", [CANCEL, EXPIRE])
@pytest.mark.parametrize("policy", LatePaymentPolicy)
def test_money_that_comes_when_the_order_is_closed_goes_by_the_policy(
    close: Change, policy: LatePaymentPolicy
) -> None:
    closed = after(two(policy, expires_at=NOON), close)

    record = after(closed, ITS)

    if policy is REFUND:
        late = (PAYMENT_ID, RefundInitiator.LATE_PAYMENT, RefundStatus.PENDING, 500)
        assert (refunds_of(record), items_of(record)) == ([late], [])
    elif policy is HOLD:
        assert (refunds_of(record), items_of(record)) == ([], [(SuspenseReason.LATE_PAYMENT, 500, None)])
    else:
        assert (refunds_of(record), items_of(record)) == ([], [])
        assert record.order.status is OrderStatus.CONFIRMED


def test_late_money_that_is_honoured_waits_for_the_rest_of_it() -> None:
    payments = (a_payment(amount_minor=300), a_payment(id=OTHER_PAYMENT_ID, amount_minor=200))
    closed = after(a_record(*payments, late_payment_policy=HONOR), CANCEL)
    rest = replace(OTHERS, facts=(captured(200, "d"),))

    part = after(closed, a_report(captured(300)))
    whole = after(part, rest)

    assert items_of(part) == [(SuspenseReason.LATE_PAYMENT, 300, None)]
    assert part.order.status is OrderStatus.CANCELED
    assert items_of(whole) == [(SuspenseReason.LATE_PAYMENT, 300, SuspenseResolution.APPLY_TO_ORDER)]
    assert (whole.order.status, whole.order.payment_status) == (
        OrderStatus.CONFIRMED,
        OrderPaymentStatus.PAID,
    )


@pytest.mark.parametrize("policy", LatePaymentPolicy)
def test_a_paid_order_that_staff_cancels_owes_its_money_back(policy: LatePaymentPolicy) -> None:
    decision = decide(after(two(policy), ITS), CANCEL, LATER)

    assert refunds_of(decision.record) == [(PAYMENT_ID, RefundInitiator.STAFF, RefundStatus.PENDING, 500)]
    assert [event.type for event in decision.events] == [Event.ORDER_CANCELED, Event.REFUND_CREATED]
    assert owed(decision) == [(JobKind.REFUND, 0.0)]


@pytest.mark.parametrize("policy", LatePaymentPolicy)
def test_an_order_that_expires_with_a_part_paid_places_the_part(policy: LatePaymentPolicy) -> None:
    record = a_record(a_payment(amount_minor=300), expires_at=NOON, late_payment_policy=policy)

    expired = after(record, a_report(captured(300)), EXPIRE)

    assert expired.order.status is OrderStatus.EXPIRED
    if policy is REFUND:
        assert refunds_of(expired) == [(PAYMENT_ID, RefundInitiator.LATE_PAYMENT, RefundStatus.PENDING, 300)]
    else:
        assert items_of(expired) == [(SuspenseReason.LATE_PAYMENT, 300, None)]


def test_money_that_could_not_be_sent_back_is_held_for_a_person_to_look_at() -> None:
    late = after(two(REFUND), CANCEL, ITS)
    ((_, _, _, _),) = refunds_of(late)
    (refund,) = late.payments[PAYMENT_ID].state.refunds
    failed = fact(Kind.REFUND_FAILED, "r", 500, own_id=refund.id)

    decision = decide(late, a_report(failed), LATER)

    assert items_of(decision.record) == [(SuspenseReason.LATE_PAYMENT, 500, None)]
    assert [status for _, _, status, _ in refunds_of(decision.record)] == [RefundStatus.FAILED]
    assert not owed(decision)


def test_a_refund_that_succeeds_leaves_nothing_held() -> None:
    held = after(two(HOLD), CANCEL, ITS)
    wish = RequestRefund(
        payment_id=PAYMENT_ID,
        refund_id=REFUND_ID,
        amount=Money(200, "INR"),
        reason=None,
        initiator=RefundInitiator.STAFF,
        source=EventSource.STAFF,
    )

    part = after(held, wish)
    whole = after(part, replace(wish, refund_id=UUID(int=1), amount=None))

    assert items_of(part) == [(SuspenseReason.LATE_PAYMENT, 300, None)]
    assert items_of(whole) == [(SuspenseReason.LATE_PAYMENT, 300, SuspenseResolution.REFUND)]
    assert whole.payments[PAYMENT_ID].payment.suspended_minor == 0


def test_money_in_dispute_is_not_sent_back_a_second_time() -> None:
    disputed = after(two(REFUND), ITS, a_report(fact(Kind.DISPUTE_OPENED, "x", 500)))

    with_other = after(disputed, OTHERS)
    won = after(with_other, a_report(fact(Kind.DISPUTE_WON, "x", 500)))

    assert refunds_of(with_other) == []
    assert refunds_of(won) == [(OTHER_PAYMENT_ID, RefundInitiator.SURPLUS, RefundStatus.PENDING, 500)]


@pytest.mark.parametrize(
    ("facts", "owes"),
    [
        ([authorized()], [JobKind.PAYMENT_CANCEL]),
        ([authorized(), fact(Kind.CANCELED, "p")], []),
        ([authorized(), captured()], [JobKind.REFUND]),
    ],
)
def test_a_late_authorisation_is_given_up(facts: list[Fact], owes: list[JobKind]) -> None:
    payment = a_payment(capture_method=CaptureMethod.MANUAL)
    closed = after(a_record(payment, expires_at=NOON), EXPIRE)

    decision = decide(closed, a_report(*facts), LATER)

    assert [kind for kind, _ in owed(decision)] == owes


def test_an_authorisation_beyond_the_total_is_given_up() -> None:
    manual = [
        a_payment(capture_method=CaptureMethod.MANUAL),
        a_payment(id=OTHER_PAYMENT_ID, capture_method=CaptureMethod.MANUAL),
    ]
    first = after(a_record(*manual), a_report(authorized()))

    decision = decide(first, a_report(authorized(500, "d"), payment_id=OTHER_PAYMENT_ID), LATER)

    assert [(job.kind, job.subject_id) for job in decision.jobs] == [
        (JobKind.PAYMENT_CANCEL, OTHER_PAYMENT_ID)
    ]


@pytest.mark.parametrize(
    ("facts", "reason", "amount"),
    [
        ([captured(499)], SuspenseReason.AMOUNT_MISMATCH, Money(499, "INR")),
        ([captured(501)], SuspenseReason.AMOUNT_MISMATCH, Money(501, "INR")),
        ([authorized(499)], SuspenseReason.AMOUNT_MISMATCH, Money(499, "INR")),
        ([captured(amount=Money(500, "USD"))], SuspenseReason.CURRENCY_MISMATCH, Money(500, "USD")),
        ([captured(amount=None)], SuspenseReason.AMOUNT_MISMATCH, Money(500, "INR")),
    ],
)
def test_what_is_not_what_was_asked_is_held_in_what_came(
    facts: list[Fact], reason: SuspenseReason, amount: Money
) -> None:
    record = after(a_record(a_payment()), a_report(*facts))

    item = the_item(record)
    assert (item.id, item.reason, item.amount) == (item_id(PAYMENT_ID, reason), reason, amount)
    assert record.order.payment_status is OrderPaymentStatus.REVIEW


def test_an_authorisation_of_another_amount_is_held_until_it_is_given_up() -> None:
    held = after(a_record(a_payment(capture_method=CaptureMethod.MANUAL)), a_report(authorized(499)))

    given_up = after(held, a_report(fact(Kind.CANCELED, "p")))

    assert items_of(given_up) == [(SuspenseReason.AMOUNT_MISMATCH, 499, SuspenseResolution.REFUND)]
    assert given_up.order.payment_status is OrderPaymentStatus.UNPAID


def test_money_in_a_foreign_currency_is_booked_in_it_and_goes_back_in_it() -> None:
    conflict = decide(a_record(a_payment()), a_report(captured(amount=Money(700, "USD"))), NOON)

    decision = decide(conflict.record, resolve(conflict.record, SuspenseResolution.REFUND), LATER)

    booked = [(p.account, p.amount_minor, p.currency) for _, p in conflict.postings]
    assert booked == [("SUSPENSE", -700, "USD"), ("GATEWAY_CLEARING", 700, "USD")]
    (refund,) = decision.record.payments[PAYMENT_ID].state.refunds
    assert (refund.id, refund.amount) == (REFUND_ID, Money(700, "USD"))
    done = after(decision.record, a_report(fact(Kind.REFUND_SUCCEEDED, "r", None, own_id=REFUND_ID)))
    assert done.payments[PAYMENT_ID].state.foreign_refunded == 700
    assert items_of(done) == [(SuspenseReason.CURRENCY_MISMATCH, 700, SuspenseResolution.REFUND)]
    assert done.order.refunded_minor == 0


@pytest.mark.parametrize("minor", [499, 501])
def test_an_amount_that_is_accepted_counts_for_the_order(minor: int) -> None:
    record = after(a_record(a_payment()), a_report(captured(minor)))

    decision = decide(record, resolve(record, SuspenseResolution.APPLY_TO_ORDER), LATER)

    order = decision.record.order
    assert (order.paid_minor, the_item(decision.record).resolution) == (
        minor,
        SuspenseResolution.APPLY_TO_ORDER,
    )
    assert order.status is (OrderStatus.CONFIRMED if minor > 500 else OrderStatus.PENDING)
    assert [refund[3] for refund in refunds_of(decision.record)] == ([1] if minor > 500 else [])


def test_late_money_that_is_applied_reopens_its_order() -> None:
    record = after(two(HOLD), CANCEL, ITS)

    decision = decide(record, resolve(record, SuspenseResolution.APPLY_TO_ORDER), LATER)

    assert decision.record.order.status is OrderStatus.CONFIRMED
    assert the_item(decision.record).resolution is SuspenseResolution.APPLY_TO_ORDER
    assert [event.type for event in decision.events] == [Event.ORDER_REOPENED, Event.SUSPENSE_RESOLVED]


def test_money_that_is_written_off_stays_so() -> None:
    record = after(two(HOLD), ITS, OTHERS)

    written = after(record, resolve(record, SuspenseResolution.WRITE_OFF))
    again = decide(written, a_report(fact(Kind.DISPUTE_WON, "x", 1), payment_id=OTHER_PAYMENT_ID), LATER)

    assert items_of(written) == [(SuspenseReason.SURPLUS, 500, SuspenseResolution.WRITE_OFF)]
    assert items_of(again.record) == items_of(written)
    assert written.order.payment_status is OrderPaymentStatus.OVERPAID


@pytest.mark.parametrize("resolution", [SuspenseResolution.REFUND, SuspenseResolution.WRITE_OFF])
def test_what_was_resolved_can_t_be_resolved_again(resolution: SuspenseResolution) -> None:
    record = after(two(HOLD), CANCEL, ITS)
    resolved = after(record, resolve(record, resolution))

    for another in SuspenseResolution:
        with pytest.raises(DomainError) as refused:
            decide(resolved, resolve(resolved, another), LATER)
        assert refused.value.code is ErrorCode.INVALID_STATE


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ((ITS, OTHERS), ErrorCode.INVALID_STATE),
        ((CANCEL, a_report(captured(499))), ErrorCode.INVALID_STATE),
        ((a_report(captured(amount=Money(1, "USD"))),), ErrorCode.CURRENCY_MISMATCH),
        ((a_report(captured(amount=None)),), ErrorCode.INVALID_STATE),
    ],
)
def test_money_that_no_order_can_take_is_not_applied(changes: tuple[Change, ...], code: ErrorCode) -> None:
    record = after(two(HOLD), *changes)

    with pytest.raises(DomainError) as refused:
        decide(record, resolve(record, SuspenseResolution.APPLY_TO_ORDER), LATER)

    assert refused.value.code is code


def test_a_refund_of_held_money_that_fails_leaves_it_held() -> None:
    record = after(two(HOLD), CANCEL, ITS)
    asked = after(record, resolve(record, SuspenseResolution.REFUND))

    failed = after(asked, a_report(fact(Kind.REFUND_FAILED, "r", 500, own_id=REFUND_ID)))

    assert items_of(asked) == [(SuspenseReason.LATE_PAYMENT, 500, SuspenseResolution.REFUND)]
    assert items_of(failed) == [(SuspenseReason.LATE_PAYMENT, 500, None)]
