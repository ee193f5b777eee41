"""HTTP by the byte: what gateways and hostile strangers send, and what comes back, with no client library between."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self

if TYPE_CHECKING:
    from collections.abc import Mapping

ANSWER_SECONDS_MAX: Final = 30.0
LOST: Final = (OSError, EOFError)
"""What a connection raises that ended before its answer came."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP response."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:  # noqa: ANN401 - JSON
        """Return the body, parsed."""
        return json.loads(self.body)


def request(
    method: str,
    path: str,
    body: bytes = b"",
    headers: Mapping[str, str] | None = None,
    *,
    close: bool = False,
) -> bytes:
    """Return the bytes of a request."""
    given = {"host": "shop.test", **(headers or {}), "content-length": str(len(body))}
    if close:
        given["connection"] = "close"
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in given.items())]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


class Line:
    """One keep-alive connection to a port of this machine."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @classmethod
    async def open(cls, port: int) -> Self:
        """Connect."""
        return cls(*await asyncio.open_connection("127.0.0.1", port))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Hang up."""
        self.writer.close()

    async def ask(self, sent: bytes) -> Answer:
        """Send a whole request and return its answer."""
        self.writer.write(sent)
        await self.writer.drain()
        return await self.answer()

    async def answer(self) -> Answer:
        """Return the next answer."""
        async with asyncio.timeout(ANSWER_SECONDS_MAX):
            head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            first, *lines = head.rstrip().split("\r\n")
            pairs = (line.partition(":") for line in lines)
            headers = {name.lower(): value.strip() for name, _, value in pairs}
            return Answer(int(first.split()[1]), headers, await self._body(headers))

    async def _body(self, headers: Mapping[str, str]) -> bytes:
        if headers.get("transfer-encoding") != "chunked":
            return await self.reader.readexactly(int(headers.get("content-length", "0")))
        body = b""
        while size := int(await self.reader.readuntil(b"\r\n"), 16):
            body += await self.reader.readexactly(size)
            await self.reader.readexactly(2)
        await self.reader.readexactly(2)
        return body


async def ask(port: int, sent: bytes) -> Answer:
    """Send one request over a connection of its own."""
    async with await Line.open(port) as line:
        return await line.ask(sent)


async def get(port: int, path: str, headers: Mapping[str, str] | None = None) -> Answer:
    """Ask for a page."""
    return await ask(port, request("GET", path, headers=headers))
