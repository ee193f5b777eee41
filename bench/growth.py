"""`python -m bench.growth [ORDERS ...]`: what a payment costs on a small shop and on one that has grown.

Fills a database for each number of orders (10,000 and 3,000,000 when left out), side by side on one PostgreSQL, and
settles the same webhooks in each, round about: by the product over HTTP with 64 senders, and as bare SQL. Prints
settled payments per second, the database's processor time of each payment, and the ratio of the last size to the first.
"""

from __future__ import annotations

import contextlib
import statistics
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

import uvloop

from bench.bare import settle_bare
from bench.cpu import postmaster_of, tree_seconds
from bench.dataset import make_deliveries
from bench.driver import send_all
from bench.grown import grow
from bench.servers import Contestant, product
from db import migrate
from db.embedded import EmbeddedPostgres
from db.pool import Database

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

SIZES: Final = (10_000, 3_000_000)
ROUNDS: Final = 5
DELIVERIES: Final = 4_000
SENDERS: Final = 64
PATH: Final = "/webhooks/stripe"


@dataclass(slots=True)
class Size:
    """A shop of one size, and what was measured on it."""

    orders: int
    dsn: str
    database: Database
    server: Contestant
    per_second: list[float] = field(default_factory=list)
    bare: list[float] = field(default_factory=list)
    database_us: list[float] = field(default_factory=list)

    def line(self) -> str:
        """Return the medians."""
        ours, bare = statistics.median(self.per_second), statistics.median(self.bare)
        return f"{self.orders:>10,} {ours:>12.0f} {bare:>9.0f} {statistics.median(self.database_us):>18.0f}"


async def main(sizes: list[int]) -> None:
    """Fill, measure, print."""
    async with contextlib.AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="orderpulse-bench-")))
        server = await stack.enter_async_context(EmbeddedPostgres(folder))
        shops = [await stack.enter_async_context(_shop(server, orders)) for orders in sizes]
        await shops[0].database.fetch("CHECKPOINT")
        postmaster = postmaster_of(folder)
        for number in range(ROUNDS + 1):
            for shop in shops:
                await _round(shop, postmaster, counts=number > 0)
    print(f"{'orders':>10} {'settled/s':>12} {'bare/s':>9} {'database us each':>18}")
    for shop in shops:
        print(shop.line())
    first, last = shops[0], shops[-1]
    print(
        f"last to first: {_ratio(last.per_second, first.per_second):.2f} of the payments per second,"
        f" {_ratio(last.bare, first.bare):.2f} as bare SQL;"
        f" {_ratio(first.database_us, last.database_us):.2f} by the database's processor time"
    )


@contextlib.asynccontextmanager
async def _shop(server: EmbeddedPostgres, orders: int) -> AsyncIterator[Size]:
    name = f"shop_{orders}"
    async with Database(server.superuser_dsn, size=1) as anywhere:
        await anywhere.fetch(f"CREATE DATABASE {name} OWNER orderpulse")
    dsn = named(server.dsn, name)
    await migrate.upgrade(dsn)
    async with Database(named(server.superuser_dsn, name)) as database:
        await grow(database, orders)
        await database.fetch("VACUUM ANALYZE")
        async with product(dsn) as contestant:
            yield Size(orders, dsn, database, contestant)


async def _round(shop: Size, postmaster: int, *, counts: bool) -> None:
    """Settle as many payments in each way; the first round only warms up."""
    deliveries = await make_deliveries(shop.database, DELIVERIES, PATH)
    before = tree_seconds(postmaster)
    done = await send_all(shop.server.port, deliveries, SENDERS)
    database_us = (tree_seconds(postmaster) - before) / DELIVERIES * 1e6
    bare = await settle_bare(shop.dsn, await make_deliveries(shop.database, DELIVERIES, PATH))
    if counts:
        shop.database_us.append(database_us)
        shop.per_second.append(done.per_second)
        shop.bare.append(bare)


def _ratio(those: list[float], these: list[float]) -> float:
    return statistics.median(those) / statistics.median(these)


def named(dsn: str, database: str) -> str:
    """Return the address of another database of the same server."""
    head, _, query = dsn.partition("?")
    return f"{head.rpartition('/')[0]}/{database}?{query}"


if __name__ == "__main__":
    uvloop.run(main([int(each) for each in sys.argv[1:]] or list(SIZES)))
