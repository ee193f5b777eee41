"""Who runs the embedded server: root, a normal user, a user without a name, and what changes hands between them."""

import os
import pwd
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from db.embedded import (
    EmbeddedDatabaseCode,
    EmbeddedDatabaseError,
    EmbeddedPostgres,
    PrivilegeMode,
    find_bin_folder,
    launch,
)
from tests.db.embedded_process import OtherProcess, names_in, postmaster, query, short_folder

NOBODY = 65534
NAMELESS = 54321

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root, who may become others")


@pytest.fixture
def root() -> Iterator[Path]:
    with short_folder(on_disk=True) as folder:
        yield folder / "pulse"


@pytest.fixture
def python() -> str:
    """An interpreter of our version that every user may run."""
    for candidate in (sys.executable, "/usr/bin/python3", "/usr/local/bin/python3"):
        asked = (
            subprocess.run(
                [candidate, "-c", "import sys; print(sys.version_info[:2])"],
                user=NOBODY,
                group=NOBODY,
                extra_groups=[],
                cwd="/",
                capture_output=True,
                text=True,
                check=False,
            )
            if _can_be_run_by_all(candidate)
            else None
        )
        if asked is not None and asked.stdout.strip() == str(sys.version_info[:2]):
            return candidate
    return pytest.skip("no interpreter that a normal user may run")


def _can_be_run_by_all(path: str) -> bool:
    real = Path(path).resolve()
    return real.exists() and all(place.stat().st_mode & 0o001 for place in [real, *real.parents])


def uid_of_server(root: Path) -> int:
    return Path(f"/proc/{postmaster(root)}").stat().st_uid


def program_of_server(root: Path) -> Path:
    return Path(f"/proc/{postmaster(root)}/exe").readlink()


def namespaces_are_refused() -> bool:
    arguments = [str(os.getpid()), "namespace", str(NOBODY), str(NOBODY), "9", "/bin/true"]
    asked = subprocess.run([sys.executable, launch.__file__, *arguments], capture_output=True, check=False)
    return asked.returncode == launch.NAMESPACE_REFUSED


def server_user() -> int:
    try:
        return pwd.getpwnam("postgres").pw_uid
    except KeyError:
        return pwd.getpwnam("nobody").pw_uid


@as_root
@pytest.mark.skipif(namespaces_are_refused(), reason="the kernel refuses user namespaces here")
async def test_root_keeps_the_data_and_a_folder_that_nobody_else_may_enter(tmp_path: Path) -> None:
    private = tmp_path / "private"
    private.mkdir(mode=0o700)

    async with EmbeddedPostgres(private / "pulse", durable=False) as database:
        answer = await query(database.dsn, "select 1")
        uid = uid_of_server(private / "pulse")

    assert (answer, uid) == (1, 0)
    assert {path.stat().st_uid for path in (private / "pulse").rglob("*")} == {0}


@as_root
async def test_root_without_namespaces_hands_the_server_to_another_user(root: Path) -> None:
    async with EmbeddedPostgres(root, durable=False, mode=PrivilegeMode.SETUID) as database:
        answer = await query(database.dsn, "select 1")
        uid = uid_of_server(root)

    assert (answer, uid) == (1, server_user())
    owners = {
        name: (root / name).stat().st_uid for name in ("data", "run", "log", "owner.lock", "server.lock")
    }
    assert owners == {"data": uid, "run": uid, "log": 0, "owner.lock": 0, "server.lock": 0}


@as_root
async def test_binaries_that_the_other_user_cannot_reach_are_copied_with_their_libraries(
    root: Path, tmp_path: Path
) -> None:
    package = find_bin_folder().parent.parent
    hidden = tmp_path / "hidden"
    hidden.mkdir(mode=0o700)
    for part in (package, package.with_name(f"{package.name}.libs")):
        if part.exists():
            shutil.copytree(part, hidden / part.name, ignore=shutil.ignore_patterns("include", "*.a"))
    bin_folder = hidden / package.name / "pginstall" / "bin"

    (root / "postgresql-of-last-year").mkdir(parents=True)

    async with EmbeddedPostgres(
        root, durable=False, mode=PrivilegeMode.SETUID, bin_folder=bin_folder
    ) as database:
        answer = await query(database.dsn, "select 1")
        program = program_of_server(root)
    async with EmbeddedPostgres(root, durable=False, mode=PrivilegeMode.SETUID, bin_folder=bin_folder):
        copies = [name for name in names_in(root) if name.startswith("postgresql-")]

    assert answer == 1
    assert program.is_relative_to(root)
    assert copies == [program.relative_to(root).parts[0]]


@as_root
async def test_a_folder_that_the_other_user_cannot_reach_is_named(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    closed.chmod(0o700)

    with pytest.raises(EmbeddedDatabaseError) as refused:
        await EmbeddedPostgres(closed / "pulse", durable=False, mode=PrivilegeMode.SETUID).start()

    assert refused.value.code == EmbeddedDatabaseCode.FOLDER_UNREACHABLE
    assert "/var/lib/orderpulse" in refused.value.message
    assert names_in(closed / "pulse") == ["owner.lock"]


@as_root
async def test_root_runs_the_data_of_another_user_as_that_user(root: Path) -> None:
    async with EmbeddedPostgres(root, durable=False, mode=PrivilegeMode.SETUID) as database:
        await query(database.dsn, "create table kept as select 42 as value")

    async with EmbeddedPostgres(root, durable=False) as database:
        value = await query(database.dsn, "select value from kept")
        uid = uid_of_server(root)

    assert (value, uid) == (42, server_user())


@as_root
@pytest.mark.skipif(namespaces_are_refused(), reason="the kernel refuses user namespaces here")
async def test_data_change_hands_when_the_kernel_comes_to_refuse_namespaces_and_back(root: Path) -> None:
    async with EmbeddedPostgres(root, durable=False, mode=PrivilegeMode.NAMESPACE) as database:
        await query(database.dsn, "create table kept as select 42 as value")

    values, uids = [], []
    for mode in (PrivilegeMode.SETUID, PrivilegeMode.NAMESPACE):
        async with EmbeddedPostgres(root, durable=False, mode=mode) as database:
            values.append(await query(database.dsn, "select value from kept"))
            uids.append(uid_of_server(root))

    assert values == [42, 42]
    assert uids == [server_user(), 0]


@as_root
async def test_root_to_whom_the_kernel_refuses_namespaces_takes_the_other_way(root: Path) -> None:
    process = await OtherProcess.start(root, namespaces=False)

    ready = await process.hear("ready")
    uid = uid_of_server(root)

    assert await query(ready["dsn"], "select 1") == 1
    assert uid == server_user()
    assert await process.stop() == 0


@as_root
async def test_a_user_without_a_name_and_without_namespaces_is_told_what_to_do(
    root: Path, python: str
) -> None:
    os.chown(root.parent, NAMELESS, NAMELESS)

    process = await OtherProcess.start(root, python=python, uid=NAMELESS, namespaces=False)
    refused = await process.hear("refused")

    assert refused["code"] == EmbeddedDatabaseCode.NO_ACCOUNT
    assert "/etc/passwd" in refused["message"]
    assert await process.stop() == 0


@as_root
async def test_a_normal_user_needs_nothing_special(root: Path, python: str) -> None:
    os.chown(root.parent, NOBODY, NOBODY)

    process = await OtherProcess.start(root, python=python, uid=NOBODY)
    ready = await process.hear("ready")
    uid = uid_of_server(root)

    assert await query(ready["dsn"], "select 1") == 1
    assert ready["is_owner"]
    assert uid == NOBODY
    assert await process.stop() == 0


@as_root
@pytest.mark.skipif(namespaces_are_refused(), reason="the kernel refuses user namespaces here")
async def test_a_user_without_a_name_gets_a_namespace(root: Path, python: str) -> None:
    os.chown(root.parent, NAMELESS, NAMELESS)

    process = await OtherProcess.start(root, python=python, uid=NAMELESS)
    ready = await process.hear("ready")
    uid = uid_of_server(root)

    assert await query(ready["dsn"], "select 1") == 1
    assert uid == NAMELESS
    assert await process.stop() == 0


@as_root
async def test_root_takes_over_from_a_normal_user_without_taking_the_data(root: Path, python: str) -> None:
    os.chown(root.parent, NOBODY, NOBODY)
    process = await OtherProcess.start(root, python=python, uid=NOBODY)
    await query((await process.hear("ready"))["dsn"], "create table kept as select 42 as value")
    await process.kill()

    async with EmbeddedPostgres(root, durable=False) as database:
        value = await query(database.dsn, "select value from kept")
        uid = uid_of_server(root)

    assert (value, uid) == (42, NOBODY)
    assert {(root / name).stat().st_uid for name in ("data", "run")} == {NOBODY}
