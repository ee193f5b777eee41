"""Ends what runs by a credential once that is expired or revoked.

However many streams one credential runs, it has one timer and is asked after once; all that are watched at a time are
asked after together.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Sequence

    from app.auth.caller import Credential

log = logging.getLogger(__name__)

CHECK_SECONDS: Final = 15.0
"""How long what was revoked may go on, about."""
TIMER_SECONDS_MAX: Final = 3600.0
"""A clock that is set anew is noticed at least so often."""


@dataclass(slots=True, eq=False)
class _Watched:
    credential: Credential
    streams: dict[int, Callable[[], None]] = field(default_factory=dict)
    timer: asyncio.TimerHandle | None = None


class Vigil:
    """The credentials that streams run by at the moment."""

    def __init__(
        self,
        still_valid: Callable[[Sequence[Credential]], Awaitable[set[bytes]]],
        *,
        check_seconds: float = CHECK_SECONDS,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`still_valid` returns the hashes of those that are."""
        self._still_valid = still_valid
        self._check_seconds = check_seconds
        self._clock = clock
        self._watched: dict[bytes, _Watched] = {}
        self._numbers = 0
        self._checking: asyncio.Task[None] | None = None

    @property
    def watched(self) -> int:
        """How many credentials are watched."""
        return len(self._watched)

    @contextlib.contextmanager
    def watching(self, credential: Credential, on_end: Callable[[], None]) -> Iterator[None]:
        """Call `on_end` when the credential ends before the block does."""
        release = self.watch(credential, on_end)
        try:
            yield
        finally:
            release()

    def watch(self, credential: Credential, on_end: Callable[[], None]) -> Callable[[], None]:
        """Call `on_end` when the credential ends, at once if it has; return what ends the watching."""
        entry = self._watched.get(credential.hash)
        if entry is None:
            entry = self._watched[credential.hash] = _Watched(credential)
        self._numbers += 1
        number = self._numbers
        entry.streams[number] = on_end
        if entry.timer is None:
            self._arm(entry)
        if self._checking is None and self._watched:
            self._checking = asyncio.create_task(self._check(), name="vigil")
        return partial(self._release, entry, number)

    def _release(self, entry: _Watched, number: int) -> None:
        entry.streams.pop(number, None)
        if not entry.streams:
            self._forget(entry)

    def _arm(self, entry: _Watched) -> None:
        expires_at = entry.credential.expires_at
        if expires_at is None:
            return
        seconds = expires_at - self._clock()
        if seconds <= 0:
            self._end(entry)
            return
        wait = min(seconds, TIMER_SECONDS_MAX)
        entry.timer = asyncio.get_running_loop().call_later(wait, self._arm, entry)

    def _end(self, entry: _Watched) -> None:
        streams = list(entry.streams.values())
        entry.streams.clear()
        self._forget(entry)
        for on_end in streams:
            on_end()

    def _forget(self, entry: _Watched) -> None:
        if entry.timer is not None:
            entry.timer.cancel()
        if self._watched.get(entry.credential.hash) is entry:
            del self._watched[entry.credential.hash]
        if not self._watched and self._checking is not None:
            self._checking.cancel()
            self._checking = None

    async def _check(self) -> None:
        while True:
            await asyncio.sleep(self._check_seconds)
            entries = list(self._watched.values())
            try:
                valid = await self._still_valid([entry.credential for entry in entries])
            # The boundary to the database and the issuer: nobody is cut off since nobody could be asked.
            except Exception:
                log.warning("auth.not_checked", exc_info=True)
                continue
            ended = [entry for entry in entries if entry.credential.hash not in valid]
            for entry in ended:
                self._end(entry)
