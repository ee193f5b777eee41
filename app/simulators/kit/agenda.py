"""An agenda: things to do at their times, taken out one by one as each falls due."""

from __future__ import annotations

import asyncio
import heapq
from itertools import count
from typing import Generic, TypeVar

_Item = TypeVar("_Item")


class Agenda(Generic[_Item]):
    """What is due when, for one reader. Its length is bounded by what its owner holds."""

    def __init__(self) -> None:
        self._entries: list[tuple[float, int, _Item]] = []
        self._order = count()
        self._changed = asyncio.Event()

    def put(self, item: _Item, in_seconds: float = 0.0) -> None:
        """Note something for later."""
        due = asyncio.get_running_loop().time() + in_seconds
        heapq.heappush(self._entries, (due, next(self._order), item))
        self._changed.set()

    async def next(self) -> _Item:
        """Wait until something is due and take it out."""
        while True:
            self._changed.clear()
            wait: float | None = None
            if self._entries:
                wait = self._entries[0][0] - asyncio.get_running_loop().time()
                if wait <= 0:
                    return heapq.heappop(self._entries)[2]
            try:
                async with asyncio.timeout(wait):
                    await self._changed.wait()
            except TimeoutError:
                continue
