"""What every kind of row has in common: columns by name, and amounts that may be missing.

Statements name the columns that they return and those that they insert. With `*`, a column that a newer release adds
would change the type of what a statement returns, which PostgreSQL refuses to every connection on which it is prepared;
and rows would be inserted without that column's default.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from app.domain.facts import Failure
from app.domain.money import Money

if TYPE_CHECKING:
    from collections.abc import Mapping


Row = dict[str, Any]


class Columns(Protocol):
    """A row as it comes: a record of the driver, or a mapping."""

    def __getitem__(self, column: str, /) -> Any:  # noqa: ANN401 - a column may hold anything
        """Return a column's value."""


def qualified(alias: str, columns: str) -> str:
    """Return a list of columns as those of one table of a statement."""
    return ", ".join(f"{alias}.{column}" for column in columns.split(", "))


def failure_from(value: Mapping[str, Any] | None) -> Failure | None:
    """Return the failure that a JSON column holds."""
    return Failure(**value) if value else None


def money_from(row: Columns) -> Money | None:
    """Return the amount of a row that may have none."""
    minor = row["amount_minor"]
    return None if minor is None else Money(minor, row["currency"])
