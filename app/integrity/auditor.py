"""The audit that never ends: a turn each minute in the background, and a report of what is wrong at this moment.

What it walks through is remembered by what was wrong there. A report looks there again first, so that it never tells
of what has healed; then at what waits, at what changed last, and at the next page of the walk, within its time.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol, Self
from uuid import UUID

from app.integrity.checks import CHECKS
from app.integrity.pages import (
    PAGE_ROWS,
    Audited,
    Position,
    Section,
    audit,
    audit_ids,
    audit_waiting,
    newest,
)
from app.tasks import end_tasks
from db import integrity
from db import orders as store
from db.pool import DatabaseUnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from app.integrity.checks import Check
    from app.integrity.violations import Violation
    from db.pool import Database

log = logging.getLogger(__name__)

VIOLATIONS_MAX: Final = 1_000
"""The most violations of one section that are remembered; whoever has more has one cause for them, not a thousand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditLimits:
    """How much an auditor does at a time."""

    newest_orders: int = 5_000
    newest_deliveries: int = 5_000
    newest_keys: int = 1_000
    report_seconds: float = 5.0
    """When a report begins no further page."""
    turn_seconds: float = 1.0
    """When a turn in the background begins no further page."""
    interval_seconds: float = 60.0
    """From one turn to the next."""


class AuditFigures(Protocol):
    """What is counted of audits."""

    def audited(self, rows: int, violations: Mapping[str, int]) -> None:
        """Count the rows of a turn or report, and take the violations known now, by check."""


@dataclass(frozen=True, slots=True)
class Tally:
    """One check in a report: the rows that it looked at, and how many violations are known."""

    check: Check
    rows_checked: int
    violations: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What is wrong. An empty `violations` is the only good answer."""

    checked_at: datetime
    tallies: tuple[Tally, ...]
    violations: tuple[Violation, ...]


class Auditor:
    """Walks through everything, remembers what is wrong, and reports. Runs in the background while it is entered."""

    def __init__(
        self, database: Database, *, figures: AuditFigures | None = None, limits: AuditLimits | None = None
    ) -> None:
        self._database = database
        self._figures = figures
        self._limits = limits or AuditLimits()
        self._position = Position()
        self._known: dict[Section | None, dict[tuple[str, str], Violation]] = {None: {}}
        self._known |= {section: {} for section in Section}
        self._reporting: asyncio.Task[Report] | None = None
        self._running: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._running = asyncio.create_task(self.run(), name="audit")
        return self

    async def __aexit__(self, *_: object) -> None:
        await end_tasks(*(task for task in (self._running, self._reporting) if task is not None))

    async def run(self) -> None:
        """Take a turn each minute, forever."""
        while True:
            await asyncio.sleep(self._limits.interval_seconds)
            try:
                await self.turn()
            except DatabaseUnavailableError as error:
                log.warning("audit.unavailable", extra={"error": str(error)})
            except Exception:
                # The boundary of the loop: whatever one page is, the next turn tries again.
                log.exception("audit.broken")

    async def turn(self) -> int:
        """Audit what waits and the next pages, for as long as a turn may take. Returns the rows that it looked at."""
        until = time.monotonic() + self._limits.turn_seconds
        rows = Counter[str]()
        await self._look_at_what_waits(rows)
        while True:
            await self._next_page(rows)
            if self._position == Position() or time.monotonic() >= until:
                break
        self._tell(rows)
        return rows.total()

    async def report(self) -> Report:
        """Say what is wrong at this moment. Who asks while a report is being made gets that one."""
        if self._reporting is None or self._reporting.done():
            self._reporting = asyncio.create_task(self._report(), name="integrity report")
        return await asyncio.shield(self._reporting)

    async def _report(self) -> Report:
        limits = self._limits
        until = time.monotonic() + limits.report_seconds
        checked_at = await store.now(self._database)
        rows = Counter[str]()
        await self._look_at_what_waits(rows)
        seen = set[UUID]()
        for section, limit in (
            (Section.ORDERS, limits.newest_orders),
            (Section.DELIVERIES, limits.newest_deliveries),
            (Section.KEYS, limits.newest_keys),
        ):
            known = [violation.root for violation in self._known[section].values()]
            ids = list(dict.fromkeys([*known, *await newest(self._database, section, limit)]))
            seen.update(await self._look_at(section, ids, rows, until))
        if time.monotonic() < until:
            await self._next_page(rows, frozenset(seen))
        counts = self._tell(rows)
        return Report(
            checked_at=checked_at,
            tallies=tuple(Tally(check, rows[name], counts[name]) for name, check in CHECKS.items()),
            violations=tuple(self._violations()),
        )

    async def _look_at(
        self, section: Section, ids: Sequence[UUID], rows: Counter[str], until: float
    ) -> Sequence[UUID]:
        """Audit these rows until the time is up; return those that were looked at."""
        for start in range(0, len(ids), PAGE_ROWS):
            if time.monotonic() >= until:
                return ids[:start]
            async with integrity.page_moment(self._database) as moment:
                audited = await audit_ids(moment, section, ids[start : start + PAGE_ROWS])
            self._learn(section, audited, rows)
        return ids

    async def _look_at_what_waits(self, rows: Counter[str]) -> None:
        async with integrity.page_moment(self._database) as moment:
            audited = await audit_waiting(moment)
        self._learn(None, audited, rows)

    async def _next_page(self, rows: Counter[str], seen: frozenset[UUID] = frozenset()) -> None:
        position = self._position
        audited = await audit(self._database, position, seen=seen)
        self._learn(position.section, audited, rows)
        self._position = audited.next or Position()

    def _learn(self, section: Section | None, audited: Audited, rows: Counter[str]) -> None:
        """Take what was found in place of what was known of the same rows."""
        rows.update(audited.rows_checked)
        known = self._known[section]
        for key, violation in list(known.items()):
            if section is None or violation.root in audited.roots:
                del known[key]
        for violation in audited.violations:
            if len(known) < VIOLATIONS_MAX:
                known[violation.key] = violation
        if audited.violations:
            names = sorted({violation.check for violation in audited.violations})
            log.error("audit.violations", extra={"checks": names, "violations": len(audited.violations)})

    def _tell(self, rows: Counter[str]) -> Counter[str]:
        counts = Counter(violation.check for violation in self._violations())
        if self._figures is not None:
            self._figures.audited(rows.total(), {name: counts[name] for name in CHECKS})
        return counts

    def _violations(self) -> Iterator[Violation]:
        for known in self._known.values():
            yield from known.values()
