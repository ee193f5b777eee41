"""Owed work as the harness deals with it: made due, seen through, and looked over in the end."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from tests.faults.money_path import WAITS
from tests.faults.waiting import deadline

if TYPE_CHECKING:
    from uuid import UUID

    from app.domain.states import JobKind
    from db.pool import Database

CALM_SECONDS_MAX: Final = 30.0
POLL_SECONDS: Final = 0.03
_FORGET: Final = """
WITH gone AS (DELETE FROM jobs WHERE kind <> 'GATEWAY_BACKFILL'),
     rested AS (
       INSERT INTO gateway_states AS g (gateway, next_call_at, listed_until)
       VALUES ('SANDBOX', clock_timestamp(), clock_timestamp() + $1)
       ON CONFLICT (gateway) DO UPDATE SET rests_until = NULL, listed_until = excluded.listed_until)
UPDATE jobs SET due_at = statement_timestamp() + interval '1 hour', attempts = 0, last_error = NULL, died_at = NULL
 WHERE kind = 'GATEWAY_BACKFILL' AND lease_id IS NULL
"""
_AT_WORK: Final = """
SELECT kind FROM jobs WHERE died_at IS NULL AND kind <> 'INBOX_REPLAY'
   AND (lease_id IS NOT NULL OR due_at <= clock_timestamp() OR attempts > 0 OR kind = 'SUSPENSE_REFUND')
"""
"""The sandbox's refunds are through when they are answered: one that is left waits for a gateway that was away, which
counts as no attempt."""
_OWED_BY_NOBODY: Final = """
SELECT 'the refund ' || r.id || ' is ' || r.status || ', and nobody sees to it' AS word
  FROM refunds r JOIN payments p ON p.id = r.payment_id
 WHERE p.order_id = ANY($1) AND r.status NOT IN ('SUCCEEDED', 'FAILED', 'CANCELED')
   AND NOT EXISTS (SELECT 1 FROM jobs j WHERE j.kind = 'REFUND' AND j.subject_id = r.id)
UNION ALL
SELECT 'the payment ' || p.id || ' is ' || p.status || ', and nobody asks after it'
  FROM payments p WHERE p.order_id = ANY($1) AND p.id <> ALL($2) AND p.status NOT IN ('SUCCEEDED', 'CANCELED')
   AND NOT EXISTS (SELECT 1 FROM jobs j WHERE j.kind = 'PAYMENT_POLL' AND j.subject_id = p.id)
UNION ALL
SELECT 'the job ' || j.kind || ' of ' || j.subject_id || ' was given up: ' || j.last_error
  FROM jobs j WHERE j.died_at IS NOT NULL AND j.subject_id <> ALL($2) AND j.kind <> 'INBOX_REPLAY'
"""


async def forget(database: Database) -> None:
    """Let nobody do what earlier runs left to be done: their polls would use up what is planned for this one.

    Nor does anybody read the gateway's list further back than now.
    """
    await database.fetch(_FORGET, timedelta(seconds=WAITS["app.reconcile.backfill", "OVERLAP_SECONDS"]))


async def make_due(database: Database, *kinds: JobKind) -> None:
    """Let the time come for jobs of these kinds, whether they are at work or not."""
    await database.fetch("UPDATE jobs SET due_at = statement_timestamp() WHERE kind = ANY($1)", list(kinds))


async def owe(database: Database, kind: JobKind, subject_id: UUID) -> None:
    """Write a job that is due, or let one that is there come due."""
    await database.fetch(
        """INSERT INTO jobs (id, kind, subject_id, gateway, due_at, attempts, created_at)
           VALUES (gen_random_uuid(), $1, $2, 'SANDBOX', statement_timestamp(), 0, statement_timestamp())
           ON CONFLICT (kind, subject_id) DO UPDATE SET due_at = excluded.due_at, died_at = NULL""",
        kind,
        subject_id,
    )


async def calm(database: Database) -> None:
    """Wait until whatever is due was done, but for deliveries that wait for their payment.

    Raises:
        StuckError: something is due for ever.
    """
    async with deadline(CALM_SECONDS_MAX, "owed work is not done"):
        while await database.fetch(_AT_WORK):  # noqa: ASYNC110 - another process's doing
            await asyncio.sleep(POLL_SECONDS)


async def still_owed(database: Database) -> list[str]:
    """Return a line for each job that there is, for whoever has to find out why it is."""
    rows = await database.fetch("SELECT *, statement_timestamp() AS now FROM jobs ORDER BY due_at")
    return [f"there is the job {dict(row)}" for row in rows]


async def owed_by_nobody(database: Database, order_ids: set[UUID], given_up: set[UUID]) -> list[str]:
    """Return what is not at its end though nobody will see to it, but for what was to be given up."""
    rows = await database.fetch(_OWED_BY_NOBODY, list(order_ids), list(given_up))
    return [row["word"] for row in rows]
