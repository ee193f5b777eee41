"""File locks that the kernel gives back when their holder dies, whatever it dies of.

`owner.lock` is held by the process that owns the data folder. `server.lock` is handed down to the server and
so to every process that the server forks: whoever gets it knows that none of them is left. Apart, because both
the deciding of the owner and the waiting for orphans rest on it, and neither on process ids.
"""

import fcntl
import os
from pathlib import Path


class FileLock:
    """An exclusive `flock` on a file that is never deleted; held by an open file description, not by a path."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None
        self._held = False

    @property
    def held(self) -> bool:
        """Whether this object holds the lock."""
        return self._held

    def acquire(self) -> bool:
        """Take the lock if nobody has it; never wait. Return whether it is held now.

        Raises:
            OSError: The file can't be made or opened, or its file system knows no locks.
        """
        if self._held:
            return True
        if self._descriptor is None:
            flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
            self._descriptor = os.open(self._path, flags, 0o600)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        self._held = True
        return True

    def release(self) -> None:
        """Give the lock back. A process that inherited it keeps it."""
        if self._descriptor is not None:
            # Closing, not unlocking: LOCK_UN would take the lock from those who inherited it as well.
            os.close(self._descriptor)
            self._descriptor = None
        self._held = False

    def fileno(self) -> int:
        """Return the descriptor to hand down to a child."""
        if self._descriptor is None:
            raise RuntimeError("only a lock that is held can be handed down")
        return self._descriptor
