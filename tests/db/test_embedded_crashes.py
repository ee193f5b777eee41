"""The embedded database when somebody dies: the server, a part of it, its owner, or a start half done."""

import asyncio
import contextlib
import signal
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from db.embedded import EmbeddedPostgres
from db.embedded.contact import NO_ANSWER
from tests.db.embedded_process import (
    OtherProcess,
    ended,
    eventually,
    is_alive,
    kill,
    postmaster,
    query,
    short_folder,
)

BUSY = "select exists (select from pg_stat_activity where state = 'active' and query like '%generate_series%a,%b')"


class Heard:
    """Keeps what is reported for the test to read."""

    def __init__(self) -> None:
        self.events: list[tuple[str, dict[str, object]]] = []

    def __call__(self, event: str, /, **fields: object) -> None:
        """Keep an event."""
        self.events.append((event, fields))

    async def until(self, event: str) -> None:
        """Wait for an event."""

        async def heard() -> bool:
            return event in [name for name, _ in self.events]

        await eventually(heard)


@pytest.fixture
def root() -> Iterator[Path]:
    with short_folder() as folder:
        yield folder / "pulse"


async def test_a_killed_server_is_started_again_with_its_data(root: Path) -> None:
    heard = Heard()
    async with EmbeddedPostgres(root, report=heard) as database:
        await query(database.dsn, "create table kept as select 42 as value")
        address, killed = database.dsn, postmaster(root)

        kill(killed)
        await heard.until("embedded_postgres_back")

        assert await query(address, "select value from kept") == 42
        assert postmaster(root) != killed
        assert [name for name, _ in heard.events] == ["embedded_postgres_lost", "embedded_postgres_back"]
        assert heard.events[0][1] == {"taking_over": False, "exit_code": -9}


async def test_a_backend_too_busy_to_notice_does_not_delay_the_restart_for_long(root: Path) -> None:
    heard = Heard()
    async with EmbeddedPostgres(root, durable=False, report=heard) as database:
        busy = await asyncpg.connect(database.dsn)
        pid = busy.get_server_pid()
        work = asyncio.create_task(
            busy.execute("select count(*) from generate_series(1, 1000000) a, generate_series(1, 1000000) b")
        )

        async def working() -> bool:
            return bool(await query(database.dsn, BUSY))

        await eventually(working)
        kill(postmaster(root))
        await heard.until("embedded_postgres_back")

        assert not is_alive(pid)
        assert await query(database.dsn, "select 1") == 1
        await asyncio.wait([work])
        assert isinstance(work.exception(), asyncpg.PostgresError | OSError)
        busy.terminate()


async def test_a_killed_backend_costs_the_connections_but_not_the_server(root: Path) -> None:
    async with EmbeddedPostgres(root, durable=False) as database:
        server = postmaster(root)
        connection = await asyncpg.connect(database.dsn)

        kill(connection.get_server_pid())

        async def answers() -> bool:
            with contextlib.suppress(*NO_ANSWER):
                return bool(await query(database.dsn, "select true"))
            return False

        await eventually(answers)
        assert postmaster(root) == server
        connection.terminate()


async def test_a_server_that_was_stopped_by_others_is_started_again(root: Path) -> None:
    heard = Heard()
    async with EmbeddedPostgres(root, durable=False, report=heard) as database:
        kill(postmaster(root), signal.SIGINT)
        await heard.until("embedded_postgres_back")

        assert await query(database.dsn, "select 1") == 1
        assert heard.events[0] == ("embedded_postgres_lost", {"taking_over": False, "exit_code": 0})


async def test_a_restart_that_fails_is_tried_until_it_works(root: Path) -> None:
    heard = Heard()
    async with EmbeddedPostgres(root, durable=False, report=heard) as database:
        control = root / "data" / "global" / "pg_control"
        control.rename(control.with_suffix(".away"))
        kill(postmaster(root))
        await heard.until("embedded_postgres_not_back")

        control.with_suffix(".away").rename(control)
        await heard.until("embedded_postgres_back")

        assert await query(database.dsn, "select 1") == 1


async def test_a_stop_during_a_failing_restart_ends_it(root: Path) -> None:
    heard = Heard()
    database = EmbeddedPostgres(root, durable=False, report=heard)
    await database.start()
    (root / "data" / "global" / "pg_control").unlink()
    kill(postmaster(root))
    await heard.until("embedded_postgres_not_back")

    await database.stop()

    assert not database.is_owner


async def test_the_server_of_a_killed_owner_ends_and_the_next_owner_has_the_data(root: Path) -> None:
    owner = await OtherProcess.start(root, durable=True)
    await query((await owner.hear("ready"))["dsn"], "create table kept as select 42 as value")
    orphan = postmaster(root)

    await owner.kill()
    async with EmbeddedPostgres(root) as database:
        value = await query(database.dsn, "select value from kept")

        assert value == 42
        assert database.is_owner
        assert not is_alive(orphan)


async def test_the_server_of_a_killed_owner_ends_also_when_nobody_comes(root: Path) -> None:
    owner = await OtherProcess.start(root)
    await owner.hear("ready")
    orphan = postmaster(root)

    await owner.kill()
    await ended(orphan)

    assert not (root / "data" / "postmaster.pid").exists()  # it had the time to shut down in order


async def test_pid_files_that_name_a_living_stranger_are_not_believed(root: Path) -> None:
    async with EmbeddedPostgres(root, durable=False) as database:
        await query(database.dsn, "create table kept as select 42 as value")
    stranger = await asyncio.create_subprocess_exec("sleep", "600")
    claim = f"{stranger.pid}\n{root / 'data'}\n1\n5432\n{root / 'run'}\n\n1 1\nready\n"
    (root / "data" / "postmaster.pid").write_text(claim)
    (root / "run" / ".s.PGSQL.5432.lock").write_text(claim)
    (root / "run" / ".s.PGSQL.5432").touch()

    async with EmbeddedPostgres(root, durable=False) as database:
        value = await query(database.dsn, "select value from kept")

    assert value == 42
    assert is_alive(stranger.pid)
    stranger.kill()
    await stranger.wait()


async def test_what_an_interrupted_initdb_left_is_thrown_away(root: Path) -> None:
    (root / "data.tmp").mkdir(parents=True)
    (root / "data.tmp" / "PG_VERSION").write_text("18\n")

    async with EmbeddedPostgres(root, durable=False) as database:
        answer = await query(database.dsn, "select 1")

    assert answer == 1
    assert not (root / "data.tmp").exists()


async def test_an_owner_killed_while_it_makes_the_cluster_is_followed_by_one_that_makes_it(
    root: Path,
) -> None:
    owner = await OtherProcess.start(root)

    async def making() -> bool:
        return (root / "data.tmp" / "PG_VERSION").exists()

    await eventually(making)
    await owner.kill()
    async with EmbeddedPostgres(root, durable=False) as database:
        answer = await query(database.dsn, "select 1")

    assert answer == 1


@pytest.mark.parametrize(
    "lost", [["drop database orderpulse"], ["drop database orderpulse", "drop role orderpulse"]]
)
async def test_a_start_interrupted_before_role_or_database_is_completed(root: Path, lost: list[str]) -> None:
    async with EmbeddedPostgres(root, durable=False) as database:
        connection = await asyncpg.connect(database.superuser_dsn, database="postgres")
        for statement in lost:
            await connection.execute(statement)
        await connection.close()

    async with EmbeddedPostgres(root, durable=False) as database:
        user = await query(database.dsn, "select current_user")

    assert user == "orderpulse"


async def test_a_start_that_is_cancelled_leaves_nothing_running(root: Path) -> None:
    database = EmbeddedPostgres(root, durable=False)
    start = asyncio.create_task(database.start())

    async def launched() -> bool:
        return (root / "data" / "postmaster.pid").exists()

    await eventually(launched)
    server = postmaster(root)
    start.cancel()
    await asyncio.wait([start])

    assert start.cancelled()
    assert not is_alive(server)
    assert not database.is_owner
    async with database:
        assert await query(database.dsn, "select 1") == 1
