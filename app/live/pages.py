"""Pages of the event log for readers that are behind: a herd that comes back costs a few reads, not one each."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeAlias
from uuid import UUID

from app.domain.events import OrderEvent
from app.live.contract import HubStoppedError
from app.live.reads import BatchedReads

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.live.contract import LiveLimits, OrderReader

_Position: TypeAlias = tuple[UUID, int]
_Page: TypeAlias = list[OrderEvent]


class LogPages:
    """Reads the log after a position; readers at the same position share the page."""

    def __init__(self, reader: OrderReader, limits: LiveLimits) -> None:
        self._reader = reader
        self._limits = limits
        self._waiting: dict[_Position, set[asyncio.Future[_Page]]] = {}
        self._reads = BatchedReads[_Position, _Page](
            self._read, self._found, name="pages", batch_max=limits.page_orders, limits=limits
        )
        self.reads = 0

    async def after(self, order_id: UUID, version: int) -> _Page:
        """Return the first events after a version, as many as a page holds; waits while the database is away."""
        position = (order_id, version)
        page: asyncio.Future[_Page] = asyncio.get_running_loop().create_future()
        waiting = self._waiting.setdefault(position, set())
        waiting.add(page)
        self._reads.ask(position)
        try:
            return await page
        finally:
            waiting.discard(page)
            if not waiting and self._waiting.get(position) is waiting:
                del self._waiting[position]
                self._reads.forget(position)

    async def run(self) -> None:
        """Read what is waited for, forever."""
        await self._reads.run()

    def stop(self) -> None:
        """End every wait."""
        for waiting in self._waiting.values():
            for page in waiting:
                if not page.done():
                    page.set_exception(HubStoppedError)

    async def _read(self, positions: Sequence[_Position]) -> dict[_Position, _Page]:
        """Read one position of each order; the orders' other positions have their turn in a later read."""
        after: dict[UUID, int] = {}
        for order_id, version in positions:
            after.setdefault(order_id, version)
        self.reads += 1
        found = await self._reader.events(after, self._limits.page_events)
        return {(order_id, version): found.get(order_id, []) for order_id, version in after.items()}

    def _found(self, position: _Position, page: _Page) -> None:
        for waiting in self._waiting.get(position, ()):
            if not waiting.done():
                waiting.set_result(page)
