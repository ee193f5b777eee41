"""Pages of lists: what the read side answers with, and the most that one may hold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Generic, TypeVar

PAGE_MAX: Final = 100
"""The most that a page of any list holds."""

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[_T]):
    """A part of a list. `has_more`: something follows it."""

    items: list[_T]
    has_more: bool
