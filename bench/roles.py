"""`python -m bench.roles`: webhooks while a thousand websockets come back at once, in one process and apart.

The sockets are opened, cut and opened again by a process of their own, so that the clock of the webhooks runs in one
that has nothing else to do. Both forms take turns in one run: what counts is the ratio.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

import uvloop
from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

from bench.dataset import make_deliveries
from bench.driver import quantile, send_all
from bench.servers import STAFF_KEY, product
from db import migrate
from db.embedded import EmbeddedPostgres
from db.pool import Database

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from websockets.asyncio.client import ClientConnection

    from bench.dataset import Delivery

SOCKETS: Final = 1_000
ROUNDS: Final = 3
PER_SECOND: Final = 40
QUIET: Final = 160
STORM: Final = 400
"""Webhooks during a storm: they go on for some seconds after everybody is back."""
PATH: Final = "/webhooks/stripe"
OPENING_MAX: Final = 200
"""Sockets that are being opened at one time, as far as the first opening goes; the storm knows no such mercy."""
AGAIN_SECONDS: Final = 0.2
_SUBSCRIPTION: Final = "subscription ($id: ID!) { orderUpdated(id: $id) { version } }"


async def main(sockets: int) -> None:
    """Measure and print."""
    figures: dict[str, list[tuple[float, ...]]] = {"one process": [], "roles apart": []}
    with tempfile.TemporaryDirectory(prefix="orderpulse-bench-") as folder:
        async with EmbeddedPostgres(Path(folder)) as server:
            await migrate.upgrade(server.dsn)
            async with Database(server.dsn) as database:
                for _ in range(ROUNDS):
                    async with product(server.dsn) as one:
                        figures["one process"].append(await _measure(database, one.port, one.port, sockets))
                    async with product(server.dsn, "webhooks") as hooks, product(server.dsn, "live") as live:
                        figures["roles apart"].append(
                            await _measure(database, hooks.port, live.port, sockets)
                        )
    print(
        f"{sockets} websockets come back at once, {PER_SECOND} webhooks a second; medians of {ROUNDS} rounds"
    )
    medians = {
        name: [statistics.median(values) for values in zip(*rounds, strict=True)]
        for name, rounds in figures.items()
    }
    for name, (quiet, p50, p99, worst, back) in medians.items():
        print(
            f"{name}: p99 {quiet:.0f} ms before; during the storm p50 {p50:.0f} ms, p99 {p99:.0f} ms,"
            f" worst {worst:.0f} ms; all back after {back:.1f} s"
        )
    print(f"p99 of roles apart / one process: {medians['roles apart'][2] / medians['one process'][2]:.2f}")


async def _measure(database: Database, hooks: int, live: int, sockets: int) -> tuple[float, ...]:
    """Return p99 in quiet, p50, p99 and the worst during a storm in ms, and the seconds until everybody was back."""
    watched = [each.public_order_id for each in await make_deliveries(database, 100, PATH)]
    quiet = await make_deliveries(database, QUIET, PATH)
    during = await make_deliveries(database, STORM, PATH)
    await send_all(hooks, await make_deliveries(database, 100, PATH), 4)
    async with _storm(live, sockets, watched) as storm:
        before = await _send(hooks, quiet)
        back = asyncio.create_task(_strike(storm))
        latencies = await _send(hooks, during)
        return (
            quantile(before, 0.99) * 1000,
            quantile(latencies, 0.5) * 1000,
            quantile(latencies, 0.99) * 1000,
            latencies[-1] * 1000,
            await back,
        )


async def _send(port: int, deliveries: list[Delivery]) -> list[float]:
    """Send at a steady rate whatever the answers, and return the latencies in order of size."""
    taken: list[float] = []

    async def one(each: Delivery, at: float) -> None:
        await asyncio.sleep(at - time.perf_counter())
        await send_all(port, [each], 1)
        taken.append(time.perf_counter() - at)

    began = time.perf_counter()
    await asyncio.gather(*(one(each, began + i / PER_SECOND) for i, each in enumerate(deliveries)))
    return sorted(taken)


@contextlib.asynccontextmanager
async def _storm(port: int, sockets: int, orders: list[str]) -> AsyncIterator[asyncio.subprocess.Process]:
    """Have so many sockets opened by a process, and wait until they are."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench.roles", "--storm", str(port), "--sockets", str(sockets), *orders),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        assert await process.stdout.readline() == b"open\n"
        yield process
    finally:
        process.kill()
        await process.wait()


async def _strike(storm: asyncio.subprocess.Process) -> float:
    """Have every socket cut and opened again; return the seconds until all had their first frame."""
    assert storm.stdin is not None
    assert storm.stdout is not None
    storm.stdin.write(b"strike\n")
    return float(await storm.stdout.readline())


async def storm_main(port: int, sockets: int, orders: list[str]) -> None:
    """Open sockets, say so, wait to be told, cut them all, and say how long they took to come back."""
    mercy = asyncio.Semaphore(OPENING_MAX)

    async def opened(number: int) -> ClientConnection:
        async with mercy:
            return await _open(port, orders[number % len(orders)])

    connections = await asyncio.gather(*(opened(number) for number in range(sockets)))
    print("open", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    began = time.perf_counter()
    for connection in connections:
        connection.transport.abort()
    await asyncio.gather(*(_open(port, orders[number % len(orders)]) for number in range(sockets)))
    print(time.perf_counter() - began, flush=True)
    await asyncio.Event().wait()


async def _open(port: int, order_id: str) -> ClientConnection:
    """Open a socket that watches an order, again and again until its first frame is there."""
    init = {"type": "connection_init", "payload": {"authorization": f"Bearer {STAFF_KEY}"}}
    subscribe = {
        "id": "1",
        "type": "subscribe",
        "payload": {"query": _SUBSCRIPTION, "variables": {"id": order_id}},
    }
    while True:
        try:
            connection = await connect(
                f"ws://127.0.0.1:{port}/graphql",
                subprotocols=["graphql-transport-ws"],  # type: ignore[list-item]  # a Subprotocol is a str
                compression=None,
                ping_interval=None,
                open_timeout=60,
            )
            await connection.send(json.dumps(init))
            await connection.recv()
            await connection.send(json.dumps(subscribe))
            assert json.loads(await connection.recv())["type"] == "next"
        except (OSError, TimeoutError, WebSocketException):
            await asyncio.sleep(AGAIN_SECONDS)
        else:
            return connection


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sockets", type=int, default=SOCKETS)
    parser.add_argument("--storm", type=int, help=argparse.SUPPRESS)
    parser.add_argument("orders", nargs="*", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.storm is None:
        uvloop.run(main(given.sockets))
    else:
        uvloop.run(storm_main(given.storm, given.sockets, given.orders))
