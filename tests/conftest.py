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

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from db.pool import Connection

TABLES = """
  ledger_entries, order_events, inbox_events, disputes, refunds, payment_attempts, facts, payments,
  order_access_tokens, order_adjustments, order_lines, orders, products, idempotency_keys, jobs, suspense_items,
  gateway_states, api_keys
"""
TRIES = 5
EMPTY = f"""
  ALTER TABLE ledger_entries DISABLE TRIGGER only_grows; ALTER TABLE order_events DISABLE TRIGGER only_grows;
  TRUNCATE {TABLES};
  ALTER TABLE ledger_entries ENABLE TRIGGER only_grows; ALTER TABLE order_events ENABLE TRIGGER only_grows
"""


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
