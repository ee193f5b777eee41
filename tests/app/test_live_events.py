"""`LiveHub.events`: every event once, in order, whatever happens in between."""

from __future__ import annotations

import asyncio
import random
import tracemalloc
from typing import NoReturn
from uuid import uuid4

import pytest

from app.live import CursorAheadError, LiveHub, LiveLimits, LogGapError
from tests.app.live_fixtures.following import follow_events, follow_order, idle, leave, soon, until
from tests.app.live_fixtures.memory_store import MemoryStore

QUIET = 3600.0
SMALL = LiveLimits(ring_events=4, page_events=3)


async def test_the_log_comes_first_in_pages_then_what_is_live() -> None:
    store, order_id = MemoryStore(), uuid4()
    store.commit(order_id, 10)

    async with LiveHub(store, heartbeat_seconds=QUIET, limits=SMALL) as hub:
        reader = follow_events(hub, order_id, 2)
        await until(lambda: reader.versions == list(range(3, 11)))
        pages = hub.catch_up_reads
        hub.publish([store.commit(order_id, 2)])
        await until(lambda: reader.versions == list(range(3, 13)))
        await leave(reader)

    assert pages == 3
    assert hub.catch_up_reads == 3


async def test_without_a_cursor_only_what_is_new_comes() -> None:
    store, order_id = MemoryStore(), uuid4()
    store.commit(order_id, 5)

    async with LiveHub(store, heartbeat_seconds=QUIET) as hub:
        reader = follow_events(hub, order_id)
        await until(lambda: store.calls == [("snapshots", 1)])
        await idle()
        hub.publish([store.commit(order_id)])
        await until(lambda: reader.versions == [6])
        await leave(reader)


async def test_without_a_cursor_what_is_committed_here_while_the_first_read_fails_comes() -> None:
    store, order_id = MemoryStore(), uuid4()
    store.commit(order_id, 5)
    store.hold()
    store.failing = ConnectionError("away")

    async with LiveHub(store, heartbeat_seconds=QUIET) as hub:
        reader = follow_events(hub, order_id)
        await until(lambda: store.held)
        hub.publish([store.commit(order_id)])
        store.release()
        await until(lambda: store.held)  # the second try finds the change
        store.failing = None
        store.let_go()
        await until(lambda: reader.versions == [6])
        await leave(reader)


async def test_without_a_cursor_what_is_committed_here_between_the_reads_of_two_readers_comes() -> None:
    store, order_id = MemoryStore(), uuid4()
    store.commit(order_id)
    store.hold()

    async with LiveHub(store, heartbeat_seconds=QUIET) as hub:
        first = follow_events(hub, order_id)
        await until(lambda: store.held)
        second = follow_events(hub, order_id)  # needs a read of its own, that begins after it came
        await idle()
        store.release()
        await until(lambda: store.held)
        hub.publish([store.commit(order_id)])
        store.let_go()
        await until(lambda: first.versions == [2] and second.versions == [2])
        await leave(first, second)


async def test_what_other_processes_commit_is_read_once_for_all_readers() -> None:
    store, order_id = MemoryStore(), uuid4()
    store.commit(order_id, 2)

    async with LiveHub(store, heartbeat_seconds=QUIET) as hub:
        readers = [follow_events(hub, order_id, 2) for _ in range(20)]
        await until(lambda: hub.watchers == 20 and store.calls)
        await idle()
        store.calls.clear()
        hub.heard([(order_id, store.commit(order_id, 3).order.version)])
        await until(lambda: all(reader.versions == [3, 4, 5] for reader in readers))
        await leave(*readers)

    assert sorted(store.calls) == [("events", 1), ("snapshots", 1)]
    assert hub.catch_up_reads == 0


async def test_readers_that_come_back_together_share_their_reads() -> None:
    store, ids = MemoryStore(), [uuid4() for _ in range(200)]
    for order_id in ids:
        store.commit(order_id, 6)

    async with LiveHub(store, heartbeat_seconds=QUIET) as hub:
        readers = [follow_events(hub, order_id, 3) for order_id in ids for _ in range(3)]
        await until(lambda: all(reader.versions == [4, 5, 6] for reader in readers))
        await leave(*readers)

    assert store.calls[0] == ("snapshots", 200)
    assert hub.catch_up_reads <= 8


async def test_readers_of_one_order_at_different_positions_are_all_served() -> None:
    store, order_id = MemoryStore(), uuid4()
    store.commit(order_id, 40)

    async with LiveHub(store, heartbeat_seconds=QUIET, limits=SMALL) as hub:
        readers = [follow_events(hub, order_id, after) for after in range(40)]
        await until(lambda: all(reader.versions[-1:] == [40] for reader in readers))
        await leave(*readers)

    assert [reader.versions for reader in readers] == [list(range(after + 1, 41)) for after in range(40)]


async def test_a_cursor_ahead_of_the_order_is_refused() -> None:
    store, order_id = MemoryStore(), uuid4()
    store.commit(order_id, 3)

    async with LiveHub(store, heartbeat_seconds=QUIET) as hub:
        with pytest.raises(CursorAheadError):
            await soon(anext(hub.events(order_id, 4)))

        assert (hub.watchers, hub.orders_watched) == (0, 0)


async def test_a_cursor_ahead_of_what_this_process_heard_is_not_refused() -> None:
    store, order_id = MemoryStore(), uuid4()
    store.commit(order_id)

    async with LiveHub(store, heartbeat_seconds=QUIET) as hub:
        early = follow_order(hub, order_id)
        await until(lambda: early.versions == [1])
        store.commit(order_id, 2)  # elsewhere; the reader was told of it there
        reader = follow_events(hub, order_id, 3)
        await until(lambda: early.versions == [1, 3])
        hub.publish([store.commit(order_id)])
        await until(lambda: reader.versions == [4])
        await leave(early, reader)


@pytest.mark.parametrize("pruned_to", [3, 9])
async def test_a_log_that_lost_its_beginning_ends_the_stream_instead_of_leaving_a_gap(pruned_to: int) -> None:
    store, order_id = MemoryStore(), uuid4()
    store.commit(order_id, 9)
    store.pruned_to[order_id] = pruned_to

    async with LiveHub(store, heartbeat_seconds=QUIET) as hub:
        with pytest.raises(LogGapError):
            await soon(anext(hub.events(order_id, 1)))

        assert (hub.watchers, hub.orders_watched) == (0, 0)


async def test_readers_that_leave_while_the_log_cannot_be_read_leave_nothing_behind() -> None:
    class LoglessStore(MemoryStore):
        async def events(self, *_: object) -> NoReturn:
            raise ConnectionError("away")

    store, ids = LoglessStore(), [uuid4() for _ in range(100)]
    for order_id in ids:
        store.commit(order_id, 2)

    async with LiveHub(store, heartbeat_seconds=QUIET) as hub:
        readers = [follow_events(hub, order_id, 0) for order_id in ids]
        await until(lambda: len(hub._pages._waiting) == 100)
        await leave(*readers)

        assert (hub.watchers, hub._pages._waiting) == (0, {})
        assert len(hub._pages._reads._asked) + len(hub._pages._reads._reading) == 0


async def test_a_reader_beyond_the_ring_is_moved_to_the_log_and_back() -> None:
    store, order_id = MemoryStore(), uuid4()
    store.commit(order_id)

    async with LiveHub(store, heartbeat_seconds=QUIET, limits=SMALL) as hub:
        slow = hub.events(order_id, 0)
        fast = follow_events(hub, order_id, 0)
        got = [(await anext(slow))[0].version]
        await until(lambda: fast.versions == [1])
        for _ in range(20):
            hub.publish([store.commit(order_id)])
            await until(lambda: fast.versions[-1] == store.committed[order_id])
        before = hub.catch_up_reads
        got += [(await anext(slow))[0].version for _ in range(20)]
        await slow.aclose()
        await leave(fast)

    assert (got, fast.versions) == (list(range(1, 22)), list(range(1, 22)))
    assert hub.catch_up_reads - before == 6  # 2 to 19 in pages of three; the ring has 18 to 21


async def test_the_snapshot_beside_an_event_is_the_newest_one() -> None:
    store, order_id = MemoryStore(), uuid4()
    store.commit(order_id, 2)

    async with LiveHub(store, heartbeat_seconds=QUIET) as hub:
        stream = hub.events(order_id, 0)
        first = await anext(stream)
        hub.publish([store.commit(order_id)])
        second = await anext(stream)
        await stream.aclose()

    assert [(event.version, snapshot.order.version) for event, snapshot in (first, second)] == [
        (1, 2),
        (2, 3),
    ]


async def test_a_stalled_reader_costs_bounded_memory_and_delays_nobody() -> None:
    store, order_id = MemoryStore(), uuid4()
    store.commit(order_id)

    async with LiveHub(store, heartbeat_seconds=QUIET) as hub:
        stalled = [hub.events(order_id, 0), hub.orders(order_id)]
        for stream in stalled:
            await anext(stream)
        other = follow_events(hub, order_id, 0)
        await until(lambda: other.versions == [1])
        before = hub.catch_up_reads
        grown = []
        tracemalloc.start()
        for _ in range(4):
            for _ in range(1_000):
                hub.publish([store.commit(order_id)])
                await asyncio.sleep(0)
            await until(lambda: other.versions[-1] == store.committed[order_id])
            store.calls.clear()
            grown.append(tracemalloc.get_traced_memory()[0])
        tracemalloc.stop()
        reads = hub.catch_up_reads - before
        for stream in stalled:
            await stream.aclose()
        await leave(other)

    assert other.versions == list(range(1, 4_002))
    assert reads == 0
    # 3,000 versions later: what is held is not more, but for the list of integers of this test.
    assert grown[3] - grown[0] < 400_000


async def test_readers_are_woken_in_slices_so_that_others_have_their_turn() -> None:
    store, order_id, turns = MemoryStore(), uuid4(), list[int]()
    store.commit(order_id)

    async with LiveHub(store, heartbeat_seconds=QUIET, limits=LiveLimits(wake_slice=100)) as hub:
        readers = [follow_order(hub, order_id) for _ in range(1_000)]
        await until(lambda: all(reader.versions == [1] for reader in readers))
        await idle()
        hub.publish([store.commit(order_id)])
        while not turns or turns[-1] < 1_000:
            await asyncio.sleep(0)
            turns.append(sum(reader.versions == [1, 2] for reader in readers))
        await leave(*readers)

    assert turns == list(range(100, 1_001, 100))


@pytest.mark.parametrize("seed", range(5))
async def test_sixty_readers_miss_nothing_while_hints_are_lost_and_the_database_fails(seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - a seed to come back to
    store, ids = MemoryStore(), [uuid4() for _ in range(20)]
    for order_id in ids:
        store.commit(order_id)

    async with LiveHub(
        store, heartbeat_seconds=0.01, limits=LiveLimits(ring_events=4, page_events=5, retry_seconds_max=0.01)
    ) as hub:
        readers = [
            follow_events(hub, order_id, 0, pause=lambda: chance.choice([0, 0, 0, 0.001]))
            for order_id in ids * 3
        ]
        for _ in range(99):
            store.failing = ConnectionError("away") if chance.random() < 0.3 else None
            for order_id in ids:
                committed = store.commit(order_id)
                match chance.choice(["here", "elsewhere", "lost"]):
                    case "here":
                        hub.publish([committed])
                    case "elsewhere":
                        hub.heard([(order_id, committed.order.version)])
            await asyncio.sleep(0.001)
        store.failing = None
        await until(lambda: all(reader.versions[-1:] == [100] for reader in readers))
        await leave(*readers)

    assert [reader.versions for reader in readers] == [list(range(1, 101))] * 60
