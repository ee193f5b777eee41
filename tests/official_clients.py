"""Node and the protocols' official JavaScript clients, which are locked in web/package-lock.json."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import json
import os
import shutil
import signal
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.journey.doors import DEADLINE_SECONDS, eventually

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

WEB: Final = Path(__file__).parents[1] / "web"
PACKAGES: Final = WEB / "package.json"
INSTALL_SECONDS: Final = 300


def node_with(package: str) -> str:
    """Return node, with the locked packages in place; CI puts them there by itself, once for all its processes."""
    found = shutil.which("node")
    wanted = WEB / "node_modules" / package / "package.json"
    if found is None:
        pytest.skip("no node on this PATH: apt-get install nodejs npm, then npm ci --prefix web")
    if not wanted.is_file() and os.environ.get("CI") == "true":
        with PACKAGES.open() as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not wanted.is_file():
                subprocess.run(["npm", "ci", "--prefix", WEB], check=True, timeout=INSTALL_SECONDS)
    if not wanted.is_file():
        pytest.skip(f"{package} is not installed: npm ci --prefix web")
    return found


class Watcher:
    """A client's process, and everything it has told so far."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._told: list[dict[str, Any]] = []
        self._reader = asyncio.create_task(self._read())

    @property
    def versions(self) -> list[int]:
        """The versions that `orderEvents` brought, in order of arrival."""
        return [event["version"] for event in self.frames("orderEvents")]

    def frames(self, name: str) -> list[dict[str, Any]]:
        """Return what a subscription brought."""
        return [told["data"] for told in self._told if told["kind"] == "next" and told["name"] == name]

    def of_kind(self, kind: str) -> list[dict[str, Any]]:
        """Return everything of a kind that happened."""
        return [told for told in self._told if told["kind"] == kind]

    async def until(self, holds: Callable[[], bool]) -> None:
        """Wait until what was told is enough."""

        async def enough() -> bool:
            return holds()

        await eventually(enough, why=lambda: f"The client told: {self._told}")

    async def reconnect(self) -> None:
        """Let it connect again."""
        assert self._process.stdin is not None
        self._process.stdin.write(b"reconnect\n")
        await self._process.stdin.drain()

    def freeze(self) -> None:
        """Stop it where it is, as phones do with pages that nobody looks at."""
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self._process.send_signal(signal.SIGCONT)

    async def end(self) -> int:
        """Let it leave, and return its exit code."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        async with asyncio.timeout(DEADLINE_SECONDS):
            code = await self._process.wait()
            await self._reader
        return code

    async def _read(self) -> None:
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            self._told.append(json.loads(line))


@contextlib.asynccontextmanager
async def official_client(node: str, script: Path, settings: dict[str, Any]) -> AsyncIterator[Watcher]:
    """Run a script of an official client while the block lasts."""
    process = await asyncio.create_subprocess_exec(
        # Node 20 has a WebSocket, and hides it.
        *(node, "--no-warnings", "--experimental-websocket", script, json.dumps(settings)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    watcher = Watcher(process)
    try:
        yield watcher
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
