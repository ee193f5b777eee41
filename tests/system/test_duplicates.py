"""The same webhook many times at once: applied once, and every copy answered 2xx, by however many servers."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Final

import pytest

from tests.system.audit import broken_invariants, inbox, order_states
from tests.system.deliveries import Insisting, open_payments, success
from tests.system.wire import Line, get

if TYPE_CHECKING:
    from db.pool import Database
    from tests.system.conftest import System
    from tests.system.deliveries import Delivery

ROUNDS: Final = 20
COPIES: Final = 50
PAID_ONCE: Final = ("CONFIRMED", "PAID", 4, 49_900, 0)


async def send_at_once(lines: list[Line], delivery: Delivery) -> list[int]:
    """Write a delivery to every connection before any answer is read, and return the answers' statuses."""
    for line in lines:
        line.writer.write(delivery.request)
    answers = await asyncio.gather(*(line.answer() for line in lines))
    return [answer.status for answer in answers]


async def poisoned(system: System) -> list[bytes]:
    """Return how many submissions broke their batch at each server: the constraints caught what the locks let by."""
    pages = [await get(server.port, "/metrics") for server in (system.first, system.second)]
    return [
        line
        for page in pages
        for line in page.body.splitlines()
        if line.startswith(b"orderpulse_settle_poison ")
    ]


@pytest.mark.parametrize("servers", [1, 2])
async def test_fifty_copies_at_once_are_one_application_and_fifty_times_2xx(
    system: System, database: Database, servers: int
) -> None:
    before = await poisoned(system)
    ports = [system.first.port, system.second.port][:servers]
    deliveries = [success(opened.payment) for opened in await open_payments(database, ROUNDS)]

    async with AsyncExitStack() as stack:
        lines = [
            await stack.enter_async_context(await Line.open(ports[number % servers]))
            for number in range(COPIES)
        ]
        statuses = [await send_at_once(lines, delivery) for delivery in deliveries]

    assert await poisoned(system) == before
    assert statuses == [[200] * COPIES] * ROUNDS
    assert await inbox(database) == {d.external_id: ("APPLIED", COPIES) for d in deliveries}
    assert await order_states(database) == {PAID_ONCE: ROUNDS}
    assert await broken_invariants(database) == []


async def test_a_shuffled_flood_of_copies_at_two_servers_neither_deadlocks_nor_doubles(
    system: System, database: Database
) -> None:
    before = await poisoned(system)
    deliveries = [success(opened.payment) for opened in await open_payments(database, 100)]
    floods = []
    gateways = []
    for server in (system.first, system.second):
        copies = deliveries * 5
        random.Random(server.port).shuffle(copies)  # noqa: S311 - an order of arrival is no secret
        # A gateway that has its 2xx sends no more: these are ten that know nothing of each other.
        for start in range(5):
            gateway = Insisting(server.port)
            gateways.append(gateway)
            floods.append(gateway.send_all(copies[start::5], 10))

    await asyncio.gather(*floods)

    assert await poisoned(system) == before
    assert sum((gateway.statuses for gateway in gateways), Counter()).keys() == {200}
    assert {status for status, _ in (await inbox(database)).values()} == {"APPLIED"}
    assert await order_states(database) == {PAID_ONCE: 100}
    assert await broken_invariants(database) == []
