"""Websockets by the byte: frames as a client may send them, and as it must never; what comes back, frame by frame.

Source: RFC 6455. Nothing of it is the server's code or library.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Any, Final, Self

from tests.system.wire import LOST, Answer, Line

if TYPE_CHECKING:
    from collections.abc import Mapping

DEADLINE_SECONDS: Final = 20.0
MASK: Final = b"\x9a\x01\xf5\x3c"
KEY: Final = base64.b64encode(b"sixteen bytes ok").decode()
ACCEPT: Final = base64.b64encode(
    hashlib.sha1(f"{KEY}258EAFA5-E914-47DA-95CA-C5AB0DC85B11".encode()).digest()  # noqa: S324 - section 4.2.2
).decode()
SUBPROTOCOL: Final = "graphql-transport-ws"
HANDSHAKE: Final[Mapping[str, str]] = {
    "host": "shop.test",
    "upgrade": "websocket",
    "connection": "Upgrade",
    "sec-websocket-key": KEY,
    "sec-websocket-version": "13",
    "sec-websocket-protocol": SUBPROTOCOL,
}
NO_HEADERS: Final[Mapping[str, str | None]] = {}
_FIN: Final = 0x80
_MASKED: Final = 0x80
_TWO_BYTES: Final = 126
_EIGHT_BYTES: Final = 127


class Opcode(IntEnum):
    """Section 5.2."""

    CONTINUATION = 0
    TEXT = 1
    BINARY = 2
    CLOSE = 8
    PING = 9
    PONG = 10


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame as the server sent it: whole, not masked, with no reserved bit."""

    opcode: int
    payload: bytes = b""

    @property
    def code(self) -> int | None:
        """Return a close frame's code."""
        return int.from_bytes(self.payload[:2]) if self.payload else None


def frame(
    opcode: int,
    payload: bytes = b"",
    *,
    fin: bool = True,
    reserved: int = 0,
    mask: bytes | None = MASK,
    announced: int | None = None,
) -> bytes:
    """Return a frame's bytes.

    Args:
        opcode: What it is.
        payload: What is in it.
        fin: Whether it is the last of its message.
        reserved: The bits RSV1 to RSV3, as a number.
        mask: The masking key; None for a frame that isn't masked.
        announced: How long it says that it is, if that isn't true.
    """
    size = len(payload) if announced is None else announced
    masked = 0 if mask is None else _MASKED
    head = bytes([(_FIN if fin else 0) | reserved << 4 | opcode])
    if size < _TWO_BYTES:
        head += bytes([masked | size])
    elif size < 1 << 16:
        head += bytes([masked | _TWO_BYTES]) + size.to_bytes(2)
    else:
        head += bytes([masked | _EIGHT_BYTES]) + size.to_bytes(8)
    if mask is None:
        return head + payload
    return head + mask + bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload))


def text(content: object, *, fin: bool = True) -> bytes:
    """Return a text frame with a JSON message, or with a string or bytes as they are."""
    return frame(Opcode.TEXT, _encoded(content), fin=fin)


def more(content: bytes | str, *, fin: bool) -> bytes:
    """Return a continuation frame."""
    return frame(Opcode.CONTINUATION, _encoded(content), fin=fin)


def close(code: int | None = None, reason: bytes = b"") -> bytes:
    """Return a close frame."""
    return frame(Opcode.CLOSE, b"" if code is None else code.to_bytes(2) + reason)


def _encoded(content: object) -> bytes:
    if isinstance(content, bytes):
        return content
    return (content if isinstance(content, str) else json.dumps(content)).encode()


def handshake(
    path: str = "/graphql",
    *,
    method: str = "GET",
    version: str = "1.1",
    headers: Mapping[str, str | None] = NO_HEADERS,
) -> bytes:
    """Return the bytes that ask for a websocket; a header that is None is left out."""
    lines = [f"{name}: {value}" for name, value in {**HANDSHAKE, **headers}.items() if value is not None]
    return "\r\n".join([f"{method} {path} HTTP/{version}", *lines, "", ""]).encode()


class RawSocket:
    """A websocket on which a test writes bytes."""

    def __init__(self, line: Line, answer: Answer) -> None:
        self.line = line
        self.answer = answer

    @classmethod
    async def open(cls, port: int, headers: Mapping[str, str | None] = NO_HEADERS) -> Self:
        """Shake hands."""
        line = await Line.open(port)
        answer = await line.ask(handshake(headers=headers))
        assert answer.status == 101, answer
        return cls(line, answer)

    @classmethod
    async def greeted(cls, port: int, params: Mapping[str, object] | None = None) -> Self:
        """Shake hands and initialise."""
        opened = await cls.open(port)
        await opened.send(text({"type": "connection_init", "payload": params}))
        assert await opened.message() == {"type": "connection_ack"}
        return opened

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.line.close()

    async def send(self, content: bytes) -> None:
        """Write bytes."""
        self.line.writer.write(content)
        await self.line.writer.drain()

    async def frame(self) -> Frame | None:
        """Return the next frame but the server's pings, which are answered; None when the connection is at its end."""
        async with asyncio.timeout(DEADLINE_SECONDS):
            try:
                while (came := await self._read()).opcode == Opcode.PING:
                    self.line.writer.write(frame(Opcode.PONG, came.payload))
            except LOST:
                return None
            return came

    async def next_frame(self) -> Frame:
        """Return the next frame, which has to come."""
        came = await self.frame()
        assert came is not None, "the connection ended"
        return came

    async def message(self) -> Any:  # noqa: ANN401 - JSON
        """Return the next message, which is text."""
        came = await self.next_frame()
        assert came.opcode == Opcode.TEXT, came
        return json.loads(came.payload)

    async def rest(self) -> list[Frame]:
        """Return all frames that still come; the server's close frame is answered, as clients do."""
        frames = []
        while (came := await self.frame()) is not None:
            frames.append(came)
            if came.opcode == Opcode.CLOSE and not self.line.writer.is_closing():
                self.line.writer.write(frame(Opcode.CLOSE, came.payload))
        return frames

    async def close_code(self) -> int | None:
        """Wait for the end, and return the code with which the server closed; it only looked for life before."""
        frames = [came for came in await self.rest() if came.opcode != Opcode.PING]
        assert [came.opcode for came in frames] == [Opcode.CLOSE], frames
        return frames[0].code

    async def _read(self) -> Frame:
        first, second = await self.line.reader.readexactly(2)
        assert first & _FIN, "the server cut a message into pieces"
        assert not first & 0x70, "the server set a reserved bit"
        assert not second & _MASKED, "the server masked a frame"
        size = second
        if size >= _TWO_BYTES:
            width = 2 if size == _TWO_BYTES else 8
            size = int.from_bytes(await self.line.reader.readexactly(width))
        return Frame(first & 0x0F, await self.line.reader.readexactly(size))
