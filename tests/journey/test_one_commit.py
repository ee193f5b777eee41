"""What one webhook changed became true in one commit: the database says so, not the product."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import asyncpg

from db.embedded import EmbeddedPostgres
from tests.journey.doors import eventually

if TYPE_CHECKING:
    from tests.journey.demo_process import Demo
    from tests.journey.doors import Doors

# Each row knows the transaction that wrote it.
_WRITTEN_BY: Final = """
WITH this AS (SELECT payments.id AS payment, orders.id AS "order"
  FROM orders JOIN payments ON payments.order_id = orders.id WHERE number = $1)
SELECT 'order ' || status || ' ' || payment_status AS what, orders.xmin::text AS by
  FROM orders JOIN this ON id = "order"
UNION ALL
SELECT 'payment ' || status, payments.xmin::text FROM payments JOIN this ON id = payment
UNION ALL
SELECT 'attempt ' || status, payment_attempts.xmin::text FROM payment_attempts JOIN this ON payment_id = payment
UNION ALL
SELECT 'fact ' || kind, facts.xmin::text FROM facts JOIN this ON payment_id = payment
UNION ALL
SELECT 'ledger ' || account, ledger_entries.xmin::text FROM ledger_entries JOIN this ON payment_id = payment
UNION ALL
SELECT 'event ' || type, order_events.xmin::text FROM order_events JOIN this ON order_id = "order"
UNION ALL
SELECT 'inbox ' || type, inbox_events.xmin::text FROM inbox_events JOIN this ON payment_id = payment
"""


async def test_one_commit_settles_the_payment_the_order_the_books_and_the_inbox(
    demo: Demo, shop: Doors
) -> None:
    order = await shop.place_order()

    payment = await shop.pay(order)
    await eventually(lambda: shop.success_is("delivered", payment["reference"]))

    async with EmbeddedPostgres(demo.data_dir / "postgres") as beside:
        connection = await asyncpg.connect(beside.dsn)
        rows = await connection.fetch(_WRITTEN_BY, order.number)
        await connection.close()
    (commit,) = {row["by"] for row in rows if row["what"] == "order CONFIRMED PAID"}
    assert sorted(row["what"] for row in rows if row["by"] == commit) == [
        "attempt SUCCEEDED",
        "event ORDER_CONFIRMED",
        "event PAYMENT_SUCCEEDED",
        "fact ATTEMPT_STARTED",
        "fact CAPTURED",
        "inbox payment.succeeded",
        "ledger GATEWAY_CLEARING",
        "ledger SALES",
        "order CONFIRMED PAID",
        "payment SUCCEEDED",
    ]
