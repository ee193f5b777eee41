"""A stand-in for the database under a hub, to choose what happens between the beginning and the end of a read."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from tests.app.live_fixtures.orders import change, event, snapshot

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    from app.domain.events import OrderEvent
    from app.domain.order import OrderChange, OrderSnapshot


class MemoryStore:
    """Orders by version. What a read finds is fixed when it begins; it ends when the gate lets it."""

    def __init__(self) -> None:
        self.committed: dict[UUID, int] = {}
        self.pruned_to: dict[UUID, int] = {}
        self.failing: Exception | None = None
        self.calls: list[tuple[str, int]] = []
        self.held: list[asyncio.Event] | None = None

    def commit(self, order_id: UUID, count: int = 1) -> OrderChange:
        """Commit `count` events of an order at once."""
        before = self.committed.get(order_id, 0)
        self.committed[order_id] = before + count
        return change(order_id, before + count, first=before + 1)

    def hold(self) -> None:
        """Have reads wait until they are released one by one."""
        self.held = []

    def release(self, index: int = 0) -> None:
        """Let one waiting read end."""
        assert self.held is not None
        self.held.pop(index).set()

    def let_go(self) -> None:
        """Let all reads end, these and later ones."""
        held, self.held = self.held or [], None
        for gate in held:
            gate.set()

    async def snapshots(self, order_ids: Sequence[UUID]) -> dict[UUID, OrderSnapshot]:
        """Read orders."""
        found = {i: snapshot(i, self.committed[i]) for i in order_ids if i in self.committed}
        await self._end("snapshots", len(order_ids))
        return found

    async def events(self, after: Mapping[UUID, int], limit_per_order: int) -> dict[UUID, list[OrderEvent]]:
        """Read the log."""
        found = {}
        for order_id, version in after.items():
            first = max(version, self.pruned_to.get(order_id, 0)) + 1
            last = min(self.committed.get(order_id, 0), first + limit_per_order - 1)
            found[order_id] = [event(order_id, v) for v in range(first, last + 1)]
        await self._end("events", len(after))
        return found

    async def versions(self, order_ids: Sequence[UUID]) -> dict[UUID, int]:
        """Read versions."""
        found = {i: self.committed[i] for i in order_ids if i in self.committed}
        await self._end("versions", len(order_ids))
        return found

    async def _end(self, name: str, size: int) -> None:
        self.calls.append((name, size))
        if self.held is not None:
            gate = asyncio.Event()
            self.held.append(gate)
            await gate.wait()
        if self.failing is not None:
            raise self.failing
