"""Razorpay's adapter when something goes wrong: answers that never came, refusals, and money that goes back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from app.domain.states import (
    CaptureMethod,
    PaymentMethodType,
    PaymentStatus,
)
from app.gateways import CaptureRequest, GatewayError, GatewayErrorKind
from app.gateways.razorpay import RazorpaySettings, build
from tests.gateways.razorpay_objects import PRICE, handle
from tests.gateways.razorpay_shop import Shop, shop_open, told

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable


PAID = ["ATTEMPT_STARTED", "AUTHORIZED", "CAPTURED"]
LOST_ANSWERS = ["hang_after", "garbage_after"]


@pytest.fixture
async def shop() -> AsyncIterator[Shop]:
    """Open a shop that waits for a second at most."""
    async with shop_open(timeout_seconds=1.0) as shop:
        yield shop


async def refusal(call: Awaitable[object]) -> GatewayError:
    with pytest.raises(GatewayError) as raised:
        await call
    return raised.value


async def fail(shop: Shop, operation: str, answer: object, times: int = 1) -> None:
    await shop.razorpay.chaos(api_fail={operation: {"answer": answer, "times": times}})


@pytest.mark.parametrize("answer", LOST_ANSWERS)
async def test_an_order_whose_answer_never_came_is_found(shop: Shop, answer: str) -> None:
    await fail(shop, "create", answer)

    lost = await refusal(shop.gateway.create(shop.request()))
    found = await shop.gateway.fetch(shop.payment)
    again = await shop.open()

    assert lost.kind is GatewayErrorKind.UNKNOWN
    assert found.reference == again.reference
    assert len(shop.razorpay.simulator.book.orders) == 1


async def test_a_qr_code_whose_answer_never_came_is_found(shop: Shop) -> None:
    await fail(shop, "create_qr", "hang_after")

    lost = await refusal(shop.gateway.create(shop.request(PaymentMethodType.UPI_QR)))
    found = await shop.gateway.fetch(shop.payment)
    again = await shop.open(PaymentMethodType.UPI_QR)

    assert lost.kind is GatewayErrorKind.UNKNOWN
    assert found.reference == again.reference
    assert again.next_action is not None
    assert len(shop.razorpay.simulator.book.codes) == 1


async def test_a_upi_link_that_was_lost_is_replaced(shop: Shop) -> None:
    await fail(shop, "create_upi", "hang_after")

    lost = await refusal(shop.gateway.create(shop.request(PaymentMethodType.UPI_INTENT)))
    again = await shop.open(PaymentMethodType.UPI_INTENT)
    await shop.pay()

    assert lost.kind is GatewayErrorKind.UNKNOWN
    assert again.next_action is not None
    assert len(shop.razorpay.simulator.book.orders) == 1
    assert (await shop.asked()).status is PaymentStatus.SUCCEEDED


@pytest.mark.parametrize("answer", LOST_ANSWERS)
async def test_a_capture_whose_answer_never_came_is_not_made_twice(shop: Shop, answer: str) -> None:
    await shop.paid(capture_method=CaptureMethod.MANUAL)
    await fail(shop, "capture", answer)
    asked = CaptureRequest(payment=shop.payment, amount=PRICE, idempotency_key="capture-1")

    lost = await refusal(shop.gateway.capture(asked))
    again = await shop.gateway.capture(asked)

    assert (lost.kind, told(again)) == (GatewayErrorKind.UNKNOWN, PAID)
    assert shop.razorpay.told().count("payment.captured") == 1


@pytest.mark.parametrize("answer", LOST_ANSWERS)
async def test_a_refund_whose_answer_never_came_is_not_made_twice(shop: Shop, answer: str) -> None:
    await shop.paid()
    asked = shop.refund(10000)
    await fail(shop, "refund", answer)

    lost = await refusal(shop.gateway.refund(asked))
    again = await shop.gateway.refund(asked)

    assert lost.kind is GatewayErrorKind.UNKNOWN
    assert {fact.own_id for fact in again.facts} == {asked.refund_id}
    assert len(shop.razorpay.simulator.book.refunds) == 1


async def test_a_refund_that_is_in_progress_is_unknown(shop: Shop) -> None:
    await shop.paid()
    await fail(shop, "refund", 409)

    error = await refusal(shop.gateway.refund(shop.refund(10000)))

    assert error.kind is GatewayErrorKind.UNKNOWN
    assert error.message == "Another request with the same idempotency key is still in progress."


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (429, GatewayErrorKind.UNAVAILABLE),
        (500, GatewayErrorKind.UNKNOWN),
        (502, GatewayErrorKind.UNKNOWN),
        (503, GatewayErrorKind.UNKNOWN),
        (504, GatewayErrorKind.UNKNOWN),
        (408, GatewayErrorKind.UNKNOWN),
    ],
)
@pytest.mark.parametrize("operation", ["lookup", "create"])
async def test_trouble_at_razorpay_is_told_apart(
    shop: Shop, operation: str, status: int, kind: GatewayErrorKind
) -> None:
    await fail(shop, operation, status)

    error = await refusal(shop.gateway.create(shop.request()))

    assert error.kind is kind
    assert shop.razorpay.simulator.book.orders == {}


async def test_wrong_keys_are_refused_and_not_shown(shop: Shop) -> None:
    settings = RazorpaySettings(
        key_id="rzp_test_other", key_secret="other-secret", api_base=shop.razorpay.url
    )
    gateway = build(settings)

    error = await refusal(gateway.create(shop.request()))

    assert error.kind is GatewayErrorKind.REJECTED
    assert "other-secret" not in f"{error}{error.message}{error.code}"
    await gateway.aclose()


async def test_nobody_listening_is_unavailable() -> None:
    gateway = build(RazorpaySettings(key_id="rzp_test_1", key_secret="s", api_base="http://127.0.0.1:1"))

    assert (await refusal(gateway.fetch(handle("order_1")))).kind is GatewayErrorKind.UNAVAILABLE
    await gateway.aclose()
