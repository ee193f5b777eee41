"""What people ask of an order: payments, refunds, cancelation, delivery. Refused by name, with nothing moved."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import pytest

from app.domain.changes import CancelOrder, FulfillOrder, OpenPayment, RequestRefund
from app.domain.errors import DomainError, ErrorCode
from app.domain.facts import Fact
from app.domain.facts import FactKind as Kind
from app.domain.money import Money
from app.domain.requests import amount_due
from app.domain.settlement import decide
from app.domain.states import (
    CaptureMethod,
    EventSource,
    FulfillmentStatus,
    JobKind,
    OrderPaymentStatus,
    OrderStatus,
    PaymentStatus,
    RefundInitiator,
    RefundStatus,
)
from app.domain.states import OrderEventType as Event
from tests.domain.told import (
    LATER,
    NOON,
    ORDER_ID,
    OTHER_PAYMENT_ID,
    PAYMENT_ID,
    REFUND_ID,
    a_payment,
    a_record,
    a_report,
    authorized,
    captured,
    fact,
)

if TYPE_CHECKING:
    from uuid import UUID

    from app.domain.changes import Change, OrderRecord

NEW_PAYMENT: Final = a_payment(id=OTHER_PAYMENT_ID, amount_minor=0)


def rupees(minor: int) -> Money:
    """Return an amount in rupees."""
    return Money(minor, "INR")


def open_payment(amount: Money | None = None) -> OpenPayment:
    """Return the wish to pay."""
    return OpenPayment(payment=NEW_PAYMENT, amount=amount, source=EventSource.API)


def ask_refund(amount: Money | None = None, refund_id: UUID = REFUND_ID) -> RequestRefund:
    """Return the wish to have money back."""
    return RequestRefund(
        payment_id=PAYMENT_ID,
        refund_id=refund_id,
        amount=amount,
        reason="broken",
        initiator=RefundInitiator.STAFF,
        source=EventSource.STAFF,
    )


def cancel(**more: Any) -> CancelOrder:  # noqa: ANN401 - fields of CancelOrder
    """Return the wish to give the order up."""
    return CancelOrder(**{"reason": "changed my mind", "source": EventSource.API, **more})


def fulfill(status: FulfillmentStatus, **more: Any) -> FulfillOrder:  # noqa: ANN401 - fields of FulfillOrder
    """Return the news that the goods moved."""
    return FulfillOrder(**{"status": status, "message": "by post", "source": EventSource.STAFF, **more})


def told(*facts: Fact, method: CaptureMethod = CaptureMethod.MANUAL, **order: Any) -> OrderRecord:  # noqa: ANN401 - fields of Order
    """Return an order with one payment of which these facts are known."""
    record = a_record(a_payment(capture_method=method), **order)
    return decide(record, a_report(*facts), NOON).record


def refused(record: OrderRecord, change: Change) -> tuple[ErrorCode, tuple[str, ...]]:
    """Return why a change is refused, after looking that nothing moved."""
    before = deepcopy(record)
    with pytest.raises(DomainError) as error:
        decide(record, change, LATER)
    assert record == before
    assert error.value.message
    return error.value.code, error.value.field


def test_a_payment_is_opened_for_what_is_left() -> None:
    record = told(captured(200))

    decision = decide(record, open_payment(), LATER)

    opened = decision.record.payments[OTHER_PAYMENT_ID]
    assert opened.payment == replace(NEW_PAYMENT, amount_minor=300, created_at=LATER, updated_at=LATER)
    assert (opened.facts, opened.state.status) == ({}, PaymentStatus.REQUIRES_PAYMENT_METHOD)
    assert decision.record.payments[PAYMENT_ID] is record.payments[PAYMENT_ID]
    (event,) = decision.events
    assert (event.type, event.amount, event.payment_id) == (
        Event.PAYMENT_CREATED,
        rupees(300),
        OTHER_PAYMENT_ID,
    )
    assert (event.version, event.source) == (record.order.version + 1, EventSource.API)
    assert decision.record.order == replace(record.order, version=event.version, updated_at=LATER)
    assert (decision.facts, decision.postings) == ((), ())


@pytest.mark.parametrize("amount", [1, 499, 500])
def test_a_part_may_be_paid(amount: int) -> None:
    decision = decide(a_record(), open_payment(rupees(amount)), NOON)

    assert decision.record.payments[OTHER_PAYMENT_ID].payment.amount == rupees(amount)


def test_a_payment_is_always_in_the_order_s_currency() -> None:
    change = replace(open_payment(), payment=replace(NEW_PAYMENT, currency="USD"))

    decision = decide(a_record(), change, NOON)

    assert decision.record.payments[OTHER_PAYMENT_ID].payment.amount == rupees(500)


def test_opening_the_same_payment_again_gives_the_very_same_order() -> None:
    once = decide(a_record(), open_payment(), NOON).record

    again = decide(once, open_payment(rupees(1)), LATER)

    assert again.record is once
    assert again.events == ()


@pytest.mark.parametrize(
    ("record", "amount", "code", "field"),
    [
        (a_record(), Money(500, "USD"), ErrorCode.CURRENCY_MISMATCH, ("amount", "currency")),
        (a_record(status=OrderStatus.CANCELED), None, ErrorCode.INVALID_STATE, ()),
        (a_record(status=OrderStatus.EXPIRED), None, ErrorCode.INVALID_STATE, ()),
        (a_record(status=OrderStatus.COMPLETED), None, ErrorCode.INVALID_STATE, ()),
        (told(captured()), None, ErrorCode.ALREADY_PAID, ()),
        (told(captured()), rupees(1), ErrorCode.ALREADY_PAID, ()),
        (told(authorized()), None, ErrorCode.ALREADY_PAID, ()),
        (told(authorized(), captured(200)), None, ErrorCode.ALREADY_PAID, ()),
        (a_record(total_minor=0), None, ErrorCode.ALREADY_PAID, ()),
        (told(fact(Kind.PROCESSING)), None, ErrorCode.PAYMENT_IN_PROGRESS, ()),
        (told(fact(Kind.ACTION_REQUIRED)), None, ErrorCode.PAYMENT_IN_PROGRESS, ()),
        (a_record(), rupees(0), ErrorCode.AMOUNT_TOO_SMALL, ("amount",)),
        (a_record(), rupees(-1), ErrorCode.AMOUNT_TOO_SMALL, ("amount",)),
        (a_record(), rupees(501), ErrorCode.AMOUNT_TOO_LARGE, ("amount",)),
        (told(captured(200)), rupees(301), ErrorCode.AMOUNT_TOO_LARGE, ("amount",)),
    ],
)
def test_a_payment_that_can_t_be_is_refused(
    record: OrderRecord, amount: Money | None, code: ErrorCode, field: tuple[str, ...]
) -> None:
    assert refused(record, open_payment(amount)) == (code, field)


@pytest.mark.parametrize(
    ("facts", "due"),
    [
        ([], 500),
        ([fact(Kind.FAILED)], 500),
        ([authorized()], 0),
        ([authorized(), fact(Kind.CANCELED, "p")], 500),
        ([authorized(), captured(200)], 0),
        ([authorized(), captured(200), fact(Kind.RELEASED, "c", 300)], 300),
        ([captured(), fact(Kind.REFUND_SUCCEEDED, "r", 200)], 200),
        ([captured(501)], 500),
    ],
)
def test_what_is_due_is_neither_paid_nor_authorised(facts: list[Fact], due: int) -> None:
    assert amount_due(told(*facts)) == rupees(due)


def test_an_authorisation_of_a_payment_that_is_paid_already_covers_nothing_else() -> None:
    record = a_record(a_payment(amount_minor=300, capture_method=CaptureMethod.MANUAL))
    facts = (authorized(300), authorized(300, "d"), captured(300))

    record = decide(record, a_report(*facts), NOON).record

    assert record.payments[PAYMENT_ID].state.status is PaymentStatus.SUCCEEDED
    assert amount_due(record) == rupees(200)


@pytest.mark.parametrize(
    ("order", "balance", "surplus"),
    [
        ({}, 500, 0),
        ({"paid_minor": 200}, 300, 0),
        ({"paid_minor": 500, "refunded_minor": 200}, 200, 0),
        ({"paid_minor": 700}, 0, 200),
        ({"paid_minor": 700, "refunded_minor": 200}, 0, 0),
        ({"status": OrderStatus.COMPLETED, "paid_minor": 700}, 0, 200),
        ({"status": OrderStatus.CANCELED}, 0, 0),
        ({"status": OrderStatus.CANCELED, "paid_minor": 200}, 0, 200),
        ({"status": OrderStatus.EXPIRED, "paid_minor": 200, "refunded_minor": 150}, 0, 50),
        ({"status": OrderStatus.EXPIRED, "paid_minor": 200, "refunded_minor": 300}, 0, 0),
    ],
)
def test_an_open_order_wants_its_total_and_a_closed_one_nothing(
    order: dict[str, Any], balance: int, surplus: int
) -> None:
    record = a_record(**order)

    assert (record.order.balance, record.order.surplus) == (rupees(balance), rupees(surplus))


@pytest.mark.parametrize(("amount", "asked"), [(None, 500), (rupees(200), 200), (rupees(500), 500)])
def test_a_refund_is_written_before_the_gateway_is_asked(amount: Money | None, asked: int) -> None:
    record = told(captured())

    decision = decide(record, ask_refund(amount), LATER)

    state = decision.record.payments[PAYMENT_ID].state
    (refund,) = state.refunds
    assert (refund.id, refund.status, refund.amount) == (REFUND_ID, RefundStatus.PENDING, rupees(asked))
    assert (refund.reference, refund.initiated_by, refund.reason) == (None, RefundInitiator.STAFF, "broken")
    assert refund.created_at == LATER
    assert (state.refunded, state.refund_pending, state.refundable) == (
        rupees(0),
        rupees(asked),
        rupees(500 - asked),
    )
    (event,) = decision.events
    assert (event.type, event.amount, event.message) == (Event.REFUND_CREATED, rupees(asked), "broken")
    assert decision.record.order.payment_status is OrderPaymentStatus.PAID
    ((payment_id, written),) = decision.facts
    assert (payment_id, written.kind, written.own_id) == (PAYMENT_ID, Kind.REFUND_REQUESTED, REFUND_ID)
    assert decision.postings == ()


def test_a_refund_that_the_gateway_has_after_all_is_looked_after_again() -> None:
    record = decide(told(captured()), ask_refund(rupees(200)), NOON).record
    concluded = fact(Kind.REFUND_FAILED, str(REFUND_ID), 200, own_id=REFUND_ID)
    given_up = decide(record, a_report(concluded), NOON)

    decision = decide(
        given_up.record, a_report(fact(Kind.REFUND_PENDING, "re_1", 200, own_id=REFUND_ID)), LATER
    )

    assert given_up.jobs == ()
    assert [(job.kind, job.subject_id) for job in decision.jobs] == [(JobKind.REFUND, REFUND_ID)]
    (refund,) = decision.record.payments[PAYMENT_ID].state.refunds
    assert refund.status is RefundStatus.PENDING


def test_asking_for_the_same_refund_again_gives_the_very_same_order() -> None:
    once = decide(told(captured()), ask_refund(rupees(200)), NOON).record

    again = decide(once, ask_refund(rupees(200)), LATER)

    assert again.record is once
    assert again.events == ()


def test_a_refund_without_an_amount_is_of_what_the_others_left() -> None:
    facts = [
        captured(),
        fact(Kind.REFUND_SUCCEEDED, "r", 100),
        fact(Kind.REFUND_PENDING, "s", 50),
        fact(Kind.REFUND_FAILED, "t", 20),
        fact(Kind.DISPUTE_OPENED, "x", 30),
        fact(Kind.DISPUTE_WON, "y", 10),
    ]

    record = decide(told(*facts), ask_refund(), NOON).record

    (refund,) = (one for one in record.payments[PAYMENT_ID].state.refunds if one.id == REFUND_ID)
    assert refund.amount == rupees(320)


def test_money_that_is_held_in_suspense_can_be_given_back() -> None:
    record = decide(told(captured(501)), ask_refund(), NOON).record

    assert record.payments[PAYMENT_ID].state.refund_pending == rupees(501)


@pytest.mark.parametrize(
    ("facts", "amount", "code", "field"),
    [
        ([captured()], Money(100, "USD"), ErrorCode.CURRENCY_MISMATCH, ("amount", "currency")),
        ([], None, ErrorCode.INVALID_STATE, ()),
        ([authorized()], rupees(1), ErrorCode.INVALID_STATE, ()),
        ([captured(), fact(Kind.REFUND_SUCCEEDED, "r", 500)], None, ErrorCode.INVALID_STATE, ()),
        ([captured(), fact(Kind.REFUND_PENDING, "r", 500)], rupees(1), ErrorCode.INVALID_STATE, ()),
        ([captured(), fact(Kind.REFUND_SUCCEEDED, "r", 501)], None, ErrorCode.INVALID_STATE, ()),
        ([captured(), fact(Kind.DISPUTE_LOST, "d", 500)], None, ErrorCode.INVALID_STATE, ()),
        ([captured()], rupees(0), ErrorCode.AMOUNT_TOO_SMALL, ("amount",)),
        ([captured()], rupees(-1), ErrorCode.AMOUNT_TOO_SMALL, ("amount",)),
        ([captured()], rupees(501), ErrorCode.AMOUNT_TOO_LARGE, ("amount",)),
        ([captured(300)], rupees(301), ErrorCode.AMOUNT_TOO_LARGE, ("amount",)),
        (
            [captured(), fact(Kind.REFUND_PENDING, "r", 300)],
            rupees(201),
            ErrorCode.AMOUNT_TOO_LARGE,
            ("amount",),
        ),
        (
            [captured(), fact(Kind.DISPUTE_OPENED, "d", 300)],
            rupees(201),
            ErrorCode.AMOUNT_TOO_LARGE,
            ("amount",),
        ),
    ],
)
def test_a_refund_that_can_t_be_is_refused(
    facts: list[Fact], amount: Money | None, code: ErrorCode, field: tuple[str, ...]
) -> None:
    assert refused(told(*facts), ask_refund(amount)) == (code, field)


@pytest.mark.parametrize("staff", [True, False])
def test_a_pending_order_can_be_canceled(staff: bool) -> None:
    record = a_record(a_payment())

    decision = decide(record, cancel(confirmed_too=staff, expected_version=1), LATER)

    (event,) = decision.events
    assert (event.type, event.message, event.status) == (
        Event.ORDER_CANCELED,
        "changed my mind",
        OrderStatus.CANCELED,
    )
    assert decision.record.order == replace(
        record.order, status=OrderStatus.CANCELED, version=2, updated_at=LATER
    )
    assert decision.record.payments is record.payments


def test_staff_can_cancel_a_confirmed_order_and_the_money_becomes_a_surplus() -> None:
    order = decide(told(captured()), cancel(confirmed_too=True), NOON).record.order

    assert (order.status, order.surplus, order.balance) == (OrderStatus.CANCELED, rupees(500), rupees(0))


def test_canceling_a_canceled_order_gives_the_very_same_order() -> None:
    record = a_record(status=OrderStatus.CANCELED)

    assert decide(record, cancel(expected_version=7), NOON).record is record


@pytest.mark.parametrize(
    ("record", "change", "code", "field"),
    [
        (a_record(), cancel(expected_version=2), ErrorCode.VERSION_CONFLICT, ("expectedVersion",)),
        (told(captured()), cancel(), ErrorCode.INVALID_STATE, ()),
        (a_record(status=OrderStatus.COMPLETED), cancel(confirmed_too=True), ErrorCode.INVALID_STATE, ()),
        (a_record(status=OrderStatus.EXPIRED), cancel(confirmed_too=True), ErrorCode.INVALID_STATE, ()),
        (told(fact(Kind.PROCESSING)), cancel(confirmed_too=True), ErrorCode.PAYMENT_IN_PROGRESS, ()),
        (
            told(captured()),
            fulfill(FulfillmentStatus.SHIPPED, expected_version=1),
            ErrorCode.VERSION_CONFLICT,
            ("expectedVersion",),
        ),
        (a_record(), fulfill(FulfillmentStatus.SHIPPED), ErrorCode.INVALID_STATE, ()),
        (
            a_record(status=OrderStatus.CANCELED),
            fulfill(FulfillmentStatus.SHIPPED),
            ErrorCode.INVALID_STATE,
            (),
        ),
        (
            a_record(status=OrderStatus.EXPIRED),
            fulfill(FulfillmentStatus.SHIPPED),
            ErrorCode.INVALID_STATE,
            (),
        ),
        (told(captured()), fulfill(FulfillmentStatus.DELIVERED), ErrorCode.INVALID_STATE, ("status",)),
    ],
)
def test_a_wish_that_can_t_be_is_refused(
    record: OrderRecord, change: Change, code: ErrorCode, field: tuple[str, ...]
) -> None:
    assert refused(record, change) == (code, field)


def test_goods_that_move_are_shown() -> None:
    record = told(captured())

    decision = decide(record, fulfill(FulfillmentStatus.SHIPPED, expected_version=3), LATER)

    (event,) = decision.events
    assert (event.type, event.message, event.version) == (Event.FULFILLMENT_CHANGED, "by post", 4)
    assert (event.order_id, event.fulfillment_status) == (ORDER_ID, FulfillmentStatus.SHIPPED)
    assert decision.record.order == replace(
        record.order, fulfillment_status=FulfillmentStatus.SHIPPED, version=4, updated_at=LATER
    )


def test_goods_that_are_there_already_give_the_very_same_order() -> None:
    record = told(captured())

    assert decide(record, fulfill(FulfillmentStatus.UNFULFILLED, expected_version=9), NOON).record is record
