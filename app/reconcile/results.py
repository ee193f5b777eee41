"""What a piece of owed work comes to, and the hold that a worker has on it meanwhile."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Final

from app.domain.states import JobKind
from db.jobs import ClaimedJob


@dataclass(frozen=True, slots=True)
class Done:
    """Nothing is left to do."""


@dataclass(frozen=True, slots=True)
class Again:
    """It went well, and there will be more to do."""

    after_seconds: float


@dataclass(frozen=True, slots=True)
class Failed:
    """It did not come to its end; it is tried again, later each time, until it has been tried too often."""

    reason: str
    after_seconds_min: float = 0.0


@dataclass(frozen=True, slots=True)
class Dead:
    """Trying again would not help: a person has to look."""

    reason: str


Result = Done | Again | Failed | Dead


class LeaseLostError(Exception):
    """The lease has run out, so that somebody else may be at the same work: nothing more may be done for it."""


class Lease:
    """How long a job is ours, by a clock that goes on while the process is stopped."""

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._ends_at = clock() + seconds

    def renew(self, asked_at: float, seconds: float) -> None:
        """Take note that the lease was extended by a statement begun at `asked_at`."""
        self._ends_at = asked_at + seconds

    def check(self) -> None:
        """Go on only while it holds.

        Raises:
            LeaseLostError: it has run out.
        """
        if self._clock() >= self._ends_at:
            raise LeaseLostError("The lease ran out before the work was done.")


LEASE: Final[ContextVar[Lease | None]] = ContextVar("lease", default=None)
"""The lease under which the present task works: each call to a gateway looks at it first."""
Handler = Callable[[ClaimedJob], Awaitable[Result]]
Handlers = Mapping[JobKind, Handler]
