"""A migration under a server that runs on: what a newer release adds to the tables, this one doesn't even notice."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING, Final

from tests.conftest import TABLES
from tests.schema.shop import STAFF, new_key

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import pytest

    from db.pool import Database
    from tests.schema.shop import Shop

SHOPPERS: Final = 4
"""At once, so that the pool's connections and those of settle have the statements prepared."""

REFUND: Final = """
  mutation($input: RefundCreateInput!) { refundCreate(input: $input) { refund { id } errors { code } } }"""
ALL: Final = """
  query($id: ID!, $payment: ID!) {
    order(id: $id) {
      number lines { sku } adjustments { label } events(first: 20) { nodes { type } }
      payments { status attempts { status } refunds { status } disputes { id } }
    }
    orders(first: 5) { nodes { number } }
    products(first: 5) { nodes { sku } }
    payment(id: $payment) { status }
    payments(first: 5) { nodes { status } }
    inboxEvents(first: 5) { nodes { status } }
    suspenseItems(first: 5) { nodes { reason } }
    ledgerEntries(orderId: $id) { account }
    paymentActivity { opened }
    integrityReport { violations { check } }
  }"""


async def shop_at_work(shop: Shop) -> None:
    """Have an order made, paid, given back in part, and everything looked at by staff."""
    guest, payment_id = await shop.paid_order()
    given = {
        "paymentId": payment_id,
        "amount": {"amount": "8.00", "currency": "INR"},
        "idempotencyKey": new_key(),
    }
    assert (await shop.run(REFUND, {"input": given}, key=STAFF))["refundCreate"]["errors"] == []
    seen = await shop.run(ALL, {"id": guest.order_id, "payment": payment_id}, key=STAFF)
    assert seen["integrityReport"]["violations"] == []


@contextlib.asynccontextmanager
async def newer(database: Database) -> AsyncIterator[None]:
    """Give every table a column more while the block lasts."""
    async with database.connection() as connection:
        for table in TABLES:
            await connection.execute(
                f"ALTER TABLE {table} ADD COLUMN of_a_newer_release text NOT NULL DEFAULT ''"
            )
    try:
        yield
    finally:
        async with database.connection() as connection:
            for table in TABLES:
                await connection.execute(f"ALTER TABLE {table} DROP COLUMN of_a_newer_release")


async def test_columns_that_a_newer_release_adds_disturb_nobody(
    shop: Shop, caplog: pytest.LogCaptureFixture
) -> None:
    await asyncio.gather(*(shop_at_work(shop) for _ in range(SHOPPERS)))

    with caplog.at_level(logging.ERROR):
        async with newer(shop.database):
            await asyncio.gather(*(shop_at_work(shop) for _ in range(SHOPPERS)))

    assert [record.getMessage() for record in caplog.records] == []
    rows = await shop.database.fetch("SELECT count(*) FROM inbox_events WHERE status = 'FAILED'")
    assert [row["count"] for row in rows] == [0]
