"""`orderpulse demo` as a process of its own: started, waited for, ended, and looked after for what it leaves behind."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import signal
import socket
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

import httpx2

from tests.journey.doors import Doors, eventually

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

REPOSITORY: Final = Path(__file__).parents[2]
START_SECONDS: Final = 60.0
STOP_SECONDS: Final = 30.0


@dataclass
class Demo:
    """A demo that runs. `port` is the server's; the sandbox takes the one after it. `output` is of the last run.

    Without a `worker`, nothing is found that no webhook tells of. `origins` are those whose pages may follow orders.
    """

    data_dir: Path
    port: int
    worker: bool = False
    origins: tuple[str, ...] = ()
    output: list[str] = field(default_factory=list)
    _process: asyncio.subprocess.Process | None = None
    _reader: asyncio.Task[None] | None = None

    @classmethod
    @contextlib.asynccontextmanager
    async def running(
        cls, data_dir: Path, *, worker: bool = False, origins: tuple[str, ...] = ()
    ) -> AsyncIterator[Self]:
        """Run a demo on free ports while the block lasts; whoever stops it before has its exit code."""
        demo = cls(data_dir=data_dir, port=_free_ports(), worker=worker, origins=origins)
        try:
            await demo.run()
            yield demo
        finally:
            await demo.stop(signal.SIGTERM)

    @property
    def doors(self) -> Doors:
        """The ways in: addresses, and the keys that the demo made for itself and printed."""
        keys = json.loads((self.data_dir / "keys.json").read_text())
        return Doors(
            url=f"http://127.0.0.1:{self.port}",
            sandbox_url=self._printed("Sandbox"),
            staff_key=keys["staff_key"],
            sandbox_key=keys["sandbox_secret_key"],
            webhook_secret=keys["sandbox_webhook_secret"],
        )

    async def run(self) -> None:
        """Start the process, again on the same ports and data, and wait until all of it is ready."""
        self.output.clear()
        self._process = await asyncio.create_subprocess_exec(
            Path(sys.executable).with_name("orderpulse"),
            *("demo", "--no-open", "--port", str(self.port), "--data-dir", str(self.data_dir)),
            cwd=REPOSITORY,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            # A worker would find by itself what some journeys lose on purpose.
            env={
                **_own_environment(),
                "COLUMNS": "80",
                "ORDERPULSE_WORKER": str(self.worker).lower(),
                "ORDERPULSE_ALLOWED_ORIGINS": ",".join(self.origins),
            },
            start_new_session=True,
        )
        self._reader = asyncio.create_task(self._read(self._process))
        async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{self.port}", trust_env=False) as client:
            await eventually(lambda: self._is_ready(client), START_SECONDS, self._said)

    async def stop(self, how: signal.Signals) -> int:
        """Ask the process to end; return its exit code."""
        assert self._process is not None
        assert self._reader is not None
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(how)
        try:
            async with asyncio.timeout(STOP_SECONDS):
                code = await self._process.wait()
                await self._reader
        except TimeoutError:
            self._process.kill()
            raise AssertionError(f"The demo did not end. {self._said()}") from None
        return code

    def processes(self) -> list[str]:
        """Return the command lines of processes that work in the data folder or belong to the demo's session."""
        assert self._process is not None
        pids = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
        return [line for pid in pids if (line := _command_of(pid, self.data_dir, self._process.pid))]

    def _printed(self, name: str) -> str:
        """Return an address in the box: the sandbox moves on where somebody was faster at its port."""
        (address,) = [found[1] for line in self.output if (found := re.search(rf"│ {name} +(\S+) ", line))]
        return address

    async def _is_ready(self, client: httpx2.AsyncClient) -> bool:
        """Whether requests are served and the last thing is done: printing the box."""
        assert self._process is not None
        if self._process.returncode is not None:
            raise AssertionError(f"The demo ended with {self._process.returncode}. {self._said()}")
        try:
            response = await client.get("/readyz")
        except httpx2.TransportError:
            return False
        return response.status_code == 200 and any("Ctrl-C" in line for line in self.output)

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        async for line in process.stdout:
            self.output.append(line.decode().rstrip("\n"))

    def _said(self) -> str:
        return "It said:\n" + "\n".join(self.output)


def _free_ports() -> int:
    """Return a port that is free, as is the one after it: the server's and the sandbox's."""
    while True:
        with socket.create_server(("127.0.0.1", 0)) as first:
            port: int = first.getsockname()[1]
            with contextlib.suppress(OSError, OverflowError), socket.create_server(("127.0.0.1", port + 1)):
                return port


def _own_environment() -> dict[str, str]:
    """Return the environment without what would make another demo of it."""
    return {
        name: value
        for name, value in os.environ.items()
        if name != "DATABASE_URL" and not name.startswith("ORDERPULSE_")
    }


def _command_of(pid: int, folder: Path, session: int) -> str:
    """Return a process's command line where it is the demo's, else nothing."""
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        is_there = Path(f"/proc/{pid}/cwd").readlink().is_relative_to(folder.resolve())
        return command.strip() if is_there or os.getsid(pid) == session else ""
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return ""
