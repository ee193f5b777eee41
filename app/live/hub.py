"""The hub: hands every reader of this process its orders' changes, from commits here and from reads of the others'."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from typing import TYPE_CHECKING, Final, Self

from app.live.bells import Bell, BellRinger
from app.live.contract import (
    CursorAheadError,
    HubFullError,
    HubStoppedError,
    LiveLimits,
    LogGapError,
    OrderUnknownError,
)
from app.live.heartbeat import Heartbeat
from app.live.loops import keep_running
from app.live.pages import LogPages
from app.live.reads import BatchedReads
from app.live.watch import Watch
from app.tasks import end_tasks, together

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Iterable, Iterator, Sequence
    from uuid import UUID

    from app.domain.events import OrderEvent
    from app.domain.order import OrderChange, OrderSnapshot
    from app.live.contract import OrderReader

log = logging.getLogger(__name__)

_NO_LIMITS_GIVEN: Final = LiveLimits()
_SUPERVISOR_SECONDS: Final = 5.0
"""How long it may take to end the loops, each of which may have to be told again."""


class LiveHub:
    """The subscriptions of one process. Everything in it runs on one event loop.

    A reader holds a position and nothing else: what it is handed next is looked up in what all readers of its order
    share, or read from the log when it is further behind. A reader that stalls therefore costs the same as one that
    doesn't, and delays nobody.
    """

    def __init__(
        self,
        reader: OrderReader,
        *,
        heartbeat_seconds: float = 1.6,
        limits: LiveLimits = _NO_LIMITS_GIVEN,
        on_delivered: Callable[[float], None] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Describe the hub; readers may come at once, but are served from `start` on.

        Args:
            reader: Where orders and events are read.
            heartbeat_seconds: How often the versions of all watched orders are compared with the database's: how
                late a change of another process is at worst when every hint of it is lost.
            limits: What bounds memory and reads.
            on_delivered: Is told the seconds from a commit of this process to each reader that was handed it.
            clock: Seconds that never go back.
        """
        self._reader = reader
        self._limits = limits
        self._on_delivered = on_delivered
        self._clock = clock
        self._watches: dict[UUID, Watch] = {}
        self._watchers = 0
        self._ringer = BellRinger(limits.wake_slice)
        self._pages = LogPages(reader, limits)
        self._refreshes = BatchedReads[Watch, tuple["OrderSnapshot | None", "list[OrderEvent]"]](
            self._read, self._found, name="snapshots", batch_max=limits.snapshot_orders, limits=limits
        )
        self._heartbeat = Heartbeat(
            reader,
            watched=lambda: list(self._watches),
            heard=self.heard,
            seconds=heartbeat_seconds,
            limits=limits,
        )
        self._supervisor: asyncio.Task[None] | None = None
        self._stopped = False

    @property
    def watchers(self) -> int:
        """How many readers there are."""
        return self._watchers

    @property
    def orders_watched(self) -> int:
        """How many orders have readers."""
        return len(self._watches)

    @property
    def catch_up_reads(self) -> int:
        """How many reads of the log were needed for readers that were behind."""
        return self._pages.reads

    async def __aenter__(self) -> Self:
        self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    def start(self) -> None:
        """Begin to serve."""
        loops = {"snapshots": self._refreshes.run, "pages": self._pages.run, "heartbeat": self._heartbeat.run}
        self._supervisor = self._supervisor or asyncio.create_task(keep_running(loops), name="live-hub")

    async def stop(self) -> None:
        """Stop serving. Every reader's next step raises HubStoppedError, so that nobody takes it for the end."""
        self._stopped = True
        if self._supervisor is not None:
            await end_tasks(self._supervisor, again_seconds=_SUPERVISOR_SECONDS)
        self._pages.stop()
        for watch in self._watches.values():
            self._ringer.ring(watch.changed)
            self._ringer.ring(watch.read)

    async def orders(self, order_id: UUID) -> AsyncGenerator[OrderSnapshot, None]:
        """Yield the order as it is now, and again after every committed change; a slow reader skips to the newest.

        Versions rise strictly. The first snapshot is at least as new as the database was at the first step.

        Raises:
            OrderUnknownError: There is no such order (at the first step).
            HubFullError: The process has as many readers as it may have (at the first step).
            HubStoppedError: The hub is stopped.
        """
        with self._watching(order_id) as watch:
            snapshot = await self.arrive(watch)
            joined = seen = snapshot.order.version
            yield snapshot
            while True:
                newest = watch.snapshot
                if newest is None or newest.order.version <= seen:
                    await self._wait(watch.changed)
                    continue
                seen = newest.order.version
                self._observe(watch, seen, joined)
                yield newest

    async def events(
        self, order_id: UUID, after: int | None = None
    ) -> AsyncGenerator[tuple[OrderEvent, OrderSnapshot], None]:
        """Yield every event of the order once, in order, each with the order as it is now.

        After a version: all that followed it, from the log, then live. Without one: all that this process commits
        after the first step, and what others commit after the first read; a little of what they committed before
        may come, too. The snapshot is never older than the event.

        Raises:
            OrderUnknownError: There is no such order (at the first step).
            CursorAheadError: The order has not come as far as `after` (at the first step).
            LogGapError: The log no longer has what followed the position.
            HubFullError: The process has as many readers as it may have (at the first step).
            HubStoppedError: The hub is stopped.
        """
        with self._watching(order_id) as watch, _counted_for_events(watch):
            position = await self.arrive_for_events(watch, after)
            joined = watch.version
            while True:
                if position >= watch.version:
                    await self._wait(watch.changed)
                    continue
                event = watch.event_after(position)
                for next_event in await self.page(order_id, position) if event is None else (event,):
                    snapshot = await self._as_new_as(watch, next_event.version)
                    position = next_event.version
                    self._observe(watch, position, joined)
                    yield next_event, snapshot

    def publish(self, changes: Iterable[OrderChange]) -> None:
        """Hand out what this process has just committed, without a read. Never raises."""
        committed_at = self._clock()
        for change in changes:
            watch = self._watches.get(change.order.id)
            if watch is None:
                continue
            try:
                if watch.apply(change, committed_at):
                    self._ringer.ring(watch.changed)
            # The boundary to settle: the commit stands, whatever goes wrong in telling of it.
            except Exception:
                log.exception("live.publish_failed", extra={"order_id": str(change.order.id)})
                self._refreshes.ask(watch)

    def heard(self, hints: Iterable[tuple[UUID, int]]) -> None:
        """Read the watched orders among these that are behind the version committed by another process."""
        for order_id, version in hints:
            watch = self._watches.get(order_id)
            if watch is not None and version > watch.version:
                self._refreshes.ask(watch)

    def resync(self) -> None:
        """Find out now, rather than at the next heartbeat, which orders changed unheard of; all of them may have."""
        self._heartbeat.beat_now()

    @property
    def is_stopped(self) -> bool:
        """Whether nobody is served any more."""
        return self._stopped

    def enter(self, order_id: UUID) -> Watch:
        """Take a reader of an order in, who looks after his position himself: after `arrive`, at every change.

        Whoever enters leaves.

        Raises:
            HubFullError: The process has as many readers as it may have.
            HubStoppedError: The hub is stopped.
        """
        if self._stopped:
            raise HubStoppedError
        if self._watchers >= self._limits.watchers_max:
            raise HubFullError(f"{self._watchers} readers")
        watch = self._watches.get(order_id)
        if watch is None:
            watch = self._watches[order_id] = Watch(order_id, self._limits.ring_events)
        self._watchers += 1
        watch.readers += 1
        return watch

    def leave(self, watch: Watch) -> None:
        """Let a reader go."""
        self._watchers -= 1
        watch.readers -= 1
        if watch.readers == 0:
            del self._watches[watch.order_id]
            self._refreshes.forget(watch)

    @contextlib.contextmanager
    def _watching(self, order_id: UUID) -> Iterator[Watch]:
        watch = self.enter(order_id)
        try:
            yield watch
        finally:
            self.leave(watch)

    async def arrive(self, watch: Watch) -> OrderSnapshot:
        """Wait for a read of the order that began after we watch it: between the two nothing can be missed.

        Raises:
            OrderUnknownError: There is no such order.
            HubStoppedError: The hub is stopped.
        """
        ours = watch.reads_begun + 1
        self._refreshes.ask(watch)
        while watch.reads_done < ours:
            await self._wait(watch.read)
        if watch.snapshot is None:
            raise OrderUnknownError(str(watch.order_id))
        return watch.snapshot

    async def arrive_for_events(self, watch: Watch, after: int | None) -> int:
        """Arrive, and return the version that the first event follows.

        Raises:
            CursorAheadError: The order has not come as far as `after`.
            OrderUnknownError: There is no such order.
            HubStoppedError: The hub is stopped.
        """
        known = watch.version
        joined = (await self.arrive(watch)).order.version
        position = (known or watch.first_version or 0) if after is None else after
        if position > joined:
            raise CursorAheadError(f"{watch.order_id} is at version {joined}, the cursor at {position}")
        return position

    async def _wait(self, bell: Bell) -> None:
        if not self._stopped:
            await bell.wait()
        if self._stopped:
            raise HubStoppedError

    async def page(self, order_id: UUID, position: int) -> list[OrderEvent]:
        """Return the first events after a position, from the log.

        Raises:
            LogGapError: The log no longer has what followed the position.
            HubStoppedError: The hub is stopped.
        """
        if self._stopped:
            raise HubStoppedError
        page = await self._pages.after(order_id, position)
        versions = [event.version for event in page]
        if not page or versions != list(range(position + 1, position + 1 + len(page))):
            raise LogGapError(f"{order_id}: nothing or {versions[:3]} follows version {position}")
        return page

    async def _as_new_as(self, watch: Watch, version: int) -> OrderSnapshot:
        while watch.snapshot is None or watch.version < version:  # the log was read after the order
            self._refreshes.ask(watch)
            await self._wait(watch.changed)
        return watch.snapshot

    def _observe(self, watch: Watch, version: int, joined: int) -> None:
        told = self._on_delivered
        if told and watch.committed_at is not None and version == watch.version and version > joined:
            told(self._clock() - watch.committed_at)

    async def _read(
        self, watches: Sequence[Watch]
    ) -> dict[Watch, tuple[OrderSnapshot | None, list[OrderEvent]]]:
        after = {}
        for watch in watches:
            watch.reads_begun += 1
            if watch.event_readers and watch.version:
                after[watch.order_id] = watch.version
        order_ids = [watch.order_id for watch in watches]
        events: dict[UUID, list[OrderEvent]] = {}
        if after:
            snapshots, events = await together(
                self._reader.snapshots(order_ids), self._reader.events(after, self._limits.ring_events)
            )
        else:
            snapshots = await self._reader.snapshots(order_ids)
        return {watch: (snapshots.get(watch.order_id), events.get(watch.order_id, [])) for watch in watches}

    def _found(self, watch: Watch, found: tuple[OrderSnapshot | None, list[OrderEvent]]) -> None:
        snapshot, events = found
        if snapshot is None and watch.unread is not None:
            watch.unread = None  # it was created while the read ran
            self._refreshes.ask(watch)
            return
        if snapshot is None:
            watch.reads_done = watch.reads_begun
        elif watch.refresh(snapshot, events):
            self._ringer.ring(watch.changed)
        self._ringer.ring(watch.read)


@contextlib.contextmanager
def _counted_for_events(watch: Watch) -> Iterator[None]:
    watch.event_readers += 1
    try:
        yield
    finally:
        watch.event_readers -= 1
