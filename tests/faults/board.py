"""The board: a few numbers in memory that the harness and the server under test both see.

It outlives a SIGKILL, so that what a server did in its last moment is known.
"""

from __future__ import annotations

import mmap
from enum import IntEnum
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    from pathlib import Path

    from tests.faults.points import Point

_WORD: Final = 8
_ARMED, _ACTION, _SKIP, _FIRED = range(4)
_ACCOMPLICE: Final = 4
"""Where the same four numbers of a second point begin."""
_HANG_MS, _LANES = 8, 9
_COUNTS: Final = 16
POINTS_MAX: Final = 8192


class Action(IntEnum):
    """What happens at a point."""

    KILL = 1
    """SIGKILL, from inside."""
    RAISE = 2
    """An exception that nobody expects."""
    HANG = 3
    """Nothing for longer than senders wait and leases last; then it goes on."""
    LOSE = 4
    """The driver's exception for a connection that went away."""
    CANCEL = 5
    """The cancellation of the task: what a server does to a request whose caller hung up."""


class Board:
    """The numbers of one server."""

    def __init__(self, words: memoryview) -> None:
        self._words = words
        self.counts = words[_COUNTS:]

    @classmethod
    def private(cls) -> Self:
        """Return a board that nobody else sees."""
        return cls(memoryview(bytearray(_WORD * (_COUNTS + POINTS_MAX))).cast("Q"))

    @classmethod
    def shared(cls, path: Path) -> Self:
        """Return the board in a file; made when it isn't there."""
        size = _WORD * (_COUNTS + POINTS_MAX)
        if not path.exists():
            path.write_bytes(bytes(size))
        with path.open("r+b") as file:
            return cls(memoryview(mmap.mmap(file.fileno(), size)).cast("Q"))

    def arm(self, point: Point, action: Action, *, skip: int = 0, accomplice: bool = False) -> None:
        """Have the point do something when it is hit, after it was hit `skip` times without.

        An `accomplice` is a second point, which brings about what the first one waits for.
        """
        at = _ACCOMPLICE if accomplice else 0
        self._words[at + _FIRED] = 0
        self._words[at + _ACTION] = action
        self._words[at + _SKIP] = skip
        self._words[at + _ARMED] = point.number + 1

    def disarm(self) -> None:
        """Let every point pass."""
        self._words[_ARMED] = self._words[_ACCOMPLICE + _ARMED] = 0

    @property
    def fired(self) -> bool:
        """Whether what was armed last has happened."""
        return self._words[_FIRED] == 1

    @property
    def hang_seconds(self) -> float:
        """How long a hang lasts."""
        return self._words[_HANG_MS] / 1000

    @hang_seconds.setter
    def hang_seconds(self, seconds: float) -> None:
        self._words[_HANG_MS] = round(seconds * 1000)

    @property
    def lanes(self) -> int:
        """How many of settle's lanes the server last had."""
        return self._words[_LANES]

    @lanes.setter
    def lanes(self, alive: int) -> None:
        self._words[_LANES] = alive

    def forget(self) -> None:
        """Set every count to zero."""
        for number in range(POINTS_MAX):
            self.counts[number] = 0

    def strike(self, number: int) -> Action | None:
        """Count a hit; return what is to happen, once."""
        self.counts[number] += 1
        words = self._words
        if words[_ARMED] == number + 1:
            return self._fire(0)
        if words[_ACCOMPLICE + _ARMED] == number + 1:
            return self._fire(_ACCOMPLICE)
        return None

    def _fire(self, at: int) -> Action | None:
        if self._words[at + _SKIP]:
            self._words[at + _SKIP] -= 1
            return None
        self._words[at + _ARMED] = 0
        self._words[at + _FIRED] = 1
        return Action(self._words[at + _ACTION])
