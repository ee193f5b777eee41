"""Nobody else's order: what is foreign looks exactly like what is missing."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.schema.shop import Shop


async def test_a_second_token_opens_the_same_order_until_it_expires(shop: Shop) -> None:
    guest = await shop.order()
    make = """mutation($id: ID!, $ttl: Int) {
      orderAccessTokenCreate(orderId: $id, ttlSeconds: $ttl) { accessToken expiresAt errors { code field } } }"""

    made = (await shop.run(make, {"id": guest.order_id, "ttl": 60}, key=guest.token))[
        "orderAccessTokenCreate"
    ]
    refused = (await shop.run(make, {"id": guest.order_id, "ttl": 0}, key=guest.token))[
        "orderAccessTokenCreate"
    ]
    read = await shop.run(
        "query($t: String!) { orderByAccessToken(token: $t) { id } }", {"t": made["accessToken"]}
    )

    assert made["errors"] == []
    assert made["accessToken"] != guest.token
    assert read == {"orderByAccessToken": {"id": guest.order_id}}
    assert refused == {
        "accessToken": None,
        "expiresAt": None,
        "errors": [{"code": "INVALID", "field": ["ttlSeconds"]}],
    }


async def test_somebody_elses_things_look_exactly_like_missing_ones(shop: Shop) -> None:
    mine, theirs = await shop.order(), await shop.order()
    their_payment = await shop.open_payment(theirs)
    unknown_order, unknown_payment = "ord_" + "0" * 26, "pay_" + "0" * 26
    reads = {
        "query($id: ID!) { order(id: $id) { id } }": (theirs.order_id, unknown_order),
        "query($id: ID!) { node(id: $id) { id } }": (theirs.order_id, unknown_order),
        "query($id: ID!) { payment(id: $id) { id } }": (their_payment["id"], unknown_payment),
        "query($id: ID!) { paymentGateways(orderId: $id) { gateway } }": (theirs.order_id, unknown_order),
        """mutation($id: ID!) { orderCancel(input: { orderId: $id, idempotencyKey: "k" })
             { order { id } errors { code message field } } }""": (theirs.order_id, unknown_order),
        """mutation($id: ID!) { paymentCreate(input: { orderId: $id, gateway: SANDBOX, idempotencyKey: "k" })
             { payment { id } errors { code message field } } }""": (theirs.order_id, unknown_order),
        """mutation($id: ID!) { paymentConfirm(input: { paymentId: $id, idempotencyKey: "k" })
             { payment { id } errors { code message field } } }""": (their_payment["id"], unknown_payment),
        """mutation($id: ID!) { paymentCancel(input: { paymentId: $id, idempotencyKey: "k" })
             { payment { id } errors { code message field } } }""": (their_payment["id"], unknown_payment),
        "mutation($id: ID!) { paymentSync(id: $id) { payment { id } errors { code message field } } }": (
            their_payment["id"],
            unknown_payment,
        ),
        "mutation($id: ID!) { orderAccessTokenCreate(orderId: $id) { accessToken errors { code message } } }": (
            theirs.order_id,
            unknown_order,
        ),
    }

    for document, (foreign, unknown) in reads.items():
        for key in (mine.token, None):
            of_others = await shop.send(document, {"id": foreign}, key=key)
            missing = await shop.send(document, {"id": unknown}, key=key)

            assert of_others == missing, document
            assert theirs.order_id not in str(of_others)


async def test_a_guest_sees_the_own_order_alone(shop: Shop) -> None:
    mine = await shop.order()
    await shop.order()

    data = await shop.run("{ orders { nodes { id } } }", key=mine.token)
    of_anyone = await shop.run("{ orders { nodes { id } } }")

    assert data == {"orders": {"nodes": [{"id": mine.order_id}]}}
    assert of_anyone == {"orders": {"nodes": []}}
