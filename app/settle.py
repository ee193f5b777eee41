"""The place where facts change orders: whatever waits while the last commit runs goes out as the next batch.

A batch is one transaction of a fixed number of statements. A delivery that breaks its batch is found by halving and
kept as FAILED with its reason, while the rest commits. When the outcome of a commit is unknown, the batch is simply
submitted again: facts are a set, and every command knows when it was done before.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Self

from app.batch import Command, Outcome, Submission, Webhook, settle_batch
from app.domain.errors import DomainError
from db.pool import DatabaseUnavailableError, connect, is_retryable, is_unavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from uuid import UUID

    from app.domain.order import OrderChange
    from db.pool import Connection

_KEYED: Final = {"enable_seqscan": "off", "enable_hashjoin": "off", "enable_mergejoin": "off"}
"""Every row that settle reads or writes is found by a key. A plan made while a table was small must not read it whole
once it is large."""

__all__ = [
    "Command",
    "DatabaseUnavailableError",
    "Outcome",
    "SettleBusyError",
    "Settler",
    "SettlerLimits",
    "Webhook",
]

log = logging.getLogger(__name__)


class SettleBusyError(Exception):
    """The queue is full or the database stays away: nothing was stored, the sender must come again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SettlerLimits:
    """What settle holds itself to."""

    lanes: int = 2
    """Connections that commit side by side; two keep the disk busy while one of them decides."""
    batch_max: int = 64
    queue_max: int = 4096
    retry_for_seconds: float = 4.0
    """How long a submission may wait for a database that is away before its sender is told: below the 5 s after
    which some gateways give up by themselves."""
    pause_min_seconds: float = 0.02
    pause_max_seconds: float = 0.5


@dataclass(slots=True)
class _Waiting:
    submission: Submission
    future: asyncio.Future[Outcome]
    deadline: float
    in_doubt: bool = False
    """Whether an earlier try may have committed."""


@dataclass(slots=True)
class _Lane:
    """One connection that commits, and what it is at work on."""

    number: int
    pause: float
    """In seconds, before the next try after an interruption."""
    task: asyncio.Task[None] | None = None
    connection: Connection | None = None
    batch: list[_Waiting] = field(default_factory=list)


@dataclass(slots=True)
class SettlerFigures:
    """Running totals, for the metrics."""

    batches: int = 0
    settled: int = 0
    retried: int = 0
    failed: int = 0
    largest_batch: int = 0
    waiting: Callable[[], int] = field(default=lambda: 0)


class Settler:
    """Takes submissions from everywhere in this process and commits them in batches."""

    def __init__(
        self,
        dsn: str,
        *,
        on_commit: Callable[[Sequence[OrderChange]], None],
        on_doubt: Callable[[Sequence[tuple[UUID, int]]], None],
        on_owed: Callable[[], None] = lambda: None,
        limits: SettlerLimits | None = None,
    ) -> None:
        """`on_commit` gets the committed changes; `on_doubt` orders and versions of which a change may be untold.

        `on_owed` is called when a commit left work that is due at once.
        """
        self._dsn = dsn
        self._on_commit = on_commit
        self._on_doubt = on_doubt
        self._on_owed = on_owed
        self._limits = limits or SettlerLimits()
        self._queue: deque[_Waiting] = deque()
        self._arrived = asyncio.Event()
        self._lanes = [
            _Lane(number, pause=self._limits.pause_min_seconds) for number in range(self._limits.lanes)
        ]
        self._stopping = False
        self.figures = SettlerFigures(waiting=lambda: len(self._queue))

    async def __aenter__(self) -> Self:
        for lane in self._lanes:
            self._start(lane)
        return self

    async def __aexit__(self, *_: object) -> None:
        """Settle what is queued, then stop."""
        self._stopping = True
        self._arrived.set()
        while running := [lane.task for lane in self._lanes if lane.task and not lane.task.done()]:
            await asyncio.wait(running)

    async def submit(self, submission: Submission) -> Outcome:
        """Settle one webhook or command, and return once it is committed.

        Raises:
            DomainError: the command was refused; nothing was written.
            SettleBusyError: nothing was stored; come again.
        """
        if self._stopping or len(self._queue) >= self._limits.queue_max:
            raise SettleBusyError("The server is busy. Send it again.")
        future: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._queue.append(_Waiting(submission, future, time.monotonic() + self._limits.retry_for_seconds))
        self._arrived.set()
        return await future

    def _start(self, lane: _Lane) -> None:
        lane.task = asyncio.create_task(self._run_lane(lane), name=f"settle-{lane.number}")
        lane.task.add_done_callback(lambda task: self._lane_ended(lane, task))

    def _lane_ended(self, lane: _Lane, task: asyncio.Task[None]) -> None:
        """Begin again with what the lane had at hand when it broke: half of settle would stand still."""
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("settle.lane_broken", exc_info=error)
            self._start(lane)

    async def _run_lane(self, lane: _Lane) -> None:
        """Settle batch after batch until settle stops. What was interrupted stays with its lane, and is tried again."""
        while lane.batch or self._queue or not self._stopping:
            try:
                await self._settle_next(lane)
            except Exception as error:  # noqa: BLE001 - whatever happens to one batch
                self._interrupted(lane, error)
                await asyncio.sleep(lane.pause)
                lane.pause = min(lane.pause * 2, self._limits.pause_max_seconds)
        if lane.connection is not None:
            await lane.connection.close()

    async def _settle_next(self, lane: _Lane) -> None:
        while not (lane.batch or self._queue):
            if self._stopping:
                return
            self._arrived.clear()
            await self._arrived.wait()
        while self._queue and len(lane.batch) < self._limits.batch_max:
            lane.batch.append(self._queue.popleft())
        if lane.connection is None or lane.connection.is_closed():
            lane.connection = await connect(
                self._dsn,
                application_name=f"orderpulse-settle-{lane.number}",
                plan_cache_mode="force_generic_plan",
                **_KEYED,
            )
        await self._settle(lane.connection, lane.batch)
        lane.batch.clear()
        lane.pause = self._limits.pause_min_seconds

    async def _settle(self, connection: Connection, batch: list[_Waiting]) -> None:
        """Settle a batch, halving it until what breaks it stands alone."""
        try:
            outcomes = await settle_batch(connection, [waiting.submission for waiting in batch])
        except Exception as error:
            if is_unavailable(error) or is_retryable(error):
                raise
            await self._halve(connection, batch, error)
            return
        self._answer(batch, outcomes)

    async def _halve(self, connection: Connection, batch: list[_Waiting], error: Exception) -> None:
        if len(batch) > 1:
            middle = len(batch) // 2
            await self._settle(connection, batch[:middle])
            await self._settle(connection, batch[middle:])
            return
        (waiting,) = batch
        submission = waiting.submission
        self.figures.failed += 1
        log.error("settle.poison", exc_info=error, extra={"submission": submission.label})
        if isinstance(submission, Webhook) and submission.error is None:
            waiting.submission = submission.failed(error)
            await self._settle(connection, batch)
        elif not waiting.future.done():
            waiting.future.set_exception(error)

    def _answer(self, batch: list[_Waiting], outcomes: list[Outcome | DomainError]) -> None:
        """Tell the senders, then the subscribers: the bytes of the answers are on their way first."""
        self.figures.batches += 1
        self.figures.settled += len(batch)
        self.figures.largest_batch = max(self.figures.largest_batch, len(batch))
        changes = []
        doubtful = []
        for waiting, outcome in zip(batch, outcomes, strict=True):
            if isinstance(outcome, DomainError):
                if not waiting.future.done():
                    waiting.future.set_exception(outcome)
                continue
            if not waiting.future.done():
                waiting.future.set_result(outcome)
            if outcome.change is not None:
                changes.append(outcome.change)
            elif waiting.in_doubt and outcome.record is not None:
                doubtful.append((outcome.record.order.id, outcome.record.order.version))
        if changes:
            self._on_commit(changes)
        if doubtful:
            self._on_doubt(doubtful)
        if any(isinstance(outcome, Outcome) and outcome.owes for outcome in outcomes):
            self._on_owed()

    def _interrupted(self, lane: _Lane, error: Exception) -> None:
        """Drop the connection, and keep what is not answered yet for the next try; give up what waited too long."""
        connection, lane.connection = lane.connection, None
        if connection is not None:
            connection.terminate()
        expected = is_unavailable(error) or is_retryable(error) or isinstance(error, DatabaseUnavailableError)
        log.log(
            logging.WARNING if expected else logging.ERROR,
            "settle.interrupted",
            exc_info=None if expected else error,
            extra={"size": len(lane.batch), "error": repr(error)},
        )
        now = time.monotonic()
        self.figures.retried += len(lane.batch)
        for waiting in lane.batch:
            waiting.in_doubt = True
            if now >= waiting.deadline and not waiting.future.done():
                waiting.future.set_exception(SettleBusyError("The database does not answer. Send it again."))
        lane.batch = [waiting for waiting in lane.batch if not waiting.future.done()]
