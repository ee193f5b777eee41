"""A server on the loopback address that answers as it is told to: right, wrong, late, broken off or not at all."""

from __future__ import annotations

import asyncio
import json
import struct
from collections.abc import Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from socket import SO_LINGER, SOL_SOCKET
from typing import TYPE_CHECKING, Any, Final, Literal
from urllib.parse import parse_qsl

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

CLOSED_SECONDS_MAX: Final = 20.0
_RESET_ON_CLOSE: Final = struct.pack("ii", 1, 0)


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer; `body` that is no bytes is sent as JSON."""

    body: Any
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Request:
    """What came in; `form` holds the decoded fields of the body."""

    method: str
    target: str
    headers: dict[str, str]
    form: dict[str, str]


Behaviour = Answer | Callable[[Request], Answer] | Literal["hang", "reset", "cut", "close", "trickle"]


@dataclass(slots=True)
class ScriptedServer:
    """Plays `script` a behaviour a request; the last one goes on for ever."""

    script: list[Behaviour]
    url: str = ""
    requests: list[Request] = field(default_factory=list)
    _clients: list[asyncio.Task[None]] = field(default_factory=list)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[ScriptedServer]:
        """Listen; every client must have closed its connections before the end."""
        server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        try:
            yield self
        finally:
            server.close()
            async with asyncio.timeout(CLOSED_SECONDS_MAX):
                await asyncio.gather(*self._clients)  # each ends when its client has closed

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._clients.append(asyncio.create_task(self._serve(reader, writer)))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                self.requests.append(await _read_request(reader))
                behaviour = self.script.pop(0) if len(self.script) > 1 else self.script[0]
                if behaviour == "hang":
                    await reader.read()  # until the client gives up
                    break
                if behaviour == "reset":
                    writer.get_extra_info("socket").setsockopt(SOL_SOCKET, SO_LINGER, _RESET_ON_CLOSE)
                    break
                if behaviour == "close":
                    break
                if behaviour == "cut":
                    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{")
                    break
                if behaviour == "trickle":
                    await _trickle(writer)
                    break
                answer = behaviour if isinstance(behaviour, Answer) else behaviour(self.requests[-1])
                writer.write(_written(answer))
                await writer.drain()
        writer.close()


async def _trickle(writer: asyncio.StreamWriter) -> None:
    """Send byte after byte, each soon enough, and never come to an end before the client gives up."""
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    while not writer.is_closing():
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.05)


async def _read_request(reader: asyncio.StreamReader) -> Request:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("ascii")
    first, *lines = head.strip().split("\r\n")
    method, target, _ = first.split(" ")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Request(method, target, headers, dict(parse_qsl(body.decode(), keep_blank_values=True)))


def _written(answer: Answer) -> bytes:
    body = answer.body if isinstance(answer.body, bytes) else json.dumps(answer.body).encode()
    lines = [f"HTTP/1.1 {answer.status} X", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in answer.headers]
    return "\r\n".join([*lines, "", ""]).encode() + body
