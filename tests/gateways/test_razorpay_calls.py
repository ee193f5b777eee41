"""Razorpay's adapter against its simulator: each call does its work once and tells it in facts."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import pytest

from app.domain.money import Money
from app.domain.states import CaptureMethod, GatewayName, PaymentMethodType, PaymentStatus
from app.gateways import CaptureRequest, GatewayError, GatewayErrorKind, load_gateways
from app.gateways.polling import UPI_STEPS
from tests.gateways.razorpay_objects import ORDER_ID, PRICE, SETTINGS
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


def captured(shop: Shop, minor: int = PRICE.minor, *, final: bool = True) -> CaptureRequest:
    return CaptureRequest(
        payment=shop.payment, amount=Money(minor, "INR"), idempotency_key="capture-1", final=final
    )


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


async def test_an_automatic_payment_is_captured_by_razorpay(shop: Shop) -> None:
    await shop.paid("SUCCEEDS", "netbanking")

    answer = await shop.fetch()

    (payment,) = shop.razorpay.simulator.book.payments.values()
    assert (told(answer), answer.awaits_us) == (PAID, False)
    assert {fact.object_id for fact in answer.facts} == {payment.id}
    assert {fact.method for fact in answer.facts} == {PaymentMethodType.NETBANKING}
    assert shop.state.status is PaymentStatus.SUCCEEDED


async def test_what_razorpay_has_not_captured_waits_for_us(shop: Shop) -> None:
    shop.razorpay.simulator.book.captures_at_once = False
    await shop.paid()
    waiting = await shop.fetch()

    done = await shop.gateway.complete(shop.payment, "complete-1")
    again = await shop.gateway.complete(shop.payment, "complete-1")

    assert (told(waiting), waiting.awaits_us) == (["ATTEMPT_STARTED", "AUTHORIZED"], True)
    assert (told(done), done.awaits_us) == (PAID, False)
    assert again == done
    (truth,) = await shop.razorpay.truth()
    assert (truth["held_minor"], truth["captured_minor"]) == (0, 49900)


async def test_a_manual_payment_waits_for_nobody(shop: Shop) -> None:
    await shop.paid(capture_method=MANUAL)

    waiting = await shop.fetch()
    left = await shop.gateway.complete(shop.payment, "complete-1")

    assert (told(waiting), waiting.awaits_us) == (["ATTEMPT_STARTED", "AUTHORIZED"], False)
    assert left == waiting
    assert shop.state.status is PaymentStatus.REQUIRES_CAPTURE
    (truth,) = await shop.razorpay.truth()
    assert (truth["held_minor"], truth["captured_minor"]) == (49900, 0)


async def test_capturing_takes_all_of_it_once(shop: Shop) -> None:
    await shop.paid(capture_method=MANUAL)

    first = await shop.gateway.capture(captured(shop))
    again = await shop.gateway.capture(captured(shop))

    assert told(first) == PAID
    assert again.facts == first.facts
    assert shop.razorpay.told().count("payment.captured") == 1


@pytest.mark.parametrize(
    ("minor", "final", "code"),
    [
        (49899, True, "partial_capture_unsupported"),
        (49901, True, "partial_capture_unsupported"),
        (49900, False, "repeated_capture_unsupported"),
    ],
)
async def test_capturing_another_amount_is_refused_before_anything_is_done(
    shop: Shop, minor: int, *, final: bool, code: str
) -> None:
    await shop.paid(capture_method=MANUAL)
    await shop.razorpay.chaos(api_fail={"capture": {"answer": 500, "times": None}})

    with pytest.raises(GatewayError) as raised:
        await shop.gateway.capture(captured(shop, minor, final=final))

    assert (raised.value.kind, raised.value.code) == (GatewayErrorKind.REJECTED, code)
    assert shop.razorpay.told() == ["payment.authorized"]


async def test_there_is_nothing_to_capture_before_the_bank_said_yes(shop: Shop) -> None:
    await shop.paid("PENDS", capture_method=MANUAL)

    with pytest.raises(GatewayError) as raised:
        await shop.gateway.capture(captured(shop))

    assert (raised.value.kind, raised.value.code) == (GatewayErrorKind.REJECTED, "nothing_authorized")


async def test_a_failed_try_may_be_authorised_late(shop: Shop) -> None:
    await shop.paid("DECLINED", "upi")
    failed = await shop.fetch()
    status = shop.state.status
    await shop.razorpay.sim("resolve", reference=shop.reference, outcome="SUCCEEDS")

    await shop.fetch()

    assert (told(failed), status) == (["ATTEMPT_STARTED", "FAILED"], PaymentStatus.FAILED)
    assert (shop.state.status, shop.state.late_authorized) == (PaymentStatus.SUCCEEDED, True)


async def test_a_late_authorisation_that_is_not_captured_waits_for_us(shop: Shop) -> None:
    shop.razorpay.simulator.book.captures_at_once = False
    await shop.paid("DECLINED")
    await shop.razorpay.sim("resolve", reference=shop.reference, outcome="SUCCEEDS")

    assert (await shop.fetch()).awaits_us
    assert told(await shop.gateway.complete(shop.payment, "k")) == PAID


async def test_a_second_authorisation_is_not_captured_beside_the_first(shop: Shop) -> None:
    await shop.open()
    for _ in range(2):
        await shop.pay("PENDS")
    for _ in range(2):
        await shop.razorpay.sim("resolve", reference=shop.reference, outcome="SUCCEEDS")

    answer = await shop.fetch()
    await shop.gateway.complete(shop.payment, "complete-1")

    assert (told(answer).count("AUTHORIZED"), told(answer).count("CAPTURED"), answer.awaits_us) == (
        2,
        1,
        False,
    )
    (truth,) = await shop.razorpay.truth()
    assert (truth["held_minor"], truth["captured_minor"]) == (49900, 49900)


async def test_a_upi_link_goes_to_the_shopper_as_it_came(shop: Shop) -> None:
    answer = await shop.open(PaymentMethodType.UPI_INTENT)
    await shop.pay()

    (payment,) = shop.razorpay.simulator.book.payments.values()
    assert answer.next_action is not None
    assert answer.next_action["type"] == "UpiIntentAction"
    assert answer.next_action["uri"].startswith(f"upi://pay?pa=shop.rzp@icici&pn=Shop&tr={payment.id[:3]}")
    assert answer.next_action["expires_at"] is None
    assert told(await shop.fetch()) == PAID
    assert shop.state.attempts[0].method is PaymentMethodType.UPI_INTENT


async def test_a_repeated_upi_payment_has_a_new_link_for_the_same_order(shop: Shop) -> None:
    first = await shop.open(PaymentMethodType.UPI_INTENT)

    again = await shop.gateway.create(shop.request(PaymentMethodType.UPI_INTENT))

    assert again.reference == first.reference
    assert again.next_action != first.next_action
    assert len(shop.razorpay.simulator.book.orders) == 1


async def test_a_qr_code_is_shown_and_paid(shop: Shop) -> None:
    answer = await shop.open(PaymentMethodType.UPI_QR)
    (code,) = shop.razorpay.simulator.book.codes.values()
    action = answer.next_action
    assert action is not None
    picture = ET.fromstring(action["image_svg"])  # noqa: S314 - made by ourselves

    await shop.pay()
    paid = await shop.fetch()

    assert (answer.reference, code.notes["payment_id"]) == (code.id, str(shop.payment.payment_id))
    assert (action["type"], action["payload"]) == ("QrCodeAction", code.image_content)
    assert action["expires_at"] == datetime.fromtimestamp(code.close_by, UTC).isoformat()
    assert picture.tag.endswith("svg")
    assert (told(paid), paid.reference) == (PAID, code.id)
    assert {fact.method for fact in paid.facts} == {PaymentMethodType.UPI_QR}
    assert shop.state.status is PaymentStatus.SUCCEEDED


async def test_a_repeated_qr_code_is_the_same_one(shop: Shop) -> None:
    for _ in range(3):
        await shop.razorpay.post(
            "/v1/payments/qr_codes",
            {"type": "upi_qr", "usage": "single_use", "fixed_amount": True, "payment_amount": 49900},
        )
    first = await shop.open(PaymentMethodType.UPI_QR)

    again = await shop.gateway.create(shop.request(PaymentMethodType.UPI_QR))

    assert again == first
    assert len(shop.razorpay.simulator.book.codes) == 4


async def test_what_a_qr_code_tells_by_webhook_is_what_it_tells_when_asked(shop: Shop) -> None:
    await shop.open(PaymentMethodType.UPI_QR)
    await shop.pay()

    heard = {told.type: told for told in shop.hear()}

    assert heard["payment.captured"].asks
    assert heard["payment.captured"].facts == ()
    assert heard["qr_code.credited"].payment_id == shop.payment.payment_id
    assert heard["qr_code.credited"].reference == shop.reference
    assert shop.state == await shop.asked()


@pytest.mark.parametrize("method", [PaymentMethodType.UPI_INTENT, PaymentMethodType.UPI_QR])
async def test_upi_takes_rupees_alone(shop: Shop, method: PaymentMethodType) -> None:
    with pytest.raises(GatewayError) as raised:
        await shop.gateway.create(replace(shop.request(method), amount=Money(1999, "USD")))

    assert (raised.value.kind, raised.value.code) == (GatewayErrorKind.REJECTED, "currency_not_supported")
    assert shop.razorpay.simulator.book.orders == {}


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

    assert told(answer) == ["ATTEMPT_STARTED", "FAILED", "CANCELED"]
    assert shop.state.status is PaymentStatus.CANCELED


async def test_giving_up_closes_an_open_qr_code(shop: Shop) -> None:
    await shop.open(PaymentMethodType.UPI_QR)

    first = await shop.gateway.cancel(shop.payment, None, "cancel-1")
    again = await shop.gateway.cancel(shop.payment, None, "cancel-1")

    (code,) = shop.razorpay.simulator.book.codes.values()
    assert (code.status, code.close_reason) == ("closed", "on_demand")
    assert told(first) == told(again) == ["CANCELED"]
    assert first.facts[0].object_id == code.id


@pytest.mark.parametrize(
    ("capture_method", "code"),
    [(CaptureMethod.AUTOMATIC, "already_captured"), (MANUAL, "lapses_by_itself")],
)
async def test_what_was_paid_is_not_given_up(shop: Shop, capture_method: CaptureMethod, code: str) -> None:
    await shop.paid(capture_method=capture_method)

    with pytest.raises(GatewayError) as raised:
        await shop.gateway.cancel(shop.payment, None, "cancel-1")

    assert (raised.value.kind, raised.value.code) == (GatewayErrorKind.REJECTED, code)


async def test_what_lapsed_is_released(shop: Shop) -> None:
    await shop.paid(capture_method=MANUAL)
    await shop.razorpay.sim("resolve", reference=shop.reference, outcome="DECLINED")

    await shop.fetch()
    shop.hear()

    assert (shop.state.status, shop.state.refunds) == (PaymentStatus.CANCELED, ())


async def test_a_payment_is_found_by_our_id_alone(shop: Shop) -> None:
    await shop.paid()
    lost = replace(shop.payment, reference=None)

    answer = await shop.gateway.fetch(lost)

    assert (answer.reference, told(answer)) == (shop.reference, PAID)


async def test_a_qr_code_is_found_by_our_id_alone(shop: Shop) -> None:
    await shop.open(PaymentMethodType.UPI_QR)
    await shop.pay()

    answer = await shop.gateway.fetch(replace(shop.payment, reference=None))

    assert (answer.reference, told(answer)) == (shop.reference, PAID)


@pytest.mark.parametrize("reference", [None, "order_none", "qr_none"])
async def test_what_razorpay_does_not_have_is_not_found(shop: Shop, reference: str | None) -> None:
    with pytest.raises(GatewayError) as raised:
        await shop.gateway.fetch(replace(shop.payment, reference=reference))

    assert raised.value.kind is GatewayErrorKind.NOT_FOUND


async def test_webhooks_and_asking_come_to_the_same(shop: Shop) -> None:
    await shop.paid("DECLINED", "upi")
    await shop.pay()
    await shop.gateway.refund(shop.refund(10000))
    await shop.razorpay.sim("refund/fail", reference=shop.reference)

    heard = shop.hear()

    assert {told.reference for told in heard} == {shop.reference}
    asked = await shop.asked()
    assert (shop.state.status, shop.state.attempts) == (asked.status, asked.attempts)
    assert [(refund.status, refund.amount) for refund in shop.state.refunds] == [
        (refund.status, refund.amount) for refund in asked.refunds
    ]
