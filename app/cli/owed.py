"""`orderpulse jobs`: looking at what is owed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.console import Console
from rich.table import Table

from app.cli.databases import open_database
from db import jobs
from db.pool import Database

if TYPE_CHECKING:
    from uuid import UUID

    from app.settings import Settings

DEAD_SHOWN_MAX: Final = 50


async def run_jobs(settings: Settings, revived: UUID | None) -> int:
    """Print what is owed; or let a dead job be tried again, 1 when there is no such one."""
    console = Console()
    async with open_database(settings) as opened, Database(opened.dsn, size=1) as database:
        if revived is not None:
            found = await jobs.revive(database, revived)
            console.print("It will be tried again now." if found else "There is no such dead job.")
            return 0 if found else 1
        counts = await jobs.count(database)
        dead = await jobs.dead_jobs(database, DEAD_SHOWN_MAX)
    console.print(f"{counts.due} due, the oldest for {counts.oldest_due_seconds:.0f} s.", highlight=False)
    if not dead:
        console.print("None is dead.")
        return 0
    table = Table("id", "kind", "about", "gateway", "tries", "since", "why")
    for job in dead:
        since = f"{job.died_at:%Y-%m-%d %H:%M:%S}"
        table.add_row(
            str(job.id),
            job.kind,
            str(job.subject_id),
            job.gateway or "",
            str(job.attempts),
            since,
            job.last_error or "",
        )
    console.print(table)
    console.print(
        f"{sum(counts.dead.values())} dead. Try one again: orderpulse jobs --revive ID", highlight=False
    )
    return 0
