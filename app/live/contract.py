"""What the hub asks of others, the limits it keeps, and how it says no."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    from app.domain.events import OrderEvent
    from app.domain.order import OrderSnapshot


class OrderReader(Protocol):
    """Reads committed orders from where the truth is: not from a replica that may lag behind.

    A read sees every commit that was answered before it began. Whatever it raises is taken for a database that is
    away: the read is tried again, and the subscriptions stay.
    """

    async def snapshots(self, order_ids: Sequence[UUID]) -> dict[UUID, OrderSnapshot]:
        """Return the orders as they are now; those that don't exist are left out."""

    async def events(self, after: Mapping[UUID, int], limit_per_order: int) -> dict[UUID, list[OrderEvent]]:
        """Return each order's first events with a version above the one given, in rising order of version."""

    async def versions(self, order_ids: Sequence[UUID]) -> dict[UUID, int]:
        """Return the orders' versions; those that don't exist are left out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveLimits:
    """What bounds the hub's memory and the size of its reads."""

    watchers_max: int = 100_000
    ring_events: int = 64
    """How far a reader may fall behind, in events of its order, before it is served from the log."""
    page_events: int = 100
    """Events of one order in one read of the log; what a reader holds while it catches up."""
    page_orders: int = 50
    snapshot_orders: int = 200
    version_orders: int = 1_000
    wake_slice: int = 256
    """Readers woken in one turn of the loop, so that webhooks are answered in between."""
    read_seconds_max: float = 10.0
    retry_seconds_first: float = 0.05
    retry_seconds_max: float = 2.0


class OrderUnknownError(LookupError):
    """There is no such order."""


class CursorAheadError(LookupError):
    """The cursor is past the newest event: it isn't of this order, or of a database that was set back since."""


class LogGapError(LookupError):
    """Events after the cursor are no longer in the log; going on would leave them out silently."""


class HubStoppedError(Exception):
    """The process is going away. The stream is not over: it is to be resumed elsewhere."""


class HubFullError(Exception):
    """This process has as many readers as it may have."""
