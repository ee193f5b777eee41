"""`python -m bench.reconcile`: every webhook is dropped, and 1,000 payments reach the truth all the same."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Final

import uvloop

from app.gateways.sandbox.gateway import POLLING
from db import migrate
from db.embedded import EmbeddedPostgres
from db.pool import Database
from tests.conftest import EMPTY
from tests.system.dropped import Figures, measure

COUNT: Final = 1000
PROCESSES: Final = 2
SECONDS_MAX: Final = 60.0


async def main() -> None:
    """Run by polls alone and with the list of events, check and print."""
    with tempfile.TemporaryDirectory(prefix="orderpulse-bench-") as folder:
        async with EmbeddedPostgres(Path(folder) / "postgres") as server:
            await migrate.upgrade(server.dsn)
            async with Database(server.dsn) as database:
                alone = await measure(database, Path(folder), COUNT, processes=PROCESSES)
                async with database.connection() as connection:
                    await connection.execute(EMPTY)
                both = await measure(database, Path(folder), COUNT, processes=PROCESSES, list_too=True)
    print(
        f"{COUNT} payments, every webhook dropped, all polls due at once, {PROCESSES} workers,"
        f" at most {POLLING.calls_per_second_max:g} calls a second"
    )
    print(f"{'':>26} {'median s':>9} {'slowest s':>10} {'calls':>6} {'peak/s':>7} {'webhooks lost':>14}")
    _print("polls alone", alone)
    _print("polls and list of events", both)


def _print(name: str, figures: Figures) -> None:
    print(
        f"{name:>26} {figures.median_seconds:>9.1f} {figures.slowest_seconds:>10.1f} {figures.calls:>6}"
        f" {figures.peak_per_second:>7} {figures.lost_webhooks:>14}",
        flush=True,
    )
    assert figures.statuses == {("CONFIRMED", "PAID", "SUCCEEDED")}, figures.statuses
    assert figures.peak_per_second <= POLLING.calls_per_second_max, "the gateway was asked too often"
    assert figures.slowest_seconds <= SECONDS_MAX, "the truth came too late"


if __name__ == "__main__":
    uvloop.run(main())
