"""The worker: claims owed work as it comes due, has it done, and gives each piece back under its own lease.

A commit that owes something at once rings the bell; all else is found by looking each second. Whatever goes wrong
with one job stays with it: it is tried again, later each time, and lies dead for people to look at in the end. A
gateway or a database that is away costs no job a try.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import time
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

from app.domain.errors import DomainError
from app.domain.states import JobKind
from app.gateways import GatewayError, GatewayErrorKind
from app.reconcile import (
    LEASE,
    Again,
    Dead,
    Done,
    Failed,
    GatewayRestsError,
    Lease,
    LeaseLostError,
)
from app.settle import DatabaseUnavailableError, SettleBusyError
from app.tasks import end_tasks
from app.worker.figures import WorkerFigures
from db import jobs

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from app.domain.states import GatewayName
    from app.reconcile import Handlers, Result
    from db.jobs import ClaimedJob
    from db.pool import Database

log = logging.getLogger(__name__)

_HARMLESS: Final = (DatabaseUnavailableError, SettleBusyError, TimeoutError)
_DOUBLINGS_MAX: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerLimits:
    """What the worker holds itself to."""

    look_every_seconds: float = 1.0
    look_pause_seconds: float = 0.1
    """Between two looks at least, however often the bell rings."""
    jobs_max: int = 64
    """At work at once."""
    jobs_per_gateway_max: int = 48
    lease_seconds: float = 60.0
    attempts_max: int = 40
    """In a row without success, before a job is given up: with an hour between the later ones, more than a day."""
    backoff_first_seconds: float = 2.0
    backoff_seconds_max: float = 3600.0
    pause_seconds_first: float = 0.1
    pause_seconds_max: float = 5.0
    """Between two looks while the database is away."""
    away_seconds: float = 2.0
    """When a job is done that met a database or a queue that was not there."""
    stop_seconds_max: float = 8.0
    """How long jobs are given to end when the worker stops."""
    count_every_seconds: float = 10.0


class Worker:
    """Does the owed work of one process, until the `async with` block ends."""

    def __init__(
        self,
        *,
        database: Database,
        handlers: Handlers,
        gateways: Sequence[GatewayName],
        prepare: Callable[[], Awaitable[None]] | None = None,
        limits: WorkerLimits | None = None,
        dice: Callable[[], float] = random.random,
    ) -> None:
        """`gateways` are those set up here; the others' jobs are left. `prepare` runs before the first look."""
        self._database = database
        self._handlers = handlers
        self._gateways = gateways
        self._prepare = prepare
        self._limits = limits or WorkerLimits()
        self._dice = dice
        self._bell = asyncio.Event()
        self._stopping = False
        self._running: dict[asyncio.Task[None], ClaimedJob] = {}
        self._loop: asyncio.Task[None] | None = None
        self._count_at = 0.0
        self._sweep_at = 0.0
        self._more = False
        self.figures = WorkerFigures()

    def ring(self) -> None:
        """Have it look at once: something is due."""
        self._bell.set()

    async def __aenter__(self) -> Self:
        self._start()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Claim nothing more, let what is at work end, and give back what doesn't."""
        self._stopping = True
        self._bell.set()
        assert self._loop is not None, "it was started"  # noqa: S101 - entered before it is left
        await asyncio.wait([self._loop])
        running = list(self._running)
        if running:
            await asyncio.wait(running, timeout=self._limits.stop_seconds_max)
            # As long again for giving back.
            await end_tasks(*running, again_seconds=self._limits.stop_seconds_max)

    def _start(self) -> None:
        self._loop = asyncio.create_task(self._run(), name="worker")
        self._loop.add_done_callback(self._loop_ended)

    def _loop_ended(self, loop: asyncio.Task[None]) -> None:
        """Begin again when the loop broke where nothing was expected to: else nobody would do what is owed."""
        if not loop.cancelled() and (error := loop.exception()) is not None:
            log.error("worker.loop_broken", exc_info=error)
            asyncio.get_running_loop().call_later(self._limits.pause_seconds_max, self._start)

    async def _run(self) -> None:
        pause_seconds = self._limits.pause_seconds_first
        prepared = False
        while not self._stopping:
            self._bell.clear()
            try:
                if not prepared and self._prepare is not None:
                    await self._prepare()
                prepared = True
                await self._look()
                pause_seconds = self._limits.pause_seconds_first
            except Exception as error:
                # The boundary of the loop, which outlives whatever happens to one look.
                expected = isinstance(error, _HARMLESS)
                log.log(
                    logging.WARNING if expected else logging.ERROR,
                    "worker.interrupted",
                    exc_info=None if expected else error,
                    extra={"error": repr(error)},
                )
                await asyncio.sleep(pause_seconds)
                pause_seconds = min(pause_seconds * 2, self._limits.pause_seconds_max)
                continue
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._limits.look_every_seconds):
                    await self._bell.wait()
                await asyncio.sleep(self._limits.look_pause_seconds)

    async def _look(self) -> None:
        """Clear away what came to its end by itself, and begin what there is room for."""
        if time.monotonic() >= self._sweep_at:
            self._sweep_at = time.monotonic() + self._limits.look_every_seconds
            cleared = jobs.SWEEP_MAX
            while cleared >= jobs.SWEEP_MAX:
                cleared = await jobs.sweep(self._database, self._gateways)
                self.figures.swept += cleared
        if time.monotonic() >= self._count_at:
            self.figures.counts = await jobs.count(self._database)
            self._count_at = time.monotonic() + self._limits.count_every_seconds
        rooms, other_room = self._rooms()
        self._more = True  # unless there turns out to be room for all that is due
        if not rooms and not other_room:
            return
        asked_at = time.monotonic()
        claimed = await jobs.claim(self._database, rooms, other_room, self._limits.lease_seconds)
        for job in claimed:
            self._begin(job, asked_at)
        self._more = len(claimed) >= min([*rooms.values(), other_room or 1])
        if self._more:
            self._bell.set()

    def _rooms(self) -> tuple[dict[GatewayName, int], int]:
        """Return how many jobs of each gateway may be begun, and of none; no gateway takes the others' room."""
        free = self._limits.jobs_max - len(self._running)
        busy = Counter(job.gateway for job in self._running.values())
        share = max(free // (len(self._gateways) + 1), 1 if free > 0 else 0)
        rooms = {
            gateway: min(self._limits.jobs_per_gateway_max - busy[gateway], share)
            for gateway in self._gateways
        }
        return {gateway: room for gateway, room in rooms.items() if room > 0}, share

    def _begin(self, job: ClaimedJob, claimed_at: float) -> None:
        task = asyncio.create_task(self._work(job, claimed_at), name=f"job-{job.kind}")
        self._running[task] = job
        self.figures.at_work = len(self._running)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        del self._running[task]
        self.figures.at_work = len(self._running)
        if self._more:
            self._bell.set()
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("worker.broken", exc_info=error)

    async def _work(self, job: ClaimedJob, claimed_at: float) -> None:
        lease = Lease(self._limits.lease_seconds)
        lease.renew(claimed_at, self._limits.lease_seconds)
        LEASE.set(lease)
        work = asyncio.current_task()
        assert work is not None, "a job is done in a task of its own"  # noqa: S101 - that of `_begin`
        renewal = asyncio.create_task(self._hold_on(job, lease, work), name="lease")
        kept, outcome = await self._do(job)
        renewal.cancel()
        self.figures.ended[outcome if kept else "lost"] += 1
        log.log(
            logging.DEBUG if outcome in ("done", "again") and kept else logging.WARNING,
            "job.ended" if kept else "job.lease_lost",
            extra={
                "job": str(job.id),
                "kind": job.kind,
                "subject": str(job.subject_id),
                "outcome": outcome,
                "attempts": job.attempts,
            },
        )

    async def _hold_on(self, job: ClaimedJob, lease: Lease, work: asyncio.Task[None]) -> None:
        """Extend the lease for as long as the work takes. Without the database it runs out, and the work stops.

        It looks to the work itself: whatever that breaks with, nobody goes on to hold a job that nobody does.
        """
        seconds = self._limits.lease_seconds
        while not (await asyncio.wait([work], timeout=seconds / 3))[0]:
            asked_at = time.monotonic()
            with contextlib.suppress(*_HARMLESS):
                if not await jobs.extend(self._database, job, seconds):
                    return
                lease.renew(asked_at, seconds)

    async def _do(self, job: ClaimedJob) -> tuple[bool, str]:
        """Do a job and give it back; return whether it was still ours, and what it came to."""
        if job.attempts > self._attempts_max(job.kind):
            # Nobody who began it lived to say what was wrong.
            reason = f"It was begun {job.attempts - 1} times and never ended."
            return await self._give_back(lambda: jobs.die(self._database, job, reason)), "died"
        try:
            result = await self._handlers[job.kind](job)
        except LeaseLostError:
            return False, "lost"
        except GatewayRestsError as error:
            return await self._put_back(job, error.seconds, error)
        except _HARMLESS as error:
            return await self._put_back(job, self._limits.away_seconds, error)
        except GatewayError as error:
            if error.kind is GatewayErrorKind.UNAVAILABLE:
                wait_seconds = error.retry_after_seconds or self._limits.away_seconds
                return await self._put_back(job, wait_seconds, error)
            result = Failed(f"{error.kind}: {error.message}")
        except DomainError as error:
            result = Failed(error.message)
        except asyncio.CancelledError:
            await self._put_back(job, 0.0, InterruptedError("The worker stopped."))
            raise
        except Exception as error:
            # The boundary of one job: it is kept, with its reason, and the others go on.
            log.exception("job.broken", extra={"job": str(job.id), "kind": job.kind})
            result = Failed(f"{type(error).__name__}: {error}")
        return await self._conclude(job, result)

    async def _conclude(self, job: ClaimedJob, result: Result) -> tuple[bool, str]:
        database = self._database
        match result:
            case Done():
                return await self._give_back(lambda: jobs.finish(database, job)), "done"
            case Again(after_seconds):
                return await self._give_back(lambda: jobs.reschedule(database, job, after_seconds)), "again"
            case Failed(reason, least) if job.attempts < self._attempts_max(job.kind):
                wait_seconds = max(self._backoff_seconds(job.attempts), least)
                return await self._give_back(lambda: jobs.fail(database, job, wait_seconds, reason)), "failed"
            case Failed(reason) | Dead(reason):
                log.error("job.died", extra={"job": str(job.id), "kind": job.kind, "reason": reason})
                return await self._give_back(lambda: jobs.die(database, job, reason)), "died"

    def _attempts_max(self, kind: JobKind) -> int:
        """Return how often a job may fail; a delivery that waits for its payment goes by time instead."""
        return self._limits.attempts_max * (4 if kind is JobKind.INBOX_REPLAY else 1)

    def _backoff_seconds(self, attempts: int) -> float:
        """Return a wait that doubles from try to try, with full jitter: those that failed together don't come together.

        Source: "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
        """
        longest = self._limits.backoff_first_seconds * 2.0 ** min(attempts - 1, _DOUBLINGS_MAX)
        return min(longest, self._limits.backoff_seconds_max) * self._dice()

    async def _put_back(self, job: ClaimedJob, seconds: float, error: Exception) -> tuple[bool, str]:
        return await self._give_back(
            lambda: jobs.put_back(self._database, job, seconds, str(error))
        ), "put_back"

    async def _give_back(self, give: Callable[[], Awaitable[bool]]) -> bool:
        """Write what a job came to, over outages of the database; past the lease somebody else sees to it."""
        pause_seconds = self._limits.pause_seconds_first
        ends_at = time.monotonic() + self._limits.lease_seconds
        while True:
            try:
                return await give()
            except _HARMLESS:
                if self._stopping or time.monotonic() >= ends_at:
                    return False
                await asyncio.sleep(pause_seconds)
                pause_seconds = min(pause_seconds * 2, self._limits.pause_seconds_max)
