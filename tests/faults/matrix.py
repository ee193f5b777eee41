"""The matrix: every point, with every action, for every seed. A run counts only if its fault really happened."""

from __future__ import annotations

import asyncio
import math
import time
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from tests.faults.board import Action
from tests.faults.excused import EXCUSED
from tests.faults.nursery import LANES_SECONDS
from tests.faults.owed import forget, still_owed
from tests.faults.points import all_points, by_name
from tests.faults.run import Run
from tests.faults.scenarios import SCENARIOS
from tests.faults.stage import dice
from tests.faults.verdict import Verdict, judge
from tests.faults.waiting import StuckError, UnexpectedError, deadline

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tests.faults.points import Point
    from tests.faults.stage import Stage

TRIES_MAX: Final = 4
"""How often a run is begun anew until its fault happens."""
SKIPS_MAX: Final = 3
SURVEYS_MAX: Final = 4
RUN_SECONDS_MAX: Final = 180.0
CLEAR_EVERY: Final = 25
LANES: Final = 2
LOOK_SECONDS_MAX: Final = 2.0
ACTIONS: Final = (Action.KILL, Action.RAISE, Action.HANG)

Reach = dict[int, dict[str, int]]
"""Point → scenario → how often it hits the point."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One run to be made."""

    point: Point
    action: Action
    seed: int

    @property
    def replay(self) -> str:
        """Return what runs it again."""
        return f"--seed {self.seed} --action {self.action.name.lower()} --point '{self.point.name}'"


@dataclass(slots=True)
class Result:
    """What a run came to."""

    cell: Cell
    scenario: str
    happened: bool = False
    verdict: Verdict = field(default_factory=Verdict)
    crippled: bool = False


@dataclass
class Tally:
    """What all runs came to."""

    runs: int = 0
    happened: int = 0
    crippled: list[Cell] = field(default_factory=list)
    """Runs after which a server had lost a lane of settle: nothing is wrong, but it takes less, and then nothing."""
    missed: list[Cell] = field(default_factory=list)
    bad: list[Result] = field(default_factory=list)

    def add(self, result: Result) -> None:
        """Count a run."""
        self.runs += 1
        self.happened += result.happened
        if not result.happened:
            self.missed.append(result.cell)
        if result.crippled:
            self.crippled.append(result.cell)
        if not result.verdict.is_good:
            self.bad.append(result)

    def summary(self) -> str:
        """Return the line that counts."""
        lost, doubled, inconsistent = (
            sum(bool(getattr(result.verdict, kind)) for result in self.bad)
            for kind in ("lost", "doubled", "inconsistent")
        )
        return (
            f"{self.runs} runs, {self.happened} faults happened,"
            f" {lost} lost, {doubled} doubled, {inconsistent} inconsistent"
        )


async def survey(stages: Sequence[Stage], seeds_max: int = SURVEYS_MAX) -> Reach:
    """Play every scenario undisturbed, and return which points each of them reaches, and how often at least.

    Played again with other dice while there are points that none has reached and nobody has excused.
    """
    reach: Reach = defaultdict(dict)
    for seed in range(seeds_max):
        await _survey(stages, seed, reach)
        if all(point.number in reach or point.name in EXCUSED for point in all_points()):
            break
    return reach


async def _survey(stages: Sequence[Stage], seed: int, reach: Reach) -> None:
    waiting = list(SCENARIOS)

    async def work(stage: Stage) -> None:
        while waiting:
            name = waiting.pop()
            verdict = await play(stage, name, f"survey:{seed}", stage.server.board.forget)
            if not verdict.is_good:
                raise UnexpectedError(f"{name} goes wrong undisturbed, with seed {seed}: {verdict.lines()}")
            for point in all_points():
                if hits := stage.server.board.counts[point.number]:
                    reach[point.number][name] = min(reach[point.number].get(name, hits), hits)

    await asyncio.gather(*(work(stage) for stage in stages))


async def play(stage: Stage, scenario: str, seed: str, arm: Callable[[], None] = lambda: None) -> Verdict:
    """Play a scenario to its end, and judge it. `arm` is called when it begins."""
    stage.runs += 1
    if stage.runs % CLEAR_EVERY == 0:
        await stage.clear()
    await forget(stage.database)
    run = Run.on(stage, dice(scenario, seed))
    stage.server.board.disarm()
    await stage.ready()
    await stage.sandbox("PUT", "/v1/_chaos", {})  # a disturbed run may have left some
    stage.truth.news()
    arm()
    try:
        async with deadline(RUN_SECONDS_MAX, f"the scenario {scenario}"), run.gateway.telling():
            await SCENARIOS[scenario](run)
            stage.server.board.disarm()
            return await judge(run)
    except StuckError as stuck:
        return Verdict(
            lost=[str(stuck), *await still_owed(stage.database), *await stage.server.what_is_awaited()]
        )
    except UnexpectedError as unexpected:
        return Verdict(inconsistent=[str(unexpected)])


async def run_cell(stage: Stage, cell: Cell, reach: Reach) -> Result:
    """Make one run, again with other dice until its fault happens."""
    known = reach.get(cell.point.number, {})
    board = stage.server.board
    scenario = ""
    for attempt in range(TRIES_MAX):
        rolled = dice(cell.point.name, cell.action, cell.seed, attempt)
        scenario = (
            rolled.choice(_cheapest(known)) if attempt < TRIES_MAX - 1 else max(known, key=known.__getitem__)
        )
        skips = min(known[scenario] - 1, SKIPS_MAX) if attempt == 0 else 0
        skip = rolled.randint(0, skips)
        verdict = await play(
            stage,
            scenario,
            f"{cell.seed}:{attempt}",
            lambda skip=skip: board.arm(cell.point, cell.action, skip=skip),  # type: ignore[misc]
        )
        if board.fired or not verdict.is_good:
            return Result(cell, scenario, board.fired, verdict, await _is_crippled(stage))
    return Result(cell, scenario)


async def _is_crippled(stage: Stage) -> bool:
    """Whether the server has fewer lanes of settle than it started with, once it had time to say so."""
    await stage.ready()
    await asyncio.sleep(2 * LANES_SECONDS)
    until = time.monotonic() + LOOK_SECONDS_MAX
    while stage.server.board.lanes != LANES:
        if time.monotonic() > until:
            return True
        await asyncio.sleep(LANES_SECONDS)
    return False


def _cheapest(known: dict[str, int], most: int = 4) -> list[str]:
    """Return the scenarios that reach a point, the first few of them in the order of their cost."""
    return [name for name in SCENARIOS if name in known][:most]


@dataclass
class Limits:
    """How far the matrix is gone through."""

    seeds: Sequence[int]
    actions: Sequence[Action] = ACTIONS
    points: Sequence[str] = ()


def plan(limits: Limits, reach: Reach) -> list[Cell]:
    """Return every cell, seed after seed, each in an order of its own: what is cut short is a sample of everything."""
    wanted = [by_name()[name] for name in limits.points] if limits.points else all_points()
    cells = []
    for seed in limits.seeds:
        of_seed = [
            Cell(point, action, seed)
            for action in limits.actions
            for point in wanted
            if point.number in reach
        ]
        dice("plan", seed).shuffle(of_seed)
        cells.extend(of_seed)
    return cells


async def run_matrix(
    stages: Sequence[Stage],
    cells: Sequence[Cell],
    reach: Reach,
    *,
    seconds: float = math.inf,
    on_result: Callable[[Result, Tally], None] = lambda *_: None,
) -> Tally:
    """Make the runs on all stages side by side, in order, and stop beginning new ones after so many seconds."""
    tally = Tally()
    waiting = list(reversed(cells))
    until = time.monotonic() + seconds

    async def work(stage: Stage) -> None:
        while waiting and time.monotonic() < until:
            result = await run_cell(stage, waiting.pop(), reach)
            tally.add(result)
            on_result(result, tally)
            if not result.verdict.is_good or result.crippled:
                await stage.clear()

    await asyncio.gather(*(work(stage) for stage in stages))
    return tally
