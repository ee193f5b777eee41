"""The database itself refuses a ledger that doesn't balance, and changes of what was written down for good."""

from __future__ import annotations

from typing import TYPE_CHECKING

import asyncpg
import pytest

from app.identity import new_id
from app.settle import Settler
from tests.making import a_webhook, captured, opened_payment

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from db.pool import Database
    from tests.making import Opened

_INSERT = """
INSERT INTO ledger_entries (transaction_id, position, order_id, payment_id, account, amount_minor, currency,
                            description, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, 'by hand', clock_timestamp())
"""
Entry = tuple[str, int, str]


def _nobody(_: object) -> None:
    """Listen to nothing."""


@pytest.fixture
async def settler(database: Database) -> AsyncIterator[Settler]:
    """A settler on the test's database."""
    async with Settler(database.dsn, on_commit=_nobody, on_doubt=_nobody) as settler:
        yield settler


async def paid(database: Database, settler: Settler) -> Opened:
    opened = await opened_payment(database, settler)
    await settler.submit(a_webhook(opened.payment, captured(opened.payment)))
    return opened


async def book(database: Database, opened: Opened, *entries: Entry) -> None:
    transaction_id = new_id()
    async with database.transaction() as connection:
        for position, entry in enumerate(entries):
            await connection.execute(
                _INSERT, transaction_id, position, opened.order.id, opened.payment.id, *entry
            )


async def entries_of(database: Database, opened: Opened) -> int:
    rows = await database.fetch("SELECT count(*) FROM ledger_entries WHERE order_id = $1", opened.order.id)
    return int(rows[0][0])


@pytest.mark.parametrize(
    "entries",
    [
        [("SALES", -100, "INR")],
        [("SALES", -100, "INR"), ("GATEWAY_CLEARING", 99, "INR")],
        [("SALES", -100, "INR"), ("GATEWAY_CLEARING", 100, "USD")],
        [("SALES", -100, "INR"), ("GATEWAY_CLEARING", 100, "INR"), ("REFUNDS", 1, "INR")],
    ],
)
async def test_a_transaction_that_does_not_balance_is_refused_whole(
    database: Database, settler: Settler, entries: list[Entry]
) -> None:
    opened = await paid(database, settler)

    with pytest.raises(asyncpg.CheckViolationError, match="does not balance"):
        await book(database, opened, *entries)

    assert await entries_of(database, opened) == 2


async def test_a_transaction_may_be_booked_entry_by_entry_as_long_as_it_balances_in_the_end(
    database: Database, settler: Settler
) -> None:
    opened = await paid(database, settler)

    await book(
        database,
        opened,
        ("SALES", -100, "INR"),
        ("SUSPENSE", 60, "INR"),
        ("GATEWAY_CLEARING", 40, "INR"),
        ("SALES", -1, "KWD"),
        ("GATEWAY_CLEARING", 1, "KWD"),
    )

    assert await entries_of(database, opened) == 7


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ledger_entries SET amount_minor = -amount_minor",
        "DELETE FROM ledger_entries",
        "TRUNCATE ledger_entries",
        "UPDATE order_events SET version = version + 1000",
        "DELETE FROM order_events",
        "TRUNCATE order_events",
    ],
)
async def test_the_ledger_and_the_log_only_grow(database: Database, settler: Settler, statement: str) -> None:
    opened = await paid(database, settler)

    with pytest.raises(asyncpg.RestrictViolationError, match="only ever added"):
        await database.fetch(statement)

    assert await entries_of(database, opened) == 2
    versions = await database.fetch("SELECT version FROM order_events ORDER BY version")
    assert [row["version"] for row in versions] == [1, 2, 3, 4]
