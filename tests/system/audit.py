"""What must hold in the database whatever happened, asked in SQL and not by the code that wrote it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from db.pool import Database

_CHECKS: Final = {
    "an order's versions are 1..n, and n is its version": """
        SELECT o.id FROM orders o LEFT JOIN order_events e ON e.order_id = o.id GROUP BY o.id
        HAVING count(e.version) <> o.version OR min(e.version) <> 1 OR max(e.version) <> o.version""",
    "what was taken is told once": """
        SELECT p.id FROM payments p
          LEFT JOIN order_events e
            ON e.payment_id = p.id AND e.type = 'PAYMENT_SUCCEEDED' AND e.currency = p.currency
         GROUP BY p.id HAVING coalesce(sum(e.amount_minor), 0) <> p.captured_minor""",
    "an order is confirmed once": """
        SELECT order_id FROM order_events WHERE type = 'ORDER_CONFIRMED' GROUP BY order_id HAVING count(*) > 1""",
    "a ledger transaction sums to zero": """
        SELECT transaction_id FROM ledger_entries GROUP BY transaction_id, currency HAVING sum(amount_minor) <> 0""",
    "paid is what the ledger says": """
        SELECT o.id FROM orders o
          LEFT JOIN payments p ON p.order_id = o.id AND p.status <> 'CONFLICTED'
          LEFT JOIN ledger_entries l ON l.payment_id = p.id AND l.account IN ('SALES', 'SUSPENSE')
         GROUP BY o.id HAVING coalesce(-sum(l.amount_minor), 0) <> o.paid_minor""",
    "refunded is what the ledger says": """
        SELECT o.id FROM orders o
          LEFT JOIN payments p ON p.order_id = o.id AND p.status <> 'CONFLICTED'
          LEFT JOIN ledger_entries l ON l.payment_id = p.id AND l.account = 'REFUNDS'
         GROUP BY o.id HAVING coalesce(sum(l.amount_minor), 0) <> o.refunded_minor""",
    "what is in suspense is in an open item": """
        SELECT p.id FROM payments p
          LEFT JOIN suspense_items i ON i.payment_id = p.id AND i.resolution IS NULL AND i.currency = p.currency
         GROUP BY p.id HAVING p.suspended_minor > coalesce(sum(i.amount_minor), 0)""",
    "captured is what the facts say": """
        SELECT p.id FROM payments p
          LEFT JOIN facts f ON f.payment_id = p.id AND f.kind = 'CAPTURED' AND f.currency = p.currency
         GROUP BY p.id HAVING coalesce(sum(f.amount_minor), 0) <> p.captured_minor""",
    "an applied delivery has its payment": """
        SELECT id FROM inbox_events WHERE status = 'APPLIED' AND (payment_id IS NULL OR applied_at IS NULL)""",
}


async def broken_invariants(database: Database) -> list[str]:
    """Return the name of each invariant that some row breaks; empty is the only good answer."""
    return [name for name, statement in _CHECKS.items() if await database.fetch(statement)]


async def order_states(database: Database) -> dict[tuple[str, str, int, int, int], int]:
    """Count the orders by status, payment status, version, and minor units paid and refunded."""
    rows = await database.fetch(
        "SELECT status, payment_status, version, paid_minor, refunded_minor, count(*) FROM orders"
        " GROUP BY 1, 2, 3, 4, 5"
    )
    return {tuple(row)[:5]: row["count"] for row in rows}


async def inbox(database: Database) -> dict[str, tuple[str, int]]:
    """Return status and number of deliveries by the gateway's id."""
    rows = await database.fetch("SELECT external_id, status, deliveries FROM inbox_events")
    return {row["external_id"]: (row["status"], row["deliveries"]) for row in rows}
