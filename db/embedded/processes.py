"""Which processes of the operating system serve a data folder, and waiting for them to be gone.

Apart, because a pid file is only a claim: the process may be dead, not reaped yet, or a stranger with the same
number. What is believed here is what the kernel says.
"""

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from db.embedded.errors import EmbeddedDatabaseCode, EmbeddedDatabaseError
from db.embedded.locks import FileLock

_POLL_SECONDS = 0.02
_SHUTDOWN_SECONDS = 30.0  # for a postmaster whose owner died: it writes its last checkpoint
_LINGER_SECONDS = 0.1  # for children whose postmaster died: the idle notice at once, the busy go on for long
_ESCALATION_SECONDS = 5.0


def server_processes(data: Path) -> list[int]:
    """Return the pids of the PostgreSQL processes that live in this data folder; each of them has it as its cwd."""
    try:
        wanted = data.stat()
    except FileNotFoundError:
        return []
    return [pid for pid in _pids() if _is_postgres_in(pid, wanted)]


async def until(happened: Callable[[], bool], seconds: float) -> bool:
    """Wait until something has happened, `seconds` at most. Return whether it has."""
    deadline = time.monotonic() + seconds
    while not happened():
        if time.monotonic() >= deadline:
            return False
        await asyncio.sleep(_POLL_SECONDS)
    return True


async def take_from_the_dead(lock: FileLock, data: Path) -> None:
    """Take the server's lock, as soon as the last process of the server before has gone.

    Raises:
        EmbeddedDatabaseError: `folder_in_use`: one won't go even by SIGKILL, or a server that isn't ours is there.
    """
    if not lock.acquire():
        await _see_off(lock, data)
    strangers = server_processes(data) if (data / "postmaster.pid").exists() else []
    if strangers or not lock.held:
        lock.release()
        raise EmbeddedDatabaseError(
            EmbeddedDatabaseCode.FOLDER_IN_USE,
            f"Another PostgreSQL server works on {data} (process {', '.join(map(str, strangers)) or 'unknown'}): "
            "it was not started by us, or it can't be ended. Stop it (pg_ctl stop -m fast) and start again.",
        )


async def _see_off(lock: FileLock, data: Path) -> None:
    """Wait for the server's lock, and help its holders to go after a while.

    A postmaster that was told to stop gets its time. Children without one are told to quit soon, and are killed if
    they don't: in the middle of a long computation they would not notice for hours.
    """
    orderly = _postmaster(data) in server_processes(data)
    if await until(lock.acquire, _SHUTDOWN_SECONDS if orderly else _LINGER_SECONDS):
        return
    for last_word in (signal.SIGQUIT, signal.SIGKILL):
        for pid in server_processes(data):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, last_word)
        if await until(lock.acquire, _ESCALATION_SECONDS):
            return


def _postmaster(data: Path) -> int | None:
    """Return the pid that the pid file claims."""
    try:
        return int((data / "postmaster.pid").read_text(errors="replace").split()[0])
    except (OSError, ValueError, IndexError):
        return None


def _pids() -> Iterator[int]:
    for entry in os.scandir("/proc"):
        if entry.name.isdigit():
            yield int(entry.name)


def _is_postgres_in(pid: int, folder: os.stat_result) -> bool:
    try:
        found = Path(f"/proc/{pid}/cwd").stat()
        name = Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return False  # gone, dead and not reaped, or another user's and so no server of ours
    return (found.st_dev, found.st_ino) == (folder.st_dev, folder.st_ino) and name == "postgres"
