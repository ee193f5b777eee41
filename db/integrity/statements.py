"""What a statement of the audit is, and how it is run: it counts all rows that it looks at, and returns the broken."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from db.pool import Reader


@dataclass(frozen=True, slots=True)
class Statement:
    """One question to the database.

    `rows` selects one row for each thing that is looked at: `root` (the id that a page names it by), `prefix` and
    `subject` (its public id), `broken`, and the numbers that the sentence about it needs. `$1` is the page's ids;
    `arguments` follow from `$2` on.
    """

    check: str
    rows: str
    arguments: tuple[Sequence[object], ...] = ()

    @property
    def text(self) -> str:
        """The whole statement."""
        return f"""
WITH looked_at AS MATERIALIZED ({self.rows})
SELECT (SELECT count(*) FROM looked_at) AS rows_checked,
       (SELECT coalesce(json_agg(b ORDER BY b.root, b.subject), '[]') FROM looked_at b WHERE b.broken) AS broken
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """A row that is not as it must be: the id that a page names it by, its public id's parts, and its numbers."""

    root: UUID
    prefix: str
    subject: UUID
    numbers: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """What one statement found."""

    check: str
    rows_checked: int
    broken: tuple[Broken, ...]


async def look(reader: Reader, statement: Statement, *page: Sequence[UUID]) -> Looked:
    """Run a statement on a page of ids, or without one where it finds its rows itself."""
    row = await reader.fetch_row(statement.text, *page, *statement.arguments)
    assert row is not None, "an aggregate always has a row"  # noqa: S101 - holds by construction
    broken = tuple(
        Broken(
            root=UUID(found["root"]), prefix=found["prefix"], subject=UUID(found["subject"]), numbers=found
        )
        for found in row["broken"]
    )
    return Looked(check=statement.check, rows_checked=row["rows_checked"], broken=broken)
