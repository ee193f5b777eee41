"""`orderpulse audit`: everything that there is, held against facts and ledger, page by page."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from app.cli.databases import open_database
from app.cli.output import CommandError
from app.integrity import CHECKS, PAGE_ROWS, Position, Section, audit, audit_ids, audit_waiting, newest
from db import integrity, migrate
from db.pool import Database

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from app.cli.output import Output
    from app.integrity import Audited, Violation
    from app.settings import Settings

VIOLATIONS_SHOWN_MAX: Final = 1_000
"""The most violations that are kept and shown; all are counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditOptions:
    """What to look at, and how to tell. `recent`: only so many of what changed last."""

    recent: int | None
    output: Output


@dataclass(slots=True)
class _Tally:
    """What was looked at and found so far."""

    rows: Counter[str] = field(default_factory=Counter)
    counts: Counter[str] = field(default_factory=Counter)
    violations: list[Violation] = field(default_factory=list)

    def add(self, audited: Audited) -> None:
        self.rows.update(audited.rows_checked)
        self.counts.update(violation.check for violation in audited.violations)
        room = VIOLATIONS_SHOWN_MAX - len(self.violations)
        self.violations.extend(audited.violations[:room])


async def run_audit(settings: Settings, options: AuditOptions) -> int:
    """Look at everything, and tell; 1 when something is wrong."""
    started = time.monotonic()
    tally = _Tally()
    async with open_database(settings) as opened:
        newest_revision, revision = migrate.head(), await migrate.current(opened.dsn)
        if migrate.is_behind(revision, newest_revision):
            raise CommandError(
                f"The schema is at {revision or 'nothing'}, not at {newest_revision}: run `orderpulse migrate`."
            )
        async with Database(opened.dsn) as database:
            await _look_at_all(database, options, tally)
    if options.output.is_json:
        options.output.document(_report(tally))
    else:
        _tell_people(tally, time.monotonic() - started)
    return 1 if tally.counts else 0


async def audit_newest(database: Database, number: int, seconds_max: float) -> tuple[int, int, bool]:
    """Look at what waits, and at so many that changed last, for some time at most.

    Return how many rows were looked at, how many violations found, and whether there was time for all.
    """
    tally = _Tally()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds_max):
            async with integrity.page_moment(database) as moment:
                tally.add(await audit_waiting(moment))
            async for audited in _newest_pages(database, number):
                tally.add(audited)
            return tally.rows.total(), tally.counts.total(), True
    return tally.rows.total(), tally.counts.total(), False


async def _look_at_all(database: Database, options: AuditOptions, tally: _Tally) -> None:
    errors = Console(stderr=True)
    progress = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=errors,
        transient=True,
        disable=options.output.is_json or not errors.is_terminal,
    )
    rows = await integrity.count_rows(database)
    total = rows if options.recent is None else min(rows, len(Section) * options.recent)
    with progress:
        task = progress.add_task("Auditing", total=total)
        async with integrity.page_moment(database) as moment:
            tally.add(await audit_waiting(moment))
        pages = _every_page(database) if options.recent is None else _newest_pages(database, options.recent)
        async for audited in pages:
            tally.add(audited)
            progress.advance(task, len(audited.roots))


async def _every_page(database: Database) -> AsyncIterator[Audited]:
    position: Position | None = Position()
    while position is not None:
        audited = await audit(database, position)
        position = audited.next
        yield audited


async def _newest_pages(database: Database, number: int) -> AsyncIterator[Audited]:
    for section in Section:
        ids = await newest(database, section, number)
        for start in range(0, len(ids), PAGE_ROWS):
            async with integrity.page_moment(database) as moment:
                audited = await audit_ids(moment, section, ids[start : start + PAGE_ROWS])
            yield audited


def _report(tally: _Tally) -> dict[str, Any]:
    return {
        "checks": [
            {
                "name": name,
                "description": check.description,
                "rowsChecked": tally.rows[name],
                "violations": tally.counts[name],
            }
            for name, check in CHECKS.items()
        ],
        "violations": [
            {"check": each.check, "subjectId": each.subject_id, "message": each.message}
            for each in tally.violations
        ],
    }


def _tell_people(tally: _Tally, seconds: float) -> None:
    console = Console()
    table = Table("Check", "Rows", "Violations")
    for name in CHECKS:
        found = tally.counts[name]
        mark = f"[red]{found}[/red]" if found else "0"
        table.add_row(name, f"{tally.rows[name]:,}", mark)
    console.print(table)
    for each in tally.violations:
        console.print(
            f"✗ {each.subject_id}  {each.check}: {each.message}",
            highlight=False,
            markup=False,
            soft_wrap=True,
        )
    total = tally.counts.total()
    if total > len(tally.violations):
        console.print(f"… and {total - len(tally.violations):,} more.")
    looked = f"{tally.rows.total():,} rows in {seconds:.1f} s"
    console.print(f"Everything holds: {looked}." if not total else f"{total:,} violations in {looked}.")
