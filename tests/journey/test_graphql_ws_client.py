"""The official JavaScript client at the real server: it gets every event once, also over a restart."""

from __future__ import annotations

import contextlib
import signal
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from tests.journey.demo_process import Demo
from tests.official_clients import PACKAGES, node_with, official_client

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.journey.doors import Doors, Placed
    from tests.official_clients import Watcher

SCRIPT: Final = Path(__file__).with_name("watch.mjs")


@pytest.fixture(scope="session")
def node() -> str:
    """Return node, which finds the official client."""
    return node_with("graphql-ws")


@contextlib.asynccontextmanager
async def watching(node: str, shop: Doors, order: Placed, after: str | None = None) -> AsyncIterator[Watcher]:
    """Let the official client watch an order while the block lasts."""
    settings = {
        "packages": str(PACKAGES),
        "url": shop.url.replace("http", "ws", 1) + "/graphql",
        "orderId": order.id,
        "token": order.token,
        "after": after,
    }
    async with official_client(node, SCRIPT, settings) as watcher:
        yield watcher


async def first_cursor(shop: Doors, order: Placed) -> str:
    """Return the position behind an order's first event."""
    cursor: str = (await shop.history(order.token))["events"]["nodes"][0]["cursor"]
    return cursor


async def test_the_official_client_receives_the_frames_of_a_payment(shop: Doors, node: str) -> None:
    order = await shop.place_order()

    async with watching(node, shop, order, after=await first_cursor(shop, order)) as watcher:
        await watcher.until(lambda: len(watcher.frames("orderUpdated")) == 1)
        await shop.pay(order)
        await watcher.until(lambda: watcher.versions == [2, 3, 4])
        await watcher.until(lambda: watcher.frames("orderUpdated")[-1]["version"] == 4)
        code = await watcher.end()

    assert [(event["version"], event["type"]) for event in watcher.frames("orderEvents")] == [
        (2, "PAYMENT_CREATED"),
        (3, "PAYMENT_SUCCEEDED"),
        (4, "ORDER_CONFIRMED"),
    ]
    states = watcher.frames("orderUpdated")
    assert states[0] == {"version": 1, "status": "PENDING", "paymentStatus": "UNPAID"}
    assert states[-1] == {"version": 4, "status": "CONFIRMED", "paymentStatus": "PAID"}
    assert watcher.of_kind("error") == []
    assert code == 0


async def test_a_stranger_is_told_so_and_not_that_the_order_exists(shop: Doors, node: str) -> None:
    order, other = await shop.place_order(), await shop.place_order()
    stranger = type(order)(id=order.id, number=order.number, token=other.token)

    async with watching(node, shop, stranger) as watcher:
        await watcher.until(lambda: len(watcher.of_kind("error")) == 2)

    assert watcher.frames("orderUpdated") == watcher.frames("orderEvents") == []


@pytest.fixture
async def own_demo() -> AsyncIterator[Demo]:
    """Run one more demo, to be restarted."""
    with tempfile.TemporaryDirectory(prefix="orderpulse-journey-") as folder:
        async with Demo.running(Path(folder) / "data") as demo:
            yield demo


async def test_a_restart_costs_the_official_client_no_event_and_doubles_none(
    own_demo: Demo, node: str
) -> None:
    shop = own_demo.doors
    order = await shop.place_order()
    async with watching(node, shop, order, after=await first_cursor(shop, order)) as watcher:
        await watcher.until(lambda: len(watcher.frames("orderUpdated")) == 1)
        payment = await shop.pay(order)
        await watcher.until(lambda: watcher.versions == [2, 3, 4])

        code = await own_demo.stop(signal.SIGTERM)
        await watcher.until(lambda: len(watcher.of_kind("closed")) == 1)
        left = own_demo.processes()
        await own_demo.run()
        await shop.refund(payment["id"])
        missed = (await shop.history(order.token))["version"]
        await watcher.reconnect()
        await watcher.until(lambda: watcher.versions[-1] == missed)
        await shop.pack(order)
        await watcher.until(lambda: watcher.versions[-1] == missed + 1)
        await watcher.until(lambda: watcher.frames("orderUpdated")[-1]["version"] == missed + 1)

    assert (code, left) == (0, [])
    assert [close["code"] for close in watcher.of_kind("closed")] == [1012]
    assert watcher.versions == list(range(2, missed + 2))
    assert watcher.of_kind("error") == []
