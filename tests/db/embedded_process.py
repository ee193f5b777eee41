"""A process of its own that has an embedded database, and the handle by which a test holds it.

Apart, because who owns a server, and what becomes of it when its owner dies, can only be seen from outside.
Run as a script it starts the database, prints a line of JSON for everything that happens, and stops when its
standard input ends.
"""

import asyncio
import json
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import asyncpg

REPOSITORY = Path(__file__).parents[2]
SITE_PACKAGES = Path(asyncpg.__file__).parents[1]
DEADLINE_SECONDS = 60.0
DISK = Path("/tmp")  # noqa: S108  # mkdtemp makes a private folder there; TMPDIR may be too deep for a socket
MEMORY = Path("/dev/shm")  # noqa: S108  # likewise
MEMORY_BYTES_MIN = 2**30


class OtherProcess:
    """A process that starts an `EmbeddedPostgres` on a folder."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @classmethod
    async def start(
        cls,
        root: Path,
        *,
        python: str = sys.executable,
        uid: int | None = None,
        namespaces: bool = True,
        **options: object,
    ) -> Self:
        """Start the process; `options` are those of `EmbeddedPostgres`."""
        within = [] if namespaces else [python, str(Path(__file__).with_name("without_namespaces.py"))]
        process = await asyncio.create_subprocess_exec(
            *(*within, python, "-W", "error", __file__, str(root), json.dumps({"durable": False, **options})),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            cwd="/",
            env={"PYTHONPATH": f"{REPOSITORY}{os.pathsep}{SITE_PACKAGES}", "PYTHONDONTWRITEBYTECODE": "1"},
            user=uid,
            group=uid,
            extra_groups=None if uid is None else [],
        )
        return cls(process)

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    async def hear(self, event: str) -> dict[str, Any]:
        """Wait for an event and return its fields; "ready" comes after the start, "refused" instead of it."""
        assert self._process.stdout is not None
        async with asyncio.timeout(DEADLINE_SECONDS):
            while True:
                line = await self._process.stdout.readline()
                assert line, f"the process ended before {event}"
                said: dict[str, Any] = json.loads(line)
                if said["event"] == event:
                    return said
                assert said["event"] != "refused", said

    async def stop(self) -> int:
        """Let the process stop its database and end; return its exit code."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        return await self._end()

    async def kill(self) -> None:
        """Kill the process without a warning."""
        self._process.kill()
        await self._end()

    async def _end(self) -> int:
        assert self._process.stdout is not None
        async with asyncio.timeout(DEADLINE_SECONDS):
            await self._process.stdout.read()
            return await self._process.wait()


@contextmanager
def short_folder(*, on_disk: bool = False) -> Iterator[Path]:
    """Make a folder that other users may pass through and whose path leaves room for a socket's.

    It is in memory where there is enough, because making a cluster is mostly writing.
    """
    roomy = MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > MEMORY_BYTES_MIN
    folder = Path(tempfile.mkdtemp(prefix="pulse-", dir=MEMORY if roomy and not on_disk else DISK))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def names_in(folder: Path) -> list[str]:
    """Return what is in a folder, sorted."""
    return sorted(entry.name for entry in folder.iterdir())


async def query(dsn: str, statement: str) -> Any:  # noqa: ANN401  # as wide as SQL's types
    """Run one statement on a connection of its own and return its first value."""
    connection = await asyncpg.connect(dsn)
    try:
        return await connection.fetchval(statement)
    finally:
        await connection.close()


async def eventually(happened: Callable[[], Awaitable[bool]]) -> None:
    """Wait until something has happened; fail if it doesn't."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not await happened():
        assert time.monotonic() < deadline, "it never happened"
        await asyncio.sleep(0.02)


def postmaster(root: Path) -> int:
    """Return the process id of the server on a folder."""
    return int((root / "data" / "postmaster.pid").read_text().split()[0])


def is_alive(pid: int) -> bool:
    """Whether a process runs; one that is dead and not reaped doesn't."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


async def ended(pid: int) -> None:
    """Wait until a process has ended."""

    async def gone() -> bool:
        return not is_alive(pid)

    await eventually(gone)


def kill(pid: int, what: signal.Signals = signal.SIGKILL) -> None:
    """Send a signal to one process that the test knows to be its own."""
    os.kill(pid, what)


async def _main(root: str, options: str) -> None:
    from db.embedded import EmbeddedDatabaseError, EmbeddedPostgres, PrivilegeMode  # noqa: PLC0415  # only as a script

    def say(event: str, /, **fields: object) -> None:
        print(json.dumps({"event": event, **fields}), flush=True)  # noqa: T201  # how the test hears of it

    arguments = json.loads(options)
    if "mode" in arguments:
        arguments["mode"] = PrivilegeMode(arguments["mode"])
    database = EmbeddedPostgres(Path(root), report=say, **arguments)
    try:
        await database.start()
    except EmbeddedDatabaseError as error:
        say("refused", code=error.code, message=error.message)
        return
    say("ready", is_owner=database.is_owner, dsn=database.dsn, version=database.version)
    await asyncio.to_thread(sys.stdin.read)
    await database.stop()


if __name__ == "__main__":
    asyncio.run(_main(*sys.argv[1:]))
