"""What all websockets of a process share: how many may come in, one heartbeat for all, and leaving in good order."""

from __future__ import annotations

import asyncio
import random
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from websockets.frames import CloseCode

if TYPE_CHECKING:
    from collections.abc import Iterator

    from app.sockets.socket import Socket

TICK_SECONDS: Final = 0.5
SLICE_SECONDS: Final = 0.02
"""From one slice of those that leave to the next."""
SLICE_MIN: Final = 64
_LEAVING: Final = (CloseCode.SERVICE_RESTART, "Subscribe again")


@dataclass(frozen=True, slots=True, kw_only=True)
class SocketLimits:
    """What bounds sockets, in number and in time."""

    sockets_max: int = 100_000
    opening_max: int = 128
    """Those that are being opened at one time: from the handshake to the beginning of the first operation."""
    opening_seconds: float = 0.5
    """How long one may count as being opened."""
    waiting_seconds: float = 10.0
    """How long one may wait to be opened."""
    introduction_seconds: float = 10.0
    """From the handshake on."""
    beat_seconds: float = 12.0
    """From one question for a sign of life to the next, by which it has to be answered."""
    closing_seconds: float = 5.0
    """How long the other side may take to close."""
    leaving_seconds: float = 4.0
    """Over which all are told to come again elsewhere."""


class Sockets:
    """The websockets of one process."""

    def __init__(self, *, subprotocol: str, limits: SocketLimits | None = None) -> None:
        """`subprotocol` is what those are answered with that are turned away before anybody looks at them."""
        self.subprotocol = subprotocol
        self._limits = limits or SocketLimits()
        self._beats: list[set[Socket]] = [
            set() for _ in range(max(1, round(self._limits.beat_seconds / TICK_SECONDS)))
        ]
        self._next_beat = 0
        self._sockets: dict[Socket, int] = {}
        """Each socket, and on which of the beats it is asked for a sign of life."""
        self._to_introduce = _Deadlines(self._limits.introduction_seconds)
        self._to_end = _Deadlines(self._limits.closing_seconds)
        self._opening: set[Socket] = set()
        self._to_open = _Deadlines(self._limits.opening_seconds)
        self._waiting = _Deadlines(self._limits.waiting_seconds)
        self._leaving: list[Socket] = []
        self._is_leaving = False
        self._tick_due: asyncio.TimerHandle | None = None
        self.refused = 0
        """How many were turned away since there were too many."""
        self.shed = 0
        """How many were given up, since they gave no sign of life."""

    @property
    def number(self) -> int:
        """How many there are."""
        return len(self._sockets)

    def add(self, socket: Socket) -> tuple[int, str] | None:
        """Take a socket in; return with what code and reason to close it instead."""
        if self._is_leaving:
            return _LEAVING
        if len(self._sockets) >= self._limits.sockets_max:
            self.refused += 1
            return CloseCode.TRY_AGAIN_LATER, "Try again later"
        beat = random.randrange(len(self._beats))  # noqa: S311 - only to spread them
        self._sockets[socket] = beat
        self._beats[beat].add(socket)
        self._keep_ticking()
        return None

    def open(self, socket: Socket) -> None:
        """Have a socket opened, in its turn: of a storm only so many at one time, so that all else is quick."""
        self._waiting.add(socket)
        self._open_next()

    def opened(self, socket: Socket) -> None:
        """Give the turn of a socket that has come so far, or goes, to the next one."""
        if socket in self._opening:
            self._opening.discard(socket)
            self._open_next()

    def _open_next(self) -> None:
        while self._waiting and len(self._opening) < self._limits.opening_max:
            socket = self._waiting.pop()
            if socket in self._sockets:
                self._opening.add(socket)
                self._to_open.add(socket)
                socket.open()

    def discard(self, socket: Socket) -> None:
        """Forget a socket."""
        self.opened(socket)
        beat = self._sockets.pop(socket, None)
        if beat is not None:
            self._beats[beat].discard(socket)

    def await_introduction(self, socket: Socket) -> None:
        """Have the socket see, when its time for that is over, whether somebody has introduced himself."""
        if self._is_leaving:
            socket.close(*_LEAVING)  # it was being opened when all others were told
        else:
            self._to_introduce.add(socket)

    def await_end(self, socket: Socket) -> None:
        """End the socket, when its time for that is over, whatever the other side does."""
        self._to_end.add(socket)
        self._keep_ticking()

    def leave(self, socket: Socket) -> None:
        """Have a socket told that the process goes away, in its turn: at random, over some seconds."""
        self._leaving.append(socket)
        if not self._is_leaving:
            self._is_leaving = True
            asyncio.get_running_loop().call_soon(self._begin_leaving)

    def _begin_leaving(self) -> None:
        random.shuffle(self._leaving)
        slices = self._limits.leaving_seconds / SLICE_SECONDS
        self._leave_slice(max(SLICE_MIN, int(len(self._leaving) / slices) + 1))

    def _leave_slice(self, size: int) -> None:
        for socket in self._leaving[-size:]:
            socket.turn_away(*_LEAVING)
            socket.close(*_LEAVING)
        del self._leaving[-size:]
        if self._leaving:
            asyncio.get_running_loop().call_later(SLICE_SECONDS, self._leave_slice, size)

    def _keep_ticking(self) -> None:
        if self._tick_due is None:
            self._tick_due = asyncio.get_running_loop().call_later(TICK_SECONDS, self._tick)

    def _tick(self) -> None:
        """Do what is due; as long as there is somebody to do it for."""
        self._tick_due = None
        now = asyncio.get_running_loop().time()
        for socket in self._to_open.over(now):
            self.opened(socket)
        for socket in self._waiting.over(now):
            self.refused += 1
            socket.turn_away(CloseCode.TRY_AGAIN_LATER, "Try again later")
        for socket in self._to_introduce.over(now):
            socket.late()
        for socket in self._to_end.over(now):
            socket.give_up()
        for socket in tuple(self._beats[self._next_beat]):
            socket.beat()
        self._next_beat = (self._next_beat + 1) % len(self._beats)
        if self._sockets or self._to_end or self._to_introduce:
            self._keep_ticking()


class _Deadlines:
    """Sockets that have as much time as any other, in the order in which it is over."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._due: deque[tuple[float, Socket]] = deque()

    def __len__(self) -> int:
        return len(self._due)

    def pop(self) -> Socket:
        return self._due.popleft()[1]

    def add(self, socket: Socket) -> None:
        self._due.append((asyncio.get_running_loop().time() + self._seconds, socket))

    def over(self, now: float) -> Iterator[Socket]:
        while self._due and self._due[0][0] <= now:
            yield self._due.popleft()[1]
