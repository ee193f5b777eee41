"""The net under the hints: now and then the versions of all watched orders are compared with the database's."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from uuid import UUID

    from app.live.contract import LiveLimits, OrderReader

log = logging.getLogger(__name__)

_SPREAD: Final = 0.2


class Heartbeat:
    """Reads the versions of what `watched` returns and tells `heard` of them."""

    def __init__(
        self,
        reader: OrderReader,
        *,
        watched: Callable[[], Sequence[UUID]],
        heard: Callable[[Iterable[tuple[UUID, int]]], None],
        seconds: float,
        limits: LiveLimits,
    ) -> None:
        self._reader = reader
        self._watched = watched
        self._heard = heard
        self._seconds = seconds
        self._limits = limits
        self._now = asyncio.Event()

    def beat_now(self) -> None:
        """Begin a comparison after this call, without waiting for the next beat."""
        self._now.set()

    async def run(self) -> None:
        """Compare forever."""
        while True:
            await self._pause()
            try:
                await self._compare()
            except Exception as error:  # noqa: BLE001 - the boundary of the loop: the next beat tries again
                log.warning("live.heartbeat_failed", extra={"error": repr(error)})

    async def _pause(self) -> None:
        """Wait for the next beat, at most as long as was said; the beats of several processes drift apart."""
        spread = 1 - _SPREAD * random.random()  # noqa: S311 - jitter is no secret
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._seconds * spread):
                await self._now.wait()
        self._now.clear()

    async def _compare(self) -> None:
        watched = self._watched()
        for start in range(0, len(watched), self._limits.version_orders):
            async with asyncio.timeout(self._limits.read_seconds_max):
                found = await self._reader.versions(watched[start : start + self._limits.version_orders])
            self._heard(found.items())
