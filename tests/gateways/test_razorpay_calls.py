"""Razorpay's adapter against its simulator: each call does its work once and tells it in facts."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from app.domain.money import Money
from app.domain.states import CaptureMethod, GatewayName, PaymentMethodType, PaymentStatus
from app.gateways import GatewayError, GatewayErrorKind, load_gateways
from app.gateways.polling import UPI_STEPS
from tests.gateways.razorpay_objects import ORDER_ID, SETTINGS
from tests.gateways.razorpay_shop import Shop, shop_open, told
from tests.simulators.razorpay_world import KEY_ID, KEY_SECRET

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from app.gateways import Gateway

PAID = ["ATTEMPT_STARTED", "AUTHORIZED", "CAPTURED"]
MANUAL = CaptureMethod.MANUAL


@pytest.fixture
async def shop() -> AsyncIterator[Shop]:
    """Open a shop."""
    async with shop_open() as shop:
        yield shop


async def test_it_is_a_gateway_that_the_registry_builds() -> None:
    registry = load_gateways({"razorpay": SETTINGS})

    gateway: Gateway = registry.get(GatewayName.RAZORPAY)

    assert registry.find("razorpay") is gateway
    assert (gateway.currencies, gateway.releases) == (("INR",), False)
    assert gateway.methods == (
        PaymentMethodType.CARD,
        PaymentMethodType.UPI_INTENT,
        PaymentMethodType.UPI_QR,
        PaymentMethodType.NETBANKING,
        PaymentMethodType.WALLET,
    )
    assert gateway.polling.backfill_every_seconds is None
    assert gateway.polling.steps_of(PaymentMethodType.UPI_QR) is UPI_STEPS
    assert gateway.public_config() == {"keyId": "rzp_test_1", "testMode": True}
    assert [event async for event in gateway.missed(datetime.now(UTC))] == []
    await registry.aclose()


async def test_creating_opens_an_order_and_hands_it_to_the_checkout(shop: Shop) -> None:
    answer = await shop.open()

    (order,) = shop.razorpay.simulator.book.orders.values()
    assert (answer.reference, answer.facts, answer.awaits_us) == (order.id, (), False)
    assert answer.next_action == {
        "type": "ClientSdkAction",
        "sdk": "razorpay",
        "parameters": {
            "key": KEY_ID,
            "order_id": order.id,
            "amount": 49900,
            "currency": "INR",
            "name": "Tea & Spice",
            "description": "Order K7-4F2Q",
            "prefill": {"email": "shopper@example.com"},
            "callback_url": "http://127.0.0.1:9/orders/7",
        },
    }
    assert (order.amount, order.currency, order.captures) == (49900, "INR", True)
    assert order.receipt == str(shop.payment.payment_id)
    assert order.notes == {
        "payment_id": str(shop.payment.payment_id),
        "order_id": str(ORDER_ID),
        "order_number": "K7-4F2Q",
    }


async def test_creating_again_finds_the_same_order(shop: Shop) -> None:
    first = await shop.open()

    again = await shop.gateway.create(shop.request())

    assert again == first
    assert len(shop.razorpay.simulator.book.orders) == 1


async def test_creating_again_what_was_paid_meanwhile_tells_so(shop: Shop) -> None:
    await shop.paid()

    again = await shop.gateway.create(shop.request())

    assert (again.reference, again.next_action, told(again)) == (shop.reference, None, PAID)


async def test_creating_again_with_another_amount_is_refused(shop: Shop) -> None:
    await shop.open()

    with pytest.raises(GatewayError) as raised:
        await shop.gateway.create(replace(shop.request(), amount=Money(50000, "INR")))

    assert (raised.value.kind, raised.value.code) == (GatewayErrorKind.REJECTED, "amount_differs")


def callback(shop: Shop, **changes: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON
    """Return what checkout.js hands back."""
    (payment,) = shop.razorpay.simulator.book.payments.values()
    signed = f"{shop.reference}|{payment.id}".encode()
    return {
        "razorpay_order_id": shop.reference,
        "razorpay_payment_id": payment.id,
        "razorpay_signature": hmac.new(KEY_SECRET.encode(), signed, hashlib.sha256).hexdigest(),
        **changes,
    }


async def test_confirming_checks_the_callback_and_looks_the_payment_up(shop: Shop) -> None:
    await shop.paid()

    answer = await shop.gateway.confirm(shop.payment, callback(shop), "confirm-1")
    unknown = await shop.gateway.confirm(replace(shop.payment, reference=None), callback(shop), "confirm-1")

    assert told(answer) == told(unknown) == PAID


async def test_confirming_with_a_forged_callback_is_refused(shop: Shop) -> None:
    await shop.paid()

    with pytest.raises(GatewayError) as raised:
        await shop.gateway.confirm(shop.payment, callback(shop, razorpay_signature="0" * 64), "confirm-1")

    assert (raised.value.kind, raised.value.code) == (GatewayErrorKind.REJECTED, "signature_mismatch")


async def test_confirming_without_a_claim_only_looks(shop: Shop) -> None:
    await shop.paid("DECLINED")

    assert told(await shop.gateway.confirm(shop.payment, {}, "confirm-1")) == ["ATTEMPT_STARTED", "FAILED"]


async def test_what_nobody_paid_is_given_up(shop: Shop) -> None:
    await shop.paid("DECLINED")

    answer = await shop.gateway.cancel(shop.payment, "changed_mind", "cancel-1")
    shop.learn(answer)

    assert told(answer) == ["ATTEMPT_STARTED", "FAILED", "LAPSED"]
    assert shop.state.status is PaymentStatus.EXPIRED, "an order takes money for ever"


@pytest.mark.parametrize(
    ("capture_method", "code"),
    [(CaptureMethod.AUTOMATIC, "already_captured"), (MANUAL, "lapses_by_itself")],
)
async def test_what_was_paid_is_not_given_up(shop: Shop, capture_method: CaptureMethod, code: str) -> None:
    await shop.paid(capture_method=capture_method)

    with pytest.raises(GatewayError) as raised:
        await shop.gateway.cancel(shop.payment, None, "cancel-1")

    assert (raised.value.kind, raised.value.code) == (GatewayErrorKind.REJECTED, code)


async def test_a_payment_is_found_by_our_id_alone(shop: Shop) -> None:
    await shop.paid()
    lost = replace(shop.payment, reference=None)

    answer = await shop.gateway.fetch(lost)

    assert (answer.reference, told(answer)) == (shop.reference, PAID)


@pytest.mark.parametrize("reference", [None, "order_none", "qr_none"])
async def test_what_razorpay_does_not_have_is_not_found(shop: Shop, reference: str | None) -> None:
    with pytest.raises(GatewayError) as raised:
        await shop.gateway.fetch(replace(shop.payment, reference=reference))

    assert raised.value.kind is GatewayErrorKind.NOT_FOUND


async def test_webhooks_and_asking_come_to_the_same(shop: Shop) -> None:
    await shop.paid("DECLINED", "upi")
    await shop.pay()
    shop.razorpay.simulator.refund_seconds = None
    await shop.gateway.refund(shop.refund(10000))
    await shop.razorpay.sim("refund/fail", reference=shop.reference)

    heard = await shop.hear()

    assert {told.reference for told in heard} == {shop.reference}
    asked = await shop.asked()
    assert (shop.state.status, shop.state.attempts) == (asked.status, asked.attempts)
    assert [(refund.status, refund.amount) for refund in shop.state.refunds] == [
        (refund.status, refund.amount) for refund in asked.refunds
    ]
