"""Readers that join, step and stall between commits, hints, lost hints, failures and the two ends of every read."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Final, TypeAlias
from uuid import UUID

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.live import LiveHub, LiveLimits
from tests.app.live_fixtures.following import idle, until
from tests.app.live_fixtures.memory_store import MemoryStore

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from app.domain.order import OrderChange

ORDER: Final = UUID(int=1)
LIMITS: Final = LiveLimits(ring_events=2, page_events=2, retry_seconds_first=0.0)

Step: TypeAlias = tuple[str, int]

STEPS: Final = st.lists(
    st.one_of(
        st.tuples(st.just("commit_here"), st.integers(1, 3)),
        st.tuples(st.just("commit_elsewhere"), st.integers(1, 3)),
        st.tuples(st.just("commit_unheard"), st.integers(1, 3)),
        st.tuples(st.just("publish_late"), st.just(0)),
        st.tuples(st.just("release"), st.integers(0, 2)),
        st.tuples(st.just("fail_reads"), st.integers(0, 1)),
        st.tuples(st.just("resync"), st.just(0)),
        st.tuples(st.just("join_events"), st.integers(0, 6)),
        st.tuples(st.just("join_events_from_now"), st.just(0)),
        st.tuples(st.just("join_orders"), st.just(0)),
        st.tuples(st.just("leave"), st.integers(0, 4)),
        st.tuples(st.just("step"), st.integers(0, 4)),
    ),
    max_size=60,
)


class _Reader:
    """A stream that is pulled one step at a time."""

    def __init__(
        self, stream: AsyncGenerator[int, None], joined_at: int, after: int | None, kind: str
    ) -> None:
        self.stream = stream
        self.joined_at = joined_at
        self.due_from = None if after is None else after + 1
        self.resumed = after is not None
        self.kind = kind
        self.got: list[int] = []
        self._pull: asyncio.Task[None] | None = None

    def step(self) -> None:
        if self.at_rest:
            self._pull = asyncio.create_task(self._next())

    @property
    def at_rest(self) -> bool:
        return self._pull is None or self._pull.done()

    async def leave(self) -> None:
        if self._pull is not None:
            self._pull.cancel()
            await asyncio.wait([self._pull])
        await self.stream.aclose()

    async def _next(self) -> None:
        self.got.append(await anext(self.stream))


class _World:
    """A hub over a store whose reads end when a step says so."""

    def __init__(self, hub: LiveHub, store: MemoryStore) -> None:
        self.hub = hub
        self.store = store
        self.readers: list[_Reader] = []
        self.untold: list[OrderChange] = []

    @property
    def version(self) -> int:
        return self.store.committed[ORDER]

    async def take(self, step: Step) -> None:
        """Do one step, if it can be done now, and let what is ready run."""
        name, number = step
        taken = getattr(self, name)(number)
        if taken is not None:
            await taken
        await idle(4)

    def commit_here(self, count: int) -> None:
        for reader in self.readers:
            reader.due_from = reader.due_from or self.version + 1
        self.hub.publish([self.store.commit(ORDER, count)])

    def commit_elsewhere(self, count: int) -> None:
        self.hub.heard([(ORDER, self.store.commit(ORDER, count).order.version)])

    def commit_unheard(self, count: int) -> None:
        self.untold.append(self.store.commit(ORDER, count))

    def publish_late(self, _: int) -> None:
        self.hub.publish([self.untold.pop()] if self.untold else [])

    def release(self, index: int) -> None:
        if self.store.held:
            self.store.release(min(index, len(self.store.held) - 1))

    def fail_reads(self, whether: int) -> None:
        self.store.failing = ConnectionError("away") if whether else None

    def resync(self, _: int) -> None:
        self.hub.resync()

    def join_events_from_now(self, _: int) -> None:
        self.join(_event_versions(self.hub, None), None, "events")

    def join_orders(self, _: int) -> None:
        self.join(_order_versions(self.hub), None, "orders")

    def step(self, index: int) -> None:
        if self.readers:
            self.readers[min(index, len(self.readers) - 1)].step()

    async def leave(self, index: int) -> None:
        if self.readers:
            await self.readers.pop(min(index, len(self.readers) - 1)).leave()

    def join_events(self, after: int) -> None:
        after = min(after, self.version)
        self.join(_event_versions(self.hub, after), after, "events")

    def join(self, stream: AsyncGenerator[int, None], after: int | None, kind: str) -> None:
        self.readers.append(_Reader(stream, self.version, after, kind))
        self.readers[-1].step()

    async def heal(self) -> None:
        """Let everything that is under way end well, and pull every stream as far as it goes."""
        self.store.failing = None
        self.store.let_go()
        self.hub.resync()
        for reader in self.readers:
            await self._drain(reader)

    async def _drain(self, reader: _Reader) -> None:
        due = reader.kind == "orders" or (reader.due_from is not None and reader.due_from <= self.version)
        if not due:
            reader.step()
            await idle(100)
            if not reader.got:
                return
        while reader.got[-1:] != [self.version]:
            reader.step()
            await until(lambda: reader.at_rest, seconds=5.0)


async def _event_versions(hub: LiveHub, after: int | None) -> AsyncGenerator[int, None]:
    async with contextlib.aclosing(hub.events(ORDER, after)) as stream:
        async for event, snapshot in stream:
            assert snapshot.order.version >= event.version
            yield event.version


async def _order_versions(hub: LiveHub) -> AsyncGenerator[int, None]:
    async with contextlib.aclosing(hub.orders(ORDER)) as stream:
        async for snapshot in stream:
            yield snapshot.order.version


async def _live(steps: list[Step]) -> tuple[list[_Reader], int]:
    store = MemoryStore()
    store.commit(ORDER)
    store.hold()
    async with LiveHub(store, heartbeat_seconds=3600.0, limits=LIMITS) as hub:
        world = _World(hub, store)
        for step in steps:
            await world.take(step)
        await world.heal()
        for reader in world.readers:
            await reader.leave()
        assert (hub.watchers, hub.orders_watched) == (0, 0)
    return world.readers, world.version


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(STEPS)
def test_every_reader_gets_its_run_whatever_happens_between(steps: list[Step]) -> None:
    readers, version = asyncio.run(_live(steps))

    for reader in readers:
        if reader.kind == "orders":
            assert reader.got == sorted(set(reader.got))
            assert reader.got[0] >= reader.joined_at
            assert reader.got[-1] == version
        elif reader.got or reader.due_from is not None:
            first = reader.got[0] if reader.got else version + 1
            assert reader.got == list(range(first, version + 1))
            assert reader.due_from is None or first <= reader.due_from
            assert first == reader.due_from or not reader.resumed
