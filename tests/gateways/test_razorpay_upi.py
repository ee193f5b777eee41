"""UPI at Razorpay: links that open an app, and QR codes for one payment each."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest

from app.domain.money import Money
from app.domain.states import PaymentMethodType, PaymentStatus
from app.gateways import GatewayError, GatewayErrorKind
from tests.gateways.razorpay_shop import Shop, shop_open, told

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


PAID = ["ATTEMPT_STARTED", "AUTHORIZED", "CAPTURED"]


@pytest.fixture
async def shop() -> AsyncIterator[Shop]:
    """Open a shop."""
    async with shop_open() as shop:
        yield shop


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

    heard = {told.type: told for told in await shop.hear()}

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


async def test_giving_up_closes_an_open_qr_code(shop: Shop) -> None:
    await shop.open(PaymentMethodType.UPI_QR)

    first = await shop.gateway.cancel(shop.payment, None, "cancel-1")
    again = await shop.gateway.cancel(shop.payment, None, "cancel-1")

    (code,) = shop.razorpay.simulator.book.codes.values()
    assert (code.status, code.close_reason) == ("closed", "on_demand")
    assert told(first) == told(again) == ["LAPSED"]
    assert first.facts[0].object_id == code.id


async def test_a_qr_code_is_found_by_our_id_alone(shop: Shop) -> None:
    await shop.open(PaymentMethodType.UPI_QR)
    await shop.pay()

    answer = await shop.gateway.fetch(replace(shop.payment, reference=None))

    assert (answer.reference, told(answer)) == (shop.reference, PAID)
