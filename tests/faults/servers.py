"""Servers under test: forked by the nursery, on a socket that stays open while they die and come back."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from tests.faults.board import Board
from tests.faults.money_path import ROOT
from tests.faults.nursery import Birth
from tests.faults.waiting import deadline
from tests.system.processes import environment

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping
    from pathlib import Path

READY_SECONDS_MAX: Final = 60.0
END_SECONDS_MAX: Final = 20.0
POLL_SECONDS: Final = 0.002
TOLD_SECONDS: Final = 0.5


@dataclass
class Nursery:
    """The handle of the process that forks."""

    _process: asyncio.subprocess.Process
    _born: asyncio.Queue[int] = field(default_factory=asyncio.Queue)
    _ends: dict[int, asyncio.Future[int]] = field(default_factory=dict)
    _one_at_a_time: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def serve(self, birth: Birth) -> tuple[int, asyncio.Future[int]]:
        """Fork a server; return its id, and what will be its exit code."""
        assert self._process.stdin is not None
        async with self._one_at_a_time:
            self._process.stdin.write(birth.line())
            await self._process.stdin.drain()
            pid = await self._born.get()
            return pid, self._end_of(pid)

    async def listen(self) -> None:
        """Hear what the process says, for ever."""
        assert self._process.stdout is not None
        while line := await self._process.stdout.readline():
            said: dict[str, int] = json.loads(line)
            if "pid" in said:
                # The end may have been told first.
                self._born.put_nowait(said["pid"])
            elif "ended" in said:
                end = self._end_of(said["ended"])
                if not end.done():
                    end.set_result(said["code"])

    def _end_of(self, pid: int) -> asyncio.Future[int]:
        if pid not in self._ends:
            self._ends[pid] = asyncio.get_running_loop().create_future()
        return self._ends[pid]

    def forget(self, pid: int) -> None:
        """Drop what is known of a server that has ended; its number may be another's one day."""
        self._ends.pop(pid, None)


@contextlib.asynccontextmanager
async def nursery(build: str, *listeners: socket.socket) -> AsyncIterator[Nursery]:
    """Run a nursery whose servers may listen on these sockets."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.faults.nursery", build),
        cwd=ROOT,
        env=environment(),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        pass_fds=[listener.fileno() for listener in listeners],
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(READY_SECONDS_MAX):
            assert b"ready" in await process.stdout.readline()
        made = Nursery(process)
        hearing = asyncio.create_task(made.listen())
        yield made
        hearing.cancel()
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


@dataclass
class ForkedServer:
    """One server of the nursery's: born, armed, killed, born again."""

    nursery: Nursery
    listener: socket.socket
    folder: Path
    dsn: str
    settings: Mapping[str, str]
    board: Board = field(init=False)
    pid: int = field(default=0, init=False)
    births: int = field(default=0, init=False)
    _end: asyncio.Future[int] | None = field(default=None, init=False)
    _fresh: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        self.board = Board.shared(self.folder / "board")

    @property
    def port(self) -> int:
        """Where it listens."""
        port: int = self.listener.getsockname()[1]
        return port

    @property
    def log(self) -> Path:
        """What it prints."""
        return self.folder / "server.log"

    async def start(self) -> None:
        """Have a server born. It may be asked before it is ready: its socket is there already."""
        fresh, self._fresh = self._fresh, False
        birth = Birth(
            fresh=fresh,
            listener=self.listener.fileno(),
            dsn=self.dsn,
            board=str(self.folder / "board"),
            log=str(self.log),
            settings=self.settings,
        )
        self.pid, self._end = await self.nursery.serve(birth)
        self.births += 1

    @property
    def ended(self) -> asyncio.Future[int]:
        """What will be its exit code."""
        assert self._end is not None
        return self._end

    async def kill(self) -> None:
        """Kill it and see it gone."""
        self.signal(signal.SIGKILL)
        await self.gone()

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal, if it is still there."""
        if not self.ended.done():
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    async def what_is_awaited(self) -> list[str]:
        """Return a line for each of its tasks, with all that it waits for."""
        told = self.folder / "awaited"
        told.unlink(missing_ok=True)
        self.signal(signal.SIGUSR1)
        await asyncio.sleep(TOLD_SECONDS)
        return told.read_text().splitlines() if told.exists() else []

    async def gone(self) -> int:
        """Wait for its end and return its exit code."""
        async with asyncio.timeout(END_SECONDS_MAX):
            code = await asyncio.shield(self.ended)
        self.nursery.forget(self.pid)
        return code

    async def restart(self, *, fresh: bool = False) -> None:
        """Kill it and have it born again. `fresh`: put together anew, too."""
        self._fresh = fresh
        async with self.reborn():
            self.signal(signal.SIGKILL)

    @contextlib.asynccontextmanager
    async def reborn(self) -> AsyncIterator[None]:
        """Wait at the end of the block until the server of its beginning has ended and was born again."""
        births = self.births
        yield
        async with deadline(END_SECONDS_MAX, "the server does not end"):
            while self.births == births:  # noqa: ASYNC110 - another task's doing
                await asyncio.sleep(POLL_SECONDS)

    async def keep_alive(self, on_end: Callable[[int], None] = lambda _: None) -> None:
        """Have it born again whenever it ends, for ever."""
        while True:
            code = await asyncio.shield(self.ended)
            self.nursery.forget(self.pid)
            on_end(code)
            await self.start()


def listen() -> socket.socket:
    """Return a socket that listens on a free port of this machine, and may be handed on."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
    listener.set_inheritable(True)
    return listener
