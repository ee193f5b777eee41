"""A shopper pays at Razorpay and the order shows it: API, adapter, simulator, webhooks and database together."""

from __future__ import annotations

import hashlib
import hmac
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import pytest

from app.gateways import load_gateways
from app.gateways.razorpay import RazorpaySettings
from tests.schema.shop import STAFF, Guest, Shop, _served, _wired, new_key
from tests.simulators.razorpay_world import KEY_ID, KEY_SECRET, WEBHOOK_SECRET, Razorpay, razorpay_serving
from tests.simulators.sandbox_world import Merchant

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from db.pool import Database

PAY: Final = """
mutation($input: PaymentCreateInput!) {
  paymentCreate(input: $input) {
    payment { id reference nextAction {
      __typename ... on ClientSdkAction { sdk parameters } ... on QrCodeAction { payload imageSvg expiresAt }
      ... on UpiIntentAction { uri expiresAt }
    } }
    errors { code message }
  }
}"""
CONFIRM: Final = """
mutation($input: PaymentConfirmInput!) {
  paymentConfirm(input: $input) { payment { status } errors { code message } }
}"""
CANCEL: Final = """
mutation($input: PaymentCancelInput!) {
  paymentCancel(input: $input) { payment { status } errors { code message } }
}"""
REFUND: Final = """
mutation($input: RefundCreateInput!) {
  refundCreate(input: $input) { refund { status amount { amount } } errors { code message } }
}"""
SEEN: Final = "status paymentStatus payments { status method attempts { status } refunds { status } }"


@dataclass(frozen=True, slots=True)
class Journey:
    """A shop whose only gateway is Razorpay."""

    shop: Shop
    razorpay: Razorpay

    async def open(self, method: str, **more: object) -> tuple[Guest, dict[str, Any]]:
        """Order, and open a payment."""
        guest = await self.shop.order()
        given = {
            "orderId": guest.order_id,
            "gateway": "RAZORPAY",
            "method": method,
            "idempotencyKey": new_key(),
        }
        data = await self.shop.run(PAY, {"input": {**given, **more}}, key=guest.token)
        assert data["paymentCreate"]["errors"] == []
        payment: dict[str, Any] = data["paymentCreate"]["payment"]
        return guest, payment

    async def confirm(self, guest: Guest, payment: dict[str, Any]) -> dict[str, Any]:
        """Hand over what checkout.js handed back."""
        order = payment["reference"]
        (paid,) = (await self.razorpay.get(f"/v1/orders/{order}/payments"))["items"]
        signed = hmac.new(KEY_SECRET.encode(), f"{order}|{paid['id']}".encode(), hashlib.sha256)
        data = {
            "razorpay_order_id": order,
            "razorpay_payment_id": paid["id"],
            "razorpay_signature": signed.hexdigest(),
        }
        given = {"paymentId": payment["id"], "gatewayData": data, "idempotencyKey": new_key()}
        answer = await self.shop.run(CONFIRM, {"input": given}, key=guest.token)
        confirmed: dict[str, Any] = answer["paymentConfirm"]
        return confirmed

    async def until(self, guest: Guest, payment_status: str) -> dict[str, Any]:
        """Wait until the order shows it."""
        return await self.shop.until(guest, SEEN, lambda order: order["paymentStatus"] == payment_status)


@pytest.fixture
async def journey(database: Database) -> AsyncIterator[Journey]:
    """Run a shop, and Razorpay that tells it."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        merchant = Merchant(url=f"http://127.0.0.1:{port}/webhooks/razorpay")
        async with razorpay_serving(merchant) as razorpay:
            settings = RazorpaySettings(
                key_id=KEY_ID,
                key_secret=KEY_SECRET,
                webhook_secrets=(WEBHOOK_SECRET,),
                api_base=razorpay.url,
            )
            gateways = load_gateways({"razorpay": settings})
            async with _wired(database, gateways, port, razorpay.url) as shop, _served(shop.app, listener):
                yield Journey(shop, razorpay)
            await gateways.aclose()


async def test_a_webhook_confirms_the_order(journey: Journey) -> None:
    guest, payment = await journey.open("CARD")
    parameters = payment["nextAction"]["parameters"]

    await journey.razorpay.sim("pay", reference=payment["reference"], outcome="DECLINED")
    await journey.razorpay.sim("pay", reference=payment["reference"], outcome="SUCCEEDS")

    order = await journey.until(guest, "PAID")
    assert (payment["nextAction"]["sdk"], parameters["order_id"]) == ("razorpay", payment["reference"])
    assert order["status"] == "CONFIRMED"
    assert order["payments"][0]["status"] == "SUCCEEDED"
    # Razorpay counts whole seconds, and both tries began in one.
    assert {each["status"] for each in order["payments"][0]["attempts"]} == {"FAILED", "SUCCEEDED"}


async def test_without_webhooks_the_callback_has_the_money_taken_and_shown(journey: Journey) -> None:
    await journey.razorpay.chaos(drop=1.0)
    journey.razorpay.simulator.book.captures_at_once = False
    guest, payment = await journey.open("CARD")
    await journey.razorpay.sim("pay", reference=payment["reference"], outcome="SUCCEEDS")

    confirmed = await journey.confirm(guest, payment)

    assert confirmed == {"payment": {"status": "SUCCEEDED"}, "errors": []}
    assert (await journey.until(guest, "PAID"))["status"] == "CONFIRMED"
    (truth,) = await journey.razorpay.truth()
    assert (truth["captured_minor"], truth["held_minor"]) == (99800, 0)


async def test_a_qr_code_confirms_the_order(journey: Journey) -> None:
    guest, payment = await journey.open("UPI_QR")
    action = payment["nextAction"]

    await journey.razorpay.sim("pay", reference=payment["reference"], outcome="SUCCEEDS")

    order = await journey.until(guest, "PAID")
    assert (action["__typename"], action["payload"][:10]) == ("QrCodeAction", "upi://pay?")
    assert action["imageSvg"].startswith("<svg")
    assert action["expiresAt"] is not None
    assert (order["status"], order["payments"][0]["method"]) == ("CONFIRMED", "UPI_QR")


async def test_a_upi_app_confirms_the_order_even_late(journey: Journey) -> None:
    guest, payment = await journey.open("UPI_INTENT")
    await journey.razorpay.sim("pay", reference=payment["reference"], outcome="DECLINED")
    await journey.shop.until(guest, SEEN, lambda order: order["payments"][0]["status"] == "FAILED")

    await journey.razorpay.sim("resolve", reference=payment["reference"], outcome="SUCCEEDS")

    order = await journey.until(guest, "PAID")
    assert payment["nextAction"]["uri"].startswith("upi://pay?")
    assert [each["status"] for each in order["payments"][0]["attempts"]] == ["SUCCEEDED"]


async def test_money_that_goes_back_shows(journey: Journey) -> None:
    guest, payment = await journey.open("CARD")
    await journey.razorpay.sim("pay", reference=payment["reference"], outcome="SUCCEEDS")
    await journey.until(guest, "PAID")

    given = {"paymentId": payment["id"], "idempotencyKey": new_key(), "reason": "size"}
    answer = await journey.shop.run(REFUND, {"input": given}, key=STAFF)

    assert answer["refundCreate"]["errors"] == []
    order = await journey.until(guest, "REFUNDED")
    assert [each["status"] for each in order["payments"][0]["refunds"]] == ["SUCCEEDED"]


async def test_money_that_could_not_go_back_is_still_there(journey: Journey) -> None:
    journey.razorpay.simulator.refund_seconds = None
    guest, payment = await journey.open("CARD")
    await journey.razorpay.sim("pay", reference=payment["reference"], outcome="SUCCEEDS")
    await journey.until(guest, "PAID")
    given = {"paymentId": payment["id"], "idempotencyKey": new_key(), "reason": "size"}
    await journey.shop.run(REFUND, {"input": given}, key=STAFF)

    await journey.razorpay.sim("refund/fail", reference=payment["reference"])

    order = await journey.shop.until(
        guest, SEEN, lambda order: [each["status"] for each in order["payments"][0]["refunds"]] == ["FAILED"]
    )
    assert order["paymentStatus"] == "PAID"


async def test_a_code_that_is_given_up_takes_no_money(journey: Journey) -> None:
    guest, payment = await journey.open("UPI_QR")

    given = {"paymentId": payment["id"], "idempotencyKey": new_key()}
    answer = await journey.shop.run(CANCEL, {"input": given}, key=guest.token)

    assert answer["paymentCancel"] == {"payment": {"status": "EXPIRED"}, "errors": []}
    code = await journey.razorpay.get(f"/v1/payments/qr_codes/{payment['reference']}")
    assert code["status"] == "closed"
