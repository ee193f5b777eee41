"""Reads in natural batches: what is asked for while a read runs goes into the next one, whoever asks and how often."""

from __future__ import annotations

import asyncio
import logging
import random
from itertools import islice
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence

    from app.live.contract import LiveLimits

log = logging.getLogger(__name__)

K = TypeVar("K", bound="Hashable")
V = TypeVar("V")

_DOUBLINGS_MAX = 16


class BatchedReads(Generic[K, V]):
    """One lane of reads: at most one runs at a time, and a key that is asked for is read until it has been found.

    `read` answers for some of the keys that it is given, at least for one; the others come again. When it fails,
    it is tried again with back-off and half as many keys, so that one bad key can't starve the rest.
    """

    def __init__(
        self,
        read: Callable[[Sequence[K]], Awaitable[Mapping[K, V]]],
        found: Callable[[K, V], None],
        *,
        name: str,
        batch_max: int,
        limits: LiveLimits,
    ) -> None:
        self._read = read
        self._found = found
        self._name = name
        self._batch_max = batch_max
        self._limits = limits
        self._size = batch_max
        self._asked: dict[K, None] = {}
        self._reading: dict[K, None] = {}
        self._some = asyncio.Event()

    def ask(self, key: K) -> None:
        """Have a key read by a read that begins after this call."""
        self._asked[key] = None
        self._some.set()

    def forget(self, key: K) -> None:
        """Take a key back that nobody waits for any more."""
        self._asked.pop(key, None)
        self._reading.pop(key, None)

    async def run(self) -> None:
        """Read what is asked for, forever."""
        self._ask_again()  # a lane before this one may have died over it
        failures = 0
        while True:
            await self._some.wait()
            if not self._asked:  # all of them were taken back
                self._some.clear()
            elif await self._read_batch():
                failures = 0
            else:
                await asyncio.sleep(self._pause_seconds(failures))
                failures = min(failures + 1, _DOUBLINGS_MAX)

    async def _read_batch(self) -> bool:
        batch = list(islice(self._asked, self._size))
        self._reading = dict.fromkeys(batch)
        for key in batch:
            del self._asked[key]
        if not self._asked:
            self._some.clear()
        try:
            async with asyncio.timeout(self._limits.read_seconds_max):
                values = await self._read(batch)
            for key, value in values.items():
                self._found(key, value)
                self._reading.pop(key, None)
        except Exception as error:  # noqa: BLE001 - the boundary of the lane: the database may fail in any way
            log.warning(
                "live.read_failed", extra={"lane": self._name, "keys": len(batch), "error": repr(error)}
            )
            self._size = max(1, len(batch) // 2)
            self._ask_again()
            return False
        self._size = min(self._size * 2, self._batch_max)
        self._ask_again()
        return True

    def _ask_again(self) -> None:
        reading, self._reading = self._reading, {}
        for key in reading:
            self.ask(key)

    def _pause_seconds(self, failures: int) -> float:
        longest = min(self._limits.retry_seconds_max, self._limits.retry_seconds_first * 2.0**failures)
        return longest * (0.5 + random.random() / 2)  # noqa: S311 - jitter is no secret
