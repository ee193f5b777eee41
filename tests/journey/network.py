"""The network between a browser and the server, to be cut and mended; nothing of what it carries is looked at."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

_CHUNK: Final = 65_536


class Network:
    """A port of this machine that leads to the server's. `connections` counts who came, in vain too."""

    def __init__(self, port: int) -> None:
        self.connections = 0
        self.url = ""
        self._port = port
        self._whole = True
        self._lines: set[asyncio.Task[None]] = set()

    @classmethod
    @contextlib.asynccontextmanager
    async def to(cls, port: int) -> AsyncIterator[Self]:
        """Have a network to a port of this machine while the block lasts."""
        network = cls(port)
        server = await asyncio.start_server(network._connected, "127.0.0.1", 0)
        network.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        try:
            yield network
        finally:
            server.close()
            await network.cut()

    async def cut(self) -> None:
        """End every connection, and let none be made."""
        self._whole = False
        lines = tuple(self._lines)
        for line in lines:
            line.cancel()
        await asyncio.gather(*lines, return_exceptions=True)

    def mend(self) -> None:
        """Let connections be made again."""
        self._whole = True

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        line = asyncio.create_task(self._join(reader, writer))
        self._lines.add(line)
        line.add_done_callback(self._lines.discard)

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if not self._whole:
                return
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._port)
            ways = [
                asyncio.create_task(_pass(reader, far_writer)),
                asyncio.create_task(_pass(far_reader, writer)),
            ]
            try:
                await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            finally:
                far_writer.transport.abort()
                for way in ways:
                    way.cancel()
                await asyncio.gather(*ways, return_exceptions=True)
        finally:
            writer.transport.abort()


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(_CHUNK):
        writer.write(data)
        await writer.drain()
