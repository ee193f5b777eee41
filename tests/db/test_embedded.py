"""The embedded database in good weather: what it is, where it is, what it promises, and that it goes away."""

import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from db.embedded import EmbeddedDatabaseCode, EmbeddedDatabaseError, EmbeddedPostgres, launch
from db.embedded.server_log import ServerLog
from tests.db.embedded_process import ended, is_alive, kill, names_in, postmaster, query, short_folder

PROMISED = {
    "authentication_timeout": "10s",
    "client_connection_check_interval": "10s",
    "data_checksums": "on",
    "fsync": "on",
    "full_page_writes": "on",
    "idle_in_transaction_session_timeout": "1min",
    "idle_session_timeout": "0",
    "jit": "off",
    "listen_addresses": "",
    "log_error_verbosity": "terse",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
    "max_connections": "120",
    "server_encoding": "UTF8",
    "synchronous_commit": "on",
    "TimeZone": "UTC",
    "unix_socket_permissions": "0700",
    "wal_level": "replica",
}


@pytest.fixture
def root() -> Iterator[Path]:
    with short_folder() as folder:
        yield folder / "pulse"


@pytest.fixture(scope="module")
async def database() -> AsyncIterator[EmbeddedPostgres]:
    with short_folder() as folder:
        async with EmbeddedPostgres(folder / "pulse", durable=False) as started:
            yield started


def environment_of(pid: int) -> dict[str, str]:
    variables = Path(f"/proc/{pid}/environ").read_text().split("\0")
    return dict(variable.split("=", 1) for variable in variables if variable)


async def test_the_application_gets_a_database_of_its_own_as_no_superuser(database: EmbeddedPostgres) -> None:
    connection = await asyncpg.connect(database.dsn)

    row = await connection.fetchrow(
        "select current_user, current_database(), rolsuper, rolcreatedb, pg_get_userbyid(datdba) as owner"
        " from pg_roles, pg_database where rolname = current_user and datname = current_database()"
    )

    await connection.close()
    assert row is not None
    assert dict(row) == {
        "current_user": "orderpulse",
        "current_database": "orderpulse",
        "rolsuper": False,
        "rolcreatedb": True,
        "owner": "orderpulse",
    }


async def test_a_payments_database_is_set_up_to_lose_nothing(root: Path) -> None:
    async with EmbeddedPostgres(root) as database:
        connection = await asyncpg.connect(database.superuser_dsn)

        found = {name: await connection.fetchval(f"show {name}") for name in PROMISED}

        await connection.close()
    assert found == PROMISED


async def test_a_throwaway_database_differs_in_nothing_but_its_writes(root: Path) -> None:
    async with EmbeddedPostgres(root, durable=False) as database:
        connection = await asyncpg.connect(database.superuser_dsn)

        found = {name: await connection.fetchval(f"show {name}") for name in PROMISED}

        await connection.close()
    assert found == {**PROMISED, "fsync": "off", "full_page_writes": "off"}


async def test_text_sorts_by_code_point_and_knows_all_letters(database: EmbeddedPostgres) -> None:
    connection = await asyncpg.connect(database.dsn)

    words = await connection.fetchval(
        "select array_agg(w order by w) from unnest(array['ä', 'b', 'A', 'a']) w"
    )
    upper = await connection.fetchval("select upper('ärger')")

    await connection.close()
    assert words == ["A", "a", "b", "ä"]
    assert upper == "ÄRGER"


async def test_the_address_works_in_a_folder_with_spaces_and_letters_of_all_kinds(root: Path) -> None:
    async with EmbeddedPostgres(root / "Größe & 100% 桜", durable=False) as database:
        engine = create_async_engine(database.dsn.replace("postgresql://", "postgresql+asyncpg://"))
        connection = await asyncpg.connect(database.dsn)

        async with engine.connect() as session:
            by_sqlalchemy = await session.scalar(text("select current_database()"))
        by_asyncpg = await connection.fetchval("select current_database()")

        await connection.close()
        await engine.dispose()
    assert (by_sqlalchemy, by_asyncpg) == ("orderpulse", "orderpulse")


@pytest.mark.parametrize("name", ["x" * 100, "a,b"], ids=["too long", "read as a list of hosts"])
async def test_a_path_that_no_socket_can_have_gets_a_private_folder_elsewhere(root: Path, name: str) -> None:
    async with EmbeddedPostgres(root / name, durable=False) as database:
        description = await database.describe()
        folder = description.socket_folder

        answer = await query(database.dsn, "select 1")

        assert answer == 1
        assert not folder.is_relative_to(root)
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert (root / name / "run").readlink() == folder
    folder.rmdir()


async def test_a_copied_root_does_not_share_the_socket_of_the_original(root: Path) -> None:
    original, copy = root / ("o" * 100), root / ("c" * 100)
    async with EmbeddedPostgres(original, durable=False) as first:
        copy.mkdir()
        (copy / "run").symlink_to((original / "run").readlink())

        async with EmbeddedPostgres(copy, durable=False) as second:
            folders = [(await database.describe()).socket_folder for database in (first, second)]
            answer = await query(first.dsn, "select 1")

    assert answer == 1
    assert len(set(folders)) == 2
    for folder in folders:
        folder.rmdir()


async def test_only_its_user_may_enter_the_socket_and_data_folders(database: EmbeddedPostgres) -> None:
    description = await database.describe()

    modes = {
        folder: stat.S_IMODE(folder.stat().st_mode)
        for folder in (description.socket_folder, description.data_folder, description.data_folder.parent)
    }

    assert set(modes.values()) == {0o700}


async def test_ctrl_c_reaches_the_application_and_not_the_server(database: EmbeddedPostgres) -> None:
    server = postmaster(database.data_folder.parent)

    group = os.getpgid(server)

    assert group == server
    assert group != os.getpgid(0)


async def test_data_are_kept_from_run_to_run(root: Path) -> None:
    begun = time.perf_counter()
    async with EmbeddedPostgres(root) as database:
        cold = time.perf_counter() - begun
        await query(database.dsn, "create table kept as select 42 as value")
    begun = time.perf_counter()
    async with EmbeddedPostgres(root) as database:
        warm = time.perf_counter() - begun
        value = await query(database.dsn, "select value from kept")

    assert value == 42
    print(f"first start {cold:.2f} s, next start {warm:.2f} s")  # noqa: T201  # pytest -s shows it


async def test_reset_drops_the_data(root: Path) -> None:
    database = EmbeddedPostgres(root, durable=False)
    await database.start()
    await query(database.dsn, "create table dropped ()")

    await database.reset()

    assert names_in(root) == ["log", "owner.lock", "run", "server.lock"]
    async with database:
        assert await query(database.dsn, "select to_regclass('dropped')") is None


async def test_reset_of_a_database_that_never_was_is_no_trouble(root: Path) -> None:
    database = EmbeddedPostgres(root)

    await database.reset()

    assert not database.data_folder.exists()
    assert not database.is_owner


async def test_the_description_names_what_a_person_looks_for(database: EmbeddedPostgres) -> None:
    root = database.data_folder.parent
    description = await database.describe()

    assert description.version == database.version
    assert description.data_folder == root / "data"
    assert description.socket_folder == root / "run"
    assert description.is_owner
    assert description.size_bytes > 16 * 1024 * 1024  # one segment of the log is as big


async def test_stop_leaves_no_process_and_a_second_stop_does_nothing(root: Path) -> None:
    database = EmbeddedPostgres(root, durable=False)
    await database.start()
    server = postmaster(root)

    await database.stop()
    await database.stop()

    assert not is_alive(server)
    assert not (root / "data" / "postmaster.pid").exists()
    assert not database.is_owner


async def test_a_second_start_does_nothing(database: EmbeddedPostgres) -> None:
    root = database.data_folder.parent
    server = postmaster(root)

    await database.start()

    assert postmaster(root) == server


async def test_stop_kills_a_server_that_does_not_listen(root: Path) -> None:
    database = EmbeddedPostgres(root, durable=False, stop_timeout_seconds=0.2)
    await database.start()
    server = postmaster(root)
    kill(server, signal.SIGSTOP)

    await database.stop()

    await ended(server)
    assert not database.is_owner


async def test_an_address_before_the_start_is_a_mistake(root: Path) -> None:
    database = EmbeddedPostgres(root)

    with pytest.raises(RuntimeError, match="has not been started"):
        _ = database.dsn


async def test_other_systems_than_linux_are_told_what_to_do(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")

    with pytest.raises(EmbeddedDatabaseError) as refused:
        await EmbeddedPostgres(root).start()

    assert refused.value.code == EmbeddedDatabaseCode.NOT_LINUX
    assert names_in(root) == ["owner.lock"]


async def test_the_server_sees_nothing_of_our_environment(database: EmbeddedPostgres) -> None:
    server = postmaster(database.data_folder.parent)

    seen = environment_of(server)

    assert {"LC_ALL": "C", "TZ": "UTC", "PATH": "/usr/bin:/bin"}.items() <= seen.items()
    assert seen.keys() <= {"LC_ALL", "TZ", "PATH", "PGLOCALEDIR", "PGSYSCONFDIR"}  # it sets some itself


def test_a_server_whose_owner_died_before_it_could_ask_to_be_told_is_not_started(tmp_path: Path) -> None:
    made = tmp_path / "made"
    nobody = 2**22  # no process has so high a number
    arguments = [str(nobody), "direct", "0", "0", "2", "/usr/bin/touch", str(made)]

    ended = subprocess.run([sys.executable, "-I", "-S", launch.__file__, *arguments], check=False)

    assert ended.returncode == launch.PARENT_GONE
    assert not made.exists()


@pytest.mark.parametrize("name", ["", "Upper", "two words", 'quo"te', "x" * 64])
def test_a_database_name_that_needs_quoting_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="plain"):
        EmbeddedPostgres(tmp_path, database=name)


def test_a_full_log_is_moved_aside_while_the_server_goes_on_writing(tmp_path: Path) -> None:
    log = ServerLog(tmp_path / "log", bytes_max=100)
    with log.open() as file:
        file.write(b"x" * 99 + b"\n")
        file.flush()

        log.trim()
        file.write(b"after\n")

    assert (tmp_path / "log" / "server.log.1").read_bytes() == b"x" * 99 + b"\n"
    assert log.path.read_bytes() == b"after\n"
    assert log.tail(0) == "after"


def test_a_log_with_room_is_left_alone(tmp_path: Path) -> None:
    log = ServerLog(tmp_path / "log", bytes_max=100)
    with log.open() as file:
        file.write(b"x" * 99)

    log.trim()

    assert log.size() == 99
    assert not (tmp_path / "log" / "server.log.1").exists()
