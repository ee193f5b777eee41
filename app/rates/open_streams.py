"""How many event streams are open at once: each holds a connection, and what it watches, for as long as it likes."""

from __future__ import annotations

import contextlib
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from app.rates.rates import STAFF_FACTOR, RateLimitedError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from app.auth import Caller

RETRY_SECONDS: Final = 5
"""When somebody who has too many may try again: one of them may be over by then."""


class StreamsFullError(Exception):
    """This process has as many event streams as it may have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamLimits:
    """How many may be open. Keys of staff and services may have ten times as many as a caller."""

    per_caller: int = 20
    per_address: int = 1_000
    altogether: int = 10_000


_NO_LIMITS_GIVEN: Final = StreamLimits()


class OpenStreams:
    """The event streams of this process."""

    def __init__(self, limits: StreamLimits = _NO_LIMITS_GIVEN) -> None:
        self._limits = limits
        self._open: Counter[str] = Counter()
        self.number = 0
        self.refused = 0
        """How often somebody was turned away."""

    @contextlib.contextmanager
    def one(self, caller: Caller, address: str) -> Iterator[None]:
        """Count a stream while the block lasts.

        Raises:
            RateLimitedError: the caller, or the address, has as many as it may have.
            StreamsFullError: the process has.
        """
        if self.number >= self._limits.altogether:
            self.refused += 1
            raise StreamsFullError
        limits = dict(self._due(caller, address))
        if any(self._open[who] >= most for who, most in limits.items()):
            self.refused += 1
            raise RateLimitedError(RETRY_SECONDS)
        self.number += 1
        self._open.update(limits.keys())
        try:
            yield
        finally:
            self.number -= 1
            self._open.subtract(limits.keys())
            for who in limits:
                if not self._open[who]:
                    del self._open[who]

    def _due(self, caller: Caller, address: str) -> Iterator[tuple[str, int]]:
        if caller.scopes:
            yield f"caller {caller.subject}", self._limits.per_caller * STAFF_FACTOR
            return
        known = caller.order_id is not None or caller.customer_id is not None
        yield f"caller {caller.subject if known else address}", self._limits.per_caller
        yield f"address {address}", self._limits.per_address
