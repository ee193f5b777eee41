"""What all processes share about a gateway: whose turn it is to call, how long it rests, how far its list was read."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from datetime import datetime

    from app.domain.states import GatewayName
    from db.pool import Database

AHEAD_SECONDS_MAX: Final = 60.0
"""How far turns may be given out ahead: a clock that was set back must not keep everybody waiting."""

# Losing the last turns in a crash of the database is no harm, so nobody waits for the disk.
_TURNS: Final = """
WITH quick AS (SELECT set_config('synchronous_commit', 'off', true) AS word)
INSERT INTO gateway_states AS g (gateway, next_call_at)
SELECT $1, clock_timestamp() + $2 FROM quick
ON CONFLICT (gateway) DO UPDATE SET
  next_call_at = greatest(least(g.next_call_at, clock_timestamp() + $3), clock_timestamp()) + $2
RETURNING extract(epoch FROM next_call_at - $2 - clock_timestamp())::float8 AS wait_seconds,
          extract(epoch FROM rests_until - clock_timestamp())::float8 AS rest_seconds
"""


async def take_turns(
    database: Database, gateway: GatewayName, turns: int, interval_seconds: float
) -> tuple[float, float]:
    """Take turns to call that no other process has; return how long to wait for the first, and how long it rests."""
    row = await database.fetch_row(
        _TURNS, gateway, timedelta(seconds=turns * interval_seconds), timedelta(seconds=AHEAD_SECONDS_MAX)
    )
    assert row is not None, "an upsert returns its row"  # noqa: S101 - holds by construction
    return max(row["wait_seconds"], 0.0), max(row["rest_seconds"] or 0.0, 0.0)


async def rest(database: Database, gateway: GatewayName, seconds: float) -> None:
    """Leave a gateway alone for a while, in every process."""
    await database.fetch(
        """INSERT INTO gateway_states AS g (gateway, next_call_at, rests_until)
           VALUES ($1, clock_timestamp(), clock_timestamp() + $2)
           ON CONFLICT (gateway) DO UPDATE SET rests_until = greatest(g.rests_until, excluded.rests_until)""",
        gateway,
        timedelta(seconds=seconds),
    )


async def listed_until(database: Database, gateway: GatewayName) -> datetime | None:
    """Return how far a gateway's list of events was read."""
    row = await database.fetch_row("SELECT listed_until FROM gateway_states WHERE gateway = $1", gateway)
    return row["listed_until"] if row else None


async def note_listed(database: Database, gateway: GatewayName, until: datetime) -> None:
    """Note how far a gateway's list of events was read; it never goes back."""
    await database.fetch(
        """INSERT INTO gateway_states AS g (gateway, next_call_at, listed_until) VALUES ($1, clock_timestamp(), $2)
           ON CONFLICT (gateway) DO UPDATE SET listed_until = greatest(g.listed_until, excluded.listed_until)""",
        gateway,
        until,
    )
