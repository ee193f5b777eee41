"""Counting what callers ask for, in Redis where there is one, else in this process."""

from __future__ import annotations

import asyncio
import logging
import math
import time
from typing import TYPE_CHECKING, Final, cast

from limits import RateLimitItemPerMinute
from limits.aio.strategies import SlidingWindowCounterRateLimiter
from limits.errors import StorageError

from app.rates.counters import Counters
from app.rates.shared import SHARED_SECONDS_MAX

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from limits.aio.storage import SlidingWindowCounterSupport

    from app.auth import Caller
    from app.rates.allowances import Allowances
    from app.rates.shared import SharedCounts

log = logging.getLogger(__name__)

AWAY_SECONDS: Final = 5.0
"""How long Redis is left alone after it did not answer."""
MANY_VIEWERS: Final = 5
"""How many guests and customers behind one address may ask for all that one of them may."""
STAFF_FACTOR: Final = 10
_NO_MUTATIONS: Final[Mapping[str, int]] = {}


class RateLimitedError(Exception):
    """A caller asks for more than is allowed in a minute."""

    def __init__(self, retry_after_seconds: int) -> None:
        super().__init__(f"Too much was asked for at once. Try again in {retry_after_seconds} s.")
        self.retry_after_seconds = retry_after_seconds


class Unlimited:
    """Counts nothing."""

    refused = 0

    async def request(self, address: str) -> None:
        """Let it pass."""

    async def spend(
        self, caller: Caller, address: str, *, values: int, mutations: Mapping[str, int] = _NO_MUTATIONS
    ) -> None:
        """Let it pass."""

    async def aclose(self) -> None:
        """Leave nothing."""


class Rates:
    """Counts requests by address, and operations by caller, against what is allowed.

    When Redis is away, this process counts for itself: nobody is refused because of it.
    """

    def __init__(
        self,
        allowances: Allowances,
        *,
        shared: SharedCounts | None = None,
        counters: Counters | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._requests = RateLimitItemPerMinute(allowances.requests)
        self._values = RateLimitItemPerMinute(allowances.values)
        self._values_of_many = RateLimitItemPerMinute(allowances.values * MANY_VIEWERS)
        self._values_of_staff = RateLimitItemPerMinute(allowances.values * STAFF_FACTOR)
        self._by_mutation = {
            "orderCreate": ("orders", RateLimitItemPerMinute(allowances.orders)),
            "paymentCreate": ("payments", RateLimitItemPerMinute(allowances.payments)),
        }
        self._own = SlidingWindowCounterRateLimiter(Counters() if counters is None else counters)
        self._shared = shared
        self._clock = clock
        self._away_until = 0.0
        self.refused = 0
        """How often somebody was told to wait."""

    async def request(self, address: str) -> None:
        """Count a request, or a websocket that is opened.

        Raises:
            RateLimitedError: there were too many from this address.
        """
        await self._take(self._requests, "requests", address, 1)

    async def spend(
        self, caller: Caller, address: str, *, values: int, mutations: Mapping[str, int] = _NO_MUTATIONS
    ) -> None:
        """Count an operation by what it asks for, and by what a mutation does.

        Raises:
            RateLimitedError: it is more than the caller may ask for.
        """
        for item, kind, who, amount in self._due(caller, address, values, mutations):
            await self._take(item, kind, who, amount)

    def _due(
        self, caller: Caller, address: str, values: int, mutations: Mapping[str, int]
    ) -> Iterator[tuple[RateLimitItemPerMinute, str, str, int]]:
        if caller.scopes:
            yield self._values_of_staff, "values", caller.subject, values
            return
        known = caller.order_id is not None or caller.customer_id is not None
        if known:
            yield self._values, "values", caller.subject, values
            yield self._values_of_many, "values", f"all {address}", values
        else:
            yield self._values, "values", address, values
        who = caller.subject if caller.customer_id is not None else address
        for name, times in mutations.items():
            if name in self._by_mutation:
                kind, item = self._by_mutation[name]
                yield item, kind, who, times

    async def _take(self, item: RateLimitItemPerMinute, kind: str, who: str, amount: int) -> None:
        amount = min(amount, item.amount)  # one alone is never too much: the document's own limits bound it
        if self._shared is not None and self._clock() >= self._away_until:
            try:
                async with asyncio.timeout(SHARED_SECONDS_MAX):
                    wait = await _hit(self._shared.limiter, item, kind, who, amount)
            except (StorageError, OSError, TimeoutError) as error:
                self._away_until = self._clock() + AWAY_SECONDS
                log.warning("rates.counted_alone", extra={"reason": type(error).__name__})
                wait = await _hit(self._own, item, kind, who, amount)
        else:
            wait = await _hit(self._own, item, kind, who, amount)
        if wait:
            self.refused += 1
            raise RateLimitedError(wait)

    async def aclose(self) -> None:
        """Leave the shared counts."""
        if self._shared is not None:
            await self._shared.aclose()


async def _hit(
    limiter: SlidingWindowCounterRateLimiter,
    item: RateLimitItemPerMinute,
    kind: str,
    who: str,
    amount: int,
) -> int:
    """Count; return in how many seconds the caller may come again, zero when it is counted."""
    if await limiter.hit(item, kind, who, cost=amount):
        return 0
    return await _wait(limiter, item, kind, who, amount)


async def _wait(
    limiter: SlidingWindowCounterRateLimiter,
    item: RateLimitItemPerMinute,
    kind: str,
    who: str,
    amount: int,
) -> int:
    """Return in how many seconds the amount will be free, if nothing else is asked for meanwhile."""
    window = item.get_expiry()
    storage = cast("SlidingWindowCounterSupport", limiter.storage)
    before, before_left, count, count_left = await storage.get_sliding_window(item.key_for(kind, who), window)
    room = item.amount - amount
    if count <= room and before:
        return math.ceil(max(1.0, before_left - (room - count) * window / before))
    # The present window has to become the last one, and then to slide out as far as there is need.
    return math.ceil(count_left - window * min(1.0, room / count)) if count else 1
