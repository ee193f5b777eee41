"""What every test may use: a real PostgreSQL for the whole run, migrated once, emptied before each test that asks."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import asyncpg
import pytest

from db import migrate
from db.embedded import EmbeddedPostgres
from db.pool import Database
from tests.hasty_servers import hurry
from tests.time_limits import tell_tasks

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Generator

    from db.pool import Connection

TABLES = (
    *("ledger_entries", "order_events", "inbox_events", "suspense_items", "disputes", "refunds", "facts"),
    *("payment_attempts", "payments", "order_access_tokens", "order_adjustments", "order_lines", "orders"),
    *("products", "idempotency_keys", "jobs", "gateway_states", "api_keys"),
)
"""Those that refer to others first."""
TRIES = 5
GROWING = ("ledger_entries", "order_events")
EMPTY = "; ".join(
    [
        f"LOCK TABLE {', '.join(TABLES)}",
        *(f"ALTER TABLE {table} DISABLE TRIGGER only_grows" for table in GROWING),
        *(f"DELETE FROM {table}" for table in TABLES),  # noqa: S608 - the names are ours
        *(f"ALTER TABLE {table} ENABLE TRIGGER only_grows" for table in GROWING),
    ]
)
"""To truncate so many tables takes a hundred times as long as to delete the few rows that a test leaves behind."""


hurry()


def pytest_xdist_auto_num_workers() -> int:
    """Return how many processes run the tests: one more than processors, for tests wait as often as they work."""
    return (os.cpu_count() or 1) + 1


@pytest.hookimpl(wrapper=True)
def pytest_timeout_set_timer() -> Generator[None, object, object]:
    """Have a test whose time is over tell where it was."""
    result = yield
    tell_tasks()
    return result


async def empty(connection: Connection) -> None:
    """Forget everything. A server that was ended may still be at its last statement, and hold what is locked here."""
    for tries_left in reversed(range(TRIES)):
        try:
            await connection.execute(EMPTY)
        except asyncpg.DeadlockDetectedError:
            if not tries_left:
                raise
        else:
            return


@pytest.fixture(scope="session")
async def database_dsn() -> AsyncIterator[str]:
    """A migrated database of its own for this run: embedded, or the empty one of TEST_DATABASE_URL."""
    if given := os.environ.get("TEST_DATABASE_URL"):
        await migrate.upgrade(given)
        yield given
        return
    with tempfile.TemporaryDirectory(prefix="orderpulse-tests-") as folder:
        async with EmbeddedPostgres(Path(folder), durable=False) as server:
            await migrate.upgrade(server.dsn)
            yield server.dsn


@pytest.fixture
def statements() -> list[str]:
    """The statements that `database` ran, in order."""
    return []


@pytest.fixture
async def database(database_dsn: str, statements: list[str]) -> AsyncIterator[Database]:
    """An open pool on an empty database."""
    async with Database(database_dsn, on_statement=statements.append) as pool:
        async with pool.connection() as connection:
            await empty(connection)
        statements.clear()
        yield pool
