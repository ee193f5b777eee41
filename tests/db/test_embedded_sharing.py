"""The embedded database among several processes: one owns the server, the others attach and inherit."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from db.embedded import EmbeddedDatabaseCode, EmbeddedDatabaseError, EmbeddedPostgres
from db.embedded.locks import FileLock
from tests.db.embedded_process import (
    OtherProcess,
    eventually,
    is_alive,
    names_in,
    postmaster,
    query,
    short_folder,
)


@pytest.fixture
def root() -> Iterator[Path]:
    with short_folder() as folder:
        yield folder / "pulse"


async def test_a_second_process_attaches_to_the_server_of_the_first(root: Path) -> None:
    owner = await OtherProcess.start(root)
    ready = await owner.hear("ready")
    server = postmaster(root)

    async with EmbeddedPostgres(root, durable=False) as attached:
        await query(attached.dsn, "create table shared as select 42 as value")
        description = await attached.describe()
    after = await query(ready["dsn"], "select value from shared")

    assert (ready["is_owner"], description.is_owner) == (True, False)
    assert description.version == ready["version"]
    assert attached.dsn == ready["dsn"]
    assert after == 42
    assert postmaster(root) == server
    assert await owner.stop() == 0


async def test_an_attached_process_may_want_another_database(root: Path) -> None:
    async with EmbeddedPostgres(root, durable=False), EmbeddedPostgres(root, database="other") as attached:
        name = await query(attached.dsn, "select current_database()")

    assert name == "other"


async def test_an_attached_process_finds_a_socket_folder_elsewhere(root: Path) -> None:
    deep = root / ("x" * 100)
    async with EmbeddedPostgres(deep, durable=False) as database:
        folder = (await database.describe()).socket_folder
        other = await OtherProcess.start(deep)

        ready = await other.hear("ready")

        assert ready["is_owner"] is False
        assert ready["dsn"] == database.dsn
        assert await other.stop() == 0
    folder.rmdir()


async def test_an_attached_process_takes_over_when_the_owner_stops(root: Path) -> None:
    owner = await OtherProcess.start(root)
    address = (await owner.hear("ready"))["dsn"]
    attached = await OtherProcess.start(root)
    await attached.hear("ready")
    await query(address, "create table kept as select 42 as value")

    await owner.stop()
    lost = await attached.hear("embedded_postgres_lost")
    await attached.hear("embedded_postgres_back")

    assert lost["taking_over"] is True
    assert await query(address, "select value from kept") == 42
    server = postmaster(root)
    assert await attached.stop() == 0
    assert not is_alive(server)


async def test_an_attached_process_takes_over_when_the_owner_is_killed(root: Path) -> None:
    owner = await OtherProcess.start(root, durable=True)
    await owner.hear("ready")
    async with EmbeddedPostgres(root) as attached:
        await query(attached.dsn, "create table kept as select 42 as value")
        orphan = postmaster(root)

        await owner.kill()

        async def took_over() -> bool:
            return (
                attached.is_owner
                and (root / "data" / "postmaster.pid").exists()
                and postmaster(root) != orphan
            )

        await eventually(took_over)

        async def kept() -> bool:
            try:
                return bool(await query(attached.dsn, "select value = 42 from kept"))
            except (OSError, asyncpg.PostgresError):
                return False

        await eventually(kept)
        assert not is_alive(orphan)


async def test_of_many_that_lose_their_owner_exactly_one_takes_over(root: Path) -> None:
    owner = await OtherProcess.start(root)
    await owner.hear("ready")
    databases = [EmbeddedPostgres(root, durable=False) for _ in range(5)]
    for database in databases:
        await database.start()

    await owner.kill()

    async def owned() -> bool:
        return any(database.is_owner for database in databases)

    await eventually(owned)
    assert sum(database.is_owner for database in databases) == 1
    for database in sorted(databases, key=lambda database: database.is_owner):
        await database.stop()


async def test_of_two_processes_that_make_a_database_at_once_one_owns_it(root: Path) -> None:
    both = [await OtherProcess.start(root), await OtherProcess.start(root)]

    ready = await asyncio.gather(*(process.hear("ready") for process in both))

    assert sorted(said["is_owner"] for said in ready) == [False, True]
    assert ready[0]["dsn"] == ready[1]["dsn"]
    assert await query(ready[0]["dsn"], "select 1") == 1
    for _, process in sorted(
        zip((said["is_owner"] for said in ready), both, strict=True), key=lambda p: p[0]
    ):
        assert await process.stop() == 0


async def test_reset_is_refused_while_another_process_owns_the_data(root: Path) -> None:
    owner = await OtherProcess.start(root)
    ready = await owner.hear("ready")
    await query(ready["dsn"], "create table kept as select 42 as value")
    server = postmaster(root)

    async with EmbeddedPostgres(root, durable=False) as attached:
        with pytest.raises(EmbeddedDatabaseError) as refused:
            await attached.reset()

        assert refused.value.code == EmbeddedDatabaseCode.OWNED_ELSEWHERE
        assert await query(attached.dsn, "select value from kept") == 42
        assert postmaster(root) == server
    assert await owner.stop() == 0


async def test_an_owner_whose_server_never_answers_is_named_after_a_while(root: Path) -> None:
    silent = FileLock(root.parent / "owner.lock")
    assert silent.acquire()

    with pytest.raises(EmbeddedDatabaseError) as refused:
        await EmbeddedPostgres(root.parent, durable=False, start_timeout_seconds=0.2).start()

    assert refused.value.code == EmbeddedDatabaseCode.OWNER_NOT_READY
    assert names_in(root.parent) == ["owner.lock"]
    silent.release()
