"""What the hub knows of one order that somebody watches. No waiting and no I/O in here."""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from typing import TYPE_CHECKING

from app.live.bells import Bell

if TYPE_CHECKING:
    from collections.abc import Iterable
    from uuid import UUID

    from app.domain.events import OrderEvent
    from app.domain.order import OrderChange, OrderSnapshot


class Watch:
    """One order, for as long as it has readers: its newest snapshot, and a ring of its last events.

    The ring is shared by all readers and has no gap inside; whoever needs an event that is not in it reads the log.
    """

    __slots__ = (
        "changed",
        "committed_at",
        "event_readers",
        "first_version",
        "order_id",
        "read",
        "readers",
        "reads_begun",
        "reads_done",
        "ring",
        "ring_events",
        "snapshot",
        "unread",
    )

    def __init__(self, order_id: UUID, ring_events: int) -> None:
        self.order_id = order_id
        self.snapshot: OrderSnapshot | None = None
        self.ring_events = ring_events
        self.ring: deque[OrderEvent] | None = None
        """None while nobody reads events: an empty ring is as large as all the rest."""
        self.committed_at: float | None = None
        """When this process committed the snapshot's version; None when another one did."""
        self.unread: OrderChange | None = None
        """The newest change of this process while the lines have not been read yet."""
        self.first_version: int | None = None
        """The lowest version known since the watch began: nothing that was committed here since is below it."""
        self.changed = Bell()
        self.read = Bell()
        self.readers = 0
        self.event_readers = 0
        self.reads_begun = 0
        self.reads_done = 0

    @property
    def version(self) -> int:
        """The snapshot's version, 0 before the first one."""
        return 0 if self.snapshot is None else self.snapshot.order.version

    def event_after(self, version: int) -> OrderEvent | None:
        """Return the event that follows a version, where the ring has it."""
        if not self.ring or not self.ring[0].version <= version + 1 <= self.ring[-1].version:
            return None
        return self.ring[version + 1 - self.ring[0].version]

    def apply(self, change: OrderChange, committed_at: float) -> bool:
        """Take a commit of this process; return whether the snapshot is a newer one now.

        A change says all about the order but its lines, so a gap before it needs no read of the order; the events
        in the gap are read by those who want them.
        """
        version = change.order.version
        if self.snapshot is None:
            self._know(version - len(change.events))
        if version <= self.version or (self.unread is not None and version <= self.unread.order.version):
            return False
        self._remember(change.events)
        self.committed_at = committed_at
        if self.snapshot is None:
            self.unread = change
            return False
        self.snapshot = _after(self.snapshot, change)
        return True

    def refresh(self, snapshot: OrderSnapshot, events: Iterable[OrderEvent]) -> bool:
        """Take what was read; return whether the snapshot is a newer one now."""
        self.reads_done = self.reads_begun
        newer, self.unread = self.unread, None
        if self.snapshot is None:
            self._know(snapshot.order.version)
        if newer is not None and newer.order.version > snapshot.order.version:
            snapshot = _after(snapshot, newer)
        elif snapshot.order.version > self.version:
            self.committed_at = None
        if snapshot.order.version <= self.version:
            return False
        self._remember(
            events
        )  # read beside the order, so they may be ahead of it: readers go by the snapshot
        self.snapshot = snapshot
        return True

    def _know(self, version: int) -> None:
        self.first_version = version if self.first_version is None else min(self.first_version, version)

    def _remember(self, events: Iterable[OrderEvent]) -> None:
        if not self.event_readers:
            self.ring = None
            return
        if self.ring is None:
            self.ring = deque(maxlen=self.ring_events)
        for event in events:
            if self.ring and event.version != self.ring[-1].version + 1:
                self.ring.clear()
            self.ring.append(event)


def _after(snapshot: OrderSnapshot, change: OrderChange) -> OrderSnapshot:
    return replace(snapshot, order=change.order, payments=change.payments)
