"""What the database says of the connections that settle."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from uuid import UUID

    from db.pool import Database


@contextlib.asynccontextmanager
async def locked(database: Database, order_id: UUID) -> AsyncIterator[None]:
    """Keep an order from all settlements while the block lasts, however slow the machine is."""
    async with database.transaction() as transaction:
        await transaction.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
        await transaction.execute("SELECT FROM orders WHERE id = $1 FOR UPDATE", order_id)
        yield


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
