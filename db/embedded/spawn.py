"""Starting a PostgreSQL program as the right user, tied to the life of this process.

Apart, because the server, `initdb` and the first probe start alike, and because what may go wrong between two
processes is all here.
"""

import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import IO

from db.embedded import launch
from db.embedded.locks import FileLock


class PrivilegeMode(StrEnum):
    """How a program of PostgreSQL, which refuses to run as root, gets a user that it accepts."""

    DIRECT = "direct"
    """As we are."""
    NAMESPACE = "namespace"
    """In a user namespace in which our user has another number: no file changes hands."""
    SETUID = "setuid"
    """As another user of the system, who then owns the data."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who runs the server.

    Attributes:
        mode: How the server gets its user.
        uid: The user as the kernel and the files know it.
        gid: The group, likewise.
        shown_uid: The user that the server believes to be.
        shown_gid: The group that the server believes to have.
    """

    mode: PrivilegeMode
    uid: int
    gid: int
    shown_uid: int
    shown_gid: int

    @classmethod
    def ourselves(cls) -> "Identity":
        """Return the identity of this very process."""
        uid, gid = os.geteuid(), os.getegid()
        return cls(mode=PrivilegeMode.DIRECT, uid=uid, gid=gid, shown_uid=uid, shown_gid=gid)


def spawn(
    command: list[str | Path],
    *,
    identity: Identity,
    death_signal: signal.Signals,
    log: IO[bytes],
    lock: FileLock,
) -> subprocess.Popen[bytes]:
    """Start a program that writes to `log`, holds `lock` with its children, and gets `death_signal` when we die.

    To be called on the thread of the event loop and nowhere else: the kernel sends the signal when the *thread*
    that started the program ends, and a worker thread may end at any time.
    """
    return subprocess.Popen(  # noqa: S603  # our own launcher, with arguments and no shell
        _launcher(command, identity, death_signal),
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        cwd="/",
        pass_fds=(lock.fileno(),),
        # Away from our terminal: Ctrl-C is for us, and we stop the server when its clients are done.
        start_new_session=True,
    )


def run_briefly(
    command: list[str | Path], *, identity: Identity, timeout_seconds: float
) -> subprocess.CompletedProcess[str]:
    """Run a program that answers at once, and return what it printed. Blocks: call it off the event loop.

    Raises:
        OSError: The interpreter itself can't be started.
        subprocess.TimeoutExpired: It did not answer.
    """
    return subprocess.run(  # noqa: S603  # likewise
        _launcher(command, identity, signal.SIGKILL),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        cwd="/",
        check=False,
        timeout=timeout_seconds,
    )


def _launcher(command: list[str | Path], identity: Identity, death_signal: signal.Signals) -> list[str]:
    numbers = (identity.shown_uid, identity.shown_gid, death_signal.value)
    words = [
        sys.executable,
        "-I",
        "-S",
        "-B",
        launch.__file__,
        os.getpid(),
        identity.mode,
        *numbers,
        *command,
    ]
    return [str(word) for word in words]
