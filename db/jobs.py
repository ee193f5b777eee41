"""Owed work: claiming it under a lease, giving it back, and what is left of it. The database's clock is the only one.

Claiming a job moves its `due_at` to the end of the lease. A job whose holder died is thereby due again by itself,
and one that was owed again while it was held shows by being due sooner: what ends the holding then leaves it due.
Every change of a held job names the lease, so that a holder whose lease was taken over changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from app.domain.jobs import REFUND_FINAL
from app.domain.states import GatewayName, JobKind
from app.identity import new_id

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    from app.domain.jobs import Job
    from db.pool import Database, Record

SWEEP_MAX: Final = 1000
"""Rows that one statement clears away; more come with the next."""
_ERROR_LENGTH_MAX: Final = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimedJob:
    """A job that is ours until its lease ends."""

    id: UUID
    kind: JobKind
    subject_id: UUID
    gateway: GatewayName | None
    attempts: int
    """Times in a row that it was begun without success, this one included."""
    age_seconds: float
    """Since it was first owed."""
    now: datetime
    """The database's clock when it was claimed."""
    lease_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadJob:
    """A job that was given up."""

    id: UUID
    kind: JobKind
    subject_id: UUID
    gateway: GatewayName | None
    attempts: int
    last_error: str | None
    died_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class JobCounts:
    """How much is owed."""

    due: int = 0
    oldest_due_seconds: float = 0.0
    dead: Mapping[JobKind, int]


_CLAIM: Final = """
WITH lane AS (
  SELECT l.gateway, l.room FROM unnest($1::text[], $2::int[]) AS l(gateway, room)
    LEFT JOIN gateway_states g ON g.gateway = l.gateway
   WHERE g.rests_until IS NULL OR g.rests_until <= statement_timestamp()
), asking AS (
  SELECT due.id FROM lane CROSS JOIN LATERAL (
    SELECT j.id FROM jobs j
     WHERE j.gateway = lane.gateway AND j.died_at IS NULL AND j.due_at <= statement_timestamp()
       AND (j.leased_until IS NULL OR j.leased_until <= statement_timestamp())
     ORDER BY j.due_at LIMIT lane.room FOR UPDATE SKIP LOCKED) due
), other AS (
  SELECT j.id FROM jobs j
   WHERE j.gateway IS NULL AND j.died_at IS NULL AND j.due_at <= statement_timestamp()
     AND (j.leased_until IS NULL OR j.leased_until <= statement_timestamp())
   ORDER BY j.due_at LIMIT $3 FOR UPDATE SKIP LOCKED
), chosen AS (
  SELECT id FROM asking UNION ALL SELECT id FROM other
)
UPDATE jobs j SET lease_id = $4, leased_until = statement_timestamp() + $5, due_at = statement_timestamp() + $5,
                  attempts = attempts + 1
  FROM chosen WHERE j.id = chosen.id
RETURNING j.id, j.kind, j.subject_id, j.gateway, j.attempts, j.lease_id, statement_timestamp() AS now,
          extract(epoch FROM statement_timestamp() - j.created_at)::float8 AS age_seconds
"""


async def claim(
    database: Database, rooms: Mapping[GatewayName, int], other_room: int, lease_seconds: float
) -> list[ClaimedJob]:
    """Take due jobs, the longest due first: at most `rooms` for each gateway that doesn't rest, and of no gateway.

    Jobs that another process is just taking are passed over.
    """
    lease_id = new_id()
    rows = await database.fetch(
        _CLAIM, list(rooms), list(rooms.values()), other_room, lease_id, timedelta(seconds=lease_seconds)
    )
    return [_claimed(row) for row in rows]


def _claimed(row: Record) -> ClaimedJob:
    gateway = row["gateway"]
    return ClaimedJob(
        id=row["id"],
        kind=JobKind(row["kind"]),
        subject_id=row["subject_id"],
        gateway=GatewayName(gateway) if gateway else None,
        attempts=row["attempts"],
        age_seconds=row["age_seconds"],
        now=row["now"],
        lease_id=row["lease_id"],
    )


async def extend(database: Database, job: ClaimedJob, lease_seconds: float) -> bool:
    """Hold on to a job for longer; false when it is not ours any more."""
    row = await database.fetch_row(
        """UPDATE jobs SET leased_until = statement_timestamp() + $3,
                           due_at = CASE WHEN due_at < leased_until THEN due_at ELSE statement_timestamp() + $3 END
            WHERE id = $1 AND lease_id = $2 RETURNING id""",
        job.id,
        job.lease_id,
        timedelta(seconds=lease_seconds),
    )
    return row is not None


async def finish(database: Database, job: ClaimedJob) -> bool:
    """Take a job off the books, or leave it due where it was owed again meanwhile; false when it is not ours."""
    row = await database.fetch_row(
        """WITH done AS (
             DELETE FROM jobs WHERE id = $1 AND lease_id = $2 AND due_at >= leased_until RETURNING id
           ), again AS (
             UPDATE jobs SET lease_id = NULL, leased_until = NULL, attempts = 0, last_error = NULL
              WHERE id = $1 AND lease_id = $2 AND due_at < leased_until RETURNING id
           )
           SELECT id FROM done UNION ALL SELECT id FROM again""",
        job.id,
        job.lease_id,
    )
    return row is not None


_GIVE_BACK: Final = """
UPDATE jobs SET lease_id = NULL, leased_until = NULL, attempts = $4, last_error = $5,
                due_at = CASE WHEN due_at < leased_until THEN least(due_at, statement_timestamp() + $3)
                              ELSE statement_timestamp() + $3 END
 WHERE id = $1 AND lease_id = $2 RETURNING id
"""


async def reschedule(database: Database, job: ClaimedJob, after_seconds: float) -> bool:
    """Give a job back that went well and is to be done again; false when it is not ours any more."""
    return await _give_back(database, job, after_seconds, 0, None)


async def put_back(database: Database, job: ClaimedJob, after_seconds: float, reason: str) -> bool:
    """Give a job back that could not be tried, which is not counted; false when it is not ours any more."""
    return await _give_back(database, job, after_seconds, job.attempts - 1, reason)


async def fail(database: Database, job: ClaimedJob, after_seconds: float, error: str) -> bool:
    """Give a job back that went wrong and is tried again; false when it is not ours any more."""
    return await _give_back(database, job, after_seconds, job.attempts, error)


async def _give_back(
    database: Database, job: ClaimedJob, after_seconds: float, attempts: int, error: str | None
) -> bool:
    row = await database.fetch_row(
        _GIVE_BACK, job.id, job.lease_id, timedelta(seconds=after_seconds), attempts, _storable(error)
    )
    return row is not None


async def die(database: Database, job: ClaimedJob, error: str) -> bool:
    """Give a job up for people to look at, unless it was owed again; false when it is not ours any more."""
    row = await database.fetch_row(
        """UPDATE jobs SET lease_id = NULL, leased_until = NULL, last_error = $3,
                           died_at = CASE WHEN due_at < leased_until THEN NULL ELSE statement_timestamp() END,
                           attempts = CASE WHEN due_at < leased_until THEN 0 ELSE attempts END
            WHERE id = $1 AND lease_id = $2 RETURNING id""",
        job.id,
        job.lease_id,
        _storable(error),
    )
    return row is not None


async def owe(database: Database, job: Job, *, anew: bool = False) -> None:
    """Write a job that no change of an order owes. One that is owed already keeps its time, unless `anew`."""
    await database.fetch(
        f"""INSERT INTO jobs AS j (id, kind, subject_id, gateway, due_at, attempts, created_at)
            VALUES ($1, $2, $3, $4, statement_timestamp() + $5, 0, statement_timestamp())
            ON CONFLICT (kind, subject_id) {
            "DO UPDATE SET due_at = least(j.due_at, excluded.due_at), died_at = NULL,"
            " attempts = CASE WHEN j.died_at IS NULL THEN j.attempts ELSE 0 END"
            if anew
            else "DO NOTHING"
        }""",
        new_id(),
        job.kind,
        job.subject_id,
        job.gateway,
        timedelta(seconds=job.delay_seconds),
    )


async def revive(database: Database, job_id: UUID) -> bool:
    """Let a dead job be tried again from the beginning, at once; false when there is no such dead job."""
    row = await database.fetch_row(
        """UPDATE jobs SET died_at = NULL, attempts = 0, due_at = statement_timestamp(),
                           created_at = statement_timestamp()
            WHERE id = $1 AND died_at IS NOT NULL RETURNING id""",
        job_id,
    )
    return row is not None


_SWEEP: Final = """
WITH settled AS (
  SELECT j.id FROM jobs j JOIN payments p ON p.id = j.subject_id
   WHERE j.kind = 'PAYMENT_POLL' AND p.status = 'SUCCEEDED' AND j.died_at IS NULL AND j.gateway = ANY($1)
     AND j.due_at <= statement_timestamp() AND (j.leased_until IS NULL OR j.leased_until <= statement_timestamp())
   LIMIT $3 FOR UPDATE OF j SKIP LOCKED
), refunded AS (
  SELECT j.id FROM jobs j JOIN refunds r ON r.id = j.subject_id
   WHERE j.kind = 'REFUND' AND r.status = ANY($2) AND j.died_at IS NULL AND j.gateway = ANY($1)
     AND j.due_at <= statement_timestamp() AND (j.leased_until IS NULL OR j.leased_until <= statement_timestamp())
   LIMIT $3 FOR UPDATE OF j SKIP LOCKED
)
DELETE FROM jobs WHERE id IN (SELECT id FROM settled UNION ALL SELECT id FROM refunded) RETURNING id
"""


async def sweep(database: Database, gateways: Sequence[GatewayName]) -> int:
    """Take due jobs off the books whose payment was paid, or refund came to its end, meanwhile; return how many.

    That is what becomes of nearly all of them, so no gateway is asked and no job is claimed for it.
    """
    rows = await database.fetch(_SWEEP, list(gateways), list(REFUND_FINAL), SWEEP_MAX)
    return len(rows)


async def count(database: Database) -> JobCounts:
    """Count what is due and what is dead (1 statement)."""
    rows = await database.fetch(
        """SELECT NULL AS kind, count(*) AS number,
                  coalesce(extract(epoch FROM statement_timestamp() - min(due_at))::float8, 0) AS oldest_seconds
             FROM jobs WHERE died_at IS NULL AND due_at <= statement_timestamp()
           UNION ALL
           SELECT kind, count(*), 0 FROM jobs WHERE died_at IS NOT NULL GROUP BY kind"""
    )
    dead = {JobKind(row["kind"]): row["number"] for row in rows if row["kind"] is not None}
    due = next(row for row in rows if row["kind"] is None)
    return JobCounts(due=due["number"], oldest_due_seconds=due["oldest_seconds"], dead=dead)


async def dead_jobs(database: Database, limit: int) -> list[DeadJob]:
    """Return jobs that were given up, the newest first."""
    rows = await database.fetch(
        """SELECT id, kind, subject_id, gateway, attempts, last_error, died_at
             FROM jobs WHERE died_at IS NOT NULL ORDER BY died_at DESC, id LIMIT $1""",
        limit,
    )
    return [
        DeadJob(
            id=row["id"],
            kind=JobKind(row["kind"]),
            subject_id=row["subject_id"],
            gateway=GatewayName(row["gateway"]) if row["gateway"] else None,
            attempts=row["attempts"],
            last_error=row["last_error"],
            died_at=row["died_at"],
        )
        for row in rows
    ]


def _storable(error: str | None) -> str | None:
    if error is None:
        return None
    return error[:_ERROR_LENGTH_MAX].replace("\x00", "\ufffd").encode("utf-8", "replace").decode("utf-8")


async def hasten(database: Database) -> None:
    """Have every job that is not dead come due now, and no gateway rest any more."""
    await database.fetch("UPDATE gateway_states SET rests_until = NULL")
    await database.fetch(
        "UPDATE jobs SET due_at = statement_timestamp() WHERE died_at IS NULL AND lease_id IS NULL"
    )


async def busy(database: Database) -> int:
    """Count the jobs that somebody is at work on, or should be."""
    rows = await database.fetch(
        """SELECT count(*) FROM jobs
            WHERE died_at IS NULL AND (lease_id IS NOT NULL OR due_at <= statement_timestamp())"""
    )
    count: int = rows[0]["count"]
    return count
