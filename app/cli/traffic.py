"""What a demo has going on in the background: shoppers (`--traffic`), and gateways that misbehave (`--chaos`)."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import re
from typing import TYPE_CHECKING, Final

import httpx2

from app.cli.chaos import stories
from app.cli.chaos.mischief import knobs
from app.cli.chaos.shop import Shop, StuckError
from app.cli.output import CommandError
from app.error_catalog import ExitCode
from app.simulators.kit import ControlError
from app.tasks import end_tasks

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

    from app.cli.simulating import Simulated

log = logging.getLogger(__name__)

PER_SECOND_MAX: Final = 50.0
SHOPPERS_MAX: Final = 64
"""How many are shopping at the same time; who comes while there are as many goes away again."""
MISCHIEF_SECONDS: Final = 5.0
"""How long the gateways misbehave in one way, before they choose another."""
_RATE: Final = re.compile(r"(\d{1,4}(?:\.\d+)?)(?:/([sm]))?")
_SECONDS: Final = {None: 1.0, "s": 1.0, "m": 60.0}


async def _goes_away(shopper: stories.Shopper) -> None:
    """Open a payment, and think better of it."""
    await shopper.opens()


_STORIES: Final[Sequence[tuple[Callable[[stories.Shopper], Awaitable[None]], int]]] = (
    (stories.paid, 66),
    (stories.declined, 12),
    (stories.asked, 8),
    (stories.refunded, 7),
    (_goes_away, 4),
    (stories.disputed, 3),
)
"""What shoppers do, and how many in a hundred do it."""


def read_rate(text: str) -> float:
    """Return the shoppers a second of `5/s`, `30/m` or `5`.

    Raises:
        CommandError: it is no rate, or too much of one.
    """
    found = _RATE.fullmatch(text.strip())
    per_second = float(found[1]) / _SECONDS[found[2]] if found else 0.0
    if not 0 < per_second <= PER_SECOND_MAX:
        raise CommandError(
            f"{text!r} is no rate of shoppers.",
            ExitCode.USAGE,
            f"Write --traffic 5/s or 30/m, up to {PER_SECOND_MAX:g}/s.",
        )
    return per_second


@contextlib.asynccontextmanager
async def background(
    url: str, staff_key: str, gateways: Sequence[Simulated], *, traffic: float | None, chaos: bool
) -> AsyncIterator[None]:
    """Have shoppers come, and gateways misbehave, while the block lasts; what is under way then is dropped."""
    going = []
    if chaos:
        going.append(asyncio.create_task(_misbehave(gateways), name="chaos"))
    if traffic is not None:
        going.append(asyncio.create_task(_shop(url, staff_key, gateways, traffic), name="traffic"))
    try:
        yield
    finally:
        await end_tasks(*going)
        for task in going:
            if not task.cancelled() and (error := task.exception()) is not None:
                log.error("demo.background_ended", exc_info=error)


async def _shop(url: str, staff_key: str, gateways: Sequence[Simulated], per_second: float) -> None:
    """Send shoppers in, at random moments whose mean is the rate, as in a shop."""
    dice = random.Random()  # noqa: S311 - shoppers are no secret
    busy: set[asyncio.Task[None]] = set()
    async with Shop(url, staff_key) as shop:
        try:
            while True:
                await asyncio.sleep(dice.expovariate(per_second))
                if len(busy) >= SHOPPERS_MAX:
                    continue
                shopper = stories.Shopper(shop, dice.choice(gateways), random.Random(dice.random()))  # noqa: S311 - likewise
                task = asyncio.create_task(_visit(shopper))
                busy.add(task)
                task.add_done_callback(busy.discard)
        finally:
            await end_tasks(*busy)


async def _visit(shopper: stories.Shopper) -> None:
    """Order something, and do what comes to this shopper's mind."""
    (story,) = shopper.dice.choices([told for told, _ in _STORIES], [often for _, often in _STORIES])
    try:
        await shopper.orders()
        await story(shopper)
    except (StuckError, ControlError, httpx2.HTTPError) as error:
        log.warning("demo.shopper_left", extra={"gateway": shopper.gateway.name, "reason": str(error)})


async def _misbehave(gateways: Sequence[Simulated]) -> None:
    """Have every gateway go wrong in a way of its own, and in another one soon."""
    dice = random.Random()  # noqa: S311 - mischief is no secret
    while True:
        for gateway in gateways:
            await gateway.control.set_chaos(**knobs(dice, await gateway.control.operations()))
        await asyncio.sleep(MISCHIEF_SECONDS)
