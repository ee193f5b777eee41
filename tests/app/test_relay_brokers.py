"""The contract of every broker: PostgreSQL and Redis over our backend, behind a wire that is cut, frozen and lossy."""

from __future__ import annotations

import asyncio
import contextlib
import random
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
import pytest_asyncio
from broadcaster import Broadcast

from app.live import LiveHub
from app.relay import RESYNC, LineLimits, Relay, RelayLimits
from app.relay.hints import decode
from tests.app.live_fixtures import brokers
from tests.app.live_fixtures.exchange import Listener
from tests.app.live_fixtures.following import follow_events, leave, soon, until
from tests.app.live_fixtures.memory_store import MemoryStore
from tests.app.live_fixtures.orders import change
from tests.app.redis_server import MISSING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from app.relay import Line
    from tests.app.live_fixtures.brokers import Broker
    from tests.app.live_fixtures.following import Follower
    from tests.app.redis_server import Redis
    from tests.app.scratch_postgres import Scratch

pytest_plugins = ["tests.app.scratch_postgres", "tests.app.scratch_redis"]

QUICK = RelayLimits(
    echo_seconds=0.05, silence_seconds_max=0.5, publish_seconds_max=0.5, retry_seconds_max=0.1
)


@pytest_asyncio.fixture(loop_scope="session", params=["postgresql", "redis"])
async def broker(
    request: pytest.FixtureRequest, scratch: Scratch, maybe_redis: Redis | None
) -> AsyncIterator[Broker]:
    """Each broker that has processes of its own."""
    async with opened(request.param, scratch, maybe_redis) as one:
        yield one


@pytest_asyncio.fixture(loop_scope="session", params=["postgresql", "redis", "memory"])
async def broadcast(
    request: pytest.FixtureRequest, scratch: Scratch, maybe_redis: Redis | None, namespace: str
) -> AsyncIterator[Broadcast]:
    """A connected `broadcaster` over each broker, once it listens."""
    if request.param == "memory":
        async with Broadcast("memory://") as connected:
            yield connected
        return
    async with opened(request.param, scratch, maybe_redis) as one:
        backend = one.backend(namespace, LineLimits())
        async with Broadcast(backend=backend) as connected:
            await until(lambda: backend.listening)
            yield connected


@contextlib.asynccontextmanager
async def opened(name: str, scratch: Scratch, redis: Redis | None) -> AsyncIterator[Broker]:
    if name == "postgresql":
        async with brokers.postgresql(scratch) as one:
            yield one
        return
    if redis is None:
        pytest.skip(MISSING)
    async with brokers.redis(redis) as one:
        yield one


@pytest.fixture
def namespace() -> str:
    return f"t{uuid4().hex[:12]}"


async def test_twenty_first_subscribers_at_once_all_receive(broadcast: Broadcast) -> None:
    subscribed = asyncio.Barrier(21)

    async def receive() -> str:
        async with broadcast.subscribe("news") as subscriber:
            await subscribed.wait()
            return (await soon(subscriber.get())).message

    receivers = [asyncio.create_task(receive()) for _ in range(20)]
    await subscribed.wait()
    await broadcast.publish("news", "hello")
    received = await asyncio.gather(*receivers)

    assert received == ["hello"] * 20


async def test_a_thousand_messages_published_at_once_all_arrive_in_order(broadcast: Broadcast) -> None:
    async with broadcast.subscribe("news") as subscriber:
        await asyncio.gather(*(broadcast.publish("news", str(number)) for number in range(1_000)))
        received = [(await soon(subscriber.get())).message for _ in range(1_000)]

    assert received == [str(number) for number in range(1_000)]


async def test_channels_are_kept_apart(broadcast: Broadcast) -> None:
    async with broadcast.subscribe("news") as news, broadcast.subscribe("weather") as weather:
        for number in range(3):
            await broadcast.publish("news", f"news {number}")
            await broadcast.publish("weather", f"wéather\n{number}")
        received = [(await soon(each.get())).message for each in (news, weather) * 3]

    assert received == [f"{kind}{number}" for number in range(3) for kind in ("news ", "wéather\n")]


async def test_deployments_with_other_names_hear_nothing_of_each_other(
    broker: Broker, namespace: str
) -> None:
    ours, theirs = broker.backend(namespace), broker.backend(f"{namespace}b")

    async with Broadcast(backend=ours) as here, Broadcast(backend=theirs) as there:
        await until(lambda: ours.listening and theirs.listening)
        async with here.subscribe("news") as subscriber:
            await there.publish("news", "theirs")
            await here.publish("news", "ours")
            received = (await soon(subscriber.get())).message

    assert received == "ours"


async def test_what_is_announced_together_is_sent_in_one_go(broker: Broker, namespace: str) -> None:
    sent: list[int] = []

    async def counting() -> Line:
        line = await broker.direct()
        notify = line.notify

        async def counted(channel: str, payloads: list[str]) -> None:
            sent.append(
                sum(1 for payload in payloads if tells_of_orders(payload))
            )  # an echo may go with them
            await notify(channel, payloads)

        vars(line)["notify"] = counted
        return line

    backend, there = broker.backend(namespace), Listener()
    vars(backend)["_open_line"] = counting
    async with (
        Relay(backend, Listener(), namespace=namespace) as a,
        Relay(broker.backend(namespace), there, namespace=namespace) as b,
    ):
        await until(lambda: a.connected and b.connected)
        sent.clear()
        a.announce([change(uuid4(), 2) for _ in range(1_000)])
        await until(lambda: len(there.hints) == 1_000)

    assert [count for count in sent if count > 1] == [5]


def tells_of_orders(payload: str) -> bool:
    """Whether what goes over a line is a hint of versions."""
    hints = decode(payload.partition("\n")[2])
    return hints is not None and bool(hints.versions)


async def test_after_every_cut_the_subscribers_are_told_and_messages_come_again(
    broker: Broker, namespace: str
) -> None:
    backend = broker.behind_the_wire(namespace)
    sender = broker.backend(namespace)

    async with Broadcast(backend=backend) as here, Broadcast(backend=sender) as there:
        await until(lambda: backend.listening)
        async with here.subscribe("news") as subscriber:
            received = []
            for number in range(5):
                await there.publish("news", str(number))
                received.append((await soon(subscriber.get())).message)
                assert broker.wire.cut() == 1
                received.append((await soon(subscriber.get())).message)

    assert received == ["0", RESYNC, "1", RESYNC, "2", RESYNC, "3", RESYNC, "4", RESYNC]


async def test_a_reader_that_falls_behind_the_inbox_is_told_instead_of_filling_the_memory(
    broker: Broker, namespace: str
) -> None:
    backend = broker.backend(namespace, LineLimits(inbox_max=10))
    await backend.connect()
    await backend.subscribe("news")
    await until(lambda: backend.listening)
    assert (await soon(backend.next_published())).message == RESYNC

    for number in range(25):
        await backend.publish("news", str(number))
    await until(lambda: [event.message for event in backend._inbox] == ["22", "23", "24"])
    received = [(await soon(backend.next_published())).message for _ in range(4)]
    await backend.disconnect()

    assert received == [RESYNC, "22", "23", "24"]


async def test_a_wire_that_is_frozen_is_noticed_and_announcements_meanwhile_arrive_later(
    broker: Broker, namespace: str
) -> None:
    backend, there, ids = broker.behind_the_wire(namespace), Listener(), [uuid4() for _ in range(300)]

    async with (
        Relay(backend, Listener(), namespace=namespace, limits=QUICK) as a,
        Relay(broker.backend(namespace), there, namespace=namespace) as b,
    ):
        await until(lambda: a.connected and b.connected)
        broker.wire.freeze()
        for order_id in ids:
            a.announce([change(order_id, 2)])
        await until(lambda: not backend.listening and not a.connected)
        broker.wire.thaw()
        await until(lambda: a.connected and set(there.hints) == {(order_id, 2) for order_id in ids})


async def test_a_quiet_wire_that_answers_is_kept(broker: Broker, namespace: str) -> None:
    backend = broker.behind_the_wire(namespace)
    await backend.connect()
    await until(lambda: backend.listening)

    await asyncio.sleep(1.2)  # some pings, and longer than one may stay without an answer
    await backend.disconnect()

    assert broker.wire.connections == 1


async def test_announcing_takes_no_time_while_the_broker_is_frozen(broker: Broker, namespace: str) -> None:
    backend = broker.behind_the_wire(namespace)

    async with Relay(backend, Listener(), namespace=namespace, limits=QUICK) as relay:
        await until(lambda: relay.connected)
        broker.wire.freeze()
        turns = 0

        async def count_turns() -> None:
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0)

        counting = asyncio.create_task(count_turns())
        for _ in range(50):
            relay.announce([change(uuid4(), 2) for _ in range(100)])
        announced_in_turns = turns
        await asyncio.sleep(0.2)
        counting.cancel()
        kept = len(relay._unsent)
        broker.wire.thaw()

    assert announced_in_turns == 0
    assert turns > 100
    assert kept <= RelayLimits().unsent_max


async def test_a_broker_that_is_away_at_the_start_is_waited_for(broker: Broker, namespace: str) -> None:
    hub, away = Listener(), True

    async def line() -> Line:
        if away:
            raise ConnectionRefusedError
        return await broker.direct()

    backend = broker.backend(namespace)
    vars(backend)["_open_line"] = line
    async with Relay(backend, hub, namespace=namespace, limits=QUICK) as relay:
        await asyncio.sleep(0.3)
        connected_before = relay.connected
        away = False
        await until(lambda: relay.connected)

    assert not connected_before
    assert hub.resyncs > 0


@pytest.mark.parametrize("share", [0.1, 1.0])
async def test_lost_hints_are_made_good_by_the_heartbeat(
    broker: Broker, namespace: str, share: float
) -> None:
    chance = random.Random(5)  # noqa: S311 - a seed to come back to
    store, ids = MemoryStore(), [uuid4() for _ in range(10)]
    for order_id in ids:
        store.commit(order_id)
    broker.wire.loses = lambda: chance.random() < share

    async def commit_all(relay: Relay) -> None:
        for _ in range(20):
            for order_id in ids:
                relay.announce([store.commit(order_id)])
            await asyncio.sleep(0.01)

    async with (
        LiveHub(store, heartbeat_seconds=0.2) as hub,
        Relay(broker.behind_the_wire(namespace), hub, namespace=namespace) as there,
        Relay(broker.backend(namespace), Listener(), namespace=namespace) as here,
    ):
        await until(lambda: here.connected and there.connected)
        readers = [follow_events(hub, order_id, 0) for order_id in ids]
        await _all_at(readers, 1)
        await commit_all(here)
        await _all_at(readers, 21)
        still_connected = there.connected
        await leave(*readers)

    assert [reader.versions for reader in readers] == [list(range(1, 22))] * 10
    assert still_connected
    assert broker.wire.lost > 0
    assert (broker.wire.lost == broker.wire.hints) is (share == 1.0)


async def _all_at(readers: list[Follower], version: int) -> None:
    await until(lambda: all(reader.versions[-1:] == [version] for reader in readers))
