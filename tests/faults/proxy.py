"""A proxy before PostgreSQL that cuts connections at the moment of a commit, so that nobody knows what became of it.

It understands as much of the protocol as that takes: where a message ends, a COMMIT (a simple query), the Sync behind
a single statement that writes, and the answer to each.
Source: https://www.postgresql.org/docs/18/protocol-message-formats.html, 2026-11.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import struct
from collections import Counter
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qs, quote

if TYPE_CHECKING:
    import random
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

SOCKET: Final = ".s.PGSQL.5432"
ANSWER_SECONDS_MAX: Final = 5.0
RACE_SECONDS_MAX: Final = 0.0004
"""How much later than the COMMIT the order to end its process goes out, at most: about as long as one takes."""
_HEAD: Final = 5
_WRITES: Final = re.compile(rb"\s*(?:INSERT|UPDATE|DELETE|WITH\b.*\b(?:INSERT|UPDATE|DELETE)\b)", re.DOTALL)
_LOST: Final = (OSError, asyncio.IncompleteReadError)


class Mode(Enum):
    """Where the connection is cut."""

    ACKNOWLEDGEMENT_LOST = "acknowledgement lost"
    """The server has committed and said so; the client never hears of it."""
    NOT_SENT = "not sent"
    """The server never hears of the COMMIT."""
    RACE = "race"
    """The COMMIT is sent, and the server's process is ended at about the same time."""


@dataclass
class Cuts:
    """When to cut, and what came of it."""

    dice: random.Random
    end_process: Callable[[int], Awaitable[None]]
    """Ends one of the server's processes, given its id."""
    mode: Mode | None = None
    every: int = 3
    commits: int = 0
    made: Counter[Mode] = field(default_factory=Counter)
    committed: Counter[Mode] = field(default_factory=Counter)
    """Of those cut, how many had committed."""
    unclear: int = 0
    _position: int = 0
    _place: int = 0

    def begin(self, mode: Mode, every: int) -> None:
        """Cut like that from now on."""
        self.mode, self.every, self._position = mode, every, 0

    def next(self) -> Mode | None:
        """Count a commit, and say how it is to be cut: one of every so many, the dice say which."""
        position, self._position = self._position, (self._position + 1) % self.every
        if position == 0:
            self._place = self.dice.randrange(self.every)
        self.commits += 1
        return self.mode if position == self._place else None


@contextlib.asynccontextmanager
async def cutting(dsn: str, folder: Path, cuts: Cuts) -> AsyncIterator[str]:
    """Stand before the server of an address, and yield the address of the proxy."""
    address, _, query = dsn.partition("?")
    (server,) = parse_qs(query)["host"]
    path = folder / SOCKET
    links: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        links.add(task)
        task.add_done_callback(links.discard)
        with contextlib.suppress(*_LOST):
            upstream = await asyncio.open_unix_connection(f"{server}/{SOCKET}")
            await _Link(cuts, (reader, writer), upstream).run()
        writer.close()

    listener = await asyncio.start_unix_server(serve, path)
    try:
        yield f"{address}?host={quote(str(folder))}&port=5432"
    finally:
        listener.close()
        for link in tuple(links):
            link.cancel()
        await asyncio.gather(*links, return_exceptions=True)


_Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class _Link:
    """One client's connection and the server's behind it."""

    def __init__(self, cuts: Cuts, client: _Stream, server: _Stream) -> None:
        self._cuts = cuts
        self._client = client
        self._server = server
        self._process_id = 0
        self._in_transaction = False
        self._statements: dict[bytes, bytes] = {}
        self._writes = False
        self._cut: Mode | None = None
        self._done = b"C"
        """What the server says once it has committed: the end of the command, or for a Sync that it is ready again."""
        self._outcome: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

    async def run(self) -> None:
        """Hand everything on until one side ends or the connection is cut."""
        answering = asyncio.create_task(self._answer())
        try:
            await self._ask()
        finally:
            self._server[1].close()
            await asyncio.gather(answering, return_exceptions=True)

    async def _ask(self) -> None:
        """Hand on what the client says."""
        reader, writer = self._client[0], self._server[1]
        size = await reader.readexactly(4)
        writer.write(size + await reader.readexactly(struct.unpack("!I", size)[0] - 4))
        while True:
            message = await _message(reader)
            if self._commits(message) and (mode := self._cuts.next()) is not None:
                await self._make_cut(mode, message)
                return
            writer.write(message)
            await writer.drain()

    def _commits(self, message: bytes) -> bool:
        """Whether a message makes something durable, if it arrives."""
        kind, body = message[:1], message[_HEAD:]
        if kind == b"Q":
            return body.upper().startswith(b"COMMIT")
        if kind == b"P":
            name, text, _ = body.split(b"\0", 2)
            self._statements[name] = text
        elif kind == b"B":
            _, name, _ = body.split(b"\0", 2)
            self._writes = _WRITES.match(self._statements.get(name, b"")) is not None
        elif kind == b"S":
            writes, self._writes = self._writes, False
            return writes and not self._in_transaction
        return False

    async def _make_cut(self, mode: Mode, message: bytes) -> None:
        self._cut = mode
        self._done = b"C" if message[:1] == b"Q" else b"Z"
        client = self._client[1].transport
        if mode is Mode.NOT_SENT:
            client.abort()
            self._outcome.set_result(False)
        else:
            self._server[1].write(message)
            if mode is Mode.RACE:
                client.abort()
                await asyncio.sleep(self._cuts.dice.uniform(0, RACE_SECONDS_MAX))
                await self._cuts.end_process(self._process_id)
        try:
            async with asyncio.timeout(ANSWER_SECONDS_MAX):
                committed = await self._outcome
        except TimeoutError:
            self._cuts.unclear += 1
        else:
            self._cuts.committed[mode] += committed
        client.abort()
        self._cuts.made[mode] += 1

    async def _answer(self) -> None:
        """Hand on what the server says; after a cut only look for what became of the commit."""
        reader, writer = self._server[0], self._client[1]
        with contextlib.suppress(*_LOST):
            while True:
                message = await _message(reader)
                kind, body = message[:1], message[_HEAD:]
                if kind == b"K":
                    (self._process_id,) = struct.unpack("!I", body[:4])
                elif kind == b"Z":
                    self._in_transaction = body != b"I"
                if self._cut is None:
                    writer.write(message)
                    await writer.drain()
                elif kind in (b"E", self._done):
                    self._found(committed=kind == self._done and not body.startswith(b"ROLLBACK"))
        self._found(committed=False)
        if self._cut is None:
            writer.close()

    def _found(self, *, committed: bool) -> None:
        if not self._outcome.done():
            self._outcome.set_result(committed)


async def _message(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readexactly(_HEAD)
    return head + await reader.readexactly(struct.unpack("!I", head[1:])[0] - 4)
