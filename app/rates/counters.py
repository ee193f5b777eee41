"""Counts in this process's memory, of a bounded number of keys: a storage for the library `limits`.

The library's own memory walks through all its keys at every hit and holds as many as there are, so that whoever has
many addresses could keep a server busy with counting.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from typing import TYPE_CHECKING, Final

from limits.aio.storage.base import SlidingWindowCounterSupport, Storage

if TYPE_CHECKING:
    from collections.abc import Callable

KEYS_MAX: Final = 50_000
"""Some 10 MB. Beyond that, who was counted longest ago begins anew: nobody is refused for want of room."""
_ROUNDING: Final = 1e-6


class Counters(Storage, SlidingWindowCounterSupport):
    """Counts by key, in a window that slides: the last one counts by how much of it is still inside."""

    STORAGE_SCHEME = None  # made here, not by a URL

    def __init__(self, *, keys_max: int = KEYS_MAX, clock: Callable[[], float] = time.time) -> None:
        super().__init__()
        self._keys_max = keys_max
        self._clock = clock
        self._counts: OrderedDict[str, tuple[int, int, int]] = OrderedDict()
        """By key: the number of its present window, and the counts of that one and of the one before."""

    def __len__(self) -> int:
        return len(self._counts)

    def take(self, key: str, limit: int, window_seconds: int, amount: int = 1) -> bool:
        """Count, unless that would be more than the limit; whether it was counted."""
        now = self._clock()
        window, count, before = self._read(key, window_seconds, now)
        if count + before * (1 - now / window_seconds % 1) + amount > limit * (1 + _ROUNDING):
            return False
        self._counts[key] = window, count + amount, before
        self._counts.move_to_end(key)
        if len(self._counts) > self._keys_max:
            self._counts.popitem(last=False)
        return True

    def _read(self, key: str, window_seconds: int, now: float) -> tuple[int, int, int]:
        window = int(now // window_seconds)
        found, count, before = self._counts.get(key, (window, 0, 0))
        if found == window:
            return window, count, before
        return window, 0, count if found == window - 1 else 0

    async def acquire_sliding_window_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        """Count, unless that would be more than the limit."""
        return self.take(key, limit, expiry, amount)

    async def get_sliding_window(self, key: str, expiry: int) -> tuple[int, float, int, float]:
        """Return the last window's count, the seconds that it still counts, and the same of the present one."""
        now = self._clock()
        _, count, before = self._read(key, expiry, now)
        left = expiry * (1 - now / expiry % 1)
        return before, left if before else 0.0, count, left + expiry

    async def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """Count, whatever the limit is."""
        window, count, before = self._read(key, expiry, self._clock())
        self._counts[key] = window, count + amount, before
        return count + amount

    async def get(self, key: str) -> int:
        """Return the present window's count."""
        return self._counts.get(key, (0, 0, 0))[1]

    async def get_expiry(self, key: str) -> float:
        """Return when a key's count is over: it is never known to be later than now."""
        del key
        return self._clock()

    async def check(self) -> bool:
        """Whether it works."""
        return True

    async def reset(self) -> int:
        """Forget everything."""
        held = len(self._counts)
        self._counts.clear()
        return held

    async def clear(self, key: str) -> None:
        """Forget a key."""
        self._counts.pop(key, None)

    async def clear_sliding_window(self, key: str, expiry: int) -> None:
        """Forget a key."""
        del expiry
        self._counts.pop(key, None)

    @property
    def base_exceptions(self) -> type[Exception]:
        """Return what the storage itself raises: nothing does."""
        return ValueError
