"""The simulator of Razorpay: signed webhooks, misbehaviour on request, the hosted checkout, and a foreign client."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import re
from typing import TYPE_CHECKING, Any

import httpx2
import pytest

from app.simulators.kit import SimulatorConfig
from app.simulators.razorpay import build
from tests.simulators.razorpay_world import (
    KEY_ID,
    KEY_SECRET,
    WEBHOOK_SECRET,
    Razorpay,
    razorpay_serving,
)
from tests.simulators.sandbox_world import Merchant, eventually, merchant_serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest.fixture
async def merchant() -> AsyncIterator[Merchant]:
    """Run a merchant that takes webhooks."""
    async with merchant_serving() as merchant:
        yield merchant


@pytest.fixture
async def razorpay(merchant: Merchant) -> AsyncIterator[Razorpay]:
    """Run a simulator that tells the merchant."""
    async with razorpay_serving(merchant) as razorpay:
        yield razorpay


async def test_webhooks_are_signed_over_the_raw_body_and_carry_an_id(
    razorpay: Razorpay, merchant: Merchant
) -> None:
    payment = await razorpay.paid("SUCCEEDS", "upi", notes={"payment_id": "p"})

    await eventually(lambda: len(merchant.received) == 3)

    for received in merchant.received:
        expected = hmac.new(WEBHOOK_SECRET.encode(), received.body, hashlib.sha256).hexdigest()
        assert received.headers["x-razorpay-signature"] == expected
        assert received.headers["x-razorpay-event-id"] in razorpay.simulator.events
        assert received.headers["content-type"] == "application/json"
    by_name = {received.event["event"]: received.event for received in merchant.received}
    assert set(by_name) == {"payment.authorized", "payment.captured", "order.paid"}
    paid = by_name["order.paid"]
    assert (paid["entity"], paid["contains"]) == ("event", ["payment", "order"])
    assert paid["payload"]["payment"]["entity"]["id"] == payment["id"]
    assert paid["payload"]["order"]["entity"]["notes"] == {"payment_id": "p"}
    assert "payment_id" not in paid["payload"]["payment"]["entity"]["notes"]


async def test_a_webhook_that_is_refused_comes_again_with_the_same_id(
    razorpay: Razorpay, merchant: Merchant
) -> None:
    merchant.statuses = [500]

    await razorpay.paid("DECLINED")

    await eventually(lambda: len(merchant.received) == 2)
    first, again = merchant.received
    assert (first.body, first.headers["x-razorpay-event-id"]) == (
        again.body,
        again.headers["x-razorpay-event-id"],
    )


async def test_an_event_is_a_snapshot_of_its_time(razorpay: Razorpay) -> None:
    await razorpay.paid()

    statuses = [body["payload"]["payment"]["entity"]["status"] for body in razorpay.bodies()]

    assert statuses == ["authorized", "captured", "captured"]


async def test_without_secrets_the_account_makes_them_up() -> None:
    one, other = (build(SimulatorConfig(control_key="k"), "http://127.0.0.1:1") for _ in range(2))

    accounts = [vars(simulator)["account"] for simulator in (one, other)]
    assert accounts[0].key_id.startswith("rzp_test_")
    assert accounts[0].webhook_secret != accounts[1].webhook_secret
    assert accounts[0].key_secret not in repr(accounts[0])


async def test_a_merchant_is_told_what_to_enter(razorpay: Razorpay) -> None:
    assert razorpay.simulator.merchant_settings() == {
        "key_id": KEY_ID,
        "key_secret": KEY_SECRET,
        "webhook_secrets": WEBHOOK_SECRET,
        "api_base": razorpay.url,
    }


@pytest.mark.parametrize(("status", "code"), [(429, "BAD_REQUEST_ERROR"), (500, "SERVER_ERROR")])
async def test_chaos_refuses_in_razorpays_words(razorpay: Razorpay, status: int, code: str) -> None:
    await razorpay.chaos(api_fail={"create": {"answer": status, "times": 1}})

    answer = await razorpay.api.post("/v1/orders", json={"amount": 100, "currency": "INR"})

    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert razorpay.simulator.book.orders == {}
    await razorpay.order()


async def test_a_path_that_is_not_there_is_a_bad_request(razorpay: Razorpay) -> None:
    gone = await razorpay.api.get("/v1/nothing")
    wrong_method = await razorpay.api.delete("/v1/orders")

    for answer in (gone, wrong_method):
        assert answer.status_code == 400
        assert answer.json()["error"]["description"] == "The requested URL was not found on the server."


async def test_a_call_may_do_its_work_and_answer_nonsense(razorpay: Razorpay) -> None:
    await razorpay.chaos(api_fail={"create": {"answer": "garbage_after", "times": 1}})

    answer = await razorpay.api.post("/v1/orders", json={"amount": 100, "currency": "INR"})

    assert answer.text.startswith("<html>")
    assert len(razorpay.simulator.book.orders) == 1


async def test_a_call_may_do_its_work_and_never_answer(razorpay: Razorpay) -> None:
    await razorpay.chaos(api_fail={"create": {"answer": "hang_after", "times": 1}})

    with pytest.raises(httpx2.ReadTimeout):
        await razorpay.api.post("/v1/orders", json={"amount": 100, "currency": "INR"}, timeout=0.2)

    assert len(razorpay.simulator.book.orders) == 1


def fields_of(page: str) -> dict[str, str]:
    """Read the hidden fields of a page's form."""
    return dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', page))


def action_of(page: str) -> str:
    """Read where a page's form goes."""
    (action,) = re.findall(r'<form method="post" action="([^"]+)">', page)
    return str(action)


async def test_a_shopper_pays_at_the_hosted_checkout_and_comes_back_with_a_signature(
    razorpay: Razorpay,
) -> None:
    order = await razorpay.order()
    form = {"key_id": KEY_ID, "order_id": order["id"], "callback_url": "https://shop.example/back"}
    async with httpx2.AsyncClient(base_url=razorpay.url, trust_env=False) as browser:
        page = (await browser.post("/v1/checkout/embedded", data=form)).text
        pressed = {**fields_of(page), "method": "upi", "outcome": "pay"}
        back = (await browser.post(action_of(page), data=pressed)).text
        again = await browser.post(action_of(page), data=pressed)

    (payment,) = await razorpay.payments(order)
    signed = f"{order['id']}|{payment['id']}".encode()
    assert (payment["status"], payment["method"]) == ("captured", "upi")
    assert action_of(back) == "https://shop.example/back"
    assert fields_of(back) == {
        "razorpay_payment_id": payment["id"],
        "razorpay_order_id": order["id"],
        "razorpay_signature": hmac.new(KEY_SECRET.encode(), signed, hashlib.sha256).hexdigest(),
    }
    assert again.status_code == 400


async def test_a_shopper_who_declines_comes_back_with_the_error(razorpay: Razorpay) -> None:
    order = await razorpay.order()
    form = {"order_id": order["id"], "callback_url": "https://shop.example/back", "method": "card"}
    async with httpx2.AsyncClient(base_url=razorpay.url, trust_env=False) as browser:
        back = await browser.post("/v1/checkout/embedded/pay", data={**form, "outcome": "decline"})

    assert fields_of(back.text)["error[reason]"] == "payment_failed"
    assert [payment["status"] for payment in await razorpay.payments(order)] == ["failed"]


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"key_id": "rzp_test_other"}, 401),
        ({"order_id": "order_none"}, 400),
        ({"callback_url": "javascript:alert(1)"}, 400),
    ],
)
async def test_the_hosted_checkout_refuses_what_makes_no_sense(
    razorpay: Razorpay, change: dict[str, str], status: int
) -> None:
    order = await razorpay.order()
    form = {"key_id": KEY_ID, "order_id": order["id"], "callback_url": "https://shop.example/back"}
    async with httpx2.AsyncClient(base_url=razorpay.url, trust_env=False) as browser:
        answer = await browser.post("/v1/checkout/embedded", data={**form, **change})

    assert answer.status_code == status
    assert "<form" not in answer.text


async def test_the_official_sdk_works_with_the_simulator(razorpay: Razorpay, merchant: Merchant) -> None:
    """An independent client: what its makers send is taken, and what they verify is signed."""
    sdk = pytest.importorskip("razorpay")
    client = sdk.Client(auth=(KEY_ID, KEY_SECRET), base_url=razorpay.url)

    def life() -> dict[str, Any]:
        order = client.order.create({"amount": 49900, "currency": "INR", "receipt": "sdk-1"})
        assert client.order.all({"receipt": "sdk-1"})["items"] == [order]
        code = client.qrcode.create(
            {"type": "upi_qr", "usage": "single_use", "fixed_amount": True, "payment_amount": 49900}
        )
        assert client.qrcode.close(code["id"])["status"] == "closed"
        return {"order": order, "code": code}

    made = await asyncio.to_thread(life)
    await razorpay.sim("pay", reference=made["order"]["id"], outcome="SUCCEEDS")

    def afterwards() -> dict[str, Any]:
        payment: dict[str, Any] = client.order.payments(made["order"]["id"])["items"][0]
        refund = client.payment.refund(
            payment["id"], {"amount": 100}, headers={"X-Refund-Idempotency": "sdk-refund-1"}
        )
        assert client.payment.fetch_multiple_refund(payment["id"])["items"][0]["id"] == refund["id"]
        with pytest.raises(sdk.errors.BadRequestError, match="greater than amount captured"):
            client.payment.refund(payment["id"], {"amount": 49900})
        return payment

    assert (await asyncio.to_thread(afterwards))["status"] == "captured"
    await eventually(lambda: len(merchant.received) >= len(razorpay.simulator.events))
    for received in merchant.received:
        client.utility.verify_webhook_signature(
            received.body.decode(), received.headers["x-razorpay-signature"], WEBHOOK_SECRET
        )
