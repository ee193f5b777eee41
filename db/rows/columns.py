"""What every kind of row has in common: columns by name, and amounts that may be missing."""

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


def failure_from(value: Mapping[str, Any] | None) -> Failure | None:
    """Return the failure that a JSON column holds."""
    return Failure(**value) if value else None


def money_from(row: Columns) -> Money | None:
    """Return the amount of a row that may have none."""
    minor = row["amount_minor"]
    return None if minor is None else Money(minor, row["currency"])
