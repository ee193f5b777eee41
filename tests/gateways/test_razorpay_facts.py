"""Razorpay's objects in facts: by the object, at its own times, the same however often and wherever it is read."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import pytest

from app.domain.facts import Fact, FactKind, Failure
from app.domain.money import Money
from app.domain.states import GatewayName, PaymentMethodType
from app.gateways.razorpay.facts import (
    dispute_facts,
    payment_facts,
    qr_code_facts,
    refund_facts,
)
from app.gateways.razorpay.wire import WireDispute, WirePayment, WireQrCode, WireRefund
from app.gateways.words import warn_of_unknown
from tests.gateways.razorpay_objects import (
    PRICE,
    REFUND_ID,
    STARTED,
    dispute,
    failed,
    payment,
    qr_code,
    refund,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

BEGAN: Final = datetime.fromtimestamp(STARTED, UTC)


def kinds(facts: Iterable[Fact]) -> list[str]:
    return [fact.kind.value for fact in facts]


def of_payment(entity: dict[str, Any]) -> list[Fact]:
    return list(payment_facts(WirePayment.model_validate(entity)))


def of_refund(entity: dict[str, Any]) -> list[Fact]:
    return list(refund_facts(WireRefund.model_validate(entity)))


def of_dispute(entity: dict[str, Any]) -> list[Fact]:
    return list(dispute_facts(WireDispute.model_validate(entity)))


def test_a_captured_payment_was_authorised_before() -> None:
    told = of_payment(payment())

    common: dict[str, Any] = {
        "gateway": GatewayName.RAZORPAY,
        "object_id": "pay_1",
        "method": PaymentMethodType.CARD,
    }
    money = {**common, "amount": PRICE, "attempt_id": "pay_1"}
    assert told == [
        Fact(kind=FactKind.ATTEMPT_STARTED, reported_at=BEGAN, **common),
        Fact(kind=FactKind.AUTHORIZED, **money),
        Fact(kind=FactKind.CAPTURED, **money),
    ]


@pytest.mark.parametrize(
    ("entity", "expected"),
    [
        (payment("created"), ["ATTEMPT_STARTED"]),
        (payment("authorized"), ["ATTEMPT_STARTED", "AUTHORIZED"]),
        (payment("authorized", captured=True), ["ATTEMPT_STARTED", "AUTHORIZED", "CAPTURED"]),
        (
            payment("refunded", captured=True, amount_refunded=49900),
            ["ATTEMPT_STARTED", "AUTHORIZED", "CAPTURED"],
        ),
        (
            payment("refunded", captured=False, amount_refunded=49900),
            ["ATTEMPT_STARTED", "AUTHORIZED", "RELEASED"],
        ),
        (failed(), ["ATTEMPT_STARTED", "FAILED"]),
        (payment("authorized", captured="1"), ["ATTEMPT_STARTED", "AUTHORIZED", "CAPTURED"]),
        (payment("authorized", captured="0"), ["ATTEMPT_STARTED", "AUTHORIZED"]),
        (payment("created", captured=None), ["ATTEMPT_STARTED"]),
        (payment("frozen"), []),
    ],
)
def test_each_status_tells_how_far_a_try_came(entity: dict[str, Any], expected: list[str]) -> None:
    assert kinds(of_payment(entity)) == expected


def test_a_failed_try_tells_why_without_the_shoppers_address() -> None:
    (_, fact) = of_payment(failed())

    assert fact.failure == Failure(
        code="BAD_REQUEST_ERROR",
        message="Payment by ga****@upi was declined",
        decline_code="payment_declined",
        retryable=True,
    )


def test_empty_reasons_are_none() -> None:
    (_, fact) = of_payment(failed(error_code="", error_description="", error_reason=None))

    assert fact.failure == Failure(code="payment_failed", message="The payment failed.")


@pytest.mark.parametrize(
    ("entity", "method"),
    [
        (payment(method="card"), PaymentMethodType.CARD),
        (payment(method="emi"), PaymentMethodType.CARD),
        (payment(method="netbanking"), PaymentMethodType.NETBANKING),
        (payment(method="wallet"), PaymentMethodType.WALLET),
        (payment(method="paylater"), PaymentMethodType.OTHER),
        (payment(method=None), None),
        (payment(method="upi", upi={"flow": "intent"}), PaymentMethodType.UPI_INTENT),
        (payment(method="upi"), PaymentMethodType.UPI_INTENT),
        (payment(method="upi", upi={"flow": "collect"}), PaymentMethodType.OTHER),
        (payment(method="upi", order_id=None), PaymentMethodType.UPI_QR),
    ],
)
def test_what_the_shopper_paid_with(entity: dict[str, Any], method: PaymentMethodType | None) -> None:
    assert {fact.method for fact in of_payment(entity)} == {method}


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("pending", ["REFUND_PENDING"]),
        ("processed", ["REFUND_PENDING", "REFUND_SUCCEEDED"]),
        ("failed", ["REFUND_FAILED"]),
        ("thinking", []),
    ],
)
def test_each_status_tells_how_far_a_refund_came(status: str, expected: list[str]) -> None:
    told = of_refund(refund(status))

    assert kinds(told) == expected
    for fact in told:
        assert (fact.object_id, fact.amount, fact.own_id) == ("rfnd_1", Money(10000, "INR"), REFUND_ID)
        assert fact.detail == "size"


def test_a_refund_is_ours_by_its_receipt_too() -> None:
    (fact,) = of_refund(refund("pending", notes=[]))

    assert (fact.own_id, fact.detail) == (REFUND_ID, None)


def test_a_refund_from_the_dashboard_is_not_ours() -> None:
    (fact,) = of_refund(refund("pending", notes={"refund_id": "42"}, receipt="Receipt No. 31"))

    assert fact.own_id is None


def test_what_was_never_captured_is_released_and_not_refunded() -> None:
    held = WirePayment.model_validate(payment("refunded", captured=False))

    assert list(refund_facts(WireRefund.model_validate(refund()), held)) == []
    (released,) = [fact for fact in payment_facts(held) if fact.kind is FactKind.RELEASED]
    assert released.amount == PRICE


@pytest.mark.parametrize(
    ("status", "deducted", "expected"),
    [
        ("open", 0, ["DISPUTE_OPENED"]),
        ("under_review", 0, ["DISPUTE_UNDER_REVIEW"]),
        ("won", 0, ["DISPUTE_WON"]),
        ("lost", 49900, ["DISPUTE_LOST"]),
        ("closed", 0, ["DISPUTE_WON"]),
        ("closed", 49900, ["DISPUTE_LOST"]),
        ("arbitrated", 0, []),
    ],
)
def test_each_status_tells_how_far_a_dispute_came(status: str, deducted: int, expected: list[str]) -> None:
    told = of_dispute(dispute(status, amount_deducted=deducted))

    assert kinds(told) == expected
    for fact in told:
        assert (fact.object_id, fact.amount, fact.detail) == ("disp_1", PRICE, "goods_not_received")
        assert fact.respond_by == datetime.fromtimestamp(STARTED + 86400, UTC)


@pytest.mark.parametrize(
    ("entity", "expected"),
    [
        (qr_code(), []),
        (qr_code("closed", close_reason="on_demand", closed_at=STARTED + 60), ["LAPSED"]),
        (qr_code("closed", closed_at=str(STARTED + 7200)), ["LAPSED"]),
        (qr_code("closed", close_reason="paid"), []),
    ],
)
def test_a_code_that_is_closed_unpaid_takes_no_new_payment(
    entity: dict[str, Any], expected: list[str]
) -> None:
    told = list(qr_code_facts(WireQrCode.model_validate(entity)))

    assert kinds(told) == expected
    assert all(fact.reported_at is not None for fact in told)


def test_an_unknown_word_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    warn_of_unknown.cache_clear()

    for _ in range(3):
        of_payment(payment("frozen"))
        of_payment(payment("melted"))

    assert [vars(record)["word"] for record in caplog.records] == ["frozen", "melted"]


@pytest.mark.parametrize(
    "change",
    [
        {"id": None},
        {"id": "pay 1"},
        {"id": "p" * 65},
        {"amount": "49900"},
        {"amount": 49900.0},
        {"amount": True},
        {"amount": -1},
        {"amount": 2**53},
        {"status": 7},
        {"created_at": -1},
        {"created_at": 10**15},
        {"created_at": None},
        {"notes": ["a"]},
        {"notes": "a"},
        {"order_id": 7},
        {"captured": "yes"},
        {"upi": []},
    ],
)
def test_a_payment_of_another_shape_is_not_read_and_not_quoted(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="WirePayment") as raised:
        WirePayment.model_validate({**payment(), **change})

    assert "input_value" not in str(raised.value)


def test_an_amount_in_no_currency_makes_no_sense() -> None:
    with pytest.raises(ValueError, match="currency"):
        of_payment(payment(currency="ZZZ"))
