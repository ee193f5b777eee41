"""How the reconciler approaches gateways: one call after the other at each one's limit, and none while it rests."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Self

from app.gateways import GatewayErrorKind
from app.reconcile.results import LEASE
from app.tasks import end_tasks
from db import gateway_states

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.domain.states import GatewayName
    from app.gateways import Gateway, GatewayError
    from db.pool import Database

MARGIN: Final = 1.1
"""By how much calls lie further apart than the limit asks: what travels doesn't arrive as evenly as it left."""
TURNS_MAX: Final = 25
"""How many turns are taken at once from the database."""
LATE_INTERVALS_MAX: Final = 2
"""How late a turn may be used: what comes after it is somebody else's, so a process that was held up takes new ones."""
REST_SECONDS_FIRST: Final = 1.0
REST_SECONDS_MAX: Final = 60.0
_DOUBLINGS_MAX: Final = 6


class GatewayRestsError(Exception):
    """A gateway is left alone for a while: the work is to be given back, and done after `seconds`."""

    def __init__(self, gateway: GatewayName, seconds: float) -> None:
        super().__init__(f"{gateway} is left alone for {seconds:.1f} s more.")
        self.seconds = seconds


@dataclass(slots=True)
class _Queue:
    """Those of this process who wait for one gateway."""

    waiting: deque[asyncio.Future[None]] = field(default_factory=deque)
    """Each stays in here until it was called up or refused: whoever is lost holds its job's lease for ever."""
    caller: asyncio.Task[None] | None = None
    last_turn_at: float = 0.0
    rests_until: float = 0.0
    failures: int = 0

    def over(self, caller: asyncio.Task[None]) -> None:
        """Leave nobody waiting for a caller that broke."""
        if not caller.cancelled() and (error := caller.exception()) is not None:
            self.refuse(len(self.waiting), error)

    def refuse(self, count: int, error: BaseException) -> None:
        """Tell the first of those who wait that there is no turn for them."""
        for _ in range(count):
            _refuse(self.waiting[0], error)
            self.waiting.popleft()


class Pace:
    """Hands out turns to call. They are counted in the database, for all processes ask the same gateway."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._clock = clock
        self._queues: dict[GatewayName, _Queue] = {}
        self.calls = 0

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop calling up."""
        await end_tasks(*(queue.caller for queue in self._queues.values() if queue.caller is not None))

    async def turn(self, gateway: Gateway) -> None:
        """Wait until the gateway may be called.

        Raises:
            GatewayRestsError: it is left alone.
            LeaseLostError: meanwhile the work went to somebody else.
            DatabaseUnavailableError: whose turn it is can't be known.
        """
        queue = self._queues.setdefault(gateway.name, _Queue())
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        queue.waiting.append(future)
        if queue.caller is None or queue.caller.done():
            interval_seconds = MARGIN / gateway.polling.calls_per_second_max
            queue.caller = asyncio.create_task(
                self._call_up(gateway.name, queue, interval_seconds), name=f"pace-{gateway.name}"
            )
            queue.caller.add_done_callback(queue.over)
        await future
        if (lease := LEASE.get()) is not None:
            lease.check()
        self.calls += 1

    async def answered(self, gateway: Gateway, error: GatewayError | None) -> None:
        """Leave a gateway alone that said so, or that could not be reached: as long as it said, or twice as long."""
        queue = self._queues.setdefault(gateway.name, _Queue())
        if error is None or error.kind is not GatewayErrorKind.UNAVAILABLE:
            queue.failures = 0
            return
        doubled = REST_SECONDS_FIRST * 2.0 ** min(queue.failures, _DOUBLINGS_MAX)
        seconds = error.retry_after_seconds or min(doubled, REST_SECONDS_MAX)
        if queue.rests_until <= self._clock():
            queue.failures += 1
        queue.rests_until = max(queue.rests_until, self._clock() + seconds)
        await gateway_states.rest(self._database, gateway.name, seconds)

    async def _call_up(self, gateway: GatewayName, queue: _Queue, interval_seconds: float) -> None:
        """Take turns for those who wait, and call up one after the other."""
        while count := min(len(queue.waiting), TURNS_MAX):
            asked_at = self._clock()
            try:
                wait, rest = await gateway_states.take_turns(self._database, gateway, count, interval_seconds)
            except Exception as error:  # noqa: BLE001 - told to those who wait
                queue.refuse(count, error)
                continue
            began_at = self._clock()
            queue.rests_until = max(queue.rests_until, began_at + rest if rest else 0.0)
            late_after = asked_at + wait + LATE_INTERVALS_MAX * interval_seconds
            for number in range(count):
                own_time = began_at + wait + number * interval_seconds
                await self._until(max(own_time, queue.last_turn_at + interval_seconds), queue)
                if number and self._clock() > late_after + number * interval_seconds:
                    break
                self._call_first(gateway, queue)
                queue.waiting.popleft()

    def _call_first(self, gateway: GatewayName, queue: _Queue) -> None:
        future = queue.waiting[0]
        if queue.rests_until > self._clock():
            _refuse(future, GatewayRestsError(gateway, queue.rests_until - self._clock()))
        elif not future.done():
            queue.last_turn_at = self._clock()
            future.set_result(None)

    async def _until(self, moment: float, queue: _Queue) -> None:
        """Wait for a moment, and not at all while the gateway rests: then nobody is called up."""
        # The rest may be lengthened while one sleeps, by a call that is just answered.
        while (left := moment - self._clock()) > 0 and queue.rests_until <= self._clock():  # noqa: ASYNC110
            await asyncio.sleep(left)


def _refuse(future: asyncio.Future[None], error: BaseException) -> None:
    if not future.done():
        future.set_exception(error)
