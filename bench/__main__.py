"""`python -m bench`: everything in one run on a durable embedded PostgreSQL; contestants take turns, medians count."""

from __future__ import annotations

import statistics
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import uvloop

from bench.bare import settle_bare
from bench.cpu import postmaster_of, tree_seconds
from bench.dataset import make_deliveries
from bench.driver import Measured, send_all
from bench.push import measure_push
from bench.servers import product, tutorial
from db import migrate
from db.embedded import EmbeddedPostgres
from db.pool import Database

ROUNDS: Final = 3
SENDERS: Final = (1, 16, 64)
OURS: Final = {1: 1500, 16: 4000, 64: 8000}
THEIRS: Final = {1: 300, 16: 800, 64: 1000}
BARE: Final = 8000
WATCHERS: Final = 250
PATH: Final = "/webhooks/stripe"


@dataclass(slots=True)
class Results:
    """Every measurement of the run."""

    ours: dict[int, list[Measured]] = field(default_factory=lambda: {senders: [] for senders in SENDERS})
    theirs: dict[int, list[Measured]] = field(default_factory=lambda: {senders: [] for senders in SENDERS})
    bare: list[float] = field(default_factory=list)
    server_us: list[float] = field(default_factory=list)
    """Processor time of the product for each payment, in microseconds, with the most senders."""
    database_us: list[float] = field(default_factory=list)
    push: list[tuple[float, float]] = field(default_factory=list)


async def main() -> None:
    """Run, check that every order was paid exactly once, and print."""
    with tempfile.TemporaryDirectory(prefix="orderpulse-bench-") as folder:
        async with EmbeddedPostgres(Path(folder)) as server:
            await migrate.upgrade(server.dsn)
            async with Database(server.dsn) as database:
                results = await _measure(database, server.dsn, postmaster_of(Path(folder)))
                await _verify(database)
    _print(results)


async def _measure(database: Database, dsn: str, postmaster: int) -> Results:
    results = Results()
    async with product(dsn) as ours, tutorial(dsn) as theirs:
        for each in (ours, theirs):
            await send_all(each.port, await make_deliveries(database, 200, PATH), 16)
        for number in range(ROUNDS):
            print(f"round {number + 1} of {ROUNDS} …", flush=True)
            for senders in SENDERS:
                deliveries = await make_deliveries(database, OURS[senders], PATH)
                spent = tree_seconds(ours.pid), tree_seconds(postmaster)
                results.ours[senders].append(await send_all(ours.port, deliveries, senders))
                if senders == SENDERS[-1]:
                    share = 1e6 / len(deliveries)
                    results.server_us.append((tree_seconds(ours.pid) - spent[0]) * share)
                    results.database_us.append((tree_seconds(postmaster) - spent[1]) * share)
                deliveries = await make_deliveries(database, THEIRS[senders], PATH)
                results.theirs[senders].append(await send_all(theirs.port, deliveries, senders))
            results.bare.append(await settle_bare(dsn, await make_deliveries(database, BARE, PATH)))
            deliveries = await make_deliveries(database, WATCHERS, PATH)
            results.push.append(await measure_push(ours.port, deliveries))
    return results


async def _verify(database: Database) -> None:
    """A fast wrong answer is no answer."""
    rows = await database.fetch(
        "SELECT payment_status, paid_minor, version, count(*) FROM orders GROUP BY 1, 2, 3"
    )
    assert [tuple(row)[:3] for row in rows] == [("PAID", 49_900, 4)], rows


def _print(results: Results) -> None:
    bare = statistics.median(results.bare)
    print(
        "\nwebhooks settled per second (medians of interleaved rounds; ratios hold, absolutes don't travel)"
    )
    print(
        f"{'senders':>8} {'orderpulse':>11} {'p50 ms':>7} {'p99 ms':>7} {'tutorial':>9} {'ratio':>6} {'of bare':>8}"
    )
    for senders in SENDERS:
        ours = statistics.median(each.per_second for each in results.ours[senders])
        theirs = statistics.median(each.per_second for each in results.theirs[senders])
        p50 = statistics.median(each.p50_ms for each in results.ours[senders])
        p99 = statistics.median(each.p99_ms for each in results.ours[senders])
        print(
            f"{senders:>8} {ours:>11.0f} {p50:>7.1f} {p99:>7.1f} {theirs:>9.0f} {ours / theirs:>5.1f}x"
            f" {ours / bare:>7.0%}"
        )
    server, database = statistics.median(results.server_us), statistics.median(results.database_us)
    print(
        f"processor time of a payment, {SENDERS[-1]} senders: server {server:.0f} us, database {database:.0f} us"
    )
    print(f"bare SQL in batches of 64, no HTTP, no signatures, no rules: {bare:.0f}")
    p50 = statistics.median(push[0] for push in results.push)
    p99 = statistics.median(push[1] for push in results.push)
    print(f"webhook sent → frame received, {WATCHERS} watchers, 50/s: p50 {p50:.1f} ms, p99 {p99:.1f} ms")


if __name__ == "__main__":
    uvloop.run(main())
