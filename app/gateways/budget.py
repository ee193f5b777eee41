"""How much may be repeated: a gateway in trouble must not be asked several times as often as one that is well.

Each call earns a part of a repetition, and each repetition spends a whole one. So in the long run there are at most as
many repetitions as that part of the calls, and some in a row are possible after a time without.
Source: Google, "Site Reliability Engineering", 2016, chapter 21, "Deciding to Retry".
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

RATIO: Final = 0.2
RESERVE: Final = 10.0


@dataclass(slots=True)
class RetryBudget:
    """One gateway's, in one process: `ratio` repetitions a call, and at most `reserve` saved up."""

    ratio: float = RATIO
    reserve: float = RESERVE
    _saved: float = field(init=False, default=0.0)

    def __post_init__(self) -> None:
        self._saved = self.reserve

    def earn(self) -> None:
        """Note a call."""
        self._saved = min(self._saved + self.ratio, self.reserve)

    def spend(self) -> bool:
        """Take a repetition; false when none is left."""
        if self._saved < 1:
            return False
        self._saved -= 1
        return True
