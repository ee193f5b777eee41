"""Commits of which nobody knows whether they happened, one of every few, while everybody shops."""

from __future__ import annotations

import asyncio
import contextlib
import math
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Final

from db.pool import Database
from tests.faults.load import Load
from tests.faults.proxy import Cuts, Mode, cutting
from tests.faults.run import Run
from tests.faults.stage import dice, ground, stage_on
from tests.faults.waiting import deadline

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

    from tests.faults.stage import Stage
    from tests.faults.verdict import Verdict

EVERY: Final = (3, 2, 7)
ROUND_SECONDS_MAX: Final = 1800.0
PARTS: Final = [(mode, every) for mode in Mode for every in EVERY]


@dataclass(frozen=True, slots=True)
class Share:
    """How far one part goes: until so much was done, or for so long."""

    operations: int
    seconds: float


@dataclass
class Part:
    """One way of cutting, under load until so much was done."""

    mode: Mode
    every: int
    operations: int
    commits: int
    cut: int
    committed: int
    verdict: Verdict

    def line(self) -> str:
        """Return what came of it."""
        verdict = self.verdict
        return (
            f"{self.mode.value}, every {self.every}: {self.operations} webhooks and mutations, {self.cut} of"
            f" {self.commits} commits cut, {self.committed} of those had committed: {len(verdict.lost)} lost,"
            f" {len(verdict.doubled)} doubled, {len(verdict.inconsistent)} inconsistent"
        )


@dataclass
class Commits:
    """All of them."""

    parts: list[Part] = field(default_factory=list)

    def summary(self) -> str:
        """Return the line that counts."""
        verdicts = [part.verdict for part in self.parts]
        lost, doubled, inconsistent = (
            sum(len(getattr(verdict, kind)) for verdict in verdicts)
            for kind in ("lost", "doubled", "inconsistent")
        )
        return (
            f"{sum(part.operations for part in self.parts)} webhooks and mutations,"
            f" {sum(part.cut for part in self.parts)} commits cut,"
            f" {sum(part.committed for part in self.parts)} of them had committed:"
            f" {lost} lost, {doubled} doubled, {inconsistent} inconsistent"
        )


@contextlib.asynccontextmanager
async def behind_a_proxy(seed: int) -> AsyncIterator[tuple[Stage, Cuts]]:
    """Set up a stage whose server reaches its database through the proxy alone."""
    async with ground(1, "impatient") as below, Database(below.maintenance_dsn, size=2) as superuser:

        async def end_process(process_id: int) -> None:
            await superuser.fetch("SELECT pg_terminate_backend($1)", process_id)

        cuts = Cuts(dice("cuts", seed), end_process)
        through = partial(cutting, folder=below.folder, cuts=cuts)
        async with stage_on(below, 0, through) as stage:
            yield stage, cuts


async def cut_commits(
    stage: Stage,
    cuts: Cuts,
    count: int,
    seed: int,
    *,
    parts: Sequence[tuple[Mode, int]] = PARTS,
    seconds: float = math.inf,
    on_part: Callable[[Part], None] = lambda _: None,
) -> Commits:
    """Cut in every way, under load, until so many webhooks and mutations had their outcome, or for so long."""
    result = Commits()
    for number, (mode, every) in enumerate(parts):
        share = Share(-(-count // len(parts)), seconds / len(parts))
        part = await _part(stage, cuts, mode, every, share, f"{seed}:{number}")
        result.parts.append(part)
        on_part(part)
    return result


async def _part(stage: Stage, cuts: Cuts, mode: Mode, every: int, share: Share, seed: str) -> Part:
    await stage.clear()
    await stage.ready()
    stage.truth.news()
    run = Run.on(stage, dice("commits", seed))
    load = Load(run)
    before = (cuts.commits, cuts.made[mode], cuts.committed[mode])
    async with run.gateway.telling(), deadline(ROUND_SECONDS_MAX, "the load never gets done"):
        cuts.begin(mode, every)
        shopping = asyncio.create_task(load.go_on())
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(share.seconds if math.isfinite(share.seconds) else None):
                await load.reaches(share.operations)
        load.stop()
        await shopping
        await run.told_all()
        cuts.mode = None
        verdict = await load.judge()
    after = (cuts.commits, cuts.made[mode], cuts.committed[mode])
    commits, cut, committed = (now - then for now, then in zip(after, before, strict=True))
    return Part(mode, every, load.operations, commits, cut, committed, verdict)
