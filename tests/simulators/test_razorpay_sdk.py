"""The simulated Razorpay and the official SDK of Razorpay: a foreign client, and a foreign check of signatures."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import importlib
from typing import TYPE_CHECKING, Any

import pytest

from app.gateways.razorpay.signature import check_webhook, is_callback_signed
from tests.simulators.razorpay_world import (
    CAPTURE_MANUALLY,
    KEY_ID,
    KEY_SECRET,
    WEBHOOK_SECRET,
    Razorpay,
    razorpay_serving,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

sdk: Any = importlib.import_module("razorpay")
"""It has no types."""


@pytest.fixture
async def razorpay() -> AsyncIterator[Razorpay]:
    async with razorpay_serving() as running:
        yield running


def client_of(razorpay: Razorpay) -> Any:  # noqa: ANN401 - as above
    client = sdk.Client(auth=(KEY_ID, KEY_SECRET), base_url=razorpay.url)
    client.session.trust_env = False
    return client


async def test_the_sdk_orders_captures_and_refunds(razorpay: Razorpay) -> None:
    client = client_of(razorpay)
    order = await asyncio.to_thread(
        client.order.create, {"amount": 49_900, "currency": "INR", "payment": CAPTURE_MANUALLY}
    )
    await razorpay.sim("pay", reference=order["id"], outcome="SUCCEEDS")
    (paid,) = (await asyncio.to_thread(client.order.payments, order["id"]))["items"]

    captured = await asyncio.to_thread(client.payment.capture, paid["id"], 49_900, {"currency": "INR"})
    refund = await asyncio.to_thread(client.payment.refund, paid["id"], {"amount": 10_000})
    found = await asyncio.to_thread(client.order.fetch, order["id"])

    assert (paid["status"], captured["status"]) == ("authorized", "captured")
    assert (refund["amount"], refund["payment_id"]) == (10_000, paid["id"])
    assert found["status"] == "paid"


async def test_the_sdk_understands_refusals(razorpay: Razorpay) -> None:
    client = client_of(razorpay)

    with pytest.raises(sdk.errors.BadRequestError, match="does not exist"):
        await asyncio.to_thread(client.order.fetch, "order_none0000000000")
    with pytest.raises(sdk.errors.BadRequestError):
        await asyncio.to_thread(client.order.create, {"amount": 1, "currency": "INR"})


async def test_the_sdk_believes_the_simulators_webhooks_and_no_other(razorpay: Razorpay) -> None:
    await razorpay.paid()
    utility = client_of(razorpay).utility
    told = list(razorpay.simulator.webhooks())

    assert told
    for webhook in told:
        body, signature = webhook.body.decode(), webhook.headers["X-Razorpay-Signature"]
        utility.verify_webhook_signature(body, signature, WEBHOOK_SECRET)
        with pytest.raises(sdk.errors.SignatureVerificationError):
            utility.verify_webhook_signature(body + " ", signature, WEBHOOK_SECRET)


def test_the_sdk_and_the_adapter_agree_on_signatures() -> None:
    utility = sdk.Client(auth=(KEY_ID, KEY_SECRET)).utility
    body = b'{"event":"payment.captured","notes":"\xc3\xa9"}'
    signature = hmac.new(WEBHOOK_SECRET.encode(), body, hashlib.sha256).hexdigest()
    returned = hmac.new(KEY_SECRET.encode(), b"order_1|pay_1", hashlib.sha256).hexdigest()

    utility.verify_webhook_signature(body.decode(), signature, WEBHOOK_SECRET)
    check_webhook(signature, body, [WEBHOOK_SECRET.encode()])
    utility.verify_payment_signature(
        {"razorpay_order_id": "order_1", "razorpay_payment_id": "pay_1", "razorpay_signature": returned}
    )
    assert is_callback_signed("order_1", "pay_1", returned, KEY_SECRET.encode())
