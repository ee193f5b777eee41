"""What the database itself refuses, whoever writes: books out of balance, a past that changes, money counted twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

import asyncpg
import pytest

from app.identity import new_id
from app.settle import Settler
from db import reads
from tests.making import a_webhook, captured, opened_payment, stored_order

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from db.pool import Database
    from tests.making import Opened

BOOKED = "SELECT count(*), sum(amount_minor)::int FROM ledger_entries"
ENTRY = """
  INSERT INTO ledger_entries (transaction_id, position, order_id, payment_id, account, amount_minor, currency,
                              description, created_at)
  SELECT $1, row_number() OVER (), $2, $3, account, amount_minor, currency, 'by hand', now()
    FROM unnest($4::text[], $5::bigint[], $6::text[]) AS n(account, amount_minor, currency)
"""


@pytest.fixture
async def paid(database: Database) -> AsyncIterator[Opened]:
    """A paid order, at version 4, with two ledger entries."""
    async with Settler(database.dsn, on_commit=lambda _: None, on_doubt=lambda _: None) as settler:
        opened = await opened_payment(database, settler)
        await settler.submit(a_webhook(opened.payment, captured(opened.payment), reference="at the gateway"))
        yield opened


@pytest.mark.parametrize(
    ("minors", "currencies"),
    [([100], ["INR"]), ([100, -99], ["INR", "INR"]), ([100, -100], ["INR", "USD"])],
)
async def test_books_that_do_not_balance_in_each_currency_are_refused(
    database: Database, paid: Opened, minors: list[int], currencies: list[str]
) -> None:
    before = await database.fetch(BOOKED)
    accounts = ["SALES", "GATEWAY_CLEARING"][: len(minors)]

    with pytest.raises(asyncpg.CheckViolationError, match="does not balance"):
        await database.fetch(ENTRY, new_id(), paid.order.id, paid.payment.id, accounts, minors, currencies)

    assert await database.fetch(BOOKED) == before


@pytest.mark.parametrize("table", ["ledger_entries", "order_events"])
@pytest.mark.parametrize("statement", ["UPDATE {} SET currency = 'USD'", "DELETE FROM {}", "TRUNCATE {}"])
async def test_what_was_booked_or_logged_stays_as_it_was(
    database: Database, paid: Opened, table: str, statement: str
) -> None:
    rows = f"SELECT * FROM {table} ORDER BY 1, 2"  # noqa: S608 - one of two tables
    before = await database.fetch(rows)

    with pytest.raises(asyncpg.RestrictViolationError, match="only ever added"):
        await database.fetch(statement.format(table))

    assert await database.fetch(rows) == before
    assert paid.order.version == 2


async def test_a_payment_of_a_gateway_is_one_payment_here(database: Database, paid: Opened) -> None:
    async with Settler(database.dsn, on_commit=lambda _: None, on_doubt=lambda _: None) as settler:
        other = await opened_payment(database, settler)

    with pytest.raises(asyncpg.UniqueViolationError, match="uq_payments_gateway_reference"):
        await database.fetch(
            "UPDATE payments SET reference = 'at the gateway' WHERE id = $1", other.payment.id
        )

    rows = await database.fetch("SELECT id FROM payments WHERE reference IS NOT NULL")
    assert [row["id"] for row in rows] == [paid.payment.id]


async def test_a_version_is_one_event(database: Database, paid: Opened) -> None:
    again = "INSERT INTO order_events SELECT * FROM order_events WHERE order_id = $1 AND version = 4"

    with pytest.raises(asyncpg.UniqueViolationError, match="pk_order_events"):
        await database.fetch(again, paid.order.id)


async def test_the_log_shows_nothing_that_something_may_still_be_committed_before(database: Database) -> None:
    """Transactions commit in another order than they begin in: who reads on from the newest would miss the older."""
    async with database.connection() as slow:
        transaction = slow.transaction()
        await transaction.start()
        await slow.fetch("SELECT pg_current_xact_id()")
        order = await stored_order(database)
        meanwhile = await reads.log(database, None, 10)
        await transaction.rollback()

    afterwards = await reads.log(database, None, 10)

    assert meanwhile == []
    assert [(event.order_id, event.version) for _, event in afterwards] == [(order.id, 1)]
