"""`python -m bench.live`: many websockets, and few processes; beside the stock way, as ratios.

The watchers live in a process of their own; so does each server. What counts are the ratios, and whether the targets
are met on a machine that has nothing else to do.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final
from uuid import uuid4

import uvloop

from app.cli.serving import FILES_BESIDE, raise_file_limit
from bench.dataset import make_deliveries
from bench.driver import quantile, send_all
from bench.roles import PATH
from bench.servers import STAFF_KEY, product, tutorial
from bench.watchers import watching
from db import migrate
from db.embedded import EmbeddedPostgres
from db.pool import Database
from schema.cursors import encode_version
from tests.system.wire import Line, request

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from contextlib import AbstractAsyncContextManager

    from bench.dataset import Delivery
    from bench.servers import Contestant
    from bench.watchers import Watchers

SOCKETS: Final = 10_000
STOCK_SHARE: Final = 5
"""The stock way is shown with a fifth as many: with all of them it takes minutes, and the ratios are the same."""
CROWD: Final = 5_000
WARMING: Final = 100
PER_SECOND: Final = 200
PAYMENTS: Final = 2_000
STORM_PER_SECOND: Final = 40
STALLED: Final = 500
READING: Final = 1_000
CHANGES: Final = 40
SHED_SECONDS_MAX: Final = 40.0
TOLD_SECONDS_MAX: Final = 100.0
CROWDS: Final = 3
"""Orders that a crowd watches, one after the other."""
QUERY: Final = """
subscription ($id: ID!) { orderUpdated(id: $id) { id version status paymentStatus payments { id status } } }"""
PAID_VERSION: Final = 4
EVENTS: Final = f"""
subscription ($id: ID!) {{
  orderEvents(orderId: $id, after: "{encode_version(PAID_VERSION - 1)}") {{
    version type order {{ version payments {{ id status }} }}
  }}
}}"""
"""From the last event of a paid order on, so that each has a first frame."""
_FULFILL: Final = """
mutation ($input: OrderFulfillInput!) { orderFulfill(input: $input) { order { version } errors { code message } } }"""


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure, what it should be at most, and what the stock way has."""

    name: str
    value: float
    unit: str
    most: float | None = None
    stock: float | None = None

    def line(self) -> str:
        """Return it as it is printed."""
        told = f"{self.name}: {self.value:,.1f} {self.unit}"
        if self.most is not None:
            told += f" (target {self.most:g}: {'met' if self.value <= self.most else 'MISSED'})"
        if self.stock:
            told += f"; the stock way {self.stock:,.1f}, {self.stock / self.value:,.1f} times as much"
        return told


async def main(sockets: int, crowd: int) -> None:
    """Measure and print."""
    room = raise_file_limit() - FILES_BESIDE
    if sockets > room:
        print(
            f"{sockets:,} sockets need more files than the {room:,} that this system allows: {room:,} are opened"
        )
        sockets, crowd = room, min(crowd, room)
    with tempfile.TemporaryDirectory(prefix="orderpulse-bench-") as folder:
        async with EmbeddedPostgres(Path(folder)) as server:
            await migrate.upgrade(server.dsn)
            async with Database(server.dsn) as database:
                for measure in (_own_orders, _one_order, _storm, _stalled):
                    async for figure in measure(database, server.dsn, sockets, crowd):
                        print(figure.line(), flush=True)


async def _own_orders(database: Database, dsn: str, sockets: int, _: int) -> AsyncIterator[Figure]:
    """Every socket watches an order of its own; some of these are paid."""
    print(f"\n{sockets:,} sockets, each watching its own order")
    ours = await _watch_own(database, product(dsn), sockets, PAYMENTS, PER_SECOND)
    print(f"  (ours: {ours[0]:.1f} KiB, p50 {ours[1]:.1f} ms, p99 {ours[2]:.1f} ms)", flush=True)
    few = sockets // STOCK_SHARE
    theirs = await _watch_own(
        database, tutorial(dsn, "bench.stock:app"), few, PAYMENTS // 10, PER_SECOND // 10
    )
    yield Figure("memory of an idle subscription", ours[0], "KiB", 8, theirs[0])
    yield Figure(f"answer → frame, {PER_SECOND}/s, p50", ours[1], "ms", 3, theirs[1])
    yield Figure(f"answer → frame, {PER_SECOND}/s, p99", ours[2], "ms", 30, theirs[2])
    print(f"the stock way with {few:,} sockets and {PER_SECOND // 10} payments/s")


async def _watch_own(
    database: Database,
    contestant: AbstractAsyncContextManager[Contestant],
    sockets: int,
    payments: int,
    per_second: float,
) -> tuple[float, float, float]:
    """Return the memory of a subscription in KiB, and p50 and p99 of answer → frame in ms."""
    deliveries = await make_deliveries(database, sockets, PATH)
    orders = [each.public_order_id for each in deliveries]
    async with contestant as server:
        async with watching(server.port, QUERY, STAFF_KEY, orders[:WARMING]):
            await asyncio.sleep(1)
        before = _memory_kib(server.pid)
        async with watching(server.port, QUERY, STAFF_KEY, orders) as (watchers, _opened):
            await asyncio.sleep(1)
            memory = (_memory_kib(server.pid) - before) / sockets
            paid = deliveries[:: max(1, sockets // payments)][:payments]
            answered = await _pay(server.port, paid, per_second)
            frames = await _frames(watchers, len(paid))
    numbers = {order_id: number for number, order_id in enumerate(orders)}
    taken = sorted(
        frames[numbers[each.public_order_id]] - at for each, at in zip(paid, answered, strict=True)
    )
    return memory, 1000 * quantile(taken, 0.5), 1000 * quantile(taken, 0.99)


async def _one_order(database: Database, dsn: str, _: int, crowd: int) -> AsyncIterator[Figure]:
    """All sockets watch one order, which is paid."""
    print(f"\n{crowd:,} sockets, all watching one order, which is paid")
    last, first = await _watch_one(database, product(dsn), crowd, CROWDS)
    stock, _first = await _watch_one(database, tutorial(dsn, "bench.stock:app"), crowd, 1)
    yield Figure("the last frame, after the answer", last, "ms", 90, stock)
    print(f"the first frame {abs(first):.1f} ms {'after' if first > 0 else 'BEFORE'} the webhook's answer")


async def _watch_one(
    database: Database, contestant: AbstractAsyncContextManager[Contestant], crowd: int, crowds: int
) -> tuple[float, float]:
    """Return when the last and the first frame came, in ms after the answer: the medians of some orders."""
    lasts, firsts = [], []
    async with contestant as server:
        for delivery in await make_deliveries(database, crowds, PATH):
            async with watching(server.port, QUERY, STAFF_KEY, [delivery.public_order_id] * crowd) as (
                watchers,
                _,
            ):
                await asyncio.sleep(1)
                answered = (await _pay(server.port, [delivery], 1))[0]
                frames = await _frames(watchers, crowd)
            lasts.append(max(frames.values()) - answered)
            firsts.append(min(frames.values()) - answered)
    return 1000 * sorted(lasts)[len(lasts) // 2], 1000 * sorted(firsts)[len(firsts) // 2]


async def _frames(watchers: Watchers, number: int) -> dict[int, float]:
    """Return when each of so many sockets had its first frame, once all had one."""
    frames: dict[int, float] = {}
    async with asyncio.timeout(TOLD_SECONDS_MAX):
        while len(frames) < number:
            await asyncio.sleep(0.2)
            for socket, at in await watchers.ask("frames"):
                frames.setdefault(socket, at)
    return frames


async def _storm(database: Database, dsn: str, sockets: int, _: int) -> AsyncIterator[Figure]:
    """All come back at once, while webhooks go on."""
    print(
        f"\n{sockets:,} sockets cut and coming back at once, roles apart, {STORM_PER_SECOND} webhooks/s meanwhile"
    )
    orders = [each.public_order_id for each in await make_deliveries(database, sockets, PATH)]
    deliveries = await make_deliveries(database, STORM_PER_SECOND * 60, PATH)
    latencies: list[float] = []
    async with (
        product(dsn, "webhooks") as hooks,
        product(dsn, "live") as live,
        watching(live.port, QUERY, STAFF_KEY, orders) as (watchers, _opened),
    ):
        storm = asyncio.create_task(watchers.ask("strike"))
        while not storm.done() and deliveries:
            began = time.monotonic()
            await send_all(hooks.port, [deliveries.pop()], 1)
            latencies.append(time.monotonic() - began)
            await asyncio.sleep(max(0.0, began + 1 / STORM_PER_SECOND - time.monotonic()))
        back = (await storm)["seconds"]
    latencies.sort()
    yield Figure("all back after", back, "s", 12)
    yield Figure("a webhook's answer meanwhile, p99", 1000 * quantile(latencies, 0.99), "ms", 250)


async def _stalled(database: Database, dsn: str, _: int, __: int) -> AsyncIterator[Figure]:
    """Some read nothing any more of an order that keeps changing."""
    print(
        f"\n{READING + STALLED:,} sockets following one order's events, {STALLED} of which read nothing any more"
    )
    (delivery,) = await make_deliveries(database, 1, PATH)
    order_id = delivery.public_order_id
    async with product(dsn) as server:
        await _pay(server.port, [delivery], 1)
        async with watching(server.port, EVENTS, STAFF_KEY, [order_id] * READING) as (watchers, _opened):
            calm = await _change(server.port, order_id, watchers)
            async with watching(server.port, EVENTS, STAFF_KEY, [order_id] * STALLED) as (others, _opened):
                await others.ask("stall", number=STALLED)
                before, began = _memory_kib(server.pid), time.monotonic()
                beside = await _change(server.port, order_id, watchers)
                grown = _memory_kib(server.pid) - before
                while await _open_sockets(server.port) > READING:
                    assert time.monotonic() - began < SHED_SECONDS_MAX
                    await asyncio.sleep(0.2)
                shed = time.monotonic() - began
    yield Figure("memory for what they don't take", grown / 1024, "MiB")
    yield Figure("the others' last frame, p99, to that without them", 100 * beside / calm - 100, "% more", 10)
    yield Figure("all of them shed after", shed, "s", 30)


async def _change(port: int, order_id: str, watchers: Watchers) -> float:
    """Change an order some times, and return p99 of asked → frame in ms."""
    asked = []
    async with await Line.open(port) as line:
        for number in range(CHANGES):
            given = {
                "orderId": order_id,
                "status": ("PREPARING", "UNFULFILLED")[number % 2],
                "idempotencyKey": str(uuid4()),
            }
            body = json.dumps({"query": _FULFILL, "variables": {"input": given}}).encode()
            headers = {"content-type": "application/json", "authorization": f"Bearer {STAFF_KEY}"}
            asked.append(time.monotonic())
            answer = await line.ask(request("POST", "/graphql", body, headers))
            assert not answer.json["data"]["orderFulfill"]["errors"], answer.json
            await asyncio.sleep(0.1)
    await asyncio.sleep(1)
    received: dict[int, int] = {}
    taken = []
    for number, at in await watchers.ask("frames"):
        nth = received[number] = received.get(number, -1) + 1
        taken.append(at - asked[nth])
    assert set(received.values()) == {CHANGES - 1}, "every event once"
    return 1000 * quantile(sorted(taken), 0.99)


async def _pay(port: int, deliveries: Sequence[Delivery], per_second: float) -> list[float]:
    """Send webhooks at a steady rate, and return when each was answered."""
    answered = [0.0] * len(deliveries)

    async def one(number: int, at: float) -> None:
        await asyncio.sleep(at - time.monotonic())
        await send_all(port, [deliveries[number]], 1)
        answered[number] = time.monotonic()

    began = time.monotonic()
    await asyncio.gather(*(one(number, began + number / per_second) for number in range(len(deliveries))))
    return answered


async def _open_sockets(port: int) -> int:
    async with await Line.open(port) as line:
        figures = (await line.ask(request("GET", "/metrics"))).body.decode()
    return int(float(figures.split("\norderpulse_sockets ")[1].split("\n")[0]))


def _memory_kib(pid: int) -> float:
    """Return what a process holds of memory, its share of what it has in common with others."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return float(line.split()[1])
    raise RuntimeError("the system does not tell")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sockets", type=int, default=SOCKETS)
    parser.add_argument("--crowd", type=int, default=CROWD)
    given = parser.parse_args()
    uvloop.run(main(given.sockets, given.crowd))
