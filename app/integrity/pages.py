"""One page of the audit: a bounded number of rows, a fixed number of statements, all as of one moment.

What is under way meanwhile makes no false alarm: a page sees each transaction whole or not at all.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Final, assert_never

from app.integrity.recompute import recompute
from app.integrity.violations import Violation
from db import integrity

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from db.integrity import Looked, Statement
    from db.pool import Database, Reader

PAGE_ROWS: Final = 250


class Section(StrEnum):
    """What an audit walks through, one after the other."""

    ORDERS = "ORDERS"
    DELIVERIES = "DELIVERIES"
    KEYS = "KEYS"


@dataclass(frozen=True, slots=True)
class Position:
    """A place in the walk: beyond this id in this section."""

    section: Section = Section.ORDERS
    after: UUID | None = None


_START: Final = Position()


@dataclass(slots=True, kw_only=True)
class Audited:
    """What looking at some rows came to. `roots` are the ids that were looked at, `next` is where to go on."""

    rows_checked: dict[str, int] = field(default_factory=dict)
    violations: list[Violation] = field(default_factory=list)
    roots: frozenset[UUID] = frozenset()
    next: Position | None = None

    def add(self, looked: Looked) -> None:
        """Count what a check came to."""
        counted = self.rows_checked.get(looked.check, 0)
        self.rows_checked[looked.check] = counted + looked.rows_checked
        for row in looked.broken:
            found = Violation.of(looked.check, row.root, row.prefix, row.subject, row.numbers)
            self.violations.append(found)


async def audit(
    database: Database,
    position: Position = _START,
    limit: int = PAGE_ROWS,
    *,
    seen: frozenset[UUID] = frozenset(),
) -> Audited:
    """Audit the page that follows a position, but for what was `seen`. Its `next` is None after the last one."""
    async with integrity.page_moment(database) as moment:
        ids = await _beyond(moment, position, limit)
        audited = await audit_ids(moment, position.section, [each for each in ids if each not in seen])
    if len(ids) == limit:
        audited.next = Position(position.section, ids[-1])
    else:
        audited.next = _FOLLOWING[position.section]
    return audited


async def newest(database: Database, section: Section, limit: int) -> list[UUID]:
    """Return the ids of what changed last, for `audit_ids`."""
    match section:
        case Section.ORDERS:
            return await integrity.newest_orders(database, limit)
        case Section.DELIVERIES:
            return await integrity.newest_deliveries(database, limit)
        case Section.KEYS:
            return await integrity.newest_keys(database, limit)
        case _:
            assert_never(section)


async def audit_waiting(reader: Reader) -> Audited:
    """Audit what waits anywhere: deliveries without an outcome, jobs, money of unknown orders."""
    audited = Audited()
    for statement in integrity.WAITING_STATEMENTS:
        for looked in await integrity.look(reader, statement):
            audited.add(looked)
    return audited


async def audit_ids(reader: Reader, section: Section, ids: Sequence[UUID]) -> Audited:
    """Audit some rows by their ids; `reader` should see one moment."""
    audited = Audited(roots=frozenset(ids))
    for statement in _STATEMENTS[section]:
        for looked in await integrity.look(reader, statement, ids):
            audited.add(looked)
    if section is Section.ORDERS:
        again = await recompute(reader, ids)
        audited.rows_checked.update(again.rows_checked)
        audited.violations.extend(again.violations)
    return audited


_STATEMENTS: Final[dict[Section, tuple[Statement, ...]]] = {
    Section.ORDERS: integrity.ORDER_STATEMENTS,
    Section.DELIVERIES: integrity.DELIVERY_STATEMENTS,
    Section.KEYS: integrity.KEY_STATEMENTS,
}
_FOLLOWING: Final[dict[Section, Position | None]] = {
    Section.ORDERS: Position(Section.DELIVERIES),
    Section.DELIVERIES: Position(Section.KEYS),
    Section.KEYS: None,
}


async def _beyond(reader: Reader, position: Position, limit: int) -> list[UUID]:
    match position.section:
        case Section.ORDERS:
            return await integrity.beyond_orders(reader, position.after, limit)
        case Section.DELIVERIES:
            return await integrity.beyond_deliveries(reader, position.after, limit)
        case Section.KEYS:
            return await integrity.beyond_keys(reader, position.after, limit)
        case _:
            assert_never(position.section)
