"""`python -m tests.faults`, behind `make faults`: plants faults, and counts what was lost, doubled or inconsistent."""

from __future__ import annotations

import argparse
import logging
import math
import sys
import time
from typing import TYPE_CHECKING, Final

import uvloop

from tests.app.redis_server import MISSING, installed
from tests.faults.board import Action
from tests.faults.commits import behind_a_proxy, cut_commits
from tests.faults.duplicates import duplicate, three_servers
from tests.faults.excused import EXCUSED
from tests.faults.kills import Kills, kill_under_load
from tests.faults.matrix import ACTIONS, Limits, Result, Tally, plan, run_matrix, survey
from tests.faults.outages import (
    RECOVERY_SECONDS_MAX,
    Outage,
    connections_ended,
    disk_full,
    killed,
    small_disk,
    stopped,
    suffering,
)
from tests.faults.points import all_points, by_name
from tests.faults.stage import stages
from tests.faults.streams import BROKERS, run_streams

if TYPE_CHECKING:
    from collections.abc import Mapping

from tests.faults.matrix import Cell, Reach

STAGES: Final = 4
STAGES_MAX: Final = 8
KILLS: Final = 1000
ROUNDS: Final = 200
OUTAGE_SECONDS: Final = 12.0
"""Longer than settle keeps a webhook waiting before it answers 503."""
COMMITS: Final = 10_000
PROGRESS_SECONDS: Final = 30.0
ORDERS: Final = 1_000
STREAM_SECONDS_MIN: Final = 20.0
ORDERS_PER_SECOND: Final = 8


def main() -> int:
    """Run one of the forms and return 0 when nothing is wrong."""
    options = _parser().parse_args()
    # The sandbox runs in this process, and has much to say of callers that hang up.
    logging.disable(logging.CRITICAL)
    return uvloop.run(_FORMS[options.form](options))


async def run_points(options: argparse.Namespace) -> int:
    """Every point, with every action, for every seed."""
    seeds = [options.seed] if options.seed is not None else range(options.seeds)
    actions = [Action[name.upper()] for name in options.action] or list(ACTIONS)
    limits = Limits(seeds=seeds, actions=actions, points=options.point)
    async with stages(options.stages) as stage_list:
        reach = await survey(stage_list)
        cells = plan(limits, reach)
        _say(f"{len(all_points())} points, {len(reach)} reached undisturbed; {len(cells)} runs planned")
        progress = Progress(len(cells))
        tally = await run_matrix(stage_list, cells, reach, seconds=_seconds(options), on_result=progress)
    unreached = _print_coverage(limits, reach, tally)
    _say(tally.summary())
    return int(bool(tally.bad or tally.crippled or unreached))


async def run_kills(options: argparse.Namespace) -> int:
    """SIGKILL at random moments, under load."""
    async with stages(1, "impatient") as (stage,):
        count, seed = options.count or KILLS, options.seed or 0
        result = await kill_under_load(stage, count, seed, seconds=_seconds(options), on_round=_say_round)
    _say(result.summary())
    return int(not all(verdict.is_good for verdict in result.verdicts))


def _say_round(so_far: Kills) -> None:
    for line in so_far.last.lines():
        _say(f"BAD: {line}")
    _say(so_far.summary())


async def run_commits(options: argparse.Namespace) -> int:
    """Commits of which nobody knows whether they happened."""
    seed = options.seed or 0
    async with behind_a_proxy(seed) as (stage, cuts):
        result = await cut_commits(
            stage,
            cuts,
            options.count or COMMITS,
            seed,
            seconds=_seconds(options),
            on_part=lambda part: _say(part.line()),
        )
    wrong = [line for part in result.parts for line in part.verdict.lines()]
    for line in wrong:
        _say(f"BAD: {line}")
    _say(result.summary())
    return int(bool(wrong))


async def run_outages(options: argparse.Namespace) -> int:
    """PostgreSQL stopped, killed, cut off, out of disk."""
    outages: list[Outage] = []
    for _ in range(options.count or 1):
        async with suffering("plain") as (stage, below):
            for harm in (stopped, killed, connections_ended):
                outages.append(await harm(stage, below, OUTAGE_SECONDS))
                _say(outages[-1].line())
        with small_disk() as disk:
            if disk is None:
                _say("disk full: left out, for nothing may be mounted here")
                continue
            async with suffering("plain", disk) as (stage, below):
                outages.append(await disk_full(stage, below, disk, OUTAGE_SECONDS))
                _say(outages[-1].line())
    flaws = [flaw for outage in outages for flaw in outage.flaws()]
    for flaw in flaws:
        _say(f"BAD: {flaw}")
    slow = [outage for outage in outages if outage.is_slow]
    _say(
        f"{len(outages)} outages, {len(flaws)} flaws, {len(slow)} slower than {RECOVERY_SECONDS_MAX:g} s to recover"
    )
    return int(bool(flaws or slow))


async def run_duplicates(options: argparse.Namespace) -> int:
    """The same webhook many times at once."""
    async with three_servers() as (servers, database):
        result = await duplicate(servers, database, options.rounds)
    for flaw in result.flaws:
        _say(f"BAD: {flaw}")
    _say(result.summary())
    return int(bool(result.flaws or result.deadlocks or result.poison or set(result.statuses) != {200}))


async def run_all_streams(options: argparse.Namespace) -> int:
    """Watchers of orders while clients, brokers and replicas fail."""
    results = []
    for broker in options.broker or BROKERS:
        if broker == "redis" and not installed():
            _say(f"redis: left out: {MISSING}")
            continue
        seed = options.seed or 0
        seconds = max(STREAM_SECONDS_MIN, options.orders / ORDERS_PER_SECOND)
        results.append(await run_streams(broker, options.orders, seed, seconds))
        for line in results[-1].lines():
            _say(line)
    return int(not all(result.is_good and not result.is_slow for result in results))


class Progress:
    """Tells how far it is, and each bad run at once with the command that repeats it."""

    def __init__(self, planned: int) -> None:
        self._planned = planned
        self._started = self._told = time.monotonic()

    def __call__(self, result: Result, tally: Tally) -> None:
        """Note a run."""
        if not result.verdict.is_good:
            _say(f'BAD in {result.scenario}: make faults ARGS="{result.cell.replay}"')
            for line in result.verdict.lines():
                _say(f"  {line}")
        now = time.monotonic()
        if now - self._told > PROGRESS_SECONDS:
            self._told = now
            _say(f"{tally.runs} of {self._planned} runs in {now - self._started:.0f} s")


def _print_coverage(limits: Limits, reach: Reach, tally: Tally) -> list[str]:
    """Print what was reached and what was not; return the points that nobody has excused."""
    names = limits.points or [point.name for point in all_points()]
    unreached = [name for name in names if by_name()[name].number not in reach]
    seen = _cells_by_action(tally.missed)
    _say("\naction   never happened, of the runs that were made")
    for action in limits.actions:
        _say(f"{action.name.lower():<8} {len(seen.get(action, []))}")
    for cell in tally.missed:
        _say(f"did not happen: {cell.replay}")
    for cell in tally.crippled:
        _say(f"left a lane of settle dead: {cell.replay}")
    for name in unreached:
        _say(f"never reached: {name}: {EXCUSED.get(name, 'NO REASON')}")
    return [name for name in unreached if name not in EXCUSED]


def _cells_by_action(cells: list[Cell]) -> Mapping[Action, list[Cell]]:
    found: dict[Action, list[Cell]] = {}
    for cell in cells:
        found.setdefault(cell.action, []).append(cell)
    return found


def _seconds(options: argparse.Namespace) -> float:
    return math.inf if options.minutes is None else 60 * float(options.minutes)


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


_FORMS: Final = {
    "points": run_points,
    "kills": run_kills,
    "commits": run_commits,
    "outages": run_outages,
    "duplicates": run_duplicates,
    "streams": run_all_streams,
}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make faults ARGS=…", description=__doc__)
    parser.add_argument("form", nargs="?", choices=sorted(_FORMS), default="points")
    parser.add_argument("--count", type=int, help="of kills, or of webhooks and mutations")
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--seed", type=int, help="this one alone")
    parser.add_argument("--point", action="append", default=[], help="this one alone")
    parser.add_argument("--action", action="append", default=[], choices=[a.name.lower() for a in Action])
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="of duplicates")
    parser.add_argument("--orders", type=int, default=ORDERS, help="that streams are watched of")
    parser.add_argument(
        "--broker", action="append", choices=BROKERS, help="of streams; both, unless one is named"
    )
    parser.add_argument("--minutes", type=float, help="begin nothing new after so long")
    parser.add_argument(
        "--stages",
        type=int,
        default=STAGES,
        choices=range(1, STAGES_MAX + 1),
        help=f"how many runs go on side by side, at most {STAGES_MAX}: they share one PostgreSQL's connections",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
