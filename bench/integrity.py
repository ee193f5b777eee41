"""`python -m bench.integrity [ORDERS]`: what the audit costs on a shop of so many orders (20,000 when left out).

Every order has one payment that was captured; a tenth of them were partly refunded, a hundredth is still open. Prints
the time of a report as the API makes it, of a turn in the background, and how many orders a second a whole audit does.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

import uvloop

from app.integrity import PAGE_ROWS, Auditor, Position, Section, audit
from bench.grown import grow
from db import migrate
from db.embedded import EmbeddedPostgres
from db.pool import Database

ORDERS: Final = 20_000
PAGES_MEASURED: Final = 200
REPORTS: Final = 5


async def main(orders: int) -> None:
    """Fill, audit and print."""
    with tempfile.TemporaryDirectory(prefix="orderpulse-bench-") as folder:
        async with EmbeddedPostgres(Path(folder), durable=False) as server:
            await migrate.upgrade(server.dsn)
            statements: list[str] = []
            async with Database(server.dsn, on_statement=statements.append) as database:
                await grow(database, orders)
                await _reports(database, statements)
                await _pages(database, statements, orders)


async def _reports(database: Database, statements: list[str]) -> None:
    auditor = Auditor(database)
    taken = []
    for _ in range(REPORTS):
        statements.clear()
        lag = asyncio.create_task(_longest_silence())
        started = time.perf_counter()
        report = await auditor.report()
        taken.append(time.perf_counter() - started)
        lag.cancel()
        silence = await lag
    assert report.violations == (), report.violations[:3]
    rows = sum(tally.rows_checked for tally in report.tallies)
    print(
        f"a report: {min(taken):.2f} s to {max(taken):.2f} s, {rows:,} rows, {len(statements)} statements,"
        f" the event loop never silent for more than {silence * 1000:.0f} ms"
    )
    started = time.perf_counter()
    rows = await auditor.turn()
    print(f"a turn in the background: {time.perf_counter() - started:.2f} s, {rows:,} rows")


async def _pages(database: Database, statements: list[str], orders: int) -> None:
    """Audit the whole, or so many pages of the orders as tell how fast it is."""
    position: Position | None = Position()
    statements.clear()
    looked = pages = 0
    started = time.perf_counter()
    while position is not None and position.section is Section.ORDERS and pages < PAGES_MEASURED:
        audited = await audit(database, position)
        assert audited.violations == [], audited.violations[:3]
        looked += len(audited.roots)
        pages += 1
        position = audited.next
    per_second = looked / (time.perf_counter() - started)
    print(
        f"pages of {PAGE_ROWS}: {per_second:,.0f} orders a second, {len(statements) / pages:.0f} statements a page;"
        f" {orders:,} orders in {orders / per_second:.0f} s"
    )


async def _longest_silence() -> float:
    """Return the longest time for which nothing else got its turn, once cancelled."""
    longest = 0.0
    try:
        while True:
            before = time.perf_counter()
            await asyncio.sleep(0.001)
            longest = max(longest, time.perf_counter() - before - 0.001)
    except asyncio.CancelledError:
        return longest


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else ORDERS))
