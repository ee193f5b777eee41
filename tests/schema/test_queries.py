"""Queries: pages by cursors, ids of every kind, and a fixed number of statements whatever the lists' length."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.schema.shop import ORDER, PAY, STAFF, explained, new_key

if TYPE_CHECKING:
    from tests.schema.shop import Shop

ORDERS_PAGE = """
query($first: Int, $after: Cursor, $sort: OrderSort) {
  orders(first: $first, after: $after, sort: $sort) {
    edges { cursor node { id } } nodes { id } pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
  }
}"""
EVERYTHING = """{
  orders(first: 20) {
    nodes {
      id number total { amount } lines { sku total { amount } } adjustments { label amount { amount } }
      payments { id amount { amount } attempts { status } refunds { status } disputes { status } order { id } }
      events(first: 3) { nodes { version order { id } } }
    }
  }
}"""


async def make_orders(shop: Shop, count: int) -> list[str]:
    """Make orders and return their ids, oldest first."""
    await shop.stock()
    ids = []
    for _ in range(count):
        given = {"lines": [{"sku": "TEA", "quantity": 2}], "idempotencyKey": new_key()}
        ids.append((await shop.run(ORDER, {"input": given}))["orderCreate"]["order"]["id"])
    return ids


@pytest.mark.parametrize("sort", ["CREATED_AT_DESC", "CREATED_AT_ASC", "UPDATED_AT_DESC"])
async def test_pages_of_orders_follow_each_other_without_gap_or_repeat(shop: Shop, sort: str) -> None:
    ids = await make_orders(shop, 5)
    seen: list[str] = []
    after = None
    more: list[bool] = []

    for _ in range(3):
        page = (await shop.run(ORDERS_PAGE, {"first": 2, "after": after, "sort": sort}, key=STAFF))["orders"]
        assert [edge["node"] for edge in page["edges"]] == page["nodes"]
        assert page["pageInfo"]["startCursor"] == page["edges"][0]["cursor"]
        assert page["pageInfo"]["endCursor"] == page["edges"][-1]["cursor"]
        assert page["pageInfo"]["hasPreviousPage"] is (after is not None)
        seen += [node["id"] for node in page["nodes"]]
        more.append(page["pageInfo"]["hasNextPage"])
        after = page["pageInfo"]["endCursor"]

    assert seen == (ids if sort == "CREATED_AT_ASC" else ids[::-1])
    assert more == [True, True, False]


async def test_a_cursor_of_another_list_or_sort_is_refused(shop: Shop) -> None:
    await make_orders(shop, 2)
    products = "query($after: Cursor) { products(first: 1, after: $after) { edges { cursor } } }"
    of_products = (await shop.run(products))["products"]["edges"][0]["cursor"]
    of_orders = (await shop.run(ORDERS_PAGE, {"first": 1}, key=STAFF))["orders"]["pageInfo"]["endCursor"]
    wrong = [
        (ORDERS_PAGE, of_products, "CREATED_AT_DESC"),
        (ORDERS_PAGE, of_orders, "CREATED_AT_ASC"),
        (products, of_orders, None),
        (products, "", None),
        (products, "rubbish", None),
        (products, of_products + "A", None),
        (products, of_products[:-2], None),
        (products, "é", None),
    ]

    for document, cursor, sort in wrong:
        variables = {"after": cursor, "sort": sort} if sort else {"after": cursor}
        answer = await shop.send(document, variables, key=STAFF)

        (error,) = answer["errors"]
        assert error["extensions"] == explained("INVALID", field=["after"]), cursor
        assert "This cursor is not one of this list" in error["message"]


@pytest.mark.parametrize("first", [0, -1, 101])
async def test_pages_have_bounds(shop: Shop, first: int) -> None:
    documents = {
        "query($n: Int) { orders(first: $n) { nodes { id } } }": "orders",
        "query($n: Int) { products(first: $n) { nodes { id } } }": "products",
    }

    for document, name in documents.items():
        answer = await shop.send(document, {"n": first})

        (error,) = answer["errors"]
        assert error["message"] == "first is 1 to 100."
        assert error["extensions"] == explained("INVALID", field=["first"])
        assert error["path"] == [name]


async def test_null_arguments_mean_the_defaults(shop: Shop) -> None:
    await make_orders(shop, 1)

    data = await shop.run(ORDERS_PAGE, {"first": None, "after": None, "sort": None}, key=STAFF)

    assert len(data["orders"]["nodes"]) == 1


async def test_lists_cost_a_fixed_number_of_statements(shop: Shop, statements: list[str]) -> None:
    await make_orders(shop, 2)
    await shop.paid_order()
    statements.clear()
    few = await shop.run(EVERYTHING, key=STAFF)
    for_few = list(statements)
    await make_orders(shop, 8)
    for _ in range(3):
        await shop.paid_order()
    statements.clear()

    many = await shop.run(EVERYTHING, key=STAFF)

    assert (len(few["orders"]["nodes"]), len(many["orders"]["nodes"])) == (3, 14)
    assert sum(len(order["payments"]) for order in many["orders"]["nodes"]) == 4
    assert statements == for_few
    tables = (
        "orders order_lines order_adjustments payments order_events orders payment_attempts refunds disputes"
    )
    assert len(for_few) == len(tables.split())


async def test_filters_narrow_the_list(shop: Shop) -> None:
    guest, _ = await shop.paid_order()
    other = await shop.order(customerEmail="ann@example.com")
    number = (await shop.until(other, "number", lambda _: True))["number"]
    filters = {
        guest.order_id: [{"paymentStatus": ["PAID"]}, {"status": ["CONFIRMED", "COMPLETED"]}],
        other.order_id: [
            {"customerEmail": "ann@example.com"},
            {"number": number},
            {"paymentStatus": ["UNPAID"], "fulfillmentStatus": ["UNFULFILLED"]},
        ],
    }

    for order_id, given in filters.items():
        for wanted in given:
            data = await shop.run(
                "query($f: OrderFilter) { orders(filter: $f) { nodes { id } } }", {"f": wanted}, key=STAFF
            )
            assert data["orders"]["nodes"] == [{"id": order_id}], wanted
    nothing = await shop.run(
        '{ orders(filter: { createdBefore: "2020-01-01T00:00:00Z" }) { nodes { id } } }', key=STAFF
    )
    assert nothing == {"orders": {"nodes": []}}


async def test_a_nul_character_in_a_filter_is_refused_and_not_a_fault(shop: Shop) -> None:
    answer = await shop.send(
        "query($f: OrderFilter) { orders(filter: $f) { nodes { id } } }",
        {"f": {"number": "a\x00"}},
        key=STAFF,
    )

    (error,) = answer["errors"]
    assert error["extensions"] == explained("INVALID", field=["filter", "number"])


async def test_node_finds_everything_that_has_an_id(shop: Shop) -> None:
    guest, payment_id = await shop.paid_order()
    product_id = await shop.stock("CUP", "99.00")
    refund = (
        await shop.run(
            "mutation($input: RefundCreateInput!) { refundCreate(input: $input) { refund { id } } }",
            {"input": {"paymentId": payment_id, "idempotencyKey": new_key()}},
            key=STAFF,
        )
    )["refundCreate"]["refund"]["id"]
    names = {
        guest.order_id: "Order",
        payment_id: "Payment",
        refund: "Refund",
        product_id: "Product",
    }

    for id_, name in names.items():
        data = await shop.run("query($id: ID!) { node(id: $id) { __typename id } }", {"id": id_}, key=STAFF)
        assert data == {"node": {"__typename": name, "id": id_}}


@pytest.mark.parametrize(
    "id_", ["", "nonsense", "ord_", "ord_" + "z" * 26, "dsp_" + "0" * 26, "inb_" + "0" * 26, "é"]
)
async def test_an_id_of_nothing_finds_nothing(shop: Shop, id_: str) -> None:
    data = await shop.run(
        "query($id: ID!) { node(id: $id) { id } order(id: $id) { id } payment(id: $id) { id } }",
        {"id": id_},
        key=STAFF,
    )

    assert data == {"node": None, "order": None, "payment": None}


async def test_a_disputed_payment_shows_its_dispute(shop: Shop) -> None:
    guest = await shop.order()
    payment = await shop.open_payment(guest)
    await shop.use_card(payment["reference"], "4000000000000259")
    order = await shop.until(
        guest,
        "paymentStatus payments { disputes { id status amount { amount } } }",
        lambda order: order["paymentStatus"] == "DISPUTED",
    )
    (dispute,) = order["payments"][0]["disputes"]

    found = await shop.run(
        "query($id: ID!) { node(id: $id) { ... on Dispute { id status amount { amount } } } }",
        {"id": dispute["id"]},
        key=guest.token,
    )

    assert found == {"node": dispute}
    assert dispute["amount"] == {"amount": "998.00"}


async def test_what_is_no_longer_sold_is_seen_by_staff_alone(shop: Shop) -> None:
    product_id = await shop.stock()
    price = {"amount": "499.00", "currency": "INR"}
    given = {"sku": "TEA", "name": "Tea", "unitPrice": price, "active": False}
    await shop.run(
        "mutation($i: ProductUpsertInput!) { productUpsert(input: $i) { errors { code } } }",
        {"i": given},
        key=STAFF,
    )
    document = "query($id: ID!) { node(id: $id) { id } products { nodes { id active } } }"

    by_staff = await shop.run(document, {"id": product_id}, key=STAFF)
    by_anyone = await shop.run(document, {"id": product_id})

    assert by_staff == {
        "node": {"id": product_id},
        "products": {"nodes": [{"id": product_id, "active": False}]},
    }
    assert by_anyone == {"node": None, "products": {"nodes": []}}


async def test_an_orders_events_come_in_pages(shop: Shop) -> None:
    guest, _ = await shop.paid_order()
    document = """query($id: ID!, $after: Cursor) { order(id: $id) { version
      events(first: 2, after: $after) { nodes { version type orderId order { version } }
        pageInfo { hasNextPage endCursor } } } }"""

    first = (await shop.run(document, {"id": guest.order_id}, key=guest.token))["order"]
    cursor = first["events"]["pageInfo"]["endCursor"]
    rest = (await shop.run(document, {"id": guest.order_id, "after": cursor}, key=guest.token))["order"]

    events = first["events"]["nodes"] + rest["events"]["nodes"]
    assert [event["version"] for event in events] == [1, 2, 3, 4]
    assert events[0]["type"] == "ORDER_CREATED"
    assert events[1]["type"] == "PAYMENT_CREATED"
    assert {event["orderId"] for event in events} == {guest.order_id}
    assert {event["order"]["version"] for event in events} == {first["version"]}
    assert first["events"]["pageInfo"]["hasNextPage"] is True


async def test_the_gateways_that_can_take_an_order_are_told(shop: Shop) -> None:
    guest = await shop.order()
    document = """query($id: ID!) {
      paymentGateways(orderId: $id) { gateway methods currencies publicConfig } }"""

    options = await shop.run(document, {"id": guest.order_id}, key=guest.token)
    refused = await shop.send(document, {"id": guest.order_id})

    assert options["paymentGateways"] == [
        {"gateway": "SANDBOX", "methods": ["CARD"], "currencies": [], "publicConfig": {"testMode": True}}
    ]
    assert refused["data"] is None
    (error,) = refused["errors"]
    assert error["extensions"] == explained("NOT_FOUND", field=["orderId"])


@pytest.mark.parametrize(("country", "is_one"), [("DE", True), ("IN", True), ("de", False), ("DEU", False)])
async def test_a_country_is_an_iso_code(shop: Shop, country: str, *, is_one: bool) -> None:
    guest = await shop.order()
    document = """query($id: ID!, $country: CountryCode) {
      paymentGateways(orderId: $id, country: $country) { methods } }"""

    answer = await shop.send(document, {"id": guest.order_id, "country": country}, key=guest.token)

    if is_one:
        assert answer["data"]["paymentGateways"] == [{"methods": ["CARD"]}]
    else:
        assert "A CountryCode is an ISO 3166-1 alpha-2 code" in answer["errors"][0]["message"]


async def test_a_gateway_that_does_not_answer_is_not_offered(shop: Shop) -> None:
    guest = await shop.order()
    await shop.sandbox.put("/v1/_chaos", json={"api_fail": {"create_payment": {"answer": 500}}})
    document = "query($id: ID!) { paymentGateways(orderId: $id) { gateway } }"
    codes = []
    for _ in range(6):
        given = {"orderId": guest.order_id, "gateway": "SANDBOX", "idempotencyKey": new_key()}
        payload = (await shop.run(PAY, {"input": given}, key=guest.token))["paymentCreate"]
        codes += [error["code"] for error in payload["errors"]]

    options = await shop.run(document, {"id": guest.order_id}, key=guest.token)

    assert codes == ["GATEWAY_UNAVAILABLE"] * 6
    assert options["paymentGateways"] == []


async def test_the_machines_are_data(shop: Shop) -> None:
    data = await shop.run("{ stateMachine(kind: FULFILLMENT) { kind states transitions { from to on } } }")

    machine = data["stateMachine"]
    assert machine["kind"] == "FULFILLMENT"
    assert machine["states"] == ["UNFULFILLED", "PREPARING", "SHIPPED", "DELIVERED", "RETURNED"]
    assert machine["transitions"][0] == {"from": "UNFULFILLED", "to": "PREPARING", "on": "packing began"}


async def test_a_guests_token_alone_opens_the_order(shop: Shop) -> None:
    guest = await shop.order(metadata={"gift": True, "words": ["for", "Ann"]})
    document = "query($t: String!) { orderByAccessToken(token: $t) { id metadata } }"

    found = await shop.run(document, {"t": guest.token})
    wrong = await shop.run(document, {"t": guest.token[:-1] + ("b" if guest.token.endswith("a") else "a")})

    assert found["orderByAccessToken"] == {
        "id": guest.order_id,
        "metadata": {"gift": True, "words": ["for", "Ann"]},
    }
    assert wrong == {"orderByAccessToken": None}
