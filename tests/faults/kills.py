"""Kills at random moments, under load: SIGKILL from outside, as the out-of-memory killer and a pulled plug do it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from tests.faults.load import Load
from tests.faults.run import Run
from tests.faults.stage import dice
from tests.faults.verdict import Verdict, judge

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.faults.stage import Stage

KILLS_A_ROUND: Final = 50
LIFE_SECONDS: Final = (0.02, 0.4)
"""How long a server lives once it answers: between these, the dice say."""


@dataclass
class Kills:
    """What the kills came to."""

    kills: int = 0
    under_way: int = 0
    """Kills that cut off at least one request."""
    operations: int = 0
    stories: int = 0
    verdicts: list[tuple[int, Verdict]] = field(default_factory=list)
    """What was wrong, by round."""

    def summary(self) -> str:
        """Return the line that counts."""
        bad = [verdict for _, verdict in self.verdicts]
        lost, doubled, inconsistent = (
            sum(len(getattr(verdict, kind)) for verdict in bad)
            for kind in ("lost", "doubled", "inconsistent")
        )
        return (
            f"{self.kills} kills, {self.under_way} of them cut requests off, under {self.operations} deliveries and"
            f" mutations of {self.stories} stories: {lost} lost, {doubled} doubled, {inconsistent} inconsistent"
        )


async def kill_under_load(
    stage: Stage, count: int, seed: int, *, on_round: Callable[[Kills], None] = lambda _: None
) -> Kills:
    """Kill the server so many times while everybody shops, and judge after each round."""
    result = Kills()
    number = 0
    while result.kills < count:
        await stage.clear()
        await stage.ready()
        stage.truth.news()
        run = Run.on(stage, dice("kills", seed, number))
        verdict = await _round(run, min(KILLS_A_ROUND, count - result.kills), result)
        if not verdict.is_good:
            result.verdicts.append((number, verdict))
        on_round(result)
        number += 1
    return result


async def _round(run: Run, kills: int, result: Kills) -> Verdict:
    load = Load(run)
    async with run.gateway.telling():
        shopping = asyncio.create_task(load.go_on())
        for _ in range(kills):
            await run.stage.ready()
            await asyncio.sleep(run.dice.uniform(*LIFE_SECONDS))
            cut_off = run.unanswered
            await run.stage.server.restart()
            result.kills += 1
            await run.stage.ready()
            result.under_way += run.unanswered > cut_off
            if shopping.done():
                break
        load.stop()
        await shopping
        await run.told_all()
    result.operations += load.operations
    result.stories += load.stories
    return await judge(run)
