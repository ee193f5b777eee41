"""Reports and what follows from them: the order's three axes, its events and versions, and what is left alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import pytest

from app.domain.changes import CancelOrder, FulfillOrder, OrderRecord
from app.domain.errors import DomainError, ErrorCode
from app.domain.facts import Fact, Failure
from app.domain.facts import FactKind as Kind
from app.domain.money import Money
from app.domain.order import OrderMoney, order_payment_status
from app.domain.settlement import decide
from app.domain.states import (
    CaptureMethod,
    EventSource,
    FulfillmentStatus,
    LatePaymentPolicy,
    OrderPaymentStatus,
    OrderStatus,
    PaymentMethodType,
    PaymentStatus,
    SuspenseReason,
    SuspenseResolution,
)
from app.domain.states import OrderEventType as Event
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
    from app.domain.changes import Change, Decision

CAPTURED: Final = captured(reported_at=NOON)
MANUAL_PAYMENT: Final = a_payment(capture_method=CaptureMethod.MANUAL)


def after(record: OrderRecord, *changes: Change) -> OrderRecord:
    """Return the order after all the changes."""
    for change in changes:
        record = decide(record, change, NOON).record
    return record


def shown(decision: Decision) -> list[tuple[Event, int | None]]:
    """Return the events' types and amounts."""
    return [(event.type, event.amount.minor if event.amount else None) for event in decision.events]


def refund(kind: Kind, minor: int | None = 200, object_id: str = "r", **more: Any) -> Fact:  # noqa: ANN401 - fields of Fact
    """Return a fact about a refund."""
    return fact(kind, object_id, minor, **more)


def test_captured_money_confirms_the_order_and_says_so_in_two_events() -> None:
    record = a_record(a_payment())
    report = a_report(captured(reported_at=NOON, method=PaymentMethodType.CARD), reference="pi_1")

    decision = decide(record, report, LATER)

    order, payment = decision.record.order, decision.record.payments[PAYMENT_ID].payment
    assert order == replace(
        record.order,
        status=OrderStatus.CONFIRMED,
        payment_status=OrderPaymentStatus.PAID,
        paid_minor=500,
        version=3,
        updated_at=LATER,
    )
    assert payment == a_payment(
        status=PaymentStatus.SUCCEEDED,
        method=PaymentMethodType.CARD,
        authorized_minor=500,
        captured_minor=500,
        reference="pi_1",
        updated_at=LATER,
    )
    paid, confirmed = decision.events
    assert (paid.version, paid.type, paid.status, paid.payment_status, paid.payment_id, paid.amount) == (
        2, Event.PAYMENT_SUCCEEDED, OrderStatus.PENDING, OrderPaymentStatus.PAID, PAYMENT_ID, Money(500, "INR"),
    )  # fmt: skip
    assert (paid.source, paid.occurred_at, paid.reported_at) == (EventSource.WEBHOOK, LATER, NOON)
    assert (confirmed.version, confirmed.type, confirmed.status, confirmed.payment_id, confirmed.amount) == (
        3, Event.ORDER_CONFIRMED, OrderStatus.CONFIRMED, None, None,
    )  # fmt: skip
    assert decision.facts == ((PAYMENT_ID, replace(report.facts[0], recorded_at=LATER)),)


@pytest.mark.parametrize(
    "told",
    [
        [CAPTURED],
        [fact(Kind.FAILED, failure=Failure(code="declined", message="No."))],
        [fact(Kind.ACTION_REQUIRED), fact(Kind.PROCESSING)],
        [CAPTURED, refund(Kind.REFUND_SUCCEEDED), fact(Kind.DISPUTE_OPENED, "d", 500)],
        [captured(499)],
        [],
    ],
)
def test_the_same_report_again_gives_the_very_same_order(told: list[Fact]) -> None:
    report = a_report(*told, reference="pi_1", next_action={"type": "RedirectAction"})
    once = after(a_record(a_payment()), report)

    again = decide(once, report, LATER)

    assert again.record is once
    assert (again.events, again.facts, again.postings) == ((), (), ())


def test_a_report_that_says_more_of_a_fact_keeps_it_without_an_event() -> None:
    once = after(a_record(a_payment()), a_report(captured()))

    decision = decide(once, a_report(captured(detail="more", reported_at=NOON)), LATER)

    expected = captured(detail="more", reported_at=NOON, recorded_at=NOON)
    assert decision.facts == ((PAYMENT_ID, expected),)
    assert (decision.events, decision.postings) == ((), ())
    assert decision.record.order is once.order
    assert decision.record.payments[PAYMENT_ID].payment is once.payments[PAYMENT_ID].payment


def test_when_we_learned_of_a_fact_is_no_news() -> None:
    once = after(a_record(a_payment()), a_report(captured(recorded_at=LATER)))

    decision = decide(once, a_report(captured(recorded_at=NOON)), LATER)

    assert decision.record is once


def test_a_fact_told_twice_in_one_report_is_kept_once() -> None:
    decision = decide(a_record(a_payment()), a_report(captured(), captured(detail="more")), NOON)

    assert decision.facts == ((PAYMENT_ID, captured(detail="more", recorded_at=NOON)),)
    assert shown(decision) == [(Event.PAYMENT_SUCCEEDED, 500), (Event.ORDER_CONFIRMED, None)]


def test_what_the_browser_does_next_is_kept_while_it_can_do_something() -> None:
    action = {"type": "RedirectAction", "url": "https://bank.example"}
    waiting = after(a_record(a_payment()), a_report(fact(Kind.ACTION_REQUIRED), next_action=action))
    moved = after(waiting, a_report(fact(Kind.PROCESSING)))

    assert waiting.payments[PAYMENT_ID].payment.next_action == action
    assert moved.payments[PAYMENT_ID].payment.next_action is None


def test_a_report_of_another_reference_is_refused() -> None:
    record = after(a_record(a_payment()), a_report(reference="pi_1"))
    before = replace(record)

    with pytest.raises(DomainError) as refused:
        decide(record, a_report(CAPTURED, reference="pi_2"), NOON)

    assert refused.value.code is ErrorCode.INVALID_STATE
    assert record == before


@pytest.mark.parametrize(
    ("known", "told", "events"),
    [
        ([], [fact(Kind.ATTEMPT_STARTED)], []),
        ([], [fact(Kind.ACTION_REQUIRED)], [(Event.PAYMENT_ACTION_REQUIRED, 500)]),
        ([], [fact(Kind.PROCESSING)], [(Event.PAYMENT_PROCESSING, 500)]),
        ([], [fact(Kind.FAILED)], [(Event.PAYMENT_FAILED, 500)]),
        ([fact(Kind.FAILED)], [fact(Kind.FAILED, "b")], [(Event.PAYMENT_FAILED, 500)]),
        ([fact(Kind.FAILED)], [fact(Kind.ATTEMPT_STARTED, "b")], [(Event.PAYMENT_PROCESSING, 500)]),
        ([fact(Kind.PROCESSING, "b")], [fact(Kind.FAILED)], []),
        ([], [fact(Kind.CANCELED, "p")], [(Event.PAYMENT_CANCELED, 500)]),
        ([], [fact(Kind.LAPSED, "p")], [(Event.PAYMENT_EXPIRED, 500)]),
        ([], [authorized()], [(Event.PAYMENT_AUTHORIZED, 500), (Event.ORDER_CONFIRMED, None)]),
        ([authorized()], [captured(300)], [(Event.PAYMENT_SUCCEEDED, 300)]),
        ([authorized(), captured(300)], [captured(200, "d")], [(Event.PAYMENT_SUCCEEDED, 200)]),
        ([authorized(), captured(300)], [captured(400)], [(Event.PAYMENT_SUCCEEDED, 100)]),
        ([authorized()], [fact(Kind.RELEASED, "c", 100)], [(Event.PAYMENT_AUTHORIZED, 400)]),
        ([authorized()], [fact(Kind.RELEASED, "c", 500)], [(Event.PAYMENT_CANCELED, 500)]),
        ([], [captured(501)], [(Event.PAYMENT_CONFLICTED, 500), (Event.SUSPENSE_OPENED, 501)]),
        ([captured()], [captured(1, "d")], [(Event.PAYMENT_CONFLICTED, 500), (Event.SUSPENSE_OPENED, 501)]),
        ([captured(501)], [captured(502)], [(Event.PAYMENT_CONFLICTED, 500), (Event.SUSPENSE_OPENED, 502)]),
        ([authorized(499)], [captured(300)], [(Event.PAYMENT_CONFLICTED, 500), (Event.SUSPENSE_OPENED, 300)]),
        ([authorized(499), captured(300)], [authorized()],
         [(Event.PAYMENT_SUCCEEDED, 300), (Event.ORDER_CONFIRMED, None), (Event.SUSPENSE_RESOLVED, 300)]),
        ([captured()], [refund(Kind.REFUND_PENDING)], [(Event.REFUND_CREATED, 200)]),
        ([captured()], [refund(Kind.REFUND_SUCCEEDED)], [(Event.REFUND_CREATED, 200), (Event.REFUND_SUCCEEDED, 200)]),
        ([captured(), refund(Kind.REFUND_PENDING)], [refund(Kind.REFUND_SUCCEEDED)], [(Event.REFUND_SUCCEEDED, 200)]),
        ([captured(), refund(Kind.REFUND_SUCCEEDED)], [refund(Kind.REFUND_PENDING)], []),
        ([captured(), refund(Kind.REFUND_SUCCEEDED)], [refund(Kind.REFUND_FAILED)], [(Event.REFUND_FAILED, 200)]),
        ([captured(), refund(Kind.REFUND_PENDING)], [refund(Kind.REFUND_CANCELED)], [(Event.REFUND_FAILED, 200)]),
        ([captured(), refund(Kind.REFUND_SUCCEEDED, None)], [refund(Kind.REFUND_SUCCEEDED)],
         [(Event.REFUND_SUCCEEDED, 200)]),
        ([captured(), refund(Kind.REFUND_PENDING, None)], [refund(Kind.REFUND_PENDING)], []),
        ([captured()], [fact(Kind.DISPUTE_OPENED, "d", 100)], [(Event.DISPUTE_OPENED, 100)]),
        ([captured(), fact(Kind.DISPUTE_OPENED, "d", 100)], [fact(Kind.DISPUTE_UNDER_REVIEW, "d", 100)], []),
        ([captured(), fact(Kind.DISPUTE_OPENED, "d", 100)], [fact(Kind.DISPUTE_LOST, "d", 100)],
         [(Event.DISPUTE_LOST, 100)]),
        ([captured()], [fact(Kind.DISPUTE_WON, "d", 100)], [(Event.DISPUTE_OPENED, 100), (Event.DISPUTE_WON, 100)]),
    ],
)  # fmt: skip
def test_each_news_is_shown_on_the_timeline(
    known: list[Fact], told: list[Fact], events: list[tuple[Event, int | None]]
) -> None:
    record = a_record(MANUAL_PAYMENT)
    record = after(record, a_report(*known)) if known else record

    decision = decide(record, a_report(*told), LATER)

    assert shown(decision) == events
    versions = [event.version for event in decision.events]
    assert versions == list(range(record.order.version + 1, record.order.version + 1 + len(events)))
    assert decision.record.order.version == record.order.version + len(events)


def test_a_short_capture_that_is_completed_shows_all_of_what_came_to_count() -> None:
    short = after(a_record(a_payment()), a_report(captured(499)))

    decision = decide(short, a_report(captured(1, "d")), LATER)

    assert shown(decision) == [
        (Event.PAYMENT_SUCCEEDED, 500),
        (Event.ORDER_CONFIRMED, None),
        (Event.SUSPENSE_RESOLVED, 499),
    ]
    (item,) = decision.record.suspense.values()
    assert (item.resolution, item.resolved_at) == (SuspenseResolution.APPLY_TO_ORDER, LATER)


@pytest.mark.parametrize(
    ("told", "message"),
    [
        ([captured(499)], "captured 4.99 INR, asked 5.00 INR"),
        (
            [fact(Kind.FAILED, failure=Failure(code="declined", message="The bank said no."))],
            "The bank said no.",
        ),
        ([fact(Kind.FAILED)], None),
        ([captured()], None),
        ([fact(Kind.CANCELED, "p")], None),
    ],
)
def test_an_event_says_why(told: list[Fact], message: str | None) -> None:
    decision = decide(a_record(a_payment()), a_report(*told), NOON)

    assert decision.events[0].message == message


def test_refunds_and_disputes_show_their_reasons() -> None:
    told = [
        captured(),
        refund(Kind.REFUND_SUCCEEDED, detail="broken"),
        fact(Kind.DISPUTE_LOST, "d", 100, detail="fraud"),
    ]

    decision = decide(a_record(a_payment()), a_report(*told), NOON)

    assert [(event.type, event.message) for event in decision.events] == [
        (Event.PAYMENT_SUCCEEDED, None),
        (Event.REFUND_CREATED, "broken"),
        (Event.REFUND_SUCCEEDED, "broken"),
        (Event.DISPUTE_OPENED, "fraud"),
        (Event.DISPUTE_LOST, "fraud"),
        (Event.ORDER_CONFIRMED, None),
    ]


def test_the_latest_time_that_the_gateway_gives_is_shown() -> None:
    told = [fact(Kind.PROCESSING, reported_at=LATER), fact(Kind.ATTEMPT_STARTED, reported_at=NOON)]

    decision = decide(a_record(a_payment()), a_report(*told), LATER + timedelta(hours=1))

    assert [event.reported_at for event in decision.events] == [LATER]


NOTHING: Final = OrderMoney(paid=0, refunded=0, authorized=0, disputed=False, under_way=False)
EVERYTHING: Final = OrderMoney(paid=500, refunded=500, authorized=500, disputed=True, under_way=True)


@pytest.mark.parametrize(
    ("money", "status"),
    [
        (EVERYTHING, OrderPaymentStatus.DISPUTED),
        (replace(EVERYTHING, disputed=False), OrderPaymentStatus.REFUNDED),
        (replace(NOTHING, paid=500, refunded=501), OrderPaymentStatus.REFUNDED),
        (replace(NOTHING, paid=300, refunded=300), OrderPaymentStatus.REFUNDED),
        (replace(NOTHING, paid=500, refunded=499), OrderPaymentStatus.PARTIALLY_REFUNDED),
        (replace(NOTHING, paid=500, refunded=1), OrderPaymentStatus.PARTIALLY_REFUNDED),
        (replace(NOTHING, paid=700, refunded=200), OrderPaymentStatus.PARTIALLY_REFUNDED),
        (replace(NOTHING, paid=0, refunded=1), OrderPaymentStatus.PARTIALLY_REFUNDED),
        (replace(NOTHING, paid=501), OrderPaymentStatus.OVERPAID),
        (replace(NOTHING, paid=500, authorized=500, under_way=True), OrderPaymentStatus.PAID),
        (replace(NOTHING, paid=499, authorized=500), OrderPaymentStatus.PARTIALLY_PAID),
        (replace(NOTHING, paid=1), OrderPaymentStatus.PARTIALLY_PAID),
        (replace(NOTHING, authorized=500, under_way=True), OrderPaymentStatus.AUTHORIZED),
        (replace(NOTHING, authorized=499, under_way=True), OrderPaymentStatus.PENDING),
        (replace(NOTHING, authorized=499), OrderPaymentStatus.UNPAID),
        (replace(NOTHING, under_way=True), OrderPaymentStatus.PENDING),
        (NOTHING, OrderPaymentStatus.UNPAID),
    ],
)
def test_the_first_line_that_holds_is_what_the_money_says(
    money: OrderMoney, status: OrderPaymentStatus
) -> None:
    assert order_payment_status(500, money, review=False) is status
    assert order_payment_status(500, money, review=True) is OrderPaymentStatus.REVIEW


def test_nothing_to_pay_is_paid() -> None:
    assert order_payment_status(0, NOTHING, review=False) is OrderPaymentStatus.PAID
    assert order_payment_status(0, replace(NOTHING, paid=1), review=False) is OrderPaymentStatus.OVERPAID


@pytest.mark.parametrize(
    ("told", "status", "in_progress", "paid", "refunded"),
    [
        ([fact(Kind.ATTEMPT_STARTED)], OrderPaymentStatus.UNPAID, False, 0, 0),
        ([fact(Kind.ACTION_REQUIRED)], OrderPaymentStatus.PENDING, True, 0, 0),
        ([fact(Kind.PROCESSING)], OrderPaymentStatus.PENDING, True, 0, 0),
        ([fact(Kind.PROCESSING), fact(Kind.LAPSED, "p")], OrderPaymentStatus.PENDING, True, 0, 0),
        ([fact(Kind.PROCESSING), fact(Kind.FAILED)], OrderPaymentStatus.UNPAID, False, 0, 0),
        ([authorized()], OrderPaymentStatus.AUTHORIZED, False, 0, 0),
        ([captured(300)], OrderPaymentStatus.PARTIALLY_PAID, False, 300, 0),
        ([captured()], OrderPaymentStatus.PAID, False, 500, 0),
        ([captured(), refund(Kind.REFUND_PENDING)], OrderPaymentStatus.PAID, False, 500, 0),
        ([captured(), refund(Kind.REFUND_SUCCEEDED)], OrderPaymentStatus.PARTIALLY_REFUNDED, False, 500, 200),
        ([captured(), refund(Kind.REFUND_SUCCEEDED, 500)], OrderPaymentStatus.REFUNDED, False, 500, 500),
        ([captured(), refund(Kind.REFUND_SUCCEEDED), refund(Kind.REFUND_FAILED)], OrderPaymentStatus.PAID, False,
         500, 0),
        ([captured(), fact(Kind.DISPUTE_OPENED, "d")], OrderPaymentStatus.DISPUTED, False, 500, 0),
        ([captured(), fact(Kind.DISPUTE_UNDER_REVIEW, "d")], OrderPaymentStatus.DISPUTED, False, 500, 0),
        ([captured(), fact(Kind.DISPUTE_LOST, "d")], OrderPaymentStatus.PAID, False, 500, 0),
        ([captured(), fact(Kind.DISPUTE_WON, "d")], OrderPaymentStatus.PAID, False, 500, 0),
        ([captured(501)], OrderPaymentStatus.REVIEW, False, 0, 0),
        ([captured(501), refund(Kind.REFUND_SUCCEEDED)], OrderPaymentStatus.REVIEW, False, 0, 0),
    ],
)  # fmt: skip
def test_the_order_s_money_follows_from_its_payment(
    told: list[Fact], status: OrderPaymentStatus, in_progress: bool, paid: int, refunded: int
) -> None:
    order = after(a_record(MANUAL_PAYMENT), a_report(*told)).order

    assert (order.payment_status, order.payment_in_progress) == (status, in_progress)
    assert (order.paid_minor, order.refunded_minor) == (paid, refunded)


@pytest.mark.parametrize(
    ("currency", "asked", "told"),
    [
        ("INR", 500, Money(499, "INR")),
        ("INR", 500, Money(501, "INR")),
        ("INR", 500, Money(500, "USD")),
        ("JPY", 500, Money(499, "JPY")),
        ("JPY", 500, Money(50_000, "JPY")),
        ("KWD", 5_000, Money(5_001, "KWD")),
        ("KWD", 5_000, Money(500, "KWD")),
    ],
)
def test_money_that_is_not_what_was_asked_is_kept_apart(currency: str, asked: int, told: Money) -> None:
    record = a_record(a_payment(currency=currency, amount_minor=asked), currency=currency, total_minor=asked)

    decision = decide(record, a_report(captured(amount=told)), NOON)

    order = decision.record.order
    assert (order.status, order.payment_status) == (OrderStatus.PENDING, OrderPaymentStatus.REVIEW)
    assert (order.paid_minor, order.balance) == (0, Money(asked, currency))
    assert shown(decision) == [(Event.PAYMENT_CONFLICTED, asked), (Event.SUSPENSE_OPENED, told.minor)]
    (item,) = decision.record.suspense.values()
    other = told.currency != currency
    assert item.reason is (SuspenseReason.CURRENCY_MISMATCH if other else SuspenseReason.AMOUNT_MISMATCH)
    assert (item.amount, item.payment_id, item.resolution) == (told, PAYMENT_ID, None)


TWO_PAYMENTS: Final = a_record(a_payment(), a_payment(id=OTHER_PAYMENT_ID))
OTHERS: Final = a_report(captured(object_id="d", attempt_id="b"), payment_id=OTHER_PAYMENT_ID)


def test_two_payments_that_both_succeed_leave_a_surplus() -> None:
    first = decide(TWO_PAYMENTS, a_report(CAPTURED), NOON)
    second = decide(first.record, OTHERS, NOON)

    order = second.record.order
    assert (order.status, order.payment_status) == (OrderStatus.CONFIRMED, OrderPaymentStatus.OVERPAID)
    assert (order.paid_minor, order.balance.minor, order.surplus) == (1_000, 0, Money(500, "INR"))
    assert [event.version for event in (*first.events, *second.events)] == [2, 3, 4, 5]
    assert shown(second) == [(Event.PAYMENT_SUCCEEDED, 500), (Event.REFUND_CREATED, 500)]


@pytest.mark.parametrize("conflict_first", [True, False])
def test_a_conflict_of_one_payment_does_not_hold_up_what_another_paid(conflict_first: bool) -> None:
    reports = [a_report(captured(499)), OTHERS]

    order = after(TWO_PAYMENTS, *(reports if conflict_first else reversed(reports))).order

    assert (order.status, order.payment_status) == (OrderStatus.CONFIRMED, OrderPaymentStatus.REVIEW)
    assert order.paid_minor == 500


def test_two_payments_share_an_order() -> None:
    payments = [a_payment(amount_minor=300), a_payment(id=OTHER_PAYMENT_ID, amount_minor=200)]
    record = after(a_record(*payments), a_report(captured(300)))
    assert (record.order.status, record.order.balance.minor) == (OrderStatus.PENDING, 200)

    decision = decide(record, replace(OTHERS, facts=(captured(200, "d"),)), NOON)

    assert shown(decision) == [(Event.PAYMENT_SUCCEEDED, 200), (Event.ORDER_CONFIRMED, None)]
    assert decision.record.order.payment_status is OrderPaymentStatus.PAID


@pytest.mark.parametrize("refund_first", [True, False])
def test_the_order_of_a_capture_and_its_refund_does_not_change_the_sums(refund_first: bool) -> None:
    reports = [a_report(captured()), a_report(refund(Kind.REFUND_SUCCEEDED, 500))]

    order = after(a_record(a_payment()), *(reversed(reports) if refund_first else reports)).order

    assert (order.payment_status, order.paid_minor, order.refunded_minor) == (
        OrderPaymentStatus.REFUNDED,
        500,
        500,
    )
    # A promise is made when the money is there, and kept: no refund goes before its capture, however it is told.
    assert order.status is OrderStatus.CONFIRMED


def test_what_was_given_back_does_not_pay_a_second_time() -> None:
    payments = [a_payment(amount_minor=300), a_payment(id=OTHER_PAYMENT_ID, amount_minor=300)]
    told = [
        a_report(captured(300), refund(Kind.REFUND_SUCCEEDED, 300)),
        replace(OTHERS, facts=(captured(300, "d", reported_at=LATER),)),
    ]

    order = after(a_record(*payments), *told).order

    assert (order.paid_minor, order.refunded_minor, order.status) == (600, 300, OrderStatus.PENDING)


@pytest.mark.parametrize("policy", LatePaymentPolicy)
@pytest.mark.parametrize("status", [OrderStatus.EXPIRED, OrderStatus.CANCELED])
def test_late_money_reopens_an_order_only_where_it_is_honoured(
    policy: LatePaymentPolicy, status: OrderStatus
) -> None:
    record = a_record(a_payment(), status=status, late_payment_policy=policy)

    decision = decide(record, a_report(CAPTURED), NOON)

    order = decision.record.order
    if policy is LatePaymentPolicy.HONOR:
        assert shown(decision) == [(Event.PAYMENT_SUCCEEDED, 500), (Event.ORDER_REOPENED, None)]
        assert (order.status, order.surplus.minor) == (OrderStatus.CONFIRMED, 0)
        assert [event.status for event in decision.events] == [status, OrderStatus.CONFIRMED]
        assert order.payment_status is OrderPaymentStatus.PAID
    else:
        held = policy is LatePaymentPolicy.HOLD
        placed = Event.SUSPENSE_OPENED if held else Event.REFUND_CREATED
        assert shown(decision) == [(Event.PAYMENT_SUCCEEDED, 500), (placed, 500)]
        assert (order.status, order.surplus.minor, order.balance.minor) == (status, 500, 0)
        assert order.payment_status is (OrderPaymentStatus.REVIEW if held else OrderPaymentStatus.PAID)


@pytest.mark.parametrize(
    ("known", "told", "status"),
    [
        ([], [captured(499)], OrderStatus.EXPIRED),
        ([], [authorized()], OrderStatus.EXPIRED),
        ([], [captured(), refund(Kind.REFUND_SUCCEEDED, 1)], OrderStatus.EXPIRED),
        ([captured(300)], [captured(200, "d")], OrderStatus.CONFIRMED),
        (
            [captured(), refund(Kind.REFUND_SUCCEEDED, 1)],
            [refund(Kind.REFUND_FAILED, 1)],
            OrderStatus.EXPIRED,
        ),
    ],
)
def test_only_all_of_the_money_coming_in_late_reopens_an_order(
    known: list[Fact], told: list[Fact], status: OrderStatus
) -> None:
    record = a_record(MANUAL_PAYMENT, status=OrderStatus.EXPIRED, late_payment_policy=LatePaymentPolicy.HONOR)
    record = after(record, a_report(*known))

    assert after(record, a_report(*told)).order.status is status


@pytest.mark.parametrize(
    "news",
    [
        [refund(Kind.REFUND_PENDING, 500)],
        [fact(Kind.DISPUTE_OPENED, "d", 500)],
        [refund(Kind.REFUND_SUCCEEDED, 500), refund(Kind.REFUND_FAILED, 500)],
        [captured(detail="more")],
    ],
)
def test_an_order_canceled_after_it_was_paid_stays_canceled(news: list[Fact]) -> None:
    paid = after(a_record(a_payment(), late_payment_policy=LatePaymentPolicy.HONOR), a_report(captured()))
    canceled = after(paid, CancelOrder(reason=None, source=EventSource.STAFF, confirmed_too=True))

    order = after(canceled, *(a_report(one) for one in news)).order

    assert (order.status, order.paid_minor) == (OrderStatus.CANCELED, 500)


@pytest.mark.parametrize(
    ("first", "then"), [([captured(300)], [captured(200, "d")]), ([authorized()], [captured()])]
)
def test_an_order_canceled_with_money_on_it_is_not_reopened_by_the_rest(
    first: list[Fact], then: list[Fact]
) -> None:
    record = after(a_record(MANUAL_PAYMENT, late_payment_policy=LatePaymentPolicy.HONOR), a_report(*first))
    canceled = after(record, CancelOrder(reason=None, source=EventSource.STAFF, confirmed_too=True))

    order = after(canceled, a_report(*then)).order

    assert (order.status, order.surplus.minor) == (OrderStatus.CANCELED, 500)


DELIVERED: Final = FulfillOrder(status=FulfillmentStatus.DELIVERED, message=None, source=EventSource.STAFF)


def _shipped(*told: Fact) -> OrderRecord:
    record = after(a_record(MANUAL_PAYMENT), a_report(authorized()), a_report(*told))
    return after(record, replace(DELIVERED, status=FulfillmentStatus.SHIPPED))


@pytest.mark.parametrize(
    ("told", "completes"),
    [
        ([], False),
        ([captured(499)], False),
        ([captured()], True),
        ([captured(), refund(Kind.REFUND_SUCCEEDED)], True),
        ([captured(), fact(Kind.DISPUTE_OPENED, "d", 500)], True),
    ],
)
@pytest.mark.parametrize("goods_first", [True, False])
def test_an_order_is_complete_when_delivered_and_captured_whichever_comes_last(
    told: list[Fact], completes: bool, goods_first: bool
) -> None:
    changes: list[Change] = [DELIVERED, a_report(*told)]
    record = _shipped()
    before = after(record, *(changes[:1] if goods_first else changes[1:]))

    decision = decide(before, changes[1] if goods_first else changes[0], NOON)

    assert before.order.status is OrderStatus.CONFIRMED
    assert (decision.record.order.status is OrderStatus.COMPLETED) is completes
    assert (Event.ORDER_COMPLETED in [event.type for event in decision.events]) is completes
    assert [event.version for event in decision.events] == list(
        range(before.order.version + 1, decision.record.order.version + 1)
    )


@pytest.mark.parametrize(
    "news",
    [
        [refund(Kind.REFUND_SUCCEEDED, 500)],
        [fact(Kind.DISPUTE_LOST, "d", 500)],
        [captured(501, "d")],
        [fact(Kind.CANCELED, "p")],
    ],
)
def test_a_completed_order_stays_completed(news: list[Fact]) -> None:
    completed = after(_shipped(captured()), DELIVERED)

    record = after(completed, a_report(*news))

    assert (completed.order.status, record.order.status) == (OrderStatus.COMPLETED, OrderStatus.COMPLETED)


def test_returned_goods_leave_a_completed_order_completed() -> None:
    completed = after(_shipped(captured()), DELIVERED)

    record = after(completed, replace(DELIVERED, status=FulfillmentStatus.RETURNED))

    assert (record.order.status, record.order.fulfillment_status) == (
        OrderStatus.COMPLETED,
        FulfillmentStatus.RETURNED,
    )


def test_a_change_is_told_with_the_order_its_payments_and_its_events() -> None:
    decision = decide(TWO_PAYMENTS, a_report(CAPTURED), NOON)

    change = decision.as_change(received_at=1.5)

    assert change.order is decision.record.order
    assert [details.payment.id for details in change.payments] == [PAYMENT_ID, OTHER_PAYMENT_ID]
    assert [attempt.reference for attempt in change.payments[0].attempts] == ["a"]
    assert (change.events, change.received_at) == (decision.events, 1.5)


def test_a_payment_that_the_order_does_not_have_is_a_defect() -> None:
    with pytest.raises(KeyError):
        decide(a_record(), a_report(CAPTURED, payment_id=UUID(int=99)), NOON)
