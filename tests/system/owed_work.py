"""`orderpulse serve --role worker` as processes of their own, on the database and the sandbox of a backroom."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from tests.simulators.sandbox_world import SECRET_KEY, WEBHOOK_SECRET
from tests.system.processes import DEADLINE_SECONDS, ROOT, environment, eventually

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.app.backroom import Backroom

LEASE_SECONDS: Final = 2.0


@dataclass
class WorkerProcess:
    """A process of the role worker, with everything that it prints in a file."""

    log: Path
    settings: dict[str, str]
    _process: asyncio.subprocess.Process | None = field(default=None, init=False)

    async def start(self) -> None:
        """Start it; it works as soon as it can."""
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "app.cli", "serve", "--role", "worker", "--port", "0"),
                cwd=ROOT,
                env=environment(**self.settings),
                stdout=log,
                stderr=log,
            )

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        assert self._process is not None
        self._process.send_signal(number)

    async def ended(self) -> int:
        """Wait for its end and return its exit code."""
        assert self._process is not None
        async with asyncio.timeout(DEADLINE_SECONDS):
            return await self._process.wait()

    async def is_up(self) -> bool:
        """Whether it works, or has ended; before, a signal ends it as it ends any program that loads."""
        assert self._process is not None
        return bool(self.said("server.ready")) or self._process.returncode is not None

    async def stop(self) -> None:
        """End it gently, if it still runs."""
        if self._process is not None and self._process.returncode is None:
            try:
                self.signal(signal.SIGCONT)
                await eventually(self.is_up)
                self.signal(signal.SIGTERM)
                assert await self.ended() == 0, self.log.read_text()
            finally:
                with contextlib.suppress(ProcessLookupError):
                    self._process.kill()

    def said(self, event: str) -> list[dict[str, Any]]:
        """Return the lines that it logged of an event."""
        lines = [json.loads(line) for line in self.log.read_text().splitlines() if line.startswith("{")]
        return [line for line in lines if line.get("event") == event]


@contextlib.asynccontextmanager
async def workers(
    backroom: Backroom, folder: Path, count: int, **more: str
) -> AsyncIterator[list[WorkerProcess]]:
    """Yield workers that are not started yet, and stop those that are in the end."""
    given = {**settings(backroom, folder), **more}
    made = [WorkerProcess(folder / f"worker-{number}.log", given) for number in range(count)]
    try:
        yield made
    finally:
        await asyncio.gather(*(each.stop() for each in made))


def settings(backroom: Backroom, folder: Path) -> dict[str, str]:
    """Return the environment of a process that does this backroom's work, talkative and on short leases."""
    return {
        "DATABASE_URL": backroom.database.dsn,
        "ORDERPULSE_DATA_DIR": str(folder),
        "ORDERPULSE_SECRET_KEY": "s" * 40,
        "ORDERPULSE_SANDBOX_URL": backroom.sandbox.url,
        "ORDERPULSE_SANDBOX_SECRET_KEY": SECRET_KEY,
        "ORDERPULSE_SANDBOX_WEBHOOK_SECRETS": WEBHOOK_SECRET,
        "ORDERPULSE_WORKER_LEASE_SECONDS": str(LEASE_SECONDS),
        "ORDERPULSE_LOG_FORMAT": "json",
        "ORDERPULSE_LOG_LEVEL": "debug",
    }
