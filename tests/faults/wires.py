"""A wire between a program and its broker that can be cut and frozen, and loses some of what the broker says."""

from __future__ import annotations

import asyncio
import contextlib
import re
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from pathlib import Path

HINT: Final = re.compile(rb" [0-9a-f]{32}:[0-9]| \*")
"""What tells of orders; an echo, which only proves that a wire works, does not."""
NOTIFICATIONS: Final = b"orderpulse-notifications"
"""The name of the product's connections that listen and notify."""
_CHUNK: Final = 65_536
_POSTGRESQL_HEAD: Final = 5


class Frames(Protocol):
    """Cuts a stream into frames."""

    def __call__(self, buffer: bytearray) -> Iterator[bytes]:
        """Take whole frames from the front of the buffer."""


def postgresql_frames(buffer: bytearray) -> Iterator[bytes]:
    """Take the messages of a PostgreSQL server: a letter, and a length that counts itself."""
    while len(buffer) >= _POSTGRESQL_HEAD:
        end = 1 + int.from_bytes(buffer[1:_POSTGRESQL_HEAD])
        if len(buffer) < end:
            return
        yield bytes(buffer[:end])
        del buffer[:end]


def redis_frames(buffer: bytearray) -> Iterator[bytes]:
    """Take the replies of a Redis server, in version 2 of its protocol."""
    while (end := _reply_end(buffer, 0)) is not None:
        yield bytes(buffer[:end])
        del buffer[:end]


def _reply_end(buffer: bytearray, start: int) -> int | None:
    line_end = buffer.find(b"\r\n", start)
    if line_end < 0:
        return None
    end = line_end + 2
    kind, number = buffer[start : start + 1], buffer[start + 1 : line_end]
    if kind == b"$" and int(number) >= 0:
        end += int(number) + 2
        return end if len(buffer) >= end else None
    if kind == b"*":
        for _ in range(int(number)):
            inner = _reply_end(buffer, end)
            if inner is None:
                return None
            end = inner
    return end


def is_hint_of_postgresql(frame: bytes) -> bool:
    """Whether a frame is a notification that tells of orders."""
    return frame[:1] == b"A" and HINT.search(frame) is not None


def is_hint_of_redis(frame: bytes) -> bool:
    """Whether a frame is a published message that tells of orders."""
    return frame.startswith(b"*3\r\n$7\r\nmessage\r\n") and HINT.search(frame) is not None


class Wire:
    """All connections of one program to a server behind a Unix socket.

    `connections`, `hints` and `lost` count what came by. A frozen wire keeps its connections and passes nothing on,
    like a cable that was pulled; nobody is told.
    """

    def __init__(
        self, target: str, frames: Frames, is_hint: Callable[[bytes], bool], greeting: bytes = b""
    ) -> None:
        """Describe the wire. `greeting`: what a connection that carries hints says first; others just pass."""
        self.connections = self.hints = self.lost = 0
        self.loses: Callable[[], bool] = lambda: False
        """Is asked for each hint whether it gets lost."""
        self._target = target
        self._frames = frames
        self._is_hint = is_hint
        self._greeting = greeting
        self._passing = asyncio.Event()
        self._passing.set()
        self._links: set[asyncio.Task[None]] = set()

    def freeze(self) -> None:
        """Pass nothing on any more."""
        self._passing.clear()

    def thaw(self) -> None:
        """Pass everything on again, what waits included."""
        self._passing.set()

    def cut(self) -> int:
        """End every connection at both ends; return how many there were."""
        links = tuple(self._links)
        for link in links:
            link.cancel()
        return len(links)

    @contextlib.asynccontextmanager
    async def on_port(self) -> AsyncIterator[int]:
        """Have the near end at a port of this machine while the block lasts."""
        server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        async with self._served(server):
            yield server.sockets[0].getsockname()[1]

    @contextlib.asynccontextmanager
    async def on_path(self, path: Path) -> AsyncIterator[None]:
        """Have the near end at a Unix socket while the block lasts."""
        async with self._served(await asyncio.start_unix_server(self._connected, path)):
            yield

    @contextlib.asynccontextmanager
    async def _served(self, server: asyncio.Server) -> AsyncIterator[None]:
        try:
            yield
        finally:
            server.close()
            links = tuple(self._links)
            self.cut()
            await asyncio.gather(*links, return_exceptions=True)

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        link = asyncio.create_task(self._join(reader, writer))
        self._links.add(link)
        link.add_done_callback(self._links.discard)
        link.add_done_callback(lambda _: writer.transport.abort())  # also of one that was cut before it began

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far_reader, far_writer = await asyncio.open_unix_connection(self._target)
        except OSError:
            return  # nobody is there: the near end is told so by the end of its connection
        ways: list[asyncio.Task[None]] = []
        try:
            greeting = await reader.read(_CHUNK)
            await self._passing.wait()
            far_writer.write(greeting)
            answer = self._answer if self._greeting in greeting else self._pass
            ways += [
                asyncio.create_task(self._pass(reader, far_writer)),
                asyncio.create_task(answer(far_reader, writer)),
            ]
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            far_writer.transport.abort()
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(_CHUNK):
            await self._passing.wait()
            writer.write(data)
            await writer.drain()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        buffer = bytearray()
        while data := await reader.read(_CHUNK):
            await self._passing.wait()
            buffer += data
            for frame in self._frames(buffer):
                if self._is_hint(frame):
                    self.hints += 1
                    if self.loses():
                        self.lost += 1
                        continue
                writer.write(frame)
            await writer.drain()


def to_postgresql(socket_path: str) -> Wire:
    """Return a wire to the PostgreSQL at that socket."""
    return Wire(socket_path, postgresql_frames, is_hint_of_postgresql, NOTIFICATIONS)


def to_redis(socket_path: str) -> Wire:
    """Return a wire to the Redis at that socket."""
    return Wire(socket_path, redis_frames, is_hint_of_redis)
