"""One key, one answer: repeated, changed, and sent many times at once."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from app.gateways.offers import Limits
from app.gateways.sandbox.gateway import SandboxGateway
from tests.schema.shop import ORDER, PAY, STAFF, new_key

if TYPE_CHECKING:
    from tests.schema.shop import Shop


async def count_orders(shop: Shop) -> int:
    data = await shop.run("{ orders(first: 100) { nodes { id } } }", key=STAFF)
    return len(data["orders"]["nodes"])


async def test_the_same_key_gets_the_same_order_and_the_same_token(shop: Shop) -> None:
    await shop.stock()
    given = {"lines": [{"sku": "TEA", "quantity": 2}], "idempotencyKey": new_key()}

    first = (await shop.run(ORDER, {"input": given}))["orderCreate"]
    again = (await shop.run(ORDER, {"input": given}))["orderCreate"]

    assert again == {**first, "replayed": True}
    assert await count_orders(shop) == 1


async def test_the_same_key_with_other_input_is_a_named_error(shop: Shop) -> None:
    await shop.stock()
    given: dict[str, Any] = {"lines": [{"sku": "TEA", "quantity": 2}], "idempotencyKey": new_key()}
    await shop.run(ORDER, {"input": given})

    other = {**given, "lines": [{"sku": "TEA", "quantity": 3}]}
    payload = (await shop.run(ORDER, {"input": other}))["orderCreate"]

    assert [(error["code"], error["field"]) for error in payload["errors"]] == [
        ("IDEMPOTENCY_KEY_PARAMETER_MISMATCH", ["idempotencyKey"])
    ]
    assert payload["order"] is None
    assert await count_orders(shop) == 1


async def test_many_calls_with_one_key_at_once_open_one_payment(shop: Shop) -> None:
    guest = await shop.order()
    given = {"orderId": guest.order_id, "gateway": "SANDBOX", "idempotencyKey": new_key()}

    answers = await asyncio.gather(*(shop.run(PAY, {"input": given}, key=guest.token) for _ in range(20)))

    payloads = [answer["paymentCreate"] for answer in answers]
    codes = {error["code"] for payload in payloads for error in payload["errors"]}
    opened = {payload["payment"]["id"] for payload in payloads if payload["payment"]}
    assert codes <= {"IDEMPOTENCY_CONCURRENT_REQUEST"}
    assert len(opened) == 1
    order = await shop.until(guest, "payments { id }", lambda order: bool(order["payments"]))
    assert [payment["id"] for payment in order["payments"]] == list(opened)


@pytest.fixture
def nothing_below_a_hundred(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the gateway take no less than ₹100.00."""
    monkeypatch.setattr(SandboxGateway, "limits", {"INR": Limits(smallest_minor=100_00)})


@pytest.mark.usefixtures("nothing_below_a_hundred")  # before the shop is opened
async def test_a_repeated_key_is_answered_though_what_is_left_to_pay_is_too_little_by_now(shop: Shop) -> None:
    guest = await shop.order()
    given = {"orderId": guest.order_id, "gateway": "SANDBOX", "idempotencyKey": new_key()}
    first = (await shop.run(PAY, {"input": given}, key=guest.token))["paymentCreate"]
    most = await shop.open_payment(guest, amount={"amount": "950.00", "currency": "INR"})
    await shop.use_card(most["reference"])
    await shop.until(guest, "balance { amount }", lambda order: order["balance"] == {"amount": "48.00"})

    again = (await shop.run(PAY, {"input": given}, key=guest.token))["paymentCreate"]
    another = (await shop.run(PAY, {"input": {**given, "idempotencyKey": new_key()}}, key=guest.token))[
        "paymentCreate"
    ]

    assert (first["errors"], again["errors"]) == ([], [])
    assert again["payment"]["id"] == first["payment"]["id"]
    assert [error["code"] for error in another["errors"]] == ["AMOUNT_TOO_SMALL"]


def step(name: str, document: str) -> str:
    """Return a mutation that says what became of the payment."""
    return f"""
      mutation($input: {document}Input!) {{ {name}(input: $input) {{
        payment {{ status authorized {{ amount }} captured {{ amount }} }} replayed errors {{ code }} }} }}"""


async def told_nothing(shop: Shop, call: str, document: str, given: dict[str, Any]) -> dict[str, Any]:
    """Have the gateway do what is asked of it, and answer so that nobody can read it."""
    await shop.sandbox.put("/v1/_chaos", json={"api_fail": {call: {"answer": "garbage_after"}}})
    payload: dict[str, Any]
    (payload,) = (await shop.run(document, {"input": given}, key=STAFF)).values()
    await shop.sandbox.put("/v1/_chaos", json={})
    return payload


@pytest.mark.parametrize(
    ("asked", "captured", "status"),
    [
        ({}, "998.00", "SUCCEEDED"),
        (
            {"amount": {"amount": "600.00", "currency": "INR"}, "finalCapture": False},
            "600.00",
            "PARTIALLY_CAPTURED",
        ),
        ({"amount": {"amount": "600.00", "currency": "INR"}}, "600.00", "PARTIALLY_CAPTURED"),
    ],
)
async def test_a_capture_that_a_webhook_told_of_first_is_this_keys(
    shop: Shop, asked: dict[str, Any], captured: str, status: str
) -> None:
    """Of what is left after it, the repeated call would be too much, or nothing could be captured any more."""
    guest, payment_id = await shop.paid_order(captureMethod="MANUAL")
    document = step("paymentCapture", "PaymentCapture")
    given = {"paymentId": payment_id, "idempotencyKey": new_key(), **asked}
    lost = await told_nothing(shop, "capture", document, given)
    await shop.until(
        guest, "payments { status }", lambda order: order["payments"][0]["status"] != "REQUIRES_CAPTURE"
    )

    again = (await shop.run(document, {"input": given}, key=STAFF))["paymentCapture"]
    once_more = (await shop.run(document, {"input": given}, key=STAFF))["paymentCapture"]

    assert lost == {"payment": None, "replayed": False, "errors": [{"code": "GATEWAY_UNAVAILABLE"}]}
    assert (again["errors"], again["replayed"]) == ([], False)
    assert again["payment"]["captured"] == {"amount": captured}
    assert again["payment"]["status"] == status
    assert once_more == {**again, "replayed": True}


async def test_a_cancellation_that_a_webhook_told_of_first_is_this_keys(shop: Shop) -> None:
    guest, payment_id = await shop.paid_order(captureMethod="MANUAL")
    document = step("paymentCancel", "PaymentCancel")
    given = {"paymentId": payment_id, "idempotencyKey": new_key()}
    lost = await told_nothing(shop, "cancel", document, given)
    await shop.until(guest, "payments { status }", lambda order: order["payments"][0]["status"] == "CANCELED")

    again = (await shop.run(document, {"input": given}, key=STAFF))["paymentCancel"]
    by_another_key = (await shop.run(document, {"input": {**given, "idempotencyKey": new_key()}}, key=STAFF))[
        "paymentCancel"
    ]

    assert lost["errors"] == [{"code": "GATEWAY_UNAVAILABLE"}]
    assert (again["errors"], again["payment"]["status"]) == ([], "CANCELED")
    assert by_another_key["errors"] == [{"code": "INVALID_STATE"}]
