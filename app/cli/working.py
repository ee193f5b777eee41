"""`orderpulse worker` and `orderpulse jobs`: doing owed work without serving, and looking at what is owed."""

from __future__ import annotations

import asyncio
import signal
import sys
from typing import TYPE_CHECKING, Final

from rich.console import Console
from rich.table import Table

from app.cli.databases import migrate_if_ours, open_database
from app.cli.serving import wiring_of
from app.logs import configure_logs
from app.main import working
from db import jobs
from db.pool import Database

if TYPE_CHECKING:
    from uuid import UUID

    from app.settings import Settings

DEAD_SHOWN_MAX: Final = 50


async def run_worker(settings: Settings) -> int:
    """Work until a signal comes."""
    as_json = settings.log_format == "json" or (settings.log_format == "auto" and not sys.stderr.isatty())
    configure_logs(level=settings.log_level, as_json=as_json)
    told_to_stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, told_to_stop.set)
    async with open_database(settings) as database:
        await migrate_if_ours(database)
        async with working(wiring_of(settings, database.dsn)):
            await told_to_stop.wait()
    return 0


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
