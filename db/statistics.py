"""Counting what happened."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from db.pool import Database


async def count_rows(database: Database, *, since: float) -> tuple[int, int, int]:
    """Return how many orders were made, payments succeeded and webhooks were applied since an epoch second."""
    row = await database.fetch_row(
        """SELECT (SELECT count(*) FROM orders WHERE created_at >= $1) AS orders,
                  (SELECT count(DISTINCT payment_id) FROM order_events
                    WHERE type = 'PAYMENT_SUCCEEDED' AND occurred_at >= $1) AS payments,
                  (SELECT count(*) FROM inbox_events WHERE applied_at >= $1) AS deliveries""",
        datetime.fromtimestamp(since, UTC),
    )
    assert row is not None, "a count always has a row"  # noqa: S101 - holds by construction
    return row["orders"], row["payments"], row["deliveries"]
