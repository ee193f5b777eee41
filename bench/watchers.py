"""`python -m bench.watchers`: many websockets in a process of their own, lean, and told what to do by lines.

Each is a protocol without a task. Times are of the system's monotonic clock, which all processes share.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast

import uvloop

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

OPENING_MAX: Final = 64
"""Sockets that are being opened at one time, as far as the first opening goes; the storm knows no such mercy."""
AGAIN_SECONDS: Final = 0.5
SILENCE_SECONDS_MAX: Final = 120.0
_LINE_MAX: Final = 64 * 1024 * 1024
_SHORT: Final = 126
_CLOSE: Final = 0x88
_PING: Final = 0x89
_PONG: Final = 0x8A
_UPGRADE: Final = (
    b"GET /graphql HTTP/1.1\r\nhost: bench\r\nconnection: Upgrade\r\nupgrade: websocket\r\n"
    b"sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-version: 13\r\n"
    b"sec-websocket-protocol: graphql-transport-ws\r\n\r\n"
)


class Watchers:
    """The process, seen from the benchmark."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def ask(self, command: str, **given: object) -> Any:  # noqa: ANN401 - JSON
        """Have something done, and return what came of it."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"do": command, **given}).encode() + b"\n")
        async with asyncio.timeout(SILENCE_SECONDS_MAX):
            line = await self._process.stdout.readline()
        if not line:
            raise RuntimeError("the watchers' process ended")
        return json.loads(line)


@contextlib.asynccontextmanager
async def watching(
    port: int, query: str, key: str, orders: Sequence[str]
) -> AsyncIterator[tuple[Watchers, float]]:
    """Open a websocket for each of the orders; yield once all had their first frame, and how many seconds that took."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench.watchers"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=_LINE_MAX,
    )
    try:
        watchers = Watchers(process)
        opened = await watchers.ask("open", port=port, query=query, key=key, orders=list(orders))
        yield watchers, opened["seconds"]
    finally:
        process.kill()
        await process.wait()


def _frame(message: object) -> bytes:
    text = json.dumps(message).encode()
    head = bytes((0x81, 0x80 | len(text))) if len(text) < _SHORT else b"\x81\xfe" + len(text).to_bytes(2)
    return head + bytes(4) + text  # a mask of zeros changes nothing


@dataclass(slots=True)
class _Scene:
    """What all sockets have in common."""

    port: int
    query: str
    initial: bytes
    sockets: list[_Socket]
    frames: list[tuple[int, float]]
    """The number of each socket that received a `next`, and when; since it was asked for last."""
    closed: int = 0


class _Socket(asyncio.Protocol):
    """One websocket that watches an order."""

    __slots__ = ("_buffer", "_scene", "_transport", "number", "opened", "order_id")

    def __init__(self, scene: _Scene, number: int, order_id: str) -> None:
        self._scene = scene
        self.number = number
        self.order_id = order_id
        self.opened: asyncio.Future[None] | None = None
        self._transport: asyncio.Transport | None = None
        self._buffer = b""

    async def open(self) -> None:
        """Open it, again and again until its first frame is there."""
        loop = asyncio.get_running_loop()
        while True:
            self.opened = loop.create_future()
            self._buffer = b""
            try:
                await loop.create_connection(lambda: self, "127.0.0.1", self._scene.port)
                await self.opened
            except OSError:
                await asyncio.sleep(AGAIN_SECONDS)
            else:
                return

    def cut(self) -> None:
        """Break the connection."""
        if self._transport is not None:
            self._transport.abort()

    def stall(self) -> None:
        """Read nothing more."""
        if self._transport is not None:
            self._transport.pause_reading()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's are none of asyncio's classes
        self._transport.write(_UPGRADE)

    def data_received(self, data: bytes) -> None:
        now = time.monotonic()
        data = self._buffer + data
        if data.startswith(b"HTTP/"):
            head, end, data = data.partition(b"\r\n\r\n")
            if not end:
                self._buffer = head
                return
            self._write(self._scene.initial if b" 101 " in head[:16] else b"")
        while (length := _length_of(data)) is not None:
            self._take(data[:length], now)
            data = data[length:]
        self._buffer = data

    def _take(self, frame: bytes, now: float) -> None:
        if frame[0] == _PING:
            self._write(bytes((_PONG, 0x80 | len(frame) - 2)) + bytes(4) + frame[2:])
        elif frame[0] == _CLOSE:
            self.cut()
        elif b'"connection_ack"' in frame[:40]:
            payload = {"query": self._scene.query, "variables": {"id": self.order_id}}
            self._write(_frame({"id": str(self.number), "type": "subscribe", "payload": payload}))
        elif b'"next"' in frame[:60]:
            self._scene.frames.append((self.number, now))
            if self.opened is not None and not self.opened.done():
                self.opened.set_result(None)

    def _write(self, data: bytes) -> None:
        if self._transport is not None:
            self._transport.write(data)

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._scene.closed += 1
        if self.opened is not None and not self.opened.done():
            self.opened.set_exception(ConnectionResetError(str(exc)))


def _length_of(data: bytes) -> int | None:
    """Return the length of the first frame with its head, if it is there as a whole."""
    if len(data) < 2:  # noqa: PLR2004 - the shortest head
        return None
    length, head = data[1] & 0x7F, 2
    if length == _SHORT:
        length, head = int.from_bytes(data[2:4]), 4
    elif length > _SHORT:
        length, head = int.from_bytes(data[2:10]), 10
    return head + length if len(data) >= head + length else None


async def main() -> None:
    """Do what the lines say."""
    reader = asyncio.StreamReader(limit=_LINE_MAX)
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    scene: _Scene | None = None
    while line := await reader.readline():
        asked = json.loads(line)
        if scene is None:
            params = {"authorization": f"Bearer {asked['key']}"}
            initial = _frame({"type": "connection_init", "payload": params})
            scene = _Scene(asked["port"], asked["query"], initial, [], [])
            scene.sockets = [_Socket(scene, number, each) for number, each in enumerate(asked["orders"])]
        print(json.dumps(await _done(scene, asked)), flush=True)


async def _done(scene: _Scene, asked: dict[str, Any]) -> object:
    match asked["do"]:
        case "open":
            return {"seconds": await _open_all(scene, OPENING_MAX)}
        case "strike":
            for socket in scene.sockets:
                socket.cut()
            await asyncio.sleep(0)
            return {"seconds": await _open_all(scene, len(scene.sockets))}
        case "stall":
            for socket in scene.sockets[: asked["number"]]:
                socket.stall()
            return {}
        case "frames":
            frames, scene.frames = scene.frames, []
            return frames
        case unknown:
            raise ValueError(unknown)


async def _open_all(scene: _Scene, at_once: int) -> float:
    mercy = asyncio.Semaphore(at_once)

    async def opened(socket: _Socket) -> None:
        async with mercy:
            await socket.open()

    began = time.monotonic()
    await asyncio.gather(*(opened(socket) for socket in scene.sockets))
    scene.frames.clear()
    return time.monotonic() - began


if __name__ == "__main__":
    uvloop.run(main())
