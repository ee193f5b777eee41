"""`orderpulse jobs`: looking at what is owed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from app.cli.databases import open_database
from app.cli.output import columns
from db import jobs
from db.pool import Database

if TYPE_CHECKING:
    from uuid import UUID

    from app.cli.output import Output
    from app.settings import Settings

DEAD_SHOWN_MAX: Final = 50


async def run_jobs(settings: Settings, output: Output, revived: UUID | None) -> int:
    """Print what is owed; or let a dead job be tried again, 1 when there is no such one."""
    async with open_database(settings) as opened, Database(opened.dsn, size=1) as database:
        if revived is not None:
            found = await jobs.revive(database, revived)
            said = "It will be tried again now." if found else "There is no such dead job."
            output.document({"id": revived, "revived": found}, said)
            return 0 if found else 1
        counts = await jobs.count(database)
        dead = await jobs.dead_jobs(database, DEAD_SHOWN_MAX)
    waits = f"{counts.due} due, the oldest for {counts.oldest_due_seconds:.0f} s."
    content = {
        "due": counts.due,
        "oldestDueSeconds": counts.oldest_due_seconds,
        "deadCount": sum(counts.dead.values()),
        "dead": [
            {
                "id": job.id,
                "kind": job.kind,
                "about": job.subject_id,
                "gateway": job.gateway,
                "tries": job.attempts,
                "since": job.died_at,
                "why": job.last_error,
            }
            for job in dead
        ],
    }
    if not dead:
        output.document(content, waits, "None is dead.")
        return 0
    rows = [
        (
            str(job.id),
            job.kind,
            str(job.subject_id),
            job.gateway or "",
            str(job.attempts),
            f"{job.died_at:%Y-%m-%d %H:%M:%S}",
            job.last_error or "",
        )
        for job in dead
    ]
    table = columns(("id", "kind", "about", "gateway", "tries", "since", "why"), rows)
    again = f"{sum(counts.dead.values())} dead. Try one again: orderpulse jobs --revive ID"
    output.document(content, waits, table, again)
    return 0
