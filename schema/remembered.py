"""A memory that strangers fill, and that stays small all the same."""

from __future__ import annotations

from collections import OrderedDict
from typing import Generic, TypeVar

_T = TypeVar("_T")


class Remembered(Generic[_T]):
    """The values that were used last, as many as fit: by their number, and by the characters they were made of."""

    def __init__(self, *, entries_max: int, characters_max: int) -> None:
        self._entries_max = entries_max
        self._characters_max = characters_max
        self._values: OrderedDict[str, tuple[_T, int]] = OrderedDict()
        self._characters = 0

    def __len__(self) -> int:
        return len(self._values)

    def get(self, key: str) -> _T | None:
        """Return what is remembered under a key."""
        found = self._values.get(key)
        if found is None:
            return None
        self._values.move_to_end(key)
        return found[0]

    def put(self, key: str, value: _T, characters: int) -> None:
        """Remember a value made of so many characters; what was not used for longest makes room for it."""
        _, before = self._values.pop(key, (None, 0))
        self._values[key] = value, characters
        self._characters += characters - before
        while len(self._values) > self._entries_max or self._characters > self._characters_max:
            _, (_, forgotten) = self._values.popitem(last=False)
            self._characters -= forgotten
