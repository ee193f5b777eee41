"""Kills at random moments, under load: SIGKILL from outside, as the out-of-memory killer and a pulled plug do it."""

from __future__ import annotations

import asyncio
import contextlib
import math
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from tests.faults.load import Load
from tests.faults.run import Run
from tests.faults.stage import dice

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.faults.stage import Stage
    from tests.faults.verdict import Verdict

KILLS_A_ROUND: Final = 25
SENDER_SECONDS: Final = 2.0
INSIST_SECONDS_MAX: Final = 120.0
POLL_SECONDS: Final = 0.002
ANSWERS_MAX: Final = 40
"""How much a server answers before it is killed, at most: the dice say, and how soon after that."""
SOON_SECONDS: Final = 0.03
LIFE_SECONDS_MAX: Final = 5.0


@dataclass
class Kills:
    """What the kills came to."""

    kills: int = 0
    under_way: int = 0
    """Kills that cut off at least one request."""
    operations: int = 0
    stories: int = 0
    verdicts: list[Verdict] = field(default_factory=list)
    """On every round."""

    @property
    def last(self) -> Verdict:
        """Return the verdict on the last round."""
        return self.verdicts[-1]

    def summary(self) -> str:
        """Return the line that counts."""
        lost, doubled, inconsistent = (
            sum(len(getattr(verdict, kind)) for verdict in self.verdicts)
            for kind in ("lost", "doubled", "inconsistent")
        )
        return (
            f"{self.kills} kills, {self.under_way} of them cut requests off, under {self.operations} deliveries and"
            f" mutations of {self.stories} stories: {lost} lost, {doubled} doubled, {inconsistent} inconsistent"
        )


async def kill_under_load(
    stage: Stage,
    count: int,
    seed: int,
    *,
    seconds: float = math.inf,
    on_round: Callable[[Kills], None] = lambda _: None,
) -> Kills:
    """Kill the server so many times while everybody shops, and judge after each round; begin none after `seconds`."""
    result = Kills()
    number = 0
    until = time.monotonic() + seconds
    while result.kills < count and time.monotonic() < until:
        await stage.clear()
        await stage.ready()
        stage.truth.news()
        run = Run.on(stage, dice("kills", seed, number))
        result.verdicts.append(await _round(run, min(KILLS_A_ROUND, count - result.kills), result))
        on_round(result)
        number += 1
    return result


async def _live(run: Run) -> None:
    """Let the server live for a while, which is shorter on a machine that has time for it."""
    wanted = run.answered + run.dice.randint(0, ANSWERS_MAX)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(LIFE_SECONDS_MAX):
            while run.answered < wanted:  # noqa: ASYNC110 - many tasks' doing
                await asyncio.sleep(POLL_SECONDS)
    await asyncio.sleep(run.dice.uniform(0, SOON_SECONDS))


async def _round(run: Run, kills: int, result: Kills) -> Verdict:
    load = Load(run)
    for side in (run.gateway, run.client):
        side.statuses.seconds = SENDER_SECONDS
        side.insist_seconds = INSIST_SECONDS_MAX
    async with run.gateway.telling():
        shopping = asyncio.create_task(load.go_on())
        for _ in range(kills):
            await _live(run)
            cut_off = run.unanswered
            await run.stage.server.restart()
            result.kills += 1
            await run.stage.ready()
            result.under_way += run.unanswered > cut_off
        load.stop()
        await shopping
        verdict = await load.judge()
    result.operations += load.operations
    result.stories += load.stories
    return verdict
