"""Event streams of a running server: the official client's, and what is on the wire when the process ends."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from tests.official_clients import PACKAGES, node_with, official_client
from tests.system.deliveries import open_payments, success
from tests.system.processes import STAFF_KEY, Server, free_port, serving
from tests.system.shop import Shop
from tests.system.wire import Line, ask, get, request

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from db.pool import Database

SCRIPT: Final = Path(__file__).with_name("follow.mjs")
HISTORY: Final = "query ($id: ID!) { order(id: $id) { events(first: 1) { nodes { cursor } } } }"
ENDLESS: Final = "subscription { allOrderEvents { version } }"
HEADERS: Final = {
    "content-type": "application/json",
    "accept": "text/event-stream",
    "authorization": f"Bearer {STAFF_KEY}",
}


@pytest.fixture
async def mortal(server: Server, tmp_path: Path) -> AsyncIterator[Server]:
    """One more server, to be ended."""
    made = Server(free_port(), tmp_path / "server.log", server.settings)
    async with serving(made):
        yield made


def streamed(query: str) -> bytes:
    return request("POST", "/graphql", json.dumps({"query": query}).encode(), HEADERS)


async def test_the_official_client_misses_nothing_and_doubles_nothing_over_a_restart(
    mortal: Server, database: Database
) -> None:
    node = node_with("graphql-sse")
    (opened,) = await open_payments(database, 1)
    shop = Shop(mortal)
    guest = await shop.guest_of(opened.order)
    history = await shop.run(HISTORY, {"id": guest.order_id}, key=guest.token)
    settings = {
        "packages": str(PACKAGES),
        "url": f"http://127.0.0.1:{mortal.port}/graphql",
        "orderId": guest.order_id,
        "token": guest.token,
        "after": history["order"]["events"]["nodes"][0]["cursor"],
    }

    async with official_client(node, SCRIPT, settings) as watcher:
        await watcher.until(lambda: watcher.versions == [2])
        mortal.signal(signal.SIGTERM)
        code = await mortal.ended()
        await watcher.until(lambda: len(watcher.of_kind("closed")) == 1)
        await mortal.start()
        answer = await ask(mortal.port, success(opened.payment).request)
        await watcher.reconnect()
        await watcher.until(lambda: watcher.versions == [2, 3, 4])
        left = await watcher.end()

    assert (code, left, answer.status) == (0, 0, 200)
    assert [event["type"] for event in watcher.frames("orderEvents")] == [
        "PAYMENT_CREATED",
        "PAYMENT_SUCCEEDED",
        "ORDER_CONFIRMED",
    ]
    assert watcher.of_kind("error") == watcher.of_kind("complete") == []


async def test_the_end_of_the_process_ends_a_stream_at_once_but_does_not_complete_it(mortal: Server) -> None:
    async with await Line.open(mortal.port) as line:
        line.writer.write(streamed(ENDLESS))
        head = await line.reader.readuntil(b"\r\n\r\n")
        first = await line.reader.readuntil(b"\n\n")

        mortal.signal(signal.SIGTERM)

        rest = await line.reader.read()
        assert await mortal.ended() == 0
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"retry: " in first
    assert rest == b"\r\n0\r\n\r\n"
    assert "timeout graceful shutdown exceeded" not in mortal.output()


async def test_a_stream_is_one_of_the_figures_while_it_lasts(server: Server) -> None:
    async with await Line.open(server.port) as line:
        line.writer.write(streamed(ENDLESS))
        await line.reader.readuntil(b"\n\n")

        figures = (await get(server.port, "/metrics")).body

    assert b"orderpulse_event_streams 1.0" in figures


async def test_an_operation_is_answered_on_a_connection_that_lives_on(server: Server) -> None:
    async with await Line.open(server.port) as line:
        answers = [await line.ask(streamed("{ __typename }")) for _ in range(2)]

    expected = b'event: next\ndata: {"data":{"__typename":"Query"}}\n\nevent: complete\ndata:\n\n'
    assert [answer.body.partition(b"\n\n")[2] for answer in answers] == [expected, expected]
    assert {answer.headers["x-content-type-options"] for answer in answers} == {"nosniff"}
