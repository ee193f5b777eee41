"""`python -m bench.growth [ORDERS ...]`: what a payment costs on a small shop and on one that has grown.

Fills the same database up to each number of orders in turn (10,000 and 3,000,000 when left out), and settles the same
webhooks at each size: by the product over HTTP with 64 senders, and as bare SQL. Prints settled payments per second,
the processor time of each payment, and the ratio of the last size to the first.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import uvloop

from bench.bare import settle_bare
from bench.cpu import postmaster_of, tree_seconds
from bench.dataset import make_deliveries
from bench.driver import send_all
from bench.grown import grow
from bench.servers import product
from db import migrate
from db.embedded import EmbeddedPostgres
from db.pool import Database

SIZES: Final = (10_000, 3_000_000)
ROUNDS: Final = 5
DELIVERIES: Final = 4_000
SENDERS: Final = 64
PATH: Final = "/webhooks/stripe"


@dataclass(slots=True)
class Size:
    """The measurements on one size of shop."""

    orders: int
    per_second: list[float] = field(default_factory=list)
    bare: list[float] = field(default_factory=list)
    database_us: list[float] = field(default_factory=list)

    def line(self) -> str:
        """Return the medians."""
        ours, bare = statistics.median(self.per_second), statistics.median(self.bare)
        return f"{self.orders:>10,} {ours:>12.0f} {bare:>9.0f} {statistics.median(self.database_us):>18.0f}"


async def main(sizes: list[int]) -> None:
    """Fill, measure, print."""
    measured = []
    with tempfile.TemporaryDirectory(prefix="orderpulse-bench-") as folder:
        async with EmbeddedPostgres(Path(folder)) as server:
            await migrate.upgrade(server.dsn)
            postmaster = postmaster_of(Path(folder))
            async with Database(server.dsn) as database:
                before = 0
                for orders in sizes:
                    await grow(database, orders, already=before)
                    before = orders
                    measured.append(await _measure(database, server.dsn, postmaster, orders))
    print(f"{'orders':>10} {'settled/s':>12} {'bare/s':>9} {'database us each':>18}")
    for size in measured:
        print(size.line())
    first, last = measured[0], measured[-1]
    ours = statistics.median(last.per_second) / statistics.median(first.per_second)
    bare = statistics.median(last.bare) / statistics.median(first.bare)
    print(f"last to first: {ours:.2f} of the payments per second, {bare:.2f} as bare SQL")


async def _measure(database: Database, dsn: str, postmaster: int, orders: int) -> Size:
    size = Size(orders)
    await database.fetch("VACUUM ANALYZE")
    async with product(dsn) as server:
        await send_all(server.port, await make_deliveries(database, 1_000, PATH), SENDERS)
        for _ in range(ROUNDS):
            deliveries = await make_deliveries(database, DELIVERIES, PATH)
            before = tree_seconds(postmaster)
            done = await send_all(server.port, deliveries, SENDERS)
            size.database_us.append((tree_seconds(postmaster) - before) / DELIVERIES * 1e6)
            size.per_second.append(done.per_second)
            size.bare.append(await settle_bare(dsn, await make_deliveries(database, DELIVERIES, PATH)))
    return size


if __name__ == "__main__":
    uvloop.run(main([int(each) for each in sys.argv[1:]] or list(SIZES)))
