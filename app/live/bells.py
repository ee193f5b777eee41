"""Waking many readers cheaply: a bell for each thing to wait for, rung for a slice of its readers at a time."""

from __future__ import annotations

import asyncio
from collections import deque
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class Bell:
    """Something to wait for, or to listen to. A ring wakes everybody who waits then, once, and calls who listens."""

    __slots__ = ("listeners", "waiting")

    def __init__(self) -> None:
        self.waiting: dict[asyncio.Future[None], None] | None = None
        """None for nobody: most bells have listeners alone, and there are many bells."""
        self.listeners: tuple[Callable[[], None], ...] = ()

    async def wait(self) -> None:
        """Wait for the next ring. Nothing may be awaited between looking at the state and this."""
        ring = asyncio.get_running_loop().create_future()
        if self.waiting is None:
            self.waiting = {}
        self.waiting[ring] = None
        try:
            await ring
        finally:
            if self.waiting:
                self.waiting.pop(ring, None)

    def listen(self, listener: Callable[[], None]) -> None:
        """Have something called at every ring. It must be quick, and can't fail."""
        self.listeners = (*self.listeners, listener)

    def ignore(self, listener: Callable[[], None]) -> None:
        """Have it called no more."""
        self.listeners = tuple(each for each in self.listeners if each != listener)


class BellRinger:
    """Rings bells: the first `slice_max` readers at once, the others in later turns of the loop."""

    def __init__(self, slice_max: int) -> None:
        self._slice_max = slice_max
        self._due: deque[Callable[[], None]] = deque()
        self._scheduled = False

    def ring(self, bell: Bell) -> None:
        """Wake everybody who waits for this bell now, and call who listens."""
        self._due.extend(bell.listeners)
        if bell.waiting:
            self._due.extend(partial(_wake, ring) for ring in bell.waiting)
            bell.waiting = None
        if not self._scheduled:
            self._wake_slice()

    def _wake_slice(self) -> None:
        self._scheduled = False
        for _ in range(min(self._slice_max, len(self._due))):
            self._due.popleft()()
        if self._due:
            self._scheduled = True
            asyncio.get_running_loop().call_soon(self._wake_slice)


def _wake(ring: asyncio.Future[None]) -> None:
    if not ring.done():  # its reader may have left meanwhile
        ring.set_result(None)
