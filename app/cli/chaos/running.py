"""One run after the other, each told in a line, and what was wrong in as many as it takes."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from rich.console import Console

from app.cli.chaos.mischief import knobs, tamper
from app.cli.chaos.shop import StuckError
from app.cli.chaos.stories import STORIES, Shopper
from app.cli.chaos.verdict import Verdict, judge
from app.cli.chaos.world import open_world
from app.logs import configure_logs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.cli.chaos.world import World

AT_ONCE: Final = 8
"""Shoppers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChaosOptions:
    """What the command line says."""

    seeds: Sequence[int]
    gateways: Sequence[str]
    orders: int
    """Of each gateway, for each seed."""


async def run_chaos(options: ChaosOptions) -> int:
    """Run every seed in a world of its own; 1 when anything is wrong."""
    console = Console()
    configure_logs(level="critical", as_json=False)
    wrong = 0
    for seed in options.seeds:
        started = time.monotonic()
        async with open_world(options.gateways) as world:
            told, stuck = await _go_mad(world, options, seed)
            verdict = await judge(world)
            verdict.wrong += stuck
            refused, taken = await _tamper(world, seed)
            verdict.wrong += await _after_tampering(world, taken)
        line = _line(seed, verdict, told, refused, time.monotonic() - started)
        console.print(line, highlight=False, soft_wrap=True)
        for line in verdict.wrong:
            console.print(f"  [red]✗[/red] {line}", highlight=False, soft_wrap=True)
        wrong += bool(verdict.wrong)
    console.print(
        f"{len(options.seeds)} runs, {wrong} with something wrong"
        if wrong
        else f"{len(options.seeds)} runs, all clean"
    )
    return int(wrong > 0)


async def _go_mad(world: World, options: ChaosOptions, seed: int) -> tuple[Counter[str], list[str]]:
    """Tell as many stories as asked for, with every simulator misbehaving.

    Return how often each was told, and what had no outcome in any of them.
    """
    told: Counter[str] = Counter()
    stuck: list[str] = []
    waiting = []
    for gateway in world.simulators:
        dice = _dice(seed, gateway.name)
        await gateway.control.set_chaos(**knobs(dice, await gateway.control.operations()))
        for number in range(options.orders):
            own_dice = _dice(seed, gateway.name, number)
            story = own_dice.choice(STORIES)
            told[story.__name__] += 1
            waiting.append((story, Shopper(world.shop, gateway, own_dice)))
    _dice(seed).shuffle(waiting)

    async def shop() -> None:
        while waiting:
            story, shopper = waiting.pop()
            try:
                await shopper.orders()
                await story(shopper)
            except StuckError as error:
                stuck.append(f"{shopper.gateway.name} {story.__name__}: {error}")

    async with asyncio.TaskGroup() as group:
        for _ in range(AT_ONCE):
            group.create_task(shop())
    return told, stuck


async def _tamper(world: World, seed: int) -> tuple[int, list[str]]:
    refused, taken = 0, []
    for gateway in world.simulators:
        more, lines = await tamper(world.url, gateway, _dice(seed, gateway.name, "tamper"))
        refused += more
        taken += lines
    return refused, taken


async def _after_tampering(world: World, taken: list[str]) -> list[str]:
    """Say what is wrong after changed deliveries were taken, as a mere hint may be: they must change nothing."""
    wrong = (await judge(world)).wrong if taken else []
    return [*taken, *wrong] if wrong else []


def _dice(*seeds: object) -> random.Random:
    return random.Random(":".join(map(str, seeds)))  # noqa: S311 - mischief is no secret


def _line(seed: int, verdict: Verdict, told: Counter[str], refused: int, seconds: float) -> str:
    mark = "[red]✗[/red]" if verdict.wrong else "[green]✓[/green]"
    return (
        f"{mark} seed {seed}: {told.total()} orders, {verdict.payments} payments, {verdict.captured} captured,"
        f" {verdict.refunds} refunds, {verdict.disputes} disputes, {refused} tampered deliveries refused,"
        f" {seconds:.0f} s"
    )
