"""Waking many readers cheaply: a bell for each thing to wait for, rung for a slice of its readers at a time."""

from __future__ import annotations

import asyncio
from collections import deque


class Bell:
    """Something to wait for. A ring wakes everybody who waits then, once."""

    __slots__ = ("waiting",)

    def __init__(self) -> None:
        self.waiting: dict[asyncio.Future[None], None] = {}

    async def wait(self) -> None:
        """Wait for the next ring. Nothing may be awaited between looking at the state and this."""
        ring = asyncio.get_running_loop().create_future()
        self.waiting[ring] = None
        try:
            await ring
        finally:
            self.waiting.pop(ring, None)


class BellRinger:
    """Rings bells: the first `slice_max` readers at once, the others in later turns of the loop."""

    def __init__(self, slice_max: int) -> None:
        self._slice_max = slice_max
        self._due: deque[asyncio.Future[None]] = deque()
        self._scheduled = False

    def ring(self, bell: Bell) -> None:
        """Wake everybody who waits for this bell now."""
        self._due.extend(bell.waiting)
        bell.waiting.clear()
        if not self._scheduled:
            self._wake_slice()

    def _wake_slice(self) -> None:
        self._scheduled = False
        for _ in range(min(self._slice_max, len(self._due))):
            ring = self._due.popleft()
            if not ring.done():  # its reader may have left meanwhile
                ring.set_result(None)
        if self._due:
            self._scheduled = True
            asyncio.get_running_loop().call_soon(self._wake_slice)
