"""One key, one answer: repeated, changed, and sent many times at once."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

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
