"""What a statement of the audit is, and how it is run: each check's rows are counted, and the broken returned."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from db.pool import Reader
    from db.rows import Columns


@dataclass(frozen=True, slots=True)
class Question:
    """What one check asks of the database.

    `rows` selects one row for each thing that is looked at: `root` (the id that a page names it by), `prefix` and
    `subject` (its public id), `broken`, and the numbers that the sentence about it needs. `$1` is the page's ids.
    """

    check: str
    rows: str


@dataclass(frozen=True, slots=True)
class Statement:
    """Questions that are asked together. `shared` is CTEs that they have in common; `arguments` follow from `$2` on."""

    questions: tuple[Question, ...]
    shared: str | None = None
    arguments: tuple[Sequence[object], ...] = ()

    @property
    def text(self) -> str:
        """The whole statement: a row for each question."""
        tables = [self.shared] if self.shared else []
        tables += [f"{each.check} AS MATERIALIZED ({each.rows})" for each in self.questions]
        answers = [
            f"""SELECT '{each.check}' AS check_name, (SELECT count(*) FROM {each.check}) AS rows_checked,
       (SELECT coalesce(json_agg(b ORDER BY b.root, b.subject), '[]') FROM {each.check} b WHERE b.broken) AS broken"""
            for each in self.questions
        ]
        return f"WITH {', '.join(tables)}\n{' UNION ALL '.join(answers)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """A row that is not as it must be: the id that a page names it by, its public id's parts, and its numbers."""

    root: UUID
    prefix: str
    subject: UUID
    numbers: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """What one check came to."""

    check: str
    rows_checked: int
    broken: tuple[Broken, ...]


async def look(reader: Reader, statement: Statement, *page: Sequence[UUID]) -> list[Looked]:
    """Run a statement on a page of ids, or without one where it finds its rows itself."""
    rows = await reader.fetch(statement.text, *page, *statement.arguments)
    return [_looked_from(row) for row in rows]


def _looked_from(row: Columns) -> Looked:
    broken = tuple(
        Broken(
            root=UUID(found["root"]), prefix=found["prefix"], subject=UUID(found["subject"]), numbers=found
        )
        for found in row["broken"]
    )
    return Looked(check=row["check_name"], rows_checked=row["rows_checked"], broken=broken)
