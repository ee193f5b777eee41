"""The relay over PostgreSQL's notifications, between hubs and between processes, while connections are cut."""

from __future__ import annotations

import asyncio
import contextlib
import random
import subprocess
import sys
from collections import Counter
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final
from uuid import UUID, uuid4

import pytest
import pytest_asyncio
from broadcaster import Broadcast

from app.live import LiveHub, LiveLimits
from app.relay import RESYNC, LineBackend, LineLimits, Relay, RelayLimits
from db.pool import Database, connect
from tests.app.live_fixtures.exchange import Listener
from tests.app.live_fixtures.following import follow_events, follow_order, leave, soon, until
from tests.app.live_fixtures.notifications import open_line
from tests.app.live_fixtures.sql_store import SqlStore

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from db.notifications import NotificationLine
    from tests.app.scratch_postgres import Scratch

pytest_plugins = ["tests.app.scratch_postgres"]

ROOT: Final = Path(__file__).parents[2]
QUIET: Final = 3600.0
IMPATIENT: Final = LineLimits(answer_seconds_max=0.3, ping_seconds=0.1, retry_seconds_max=0.1)


@pytest_asyncio.fixture(loop_scope="session")
async def database(scratch: Scratch) -> AsyncIterator[Database]:
    async with Database(scratch.dsn, size=8) as opened:
        yield opened


@pytest.fixture
def namespace() -> str:
    return f"t{uuid4().hex[:12]}"


async def cut(scratch: Scratch, application_name: str) -> int:
    """End connections from the server's side."""
    connection = await connect(scratch.superuser_dsn, application_name="cutter")
    try:
        rows = await connection.fetch(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1",
            application_name,
        )
    finally:
        await connection.close()
    return len(rows)


@contextlib.asynccontextmanager
async def broadcast(dsn: str, namespace: str) -> AsyncIterator[Broadcast]:
    """A connected `broadcaster` over our backend, once it listens."""
    backend = LineBackend(partial(open_line, dsn, application_name=namespace), namespace=namespace)
    async with Broadcast(backend=backend) as connected:
        await until(lambda: backend.listening)
        yield connected


async def test_a_change_here_reaches_a_reader_there(
    scratch: Scratch, database: Database, namespace: str
) -> None:
    store, order_id = SqlStore(database), uuid4()
    await store.create([order_id])
    line = partial(open_line, scratch.dsn)

    async with (
        LiveHub(store, heartbeat_seconds=QUIET) as here,
        LiveHub(store, heartbeat_seconds=QUIET) as there,
        Relay(LineBackend(line, namespace=namespace), here, namespace=namespace) as a,
        Relay(LineBackend(line, namespace=namespace), there, namespace=namespace) as b,
    ):
        await until(lambda: a.connected and b.connected)
        readers = [follow_order(there, order_id), follow_events(there, order_id, 0)]
        await until(lambda: all(reader.versions == [1] for reader in readers))
        committed = [await store.commit(order_id)]
        here.publish(committed)
        a.announce(committed)
        await until(lambda: all(reader.versions == [1, 2] for reader in readers))
        await leave(*readers)


async def test_what_another_process_commits_reaches_every_reader_in_order(
    scratch: Scratch, database: Database, namespace: str
) -> None:
    store, ids = SqlStore(database), [uuid4() for _ in range(5)]
    await store.create(ids)
    line = partial(open_line, scratch.dsn)

    async with (
        LiveHub(store, heartbeat_seconds=QUIET) as hub,
        Relay(LineBackend(line, namespace=namespace), hub, namespace=namespace) as relay,
    ):
        await until(lambda: relay.connected)
        readers = [follow_events(hub, order_id, 0) for order_id in ids * 4]
        await until(lambda: all(reader.versions == [1] for reader in readers))
        other = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "tests.app.live_fixtures.committing_process", scratch.dsn, namespace, "60"),
            *(str(order_id) for order_id in ids),
            cwd=ROOT,
            stdout=subprocess.PIPE,
        )
        said, _ = await other.communicate()
        await until(lambda: all(reader.versions[-1:] == [60] for reader in readers))
        await leave(*readers)

    assert (said, other.returncode) == (b"connected\n", 0)
    assert [reader.versions for reader in readers] == [list(range(1, 61))] * 20


async def test_sixty_readers_miss_nothing_while_the_listener_is_killed_and_hints_are_lost(
    scratch: Scratch, database: Database, namespace: str
) -> None:
    chance = random.Random(7)  # noqa: S311 - a seed to come back to
    store, ids = SqlStore(database), [uuid4() for _ in range(20)]
    await store.create(ids)
    here = LineBackend(partial(open_line, scratch.dsn), namespace=namespace)
    there = LineBackend(partial(open_line, scratch.dsn, application_name=namespace), namespace=namespace)

    async def keep_killing(killed: Counter[str]) -> None:
        while True:
            await asyncio.sleep(0.35)
            killed["listeners"] += await cut(scratch, namespace)

    async def commit(order_id: UUID, relay: Relay) -> None:
        for _ in range(99):
            committed = await store.commit(order_id)
            if chance.random() < 0.9:
                relay.announce([committed])
            await asyncio.sleep(chance.random() * 0.05)

    killed: Counter[str] = Counter()
    limits = LiveLimits(ring_events=8, page_events=10)
    async with (
        LiveHub(store, heartbeat_seconds=1.0, limits=limits) as hub,
        Relay(here, Listener(), namespace=namespace) as a,
        Relay(there, hub, namespace=namespace) as b,
    ):
        await until(lambda: a.connected and b.connected)
        readers = [
            follow_events(hub, order_id, 0, pause=lambda: 0.2 if chance.random() < 0.05 else 0)
            for order_id in ids * 3
        ]
        killer = asyncio.create_task(keep_killing(killed))
        await asyncio.gather(*(commit(order_id, a) for order_id in ids))
        await until(lambda: all(reader.versions[-1:] == [100] for reader in readers))
        killer.cancel()
        await leave(*readers)

    assert [reader.versions for reader in readers] == [list(range(1, 101))] * 60
    assert killed["listeners"] >= 4, "the run is void unless connections were cut"


async def test_after_every_cut_the_subscribers_are_told_and_messages_come_again(
    scratch: Scratch, namespace: str
) -> None:
    async with broadcast(scratch.dsn, namespace) as broker, broker.subscribe("news") as subscriber:
        received = []
        for number in range(3):
            await broker.publish("news", str(number))
            received.append((await soon(subscriber.get())).message)
            assert await cut(scratch, namespace) == 2
            received.append((await soon(subscriber.get())).message)

    assert received == ["0", RESYNC, "1", RESYNC, "2", RESYNC]


async def test_a_database_that_is_away_is_waited_for_by_everybody(
    scratch: Scratch, database: Database, namespace: str
) -> None:
    store, order_id, away = SqlStore(database), uuid4(), asyncio.Event()
    await store.create([order_id])

    async def line() -> NotificationLine:
        if away.is_set():
            raise ConnectionRefusedError
        return await open_line(scratch.dsn, application_name=namespace)

    quick = RelayLimits(echo_seconds=0.05, silence_seconds_max=0.3, retry_seconds_max=0.1)
    backends = [LineBackend(line, namespace=namespace, limits=IMPATIENT) for _ in range(2)]
    async with (
        LiveHub(store, heartbeat_seconds=QUIET) as hub,
        Relay(backends[0], Listener(), namespace=namespace, limits=quick) as a,
        Relay(backends[1], hub, namespace=namespace, limits=quick) as b,
    ):
        await until(lambda: a.connected and b.connected)
        reader = follow_events(hub, order_id, 0)
        await until(lambda: reader.versions == [1])
        away.set()
        await cut(scratch, namespace)
        await until(lambda: not a.connected and not b.connected)
        a.announce([await store.commit(order_id)])
        away.clear()
        await until(lambda: reader.versions == [1, 2] and a.connected and b.connected)
        await leave(reader)


async def test_a_listener_that_is_ended_from_inside_starts_again(
    scratch: Scratch, namespace: str, caplog: pytest.LogCaptureFixture
) -> None:
    leaks = 2

    async def line() -> NotificationLine:
        nonlocal leaks
        if leaks:
            leaks -= 1
            raise asyncio.CancelledError
        return await open_line(scratch.dsn)

    backend = LineBackend(line, namespace=namespace)
    await backend.connect()
    await until(lambda: backend.listening)
    await backend.disconnect()

    assert [record.message for record in caplog.records].count("relay.listener_ended") == 2


async def test_a_message_that_postgresql_would_refuse_is_refused_here(
    scratch: Scratch, namespace: str
) -> None:
    async with broadcast(scratch.dsn, namespace) as broker, broker.subscribe("news") as subscriber:
        longest = "é" * ((7_999 - len("news\n")) // 2)
        await broker.publish("news", longest)
        with pytest.raises(ValueError, match="7999"):
            await broker.publish("news", f"{longest}é")
        received = (await soon(subscriber.get())).message

    assert received == longest


async def test_publishing_without_a_connection_is_refused(scratch: Scratch, namespace: str) -> None:
    backend = LineBackend(partial(open_line, scratch.dsn), namespace=namespace)

    with pytest.raises(ConnectionError):
        await backend.publish("news", "hello")


@pytest.mark.parametrize("name", ["", "Shop", "1shop", "a-b", "a" * 41, "shop;"])
def test_a_namespace_that_is_no_plain_name_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="plain"):
        LineBackend(partial(open_line, ""), namespace=name)
