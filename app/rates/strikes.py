"""Addresses that keep sending webhooks which no gateway signed."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from app.rates.counters import Counters

if TYPE_CHECKING:
    from collections.abc import Callable

WINDOW_SECONDS: Final = 60
OUT_MAX: Final = 10_000
"""How many addresses are remembered as failing; the first of them is forgotten for another."""


class Strikes:
    """Counts an address's failed signatures. Nothing is counted, and next to nothing asked, while there are none."""

    def __init__(self, failed_max: int, *, clock: Callable[[], float] = time.time) -> None:
        """`failed_max` is how many an address may send in a minute."""
        self._failed_max = failed_max
        self._counters = Counters(clock=clock)
        self._clock = clock
        self._out_until: dict[str, float] = {}

    @property
    def anybody_out(self) -> bool:
        """Whether it is worth asking who."""
        return bool(self._out_until)

    def is_out(self, address: str) -> bool:
        """Whether an address has failed so often that its failures are worth no words."""
        until = self._out_until.get(address)
        if until is None:
            return False
        if self._clock() < until:
            return True
        del self._out_until[address]
        return False

    def failed(self, address: str) -> bool:
        """Count a failed signature; whether the address is out now that wasn't before."""
        if self._counters.take(address, self._failed_max, WINDOW_SECONDS):
            return False
        now = self._clock()
        before = self._out_until.pop(address, 0.0)
        self._out_until[address] = now + WINDOW_SECONDS
        if len(self._out_until) > OUT_MAX:
            del self._out_until[next(iter(self._out_until))]
        return before <= now
