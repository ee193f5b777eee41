"""Subscriptions: how things stand first, then every change, to whoever may see it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from app.domain.ids import IdPrefix, decode_as
from tests.schema.shop import STAFF, Client, explained, new_key

if TYPE_CHECKING:
    from tests.schema.shop import Shop

UPDATED = """subscription($id: ID!) { orderUpdated(id: $id) {
  id version status paymentStatus lines { sku } adjustments { label }
  payments { id status attempts { status } order { version } }
} }"""
EVENTS = """subscription($id: ID!, $after: Cursor) { orderEvents(orderId: $id, after: $after) {
  cursor version type order { version payments { status } } } }"""
PAYMENT = "subscription($id: ID!) { paymentUpdated(id: $id) { id status captured { amount } order { id version } } }"
ALL = "subscription($after: Cursor) { allOrderEvents(after: $after) { cursor orderId version order { version } } }"
FULFILL = "mutation($input: OrderFulfillInput!) { orderFulfill(input: $input) { order { version } errors { code } } }"


async def test_an_order_is_shown_as_it_is_and_after_every_change(shop: Shop) -> None:
    guest = await shop.order()
    async with shop.socket({"orderAccessToken": guest.token}) as client:
        await client.subscribe(UPDATED, {"id": guest.order_id})
        first = (await client.data())["orderUpdated"]

        payment = await shop.open_payment(guest)
        await shop.use_card(payment["reference"])
        seen = [first]
        while seen[-1]["paymentStatus"] != "PAID":
            seen.append((await client.data())["orderUpdated"])

    versions = [order["version"] for order in seen]
    assert first["version"] == 1
    assert first["lines"] == [{"sku": "TEA"}]
    assert first["adjustments"] == []
    assert first["payments"] == []
    assert versions == sorted(set(versions))
    assert seen[-1]["status"] == "CONFIRMED"
    (paid,) = seen[-1]["payments"]
    assert paid == {
        "id": payment["id"],
        "status": "SUCCEEDED",
        "attempts": [{"status": "SUCCEEDED"}],
        "order": {"version": versions[-1]},
    }


async def test_a_snapshot_is_shown_without_reading(shop: Shop, statements: list[str]) -> None:
    guest, _ = await shop.paid_order()
    async with shop.socket({"authorization": f"Bearer {STAFF}"}) as client:
        await client.subscribe(UPDATED, {"id": guest.order_id})
        await client.data()
        statements.clear()

        given = {"orderId": guest.order_id, "status": "SHIPPED", "idempotencyKey": new_key()}
        await shop.run(FULFILL, {"input": given}, key=STAFF)
        await client.data()

    # Three of the mutation: the order, its key, and the order again to show it.
    assert [statement.split()[0] for statement in statements] == ["SELECT", "INSERT", "SELECT"]


async def test_events_come_once_and_in_order_from_the_cursor_on(shop: Shop) -> None:
    guest, _ = await shop.paid_order()
    async with shop.socket({"orderAccessToken": guest.token}) as client:
        first = await shop.run(
            "query($id: ID!) { order(id: $id) { version events(first: 1) { nodes { cursor } } } }",
            {"id": guest.order_id},
            key=guest.token,
        )
        cursor = first["order"]["events"]["nodes"][0]["cursor"]
        last = first["order"]["version"]

        await client.subscribe(EVENTS, {"id": guest.order_id, "after": cursor})
        replayed = [(await client.data())["orderEvents"] for _ in range(last - 1)]
        given = {"orderId": guest.order_id, "status": "SHIPPED", "idempotencyKey": new_key()}
        await shop.run(FULFILL, {"input": given}, key=STAFF)
        live = (await client.data())["orderEvents"]

        await client.subscribe(EVENTS, {"id": guest.order_id, "after": replayed[-1]["cursor"]}, "2")
        resumed = (await client.data())["orderEvents"]

    assert [event["version"] for event in replayed] == list(range(2, last + 1))
    assert {event["order"]["version"] for event in replayed} == {last}
    assert live["version"] == last + 1
    assert live["type"] == "FULFILLMENT_CHANGED"
    assert live["order"] == {"version": last + 1, "payments": [{"status": "SUCCEEDED"}]}
    assert resumed == live


async def test_every_version_reaches_many_watchers_who_come_while_it_changes(shop: Shop) -> None:
    guest = await shop.order()
    versions = 8

    async def watch() -> list[int]:
        async with shop.socket({"orderAccessToken": guest.token}) as client:
            await client.subscribe(EVENTS, {"id": guest.order_id, "after": "AXYAAAAA"})
            return [(await client.data())["orderEvents"]["version"] for _ in range(versions)]

    watching = [asyncio.create_task(watch()) for _ in range(10)]
    payment = await shop.open_payment(guest)
    late = [asyncio.create_task(watch()) for _ in range(10)]
    await shop.use_card(payment["reference"])
    await shop.until(guest, "status", lambda order: order["status"] == "CONFIRMED")
    for status in ("PREPARING", "UNFULFILLED", "PREPARING", "SHIPPED"):
        given = {"orderId": guest.order_id, "status": status, "idempotencyKey": new_key()}
        await shop.run(FULFILL, {"input": given}, key=STAFF)

    seen = await asyncio.gather(*watching, *late)

    assert seen == [list(range(1, versions + 1))] * 20


async def test_a_payment_is_shown_when_it_has_changed_and_not_otherwise(shop: Shop) -> None:
    guest = await shop.order()
    payment = await shop.open_payment(guest)
    async with shop.socket({"orderAccessToken": guest.token}) as client:
        await client.subscribe(PAYMENT, {"id": payment["id"]})
        first = (await client.data())["paymentUpdated"]
        await shop.use_card(payment["reference"])
        seen = [first]
        while seen[-1]["status"] != "SUCCEEDED":
            seen.append((await client.data())["paymentUpdated"])
        given = {"orderId": guest.order_id, "status": "SHIPPED", "idempotencyKey": new_key()}
        await shop.run(FULFILL, {"input": given}, key=STAFF)
        refund = {"paymentId": payment["id"], "idempotencyKey": new_key()}
        await shop.run(
            "mutation($input: RefundCreateInput!) { refundCreate(input: $input) { errors { code } } }",
            {"input": refund},
            key=STAFF,
        )
        after = (await client.data())["paymentUpdated"]

    assert first["id"] == payment["id"]
    assert first["status"] == "REQUIRES_PAYMENT_METHOD"
    assert seen[-1]["captured"] == {"amount": "998.00"}
    assert after["order"]["version"] == seen[-1]["order"]["version"] + 2  # the goods' step was nothing to it


async def test_staff_follow_all_orders_and_go_on_where_they_were(shop: Shop) -> None:
    async with shop.socket({"authorization": f"Bearer {STAFF}"}) as client:
        await client.subscribe(ALL)
        await client.send({"type": "ping"})
        assert await client.receive() == {"type": "pong"}
        guest = await shop.order()
        other = await shop.order()
        first = (await client.data())["allOrderEvents"]
        second = (await client.data())["allOrderEvents"]

        await client.subscribe(ALL, {"after": first["cursor"]}, "2")
        resumed = (await client.data())["allOrderEvents"]
        await client.subscribe(EVENTS, {"id": guest.order_id, "after": first["cursor"]}, "3")
        await shop.open_payment(guest)
        by_log_cursor = {}
        while "orderEvents" not in by_log_cursor:
            by_log_cursor = await client.data()

    assert [first["orderId"], second["orderId"]] == [guest.order_id, other.order_id]
    assert (first["version"], first["order"]) == (1, {"version": 1})
    assert resumed == second
    assert by_log_cursor["orderEvents"]["version"] == 2


async def test_the_log_from_its_beginning_holds_every_event(shop: Shop) -> None:
    guests = [await shop.order() for _ in range(3)]
    async with shop.socket({"authorization": f"Bearer {STAFF}"}) as client:
        beginning = "AWwAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

        await client.subscribe(ALL, {"after": beginning})
        seen = [(await client.data())["allOrderEvents"]["orderId"] for _ in guests]

    assert seen == [guest.order_id for guest in guests]


async def failure(client: Client, query: str, variables: dict[str, object]) -> dict[str, object]:
    await client.subscribe(query, variables, new_key())
    message = await client.receive()
    assert message["type"] == "error", message
    (error,) = message["payload"]
    extensions: dict[str, object] = error["extensions"]
    return extensions


async def test_who_may_not_watch_is_told_before_the_stream_begins(shop: Shop) -> None:
    mine, theirs = await shop.order(), await shop.order()
    payment = await shop.open_payment(theirs)
    async with shop.socket({"orderAccessToken": mine.token}) as client:
        for order_id in (theirs.order_id, "ord_" + "0" * 26, "nonsense"):
            assert await failure(client, UPDATED, {"id": order_id}) == explained("NOT_FOUND", field=["id"])
            assert await failure(client, EVENTS, {"id": order_id}) == explained(
                "NOT_FOUND", field=["orderId"]
            )
        for payment_id in (payment["id"], "pay_" + "0" * 26, "nonsense"):
            assert await failure(client, PAYMENT, {"id": payment_id}) == explained("NOT_FOUND", field=["id"])
        assert await failure(client, ALL, {}) == explained("FORBIDDEN")


@pytest.mark.parametrize("cursor", ["", "rubbish", "AXYAAABj", "AXb_____"])
async def test_a_cursor_that_the_log_never_gave_is_refused(shop: Shop, cursor: str) -> None:
    guest = await shop.order()
    async with shop.socket({"orderAccessToken": guest.token}) as client:
        refused = await failure(client, EVENTS, {"id": guest.order_id, "after": cursor})

    assert refused == explained("INVALID", field=["after"])


async def test_frames_that_tell_of_changes_are_observed_and_others_are_not(shop: Shop) -> None:
    guest = await shop.order()
    order_id = decode_as(IdPrefix.ORDER, guest.order_id)
    async with shop.socket({"orderAccessToken": guest.token}) as client:
        await client.subscribe(UPDATED, {"id": guest.order_id}, "1")
        await client.data()
        await client.subscribe(EVENTS, {"id": guest.order_id, "after": "AXYAAAAA"}, "2")
        await client.data()
        before = list(shop.frames)

        await shop.open_payment(guest)
        seen = [await client.data() for _ in range(2)]

    assert before == []
    told = sorted(version for watched, version in shop.frames if watched == order_id)
    newest = max(data["orderUpdated"]["version"] for data in seen if "orderUpdated" in data)
    assert told == [2, newest]


async def test_a_stopped_hub_has_the_client_come_back(shop: Shop) -> None:
    guest = await shop.order()
    async with shop.socket({"orderAccessToken": guest.token}) as client:
        await client.subscribe(UPDATED, {"id": guest.order_id})
        await client.data()

        await shop.services.hub.stop()

        assert await client.close_code() == 1012


async def test_a_client_that_completes_leaves_nothing_behind(shop: Shop) -> None:
    guest = await shop.order()
    async with shop.socket({"orderAccessToken": guest.token}) as client:
        await client.subscribe(UPDATED, {"id": guest.order_id})
        await client.data()
        assert shop.services.hub.watchers == 1

        await client.send({"type": "complete", "id": "1"})
        await client.send({"type": "ping"})
        assert await client.receive() == {"type": "pong"}
        async with asyncio.timeout(5):
            while shop.services.hub.watchers:  # noqa: ASYNC110 - the hub raises no event
                await asyncio.sleep(0.01)
