"""What the database says of the connections that settle."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from db.pool import Database


async def is_waiting_for_a_lock(database: Database) -> bool:
    """Whether a settlement waits for an order."""
    return bool(
        await database.fetch(
            "SELECT FROM pg_stat_activity"
            " WHERE application_name LIKE 'orderpulse-settle-%' AND wait_event_type = 'Lock'"
        )
    )


async def is_idle_in_transaction(database: Database) -> bool:
    """Whether a settlement has begun, and does not go on."""
    return bool(
        await database.fetch(
            "SELECT FROM pg_stat_activity"
            " WHERE application_name LIKE 'orderpulse-settle-%' AND state = 'idle in transaction'"
        )
    )
