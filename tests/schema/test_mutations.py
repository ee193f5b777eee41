"""Mutations: what they do, what they refuse and how, and that repeating one does nothing twice."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from tests.schema.shop import ORDER, PAY, STAFF, new_key

if TYPE_CHECKING:
    from tests.schema.shop import Shop


async def count_orders(shop: Shop) -> int:
    data = await shop.run("{ orders(first: 100) { nodes { id } } }", key=STAFF)
    return len(data["orders"]["nodes"])


async def test_a_guest_orders_at_the_catalogues_price(shop: Shop) -> None:
    await shop.stock(amount="499.50")
    given = {"lines": [{"sku": "TEA", "quantity": 2}], "idempotencyKey": new_key()}

    payload = (await shop.run(ORDER, {"input": given}))["orderCreate"]

    assert payload["errors"] == []
    assert payload["replayed"] is False
    assert payload["order"]["total"] == {"amount": "999.00", "currency": "INR"}
    assert payload["order"]["status"] == "PENDING"
    assert payload["order"]["version"] == 1
    assert payload["accessToken"].startswith("oat_")


async def test_a_price_from_a_browser_is_refused_and_nothing_is_ordered(shop: Shop) -> None:
    await shop.stock()
    line = {"sku": "TEA", "quantity": 1, "unitPrice": {"amount": "0.01", "currency": "INR"}}
    given = {"lines": [line], "idempotencyKey": new_key()}

    payload = (await shop.run(ORDER, {"input": given}))["orderCreate"]

    assert payload["order"] is None
    assert payload["accessToken"] is None
    assert payload["errors"] == [
        {
            "code": "FORBIDDEN",
            "message": (
                "unitPrice is taken only from the shop's own back end (scope orders:price); leave it out."
            ),
            "field": ["lines", "0", "unitPrice"],
        }
    ]
    assert await count_orders(shop) == 0


async def test_the_shops_own_back_end_sets_prices_and_adjustments(shop: Shop) -> None:
    line = {
        "sku": "CUSTOM",
        "quantity": 3,
        "name": "Made to measure",
        "unitPrice": {"amount": "10.05", "currency": "EUR"},
    }
    shipping = {"kind": "SHIPPING", "label": "Post", "amount": {"amount": 5, "currency": "EUR"}}
    given = {"lines": [line], "adjustments": [shipping], "customerId": "c-1", "idempotencyKey": new_key()}

    payload = (await shop.run(ORDER, {"input": given}, key=STAFF))["orderCreate"]

    assert payload["errors"] == []
    assert payload["order"]["total"] == {"amount": "35.15", "currency": "EUR"}


async def test_a_payment_goes_from_creation_to_a_paid_order(shop: Shop) -> None:
    guest = await shop.order()

    payment = await shop.open_payment(guest)
    await shop.use_card(payment["reference"])
    order = await shop.until(
        guest,
        "status paymentStatus version paid { amount } balance { amount } payments { status nextAction { __typename } }",
        lambda order: order["paymentStatus"] == "PAID",
    )

    assert payment["status"] == "REQUIRES_PAYMENT_METHOD"
    assert payment["amount"] == {"amount": "998.00"}
    assert payment["nextAction"]["url"].startswith("http://127.0.0.1:")
    assert order["status"] == "CONFIRMED"
    assert order["paid"] == {"amount": "998.00"}
    assert order["balance"] == {"amount": "0.00"}
    assert order["payments"] == [{"status": "SUCCEEDED", "nextAction": None}]


async def test_paying_twice_is_refused(shop: Shop) -> None:
    guest, _ = await shop.paid_order()
    given = {"orderId": guest.order_id, "gateway": "SANDBOX", "idempotencyKey": new_key()}

    payload = (await shop.run(PAY, {"input": given}, key=guest.token))["paymentCreate"]

    assert payload["payment"] is None
    assert [error["code"] for error in payload["errors"]] == ["ALREADY_PAID"]


async def test_money_in_the_wrong_currency_or_beyond_the_balance_is_refused(shop: Shop) -> None:
    guest = await shop.order()
    amounts = {
        "CURRENCY_MISMATCH": ({"amount": "1.00", "currency": "EUR"}, ["amount", "currency"]),
        "AMOUNT_TOO_LARGE": ({"amount": "998.01", "currency": "INR"}, ["amount"]),
        "AMOUNT_TOO_SMALL": ({"amount": "0", "currency": "INR"}, ["amount"]),
        "INVALID": ({"amount": "1.001", "currency": "INR"}, ["amount", "amount"]),
    }

    for code, (amount, field) in amounts.items():
        given = {
            "orderId": guest.order_id,
            "gateway": "SANDBOX",
            "amount": amount,
            "idempotencyKey": new_key(),
        }
        payload = (await shop.run(PAY, {"input": given}, key=guest.token))["paymentCreate"]

        assert [(error["code"], error["field"]) for error in payload["errors"]] == [(code, field)]
        assert payload["payment"] is None


REFUND = """
mutation($input: RefundCreateInput!) {
  refundCreate(input: $input) {
    refund { id status amount { amount } initiatedBy reason turnaroundDueAt overdue reference }
    payment { id refunded { amount } } order { paymentStatus refunded { amount } }
    replayed errors { code message field }
  }
}"""


async def test_staff_refund_a_part_once(shop: Shop) -> None:
    _, payment_id = await shop.paid_order()
    given = {
        "paymentId": payment_id,
        "amount": {"amount": "8.00", "currency": "INR"},
        "reason": "One was broken",
        "idempotencyKey": new_key(),
    }

    first = (await shop.run(REFUND, {"input": given}, key=STAFF))["refundCreate"]
    again = (await shop.run(REFUND, {"input": given}, key=STAFF))["refundCreate"]

    assert first["errors"] == []
    assert first["refund"]["amount"] == {"amount": "8.00"}
    assert first["refund"]["initiatedBy"] == "STAFF"
    assert first["refund"]["reason"] == "One was broken"
    due_at = datetime.fromisoformat(first["refund"]["turnaroundDueAt"])
    assert timedelta(days=5) <= due_at - datetime.now(UTC) <= timedelta(days=6)
    assert first["refund"]["overdue"] is False
    assert again["replayed"] is True
    assert again["refund"]["id"] == first["refund"]["id"]
    assert again["order"] == {"paymentStatus": "PARTIALLY_REFUNDED", "refunded": {"amount": "8.00"}}


async def test_an_authorisation_is_captured_by_staff(shop: Shop) -> None:
    guest, payment_id = await shop.paid_order(captureMethod="MANUAL")
    capture = """
      mutation($input: PaymentCaptureInput!) { paymentCapture(input: $input) {
        payment { status captured { amount } authorized { amount } } order { paymentStatus } errors { code } } }"""
    given = {"paymentId": payment_id, "idempotencyKey": new_key()}

    refused = (await shop.run(capture, {"input": given}, key=guest.token))["paymentCapture"]
    captured = (await shop.run(capture, {"input": given}, key=STAFF))["paymentCapture"]

    assert refused == {"payment": None, "order": None, "errors": [{"code": "FORBIDDEN"}]}
    assert captured["errors"] == []
    assert captured["payment"]["status"] == "SUCCEEDED"
    assert captured["payment"]["captured"] == {"amount": "998.00"}
    assert captured["order"] == {"paymentStatus": "PAID"}


async def test_an_order_is_fulfilled_step_by_step_by_staff(shop: Shop) -> None:
    guest, _ = await shop.paid_order()
    fulfill = """
      mutation($input: OrderFulfillInput!) { orderFulfill(input: $input) {
        order { status fulfillmentStatus version } errors { code field } } }"""
    version = (await shop.until(guest, "version", lambda _: True))["version"]

    def step(status: str, **more: object) -> dict[str, Any]:
        return {"input": {"orderId": guest.order_id, "status": status, "idempotencyKey": new_key(), **more}}

    by_guest = (await shop.run(fulfill, step("SHIPPED"), key=guest.token))["orderFulfill"]
    stale = (await shop.run(fulfill, step("SHIPPED", expectedVersion=1), key=STAFF))["orderFulfill"]
    shipped = (await shop.run(fulfill, step("SHIPPED", expectedVersion=version), key=STAFF))["orderFulfill"]
    impossible = (await shop.run(fulfill, step("PREPARING"), key=STAFF))["orderFulfill"]
    delivered = (await shop.run(fulfill, step("DELIVERED"), key=STAFF))["orderFulfill"]

    assert by_guest == {"order": None, "errors": [{"code": "FORBIDDEN", "field": None}]}
    assert stale == {"order": None, "errors": [{"code": "VERSION_CONFLICT", "field": ["expectedVersion"]}]}
    assert shipped["order"] == {
        "status": "CONFIRMED",
        "fulfillmentStatus": "SHIPPED",
        "version": version + 1,
    }
    assert impossible == {"order": None, "errors": [{"code": "INVALID_STATE", "field": ["status"]}]}
    assert delivered["order"] == {
        "status": "COMPLETED",
        "fulfillmentStatus": "DELIVERED",
        "version": version + 3,
    }


async def test_canceling_an_order_cancels_its_open_payment_first(shop: Shop) -> None:
    guest = await shop.order()
    await shop.open_payment(guest)
    cancel = """
      mutation($input: OrderCancelInput!) { orderCancel(input: $input) {
        order { status payments { status } events { nodes { type message } } } errors { code } } }"""
    given = {"orderId": guest.order_id, "reason": "Changed my mind", "idempotencyKey": new_key()}

    payload = (await shop.run(cancel, {"input": given}, key=guest.token))["orderCancel"]

    assert payload["errors"] == []
    assert payload["order"]["status"] == "CANCELED"
    assert payload["order"]["payments"] == [{"status": "CANCELED"}]
    assert payload["order"]["events"]["nodes"][-1] == {
        "type": "ORDER_CANCELED",
        "message": "Changed my mind",
    }


async def test_a_declined_card_fails_the_try_and_not_the_order(shop: Shop) -> None:
    guest = await shop.order()
    payment = await shop.open_payment(guest)
    await shop.use_card(payment["reference"], "4000000000000002")
    confirm = """
      mutation($input: PaymentConfirmInput!) { paymentConfirm(input: $input) {
        payment { status lastError { code declineCode retryable } attempts { status failure { code } } }
        order { status paymentStatus } errors { code } } }"""
    given = {"paymentId": payment["id"], "gatewayData": {}, "idempotencyKey": new_key()}

    payload = (await shop.run(confirm, {"input": given}, key=guest.token))["paymentConfirm"]

    assert payload["errors"] == []
    assert payload["payment"]["status"] == "FAILED"
    assert payload["payment"]["lastError"]["code"] == "card_declined"
    assert payload["payment"]["attempts"] == [{"status": "FAILED", "failure": {"code": "card_declined"}}]
    assert payload["order"]["status"] == "PENDING"


async def test_asking_after_a_payment_is_limited(shop: Shop) -> None:
    guest = await shop.order()
    payment = await shop.open_payment(guest)
    sync = "mutation($id: ID!) { paymentSync(id: $id) { payment { id } errors { code } } }"

    first = (await shop.run(sync, {"id": payment["id"]}, key=guest.token))["paymentSync"]
    second = (await shop.run(sync, {"id": payment["id"]}, key=guest.token))["paymentSync"]

    assert first == {"payment": {"id": payment["id"]}, "errors": []}
    assert second == {"payment": None, "errors": [{"code": "RATE_LIMITED"}]}


async def test_products_are_written_by_staff_alone(shop: Shop) -> None:
    write = "mutation($i: ProductUpsertInput!) { productUpsert(input: $i) { product { sku } errors { code field } } }"
    given = {"sku": "TEA", "name": "Tea", "unitPrice": {"amount": "-1", "currency": "INR"}}

    by_anyone = (await shop.run(write, {"i": given}))["productUpsert"]
    negative = (await shop.run(write, {"i": given}, key=STAFF))["productUpsert"]
    listed = await shop.run("{ products { nodes { sku } } }")

    assert by_anyone == {"product": None, "errors": [{"code": "FORBIDDEN", "field": None}]}
    assert negative == {"product": None, "errors": [{"code": "INVALID", "field": ["unitPrice", "amount"]}]}
    assert listed == {"products": {"nodes": []}}


async def test_mutations_of_one_document_run_one_after_the_other_and_show_what_each_left(shop: Shop) -> None:
    guest = await shop.order()
    document = """
      mutation($pay: PaymentCreateInput!, $cancel: OrderCancelInput!) {
        first: paymentCreate(input: $pay) { order { version payments { status } } errors { code } }
        second: orderCancel(input: $cancel) { order { status payments { status } } errors { code } }
      }"""
    pay = {"orderId": guest.order_id, "gateway": "SANDBOX", "idempotencyKey": new_key()}
    cancel = {"orderId": guest.order_id, "idempotencyKey": new_key()}

    data = await shop.run(document, {"pay": pay, "cancel": cancel}, key=guest.token)

    assert data["first"]["order"]["payments"] == [{"status": "REQUIRES_PAYMENT_METHOD"}]
    assert data["second"]["order"] == {"status": "CANCELED", "payments": [{"status": "CANCELED"}]}


async def test_what_the_database_could_not_hold_is_refused_and_not_a_fault(shop: Shop) -> None:
    await shop.stock()
    inputs: dict[str, object] = {
        "customerEmail": "ann\x00@example.com",
        "lines": [{"sku": "T\x00", "quantity": 1}],
    }

    for name, value in inputs.items():
        given = {"lines": [{"sku": "TEA", "quantity": 1}], "idempotencyKey": new_key(), name: value}
        payload = (await shop.run(ORDER, {"input": given}))["orderCreate"]

        assert [error["code"] for error in payload["errors"]] == ["INVALID"], name
        assert payload["errors"][0]["field"][0] == name
