"""Outages of PostgreSQL under load: stopped, killed, its connections ended all the time, its disk full."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import subprocess
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import asyncpg
import orjson

from db.embedded.contact import NO_ANSWER
from tests.db.embedded_process import kill, postmaster, short_folder
from tests.faults.load import Load
from tests.faults.run import Run
from tests.faults.stage import dice, ground, stage_on
from tests.faults.verdict import Verdict
from tests.faults.waiting import deadline

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
    from pathlib import Path

    from tests.faults.stage import Ground, Stage

SENDER_SECONDS: Final = 15.0
"""How long senders wait here: gateways wait 5 to 30 s, and what they are answered meanwhile is what counts."""
RECOVERY_SECONDS_MAX: Final = 3.0
DISK_MEGABYTES: Final = 220
STEADY_OPERATIONS: Final = 40
LOAD_SECONDS_MAX: Final = 120.0
"""A key whose holder could not give it back, since the database was away, is free after a minute."""
CUT_EVERY_SECONDS: Final = 0.2


@dataclass
class Outage:
    """One outage, and what was seen of it from outside."""

    name: str
    away_seconds: float = 0.0
    recovery_seconds: float = 0.0
    """From the database's first answer to the first webhook that was accepted, or to the end of the harm."""
    statuses: Mapping[int, int] = field(default_factory=dict)
    """What webhooks were answered, from the beginning to the end of the outage."""
    accepted: int = 0
    cut: int = 0
    same_process: bool = True
    verdict: Verdict = field(default_factory=Verdict)

    def flaws(self) -> list[str]:
        """Return what is wrong, in sentences."""
        found = self.verdict.lines()
        if set(self.statuses) - {200, 503}:
            found.append(f"webhooks were answered {dict(self.statuses)}")
        if not self.same_process:
            found.append("the server was started again")
        return [f"{self.name}: {flaw}" for flaw in found]

    @property
    def is_slow(self) -> bool:
        """Whether recovering took too long; what a clock says on a busy machine is no flaw of the server's."""
        return self.recovery_seconds > RECOVERY_SECONDS_MAX

    def line(self) -> str:
        """Return what came of it."""
        verdict = self.verdict
        return (
            f"{self.name}: away {self.away_seconds:.1f} s, back {self.recovery_seconds:.2f} s after the database,"
            f" webhooks answered {dict(sorted(self.statuses.items()))}, {self.accepted} accepted in all:"
            f" {len(verdict.lost)} lost, {len(verdict.doubled)} doubled, {len(verdict.inconsistent)} inconsistent"
        )


async def stopped(stage: Stage, below: Ground, seconds: float) -> Outage:
    """Stop the database in good order, and start it again once the gateway has heard of it."""

    async def harm(run: Run) -> None:
        await below.postgres.stop()
        await asyncio.sleep(seconds)
        await _turned_away(run)
        await below.postgres.start()

    return await _suffer("stopped", stage, below, harm)


async def killed(stage: Stage, below: Ground, seconds: float) -> Outage:
    """Kill the database again and again; its supervisor has it back each time as soon as it can."""

    async def harm(_: Run) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            old = postmaster(below.postgres_folder)
            kill(old)
            while _postmaster(below) in (None, old):  # noqa: ASYNC110 - another process's doing
                await asyncio.sleep(0.005)
            await _answers(below.postgres.dsn)

    return await _suffer("killed", stage, below, harm)


async def connections_ended(stage: Stage, below: Ground, seconds: float) -> Outage:
    """End every connection every 200 ms."""
    cut = 0

    async def harm(_: Run) -> None:
        nonlocal cut
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            cut += await stage.cut_connections()
            await asyncio.sleep(CUT_EVERY_SECONDS)

    outage = await _suffer("connections ended", stage, below, harm)
    outage.cut = cut
    return outage


async def disk_full(stage: Stage, below: Ground, disk: Path, seconds: float) -> Outage:
    """Fill the disk, keep it full until the gateway has heard of it, and free it again."""
    ballast = disk / "ballast"

    async def harm(run: Run) -> None:
        until = time.monotonic() + seconds
        heard = asyncio.create_task(_turned_away(run))
        while time.monotonic() < until or not heard.done():
            _fill(ballast)
            await asyncio.sleep(0.02)
        await heard
        ballast.unlink()

    return await _suffer("disk full", stage, below, harm)


async def _turned_away(run: Run) -> None:
    """Wait until the gateway is answered 503 once more.

    Nobody can pay meanwhile, so that it may have nothing new to tell: it tells of old news by new deliveries then,
    each of which has to be kept. A delivery that is kept already needs no room on a full disk.
    """
    so_far = run.gateway.statuses.answered[503]
    told = orjson.loads(run.gateway.bodies[next(iter(run.gateway.accepted))])
    numbers = itertools.count(1)
    async with deadline(LOAD_SECONDS_MAX, "the gateway is not told to come again"):
        while run.gateway.statuses.answered[503] == so_far:
            if not run.gateway.is_sending:
                run.gateway.send(orjson.dumps({**told, "id": f"{told['id']}_{next(numbers)}"}))
            await asyncio.sleep(0.01)


@contextlib.asynccontextmanager
async def suffering(build: str, disk: Path | None = None) -> AsyncIterator[tuple[Stage, Ground]]:
    """Set up a stage whose database may be hurt; durable, for what survives is the question."""
    async with ground(1, build, durable=True, folder=disk) as below, stage_on(below, 0) as stage:
        yield stage, below


@contextlib.contextmanager
def small_disk() -> Iterator[Path | None]:
    """Mount a small disk in memory, or yield None where that is not allowed."""
    with short_folder() as folder:
        disk = folder / "disk"
        disk.mkdir()
        mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_MEGABYTES}m", "tmpfs", str(disk)]
        with contextlib.suppress(FileNotFoundError):
            if subprocess.run(mount, check=False, capture_output=True, timeout=10).returncode == 0:
                try:
                    yield disk
                finally:
                    subprocess.run(["umount", "--lazy", str(disk)], check=True, timeout=10)
                return
        yield None


async def _suffer(name: str, stage: Stage, below: Ground, harm: Callable[[Run], Awaitable[None]]) -> Outage:
    """Shop, hurt the database meanwhile, and see what the gateway hears and when it is heard again."""
    await stage.clear()
    await stage.ready()
    stage.truth.news()
    run = Run.on(stage, dice("outage", name))
    for side in (run.gateway, run.client):
        side.statuses.seconds = SENDER_SECONDS
        side.insist_seconds = LOAD_SECONDS_MAX
    load = Load(run)
    outage = Outage(name)
    births = stage.server.births
    async with run.gateway.telling(), deadline(2 * LOAD_SECONDS_MAX, "the load never gets done"):
        shopping = asyncio.create_task(load.go_on())
        await load.reaches(load.operations + STEADY_OPERATIONS)
        before = run.gateway.statuses.answered.copy()
        began = time.monotonic()
        await harm(run)
        await _answers(below.postgres.dsn)
        back = time.monotonic()
        outage.away_seconds = back - began
        await run.gateway.accepts_more()
        outage.recovery_seconds = time.monotonic() - back
        outage.statuses = run.gateway.statuses.answered - before
        await load.reaches(load.operations + STEADY_OPERATIONS)
        load.stop()
        await shopping
        outage.verdict = await load.judge()
    outage.accepted = len(run.gateway.accepted)
    outage.same_process = stage.server.births == births
    return outage


async def _answers(dsn: str) -> None:
    """Wait until the database answers a connection of our own, and takes a write."""
    while True:
        with contextlib.suppress(*NO_ANSWER):
            connection = await asyncpg.connect(dsn, timeout=5)
            try:
                await connection.execute("CREATE TEMPORARY TABLE probe AS SELECT 1")
            finally:
                connection.terminate()
            return
        await asyncio.sleep(0.005)


def _postmaster(below: Ground) -> int | None:
    with contextlib.suppress(OSError, ValueError, IndexError):
        return postmaster(below.postgres_folder)
    return None


def _fill(path: Path) -> None:
    with path.open("ab", buffering=0) as file, contextlib.suppress(OSError):
        while file.write(b"x" * 65536):
            pass
