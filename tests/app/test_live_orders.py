"""`LiveHub.orders`: the order now, and the newest again after every change."""

from __future__ import annotations

import asyncio
from uuid import uuid4

import pytest

from app.live import HubFullError, HubStoppedError, LiveHub, LiveLimits, OrderUnknownError
from tests.app.live_fixtures.following import follow_events, follow_order, idle, leave, soon, until
from tests.app.live_fixtures.memory_store import MemoryStore
from tests.app.live_fixtures.orders import LINES, change

QUIET = 3600.0  # a heartbeat that doesn't come during a test


async def test_a_reader_gets_the_order_now_and_again_after_a_change() -> None:
    store, order_id = MemoryStore(), uuid4()
    store.commit(order_id, 3)

    async with LiveHub(store, heartbeat_seconds=QUIET) as hub:
        stream = hub.orders(order_id)
        first = await anext(stream)
        hub.publish([store.commit(order_id)])
        second = await anext(stream)
        await stream.aclose()

    assert [first.order.version, second.order.version] == [3, 4]
    assert second.lines == LINES
    assert store.calls == [("snapshots", 1)]


async def test_a_slow_reader_skips_to_the_newest() -> None:
    store, order_id = MemoryStore(), uuid4()
    store.commit(order_id)

    async with LiveHub(store, heartbeat_seconds=QUIET) as hub:
        stream = hub.orders(order_id)
        await anext(stream)
        for _ in range(100):
            hub.publish([store.commit(order_id)])
        newest = await anext(stream)
        await stream.aclose()

    assert newest.order.version == 101


async def test_a_change_that_is_committed_while_the_first_read_runs_is_not_missed() -> None:
    store, order_id = MemoryStore(), uuid4()
    store.commit(order_id)
    store.hold()

    async with LiveHub(store, heartbeat_seconds=QUIET) as hub:
        reader = follow_order(hub, order_id)
        await until(lambda: store.held)
        hub.publish([store.commit(order_id)])  # the read has found version 1 already
        store.let_go()
        await until(lambda: reader.versions)
        await idle()
        await leave(reader)

    assert reader.versions == [2]


async def test_a_later_reader_reads_too_since_another_process_may_have_committed() -> None:
    store, order_id = MemoryStore(), uuid4()
    store.commit(order_id)

    async with LiveHub(store, heartbeat_seconds=QUIET) as hub:
        early = follow_order(hub, order_id)
        await until(lambda: early.versions == [1])
        store.commit(order_id)  # elsewhere, and its hint is lost
        late = follow_order(hub, order_id)
        await until(lambda: late.versions)
        await until(lambda: early.versions == [1, 2])
        await leave(early, late)

    assert late.versions == [2]


async def test_a_change_after_a_gap_is_handed_out_at_once() -> None:
    store, order_id = MemoryStore(), uuid4()
    store.commit(order_id)

    async with LiveHub(store, heartbeat_seconds=QUIET) as hub:
        reader = follow_order(hub, order_id)
        await until(lambda: reader.versions == [1])
        hub.publish([change(order_id, 5)])
        hub.publish([change(order_id, 4)])  # told of late, by another lane
        await idle()
        await leave(reader)

    assert reader.versions == [1, 5]


async def test_an_order_that_does_not_exist_is_refused() -> None:
    async with LiveHub(MemoryStore(), heartbeat_seconds=QUIET) as hub:
        for stream in (hub.orders(uuid4()), hub.events(uuid4())):
            with pytest.raises(OrderUnknownError):
                await anext(stream)

        assert (hub.watchers, hub.orders_watched) == (0, 0)


async def test_an_order_created_while_its_first_read_runs_is_found() -> None:
    store, order_id = MemoryStore(), uuid4()
    store.hold()

    async with LiveHub(store, heartbeat_seconds=QUIET) as hub:
        readers = [follow_order(hub, order_id), follow_events(hub, order_id, 0)]
        await until(lambda: store.held)
        hub.publish([store.commit(order_id)])
        store.let_go()
        await until(lambda: all(reader.versions for reader in readers))
        await leave(*readers)

    assert [reader.versions for reader in readers] == [[1], [1]]


async def test_hints_are_read_together_for_the_watched_orders_that_are_behind() -> None:
    store, ids = MemoryStore(), [uuid4() for _ in range(50)]
    for order_id in ids:
        store.commit(order_id)

    async with LiveHub(store, heartbeat_seconds=QUIET) as hub:
        readers = [follow_order(hub, order_id) for order_id in ids[:40]]
        await until(lambda: all(reader.versions == [1] for reader in readers))
        for order_id in ids[:30]:
            store.commit(order_id)
        store.calls.clear()
        hub.heard((order_id, store.committed[order_id]) for order_id in ids)
        await until(lambda: all(reader.versions == [1, 2] for reader in readers[:30]))
        await idle()
        await leave(*readers)

    assert store.calls == [("snapshots", 30)]
    assert [reader.versions for reader in readers[30:]] == [[1]] * 10


async def test_a_hint_of_what_is_known_costs_no_read() -> None:
    store, order_id = MemoryStore(), uuid4()
    store.commit(order_id, 2)

    async with LiveHub(store, heartbeat_seconds=QUIET) as hub:
        reader = follow_order(hub, order_id)
        await until(lambda: reader.versions == [2])
        store.calls.clear()
        hub.heard([(order_id, 2), (order_id, 1), (uuid4(), 9)])
        await idle()
        await leave(reader)

    assert store.calls == []


@pytest.mark.parametrize("way", ["heartbeat", "resync"])
async def test_a_lost_hint_is_healed(way: str) -> None:
    store, ids = MemoryStore(), [uuid4() for _ in range(25)]
    for order_id in ids:
        store.commit(order_id)

    heartbeat_seconds = 0.05 if way == "heartbeat" else QUIET
    async with LiveHub(
        store, heartbeat_seconds=heartbeat_seconds, limits=LiveLimits(version_orders=10)
    ) as hub:
        readers = [follow_order(hub, order_id) for order_id in ids]
        await until(lambda: all(reader.versions == [1] for reader in readers))
        for order_id in ids:
            store.commit(order_id)
        if way == "resync":
            hub.resync()
        await until(lambda: all(reader.versions == [1, 2] for reader in readers))
        await leave(*readers)

    assert [size for name, size in store.calls if name == "versions"][:3] == [10, 10, 5]


async def test_a_database_that_is_away_for_a_while_costs_no_subscription() -> None:
    store, ids = MemoryStore(), [uuid4() for _ in range(20)]
    for order_id in ids:
        store.commit(order_id)

    async with LiveHub(store, heartbeat_seconds=0.02, limits=LiveLimits(retry_seconds_max=0.05)) as hub:
        early = [follow_order(hub, order_id) for order_id in ids] + [follow_events(hub, ids[0], 0)]
        await until(lambda: all(reader.versions == [1] for reader in early))
        store.failing = ConnectionError("away")
        for order_id in ids:
            store.commit(order_id)
        late = [follow_order(hub, order_id) for order_id in ids] + [follow_events(hub, ids[0], 0)]
        failed = len(store.calls) + 20
        await until(lambda: len(store.calls) > failed)
        store.failing = None
        await until(lambda: all(reader.versions == [1, 2] for reader in early))
        await until(lambda: all(reader.versions for reader in late))
        await leave(*early, *late)

    assert [reader.versions for reader in late] == [[2]] * 20 + [[1, 2]]


async def test_a_read_that_never_answers_is_given_up_and_tried_again() -> None:
    store, order_id = MemoryStore(), uuid4()
    store.commit(order_id)
    store.hold()

    async with LiveHub(store, heartbeat_seconds=QUIET, limits=LiveLimits(read_seconds_max=0.02)) as hub:
        reader = follow_order(hub, order_id)
        await until(lambda: len(store.calls) == 3)
        store.held = None
        await until(lambda: reader.versions == [1])
        await leave(reader)


async def test_one_order_that_cannot_be_read_does_not_keep_the_others_waiting() -> None:
    bad, ids = uuid4(), [uuid4() for _ in range(30)]

    class PoisonedStore(MemoryStore):
        async def snapshots(self, order_ids):  # type: ignore[no-untyped-def]  # as the one it extends  # noqa: ANN001, ANN202
            if bad in order_ids:
                raise ValueError("this row can't be understood")
            return await super().snapshots(order_ids)

    store = PoisonedStore()
    for order_id in [bad, *ids]:
        store.commit(order_id)

    async with LiveHub(store, heartbeat_seconds=QUIET, limits=LiveLimits(retry_seconds_max=0.05)) as hub:
        stuck = follow_order(hub, bad)
        readers = [follow_order(hub, order_id) for order_id in ids]
        await until(lambda: all(reader.versions == [1] for reader in readers))
        await leave(stuck, *readers)

    assert stuck.versions == []


async def test_a_loop_that_is_ended_from_inside_is_named_and_started_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class LeakingStore(MemoryStore):
        leaks = 3

        async def snapshots(self, order_ids):  # type: ignore[no-untyped-def]  # as the one it extends  # noqa: ANN001, ANN202
            if self.leaks:
                self.leaks -= 1
                raise asyncio.CancelledError
            return await super().snapshots(order_ids)

    store, order_id = LeakingStore(), uuid4()
    store.commit(order_id)

    async with LiveHub(store, heartbeat_seconds=QUIET) as hub:
        reader = follow_order(hub, order_id)
        await until(lambda: reader.versions == [1])
        await leave(reader)

    assert [record.message for record in caplog.records] == ["live.loop_ended"] * 3


async def test_a_watch_ends_with_its_last_reader() -> None:
    store, order_id = MemoryStore(), uuid4()
    store.commit(order_id)

    async with LiveHub(store, heartbeat_seconds=QUIET) as hub:
        readers = [follow_order(hub, order_id), follow_order(hub, order_id), follow_events(hub, order_id)]
        await until(lambda: readers[0].versions and readers[1].versions)
        watched = (hub.watchers, hub.orders_watched)
        await leave(*readers[:2])
        left = (hub.watchers, hub.orders_watched)
        await leave(readers[2])

        assert (watched, left, (hub.watchers, hub.orders_watched)) == ((3, 1), (1, 1), (0, 0))


async def test_readers_that_leave_while_the_database_is_away_leave_nothing_behind() -> None:
    store = MemoryStore()
    store.failing = ConnectionError("away")

    async with LiveHub(store, heartbeat_seconds=QUIET) as hub:
        for _ in range(50):
            readers = [follow_order(hub, uuid4()) for _ in range(10)]
            await idle(3)
            await leave(*readers)

        assert (hub.watchers, hub.orders_watched) == (0, 0)
        assert len(hub._refreshes._asked) + len(hub._refreshes._reading) == 0


async def test_stopping_ends_every_reader_by_saying_that_it_is_not_the_end() -> None:
    store, order_id = MemoryStore(), uuid4()
    store.commit(order_id)

    hub = LiveHub(store, heartbeat_seconds=QUIET)
    hub.start()
    readers = [follow_order(hub, order_id), follow_events(hub, order_id), follow_order(hub, uuid4())]
    await until(lambda: readers[0].versions and readers[2].error)
    store.hold()
    readers += [follow_order(hub, order_id), follow_events(hub, order_id, 0)]
    await until(lambda: store.held)
    await hub.stop()
    await soon(asyncio.gather(*(reader.task for reader in readers if reader.task)))
    with pytest.raises(HubStoppedError):
        await anext(hub.orders(order_id))

    assert [type(reader.error) for reader in readers] == [
        HubStoppedError,
        HubStoppedError,
        OrderUnknownError,
        HubStoppedError,
        HubStoppedError,
    ]
    assert (hub.watchers, hub.orders_watched) == (0, 0)


async def test_stopping_ends_a_reader_that_waits_for_a_page_of_the_log() -> None:
    store, order_id = MemoryStore(), uuid4()
    store.commit(order_id, 5)

    hub = LiveHub(store, heartbeat_seconds=QUIET)
    hub.start()
    store.hold()
    reader = follow_events(hub, order_id, 0)
    await until(lambda: store.held)
    store.release()
    await until(lambda: store.held and store.calls[-1] == ("events", 1))
    await hub.stop()
    assert reader.task is not None
    await soon(reader.task)

    assert (reader.versions, type(reader.error)) == ([], HubStoppedError)


async def test_a_full_hub_refuses_one_more_reader() -> None:
    store, order_id = MemoryStore(), uuid4()
    store.commit(order_id)

    async with LiveHub(store, heartbeat_seconds=QUIET, limits=LiveLimits(watchers_max=2)) as hub:
        readers = [follow_order(hub, order_id) for _ in range(3)]
        await until(lambda: readers[2].error)
        await leave(readers[0])
        again = follow_order(hub, order_id)
        await until(lambda: again.versions == [1])
        await leave(readers[1], again)

    assert type(readers[2].error) is HubFullError


async def test_delivery_is_observed_from_the_commit_to_each_reader() -> None:
    store, order_id, told, now = MemoryStore(), uuid4(), list[float](), [100.0]
    store.commit(order_id)

    async with LiveHub(store, heartbeat_seconds=QUIET, on_delivered=told.append, clock=lambda: now[0]) as hub:
        orders, events = hub.orders(order_id), hub.events(order_id, 0)
        await anext(orders)
        await anext(events)
        hub.publish([store.commit(order_id)])
        now[0] = 100.25
        await anext(events)
        now[0] = 100.5
        await anext(orders)
        late = hub.events(order_id, 0)  # what it is handed was committed before it came
        await anext(late)
        await anext(late)
        hub.heard(
            [(order_id, store.commit(order_id).order.version)]
        )  # committed elsewhere, at an unknown time
        await anext(orders)
        for stream in (orders, events, late):
            await stream.aclose()

    assert told == [0.25, 0.5]
