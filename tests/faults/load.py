"""The load: shoppers and staff who never stop, each with one little story after the other."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from tests.faults.run import DECLINED, Run
from tests.faults.verdict import Verdict, judge
from tests.faults.waiting import StuckError, UnexpectedError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

SHOPPERS: Final = 10
POLL_SECONDS: Final = 0.005


async def _buys(run: Run) -> None:
    payment = await run.opened(await run.order())
    if run.dice.random() < 0.3:
        await run.pay(payment, DECLINED)
    await run.pay(payment)


async def _is_refunded(run: Run) -> None:
    payment = await run.opened(await run.order())
    await run.pay(payment)
    await run.sync(payment)
    await run.achieve("refundCreate", payment, amount={"amount": "200.00", "currency": "INR"})
    if run.dice.random() < 0.5:
        await run.achieve("refundCreate", payment)


async def _is_captured(run: Run) -> None:
    payment = await run.opened(await run.order(), captureMethod="MANUAL")
    await run.pay(payment)
    await run.sync(payment)
    await run.achieve("paymentCapture", payment)


async def _gives_up(run: Run) -> None:
    guest = await run.order()
    payment = await run.opened(guest)
    if run.dice.random() < 0.5:
        await run.achieve("paymentCancel", payment)
    await run.client.achieve("orderCancel", {"orderId": guest.order_id}, guest.token)


_STORIES: Final[tuple[tuple[Callable[[Run], Awaitable[None]], int], ...]] = (
    (_buys, 6),
    (_is_refunded, 2),
    (_is_captured, 1),
    (_gives_up, 1),
)


@dataclass
class Load:
    """The shoppers of one run."""

    run: Run
    stories: int = 0
    stuck: list[str] = field(default_factory=list)
    _stopping: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def operations(self) -> int:
        """How many deliveries were accepted and mutations had their outcome."""
        return len(self.run.gateway.accepted) + self.run.client.outcomes

    async def go_on(self) -> None:
        """Have them shop side by side until they are stopped; each ends the story that it is in.

        One who gets stuck goes home, and says why.
        """
        async with asyncio.TaskGroup() as group:
            for _ in range(SHOPPERS):
                group.create_task(self._shop())

    async def judge(self) -> Verdict:
        """Judge what was done; a call that never had an outcome is lost."""
        verdict = await judge(self.run)
        verdict.lost.extend(self.stuck)
        return verdict

    async def reaches(self, operations: int) -> None:
        """Wait until so much was done, or nobody shops any more."""
        while self.operations < operations and len(self.stuck) < SHOPPERS:  # noqa: ASYNC110 - many tasks' doing
            await asyncio.sleep(POLL_SECONDS)

    def stop(self) -> None:
        """Let nobody begin another story."""
        self._stopping.set()

    async def _shop(self) -> None:
        stories, weights = zip(*_STORIES, strict=True)
        while not self._stopping.is_set():
            (story,) = self.run.dice.choices(stories, weights)
            try:
                await story(self.run)
            except (StuckError, UnexpectedError) as trouble:
                self.stuck.append(str(trouble))
                return
            self.stories += 1
