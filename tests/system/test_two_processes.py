"""What one process settles reaches the sockets of another, at once, in order, and also while the hints are lost."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

from tests.system.deliveries import open_payments, success
from tests.system.processes import SANDBOX_KEY, eventually
from tests.system.shop import EVENTS, UPDATED, Shop
from tests.system.wire import ask, request

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from db.pool import Database
    from tests.schema.shop import Client
    from tests.system.conftest import System
    from tests.system.shop import Guest

PAID_EVENTS: Final = [(3, "PAYMENT_SUCCEEDED"), (4, "ORDER_CONFIRMED")]
LISTENERS: Final = "FROM pg_stat_activity WHERE application_name = 'orderpulse-notifications'"


@asynccontextmanager
async def watching(shop: Shop, guest: Guest) -> AsyncIterator[Client]:
    """Watch an order at version 2 and what happens to it from there; once this is entered, the server watches it."""
    after = await shop.newest_cursor(guest)
    async with shop.socket(guest.token) as client:
        await client.subscribe(EVENTS, {"id": guest.order_id, "after": after}, "events")
        await client.subscribe(UPDATED, {"id": guest.order_id}, "order")
        assert (await client.receive())["payload"]["data"]["orderUpdated"]["version"] == 2
        yield client


async def told(client: Client) -> tuple[list[Any], list[Any]]:
    """Read what comes until the order is paid and both events were told."""
    orders: list[Any] = []
    events: list[Any] = []
    while len(events) < 2 or not orders or orders[-1]["paymentStatus"] != "PAID":
        message = await client.receive()
        assert message["type"] == "next", message
        data = message["payload"]["data"]
        if message["id"] == "order":
            orders.append(data["orderUpdated"])
        else:
            events.append(data["orderEvents"])
    return orders, events


async def test_a_payment_settled_in_one_process_is_on_the_sockets_of_the_other_within_a_second(
    system: System, database: Database
) -> None:
    other = Shop(system.second)

    for opened in await open_payments(database, 10):
        async with watching(other, await other.guest_of(opened.order)) as client:
            answer = await ask(system.first.port, success(opened.payment).request)
            async with asyncio.timeout(1):
                orders, events = await told(client)

            assert answer.status == 200
            assert orders == [{"version": 4, "status": "CONFIRMED", "paymentStatus": "PAID"}]
            assert [(event["version"], event["type"]) for event in events] == PAID_EVENTS
            assert {event["source"] for event in events} == {"WEBHOOK"}


async def test_a_payment_at_the_sandbox_is_on_the_sockets_of_a_process_that_it_never_spoke_to(
    system: System, shop: Shop
) -> None:
    guest = await shop.order()
    payment = await shop.pay(guest, "SANDBOX")
    async with watching(Shop(system.second), guest) as client:
        await pay_at_the_sandbox(system, payment["reference"])
        orders, events = await told(client)

    assert orders[-1] == {"version": 4, "status": "CONFIRMED", "paymentStatus": "PAID"}
    assert [(event["version"], event["type"]) for event in events] == PAID_EVENTS


async def test_what_is_settled_while_the_listeners_are_cut_arrives_all_the_same(
    system: System, database: Database
) -> None:
    other = Shop(system.second)

    for opened in await open_payments(database, 3):
        async with watching(other, await other.guest_of(opened.order)) as client:
            await eventually(lambda: _both_listen(database))  # again, after the last time
            cut = await database.fetch(f"SELECT pg_terminate_backend(pid) {LISTENERS}")
            answer = await ask(system.first.port, success(opened.payment).request)
            async with asyncio.timeout(3):
                _, events = await told(client)

            assert len(cut) >= 2
            assert answer.status == 200
            assert [(event["version"], event["type"]) for event in events] == PAID_EVENTS


async def _both_listen(database: Database) -> bool:
    return len(await database.fetch(f"SELECT 1 {LISTENERS}")) >= 2


async def pay_at_the_sandbox(system: System, reference: str) -> None:
    """Do what the shopper does at the checkout page."""
    body = b'{"card": "4242424242424242"}'
    headers = {"authorization": f"Bearer {SANDBOX_KEY}", "content-type": "application/json"}
    port = int(system.sandbox_url.rpartition(":")[2])
    answer = await ask(port, request("POST", f"/v1/payments/{reference}/_pay", body, headers))
    assert answer.status == 200, answer
