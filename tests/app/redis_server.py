"""A Redis of the tests' own, never the system's."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

MISSING: Final = "no redis-server on this PATH: apt-get install redis-server"
_START_SECONDS_MAX: Final = 20.0


@dataclass
class Redis:
    """A server behind a Unix socket in a folder of its own, that can be killed and started again."""

    folder: Path
    options: tuple[str, ...] = ()
    _process: asyncio.subprocess.Process | None = field(default=None, init=False)

    @property
    def socket(self) -> str:
        """Where it listens."""
        return str(self.folder / "redis.sock")

    @property
    def url(self) -> str:
        """Its address."""
        return f"unix://{self.socket}"

    async def start(self) -> None:
        """Start it, and wait until it answers."""
        (self.folder / "redis.sock").unlink(missing_ok=True)  # left there by one that was killed
        own = ("--unixsocket", self.socket, "--save", "", "--appendonly", "no", "--dir", str(self.folder))
        self._process = await asyncio.create_subprocess_exec(
            *("redis-server", "--port", "0", *own, *self.options),
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        async with asyncio.timeout(_START_SECONDS_MAX):
            while True:
                assert self._process.returncode is None, "redis-server did not start"
                with contextlib.suppress(OSError):
                    _, writer = await asyncio.open_unix_connection(self.socket)
                    writer.transport.abort()
                    return
                await asyncio.sleep(0.01)

    async def kill(self) -> None:
        """End it as a machine that dies does."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()


@contextlib.asynccontextmanager
async def running(*options: str) -> AsyncIterator[Redis]:
    """Run a server while the block lasts."""
    with tempfile.TemporaryDirectory(prefix="op-redis-") as folder:
        server = Redis(Path(folder), options)
        await server.start()
        try:
            yield server
        finally:
            await server.kill()


def installed() -> bool:
    """Whether there is a server to run."""
    return shutil.which("redis-server") is not None
