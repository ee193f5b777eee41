"""The server's log: a file that every process of the server appends to, kept within bounds by its owner.

Apart, because PostgreSQL's own collector bounds a file but not their sum, and a pipe to us would stop the
server whenever we stop reading.
"""

import shutil
from pathlib import Path
from typing import IO

_BYTES_MAX = 16 * 1024 * 1024
_TAIL_BYTES = 3000


class ServerLog:
    """`server.log` and, from the time that it was full, `server.log.1`."""

    def __init__(self, folder: Path, *, bytes_max: int = _BYTES_MAX) -> None:
        self.path = folder / "server.log"
        self._bytes_max = bytes_max

    def open(self) -> IO[bytes]:
        """Open the log for a new process, making it and its folder if they aren't there.

        Raises:
            OSError: No room, or no permission.
        """
        self.path.parent.mkdir(mode=0o700, exist_ok=True)
        return self.path.open("ab")

    def size(self) -> int:
        """Return the present size in bytes, to ask later for what was written since."""
        try:
            return self.path.stat().st_size
        except FileNotFoundError:
            return 0

    def tail(self, since: int) -> str:
        """Return the last lines written after position `since`."""
        try:
            with self.path.open("rb") as log:
                end = log.seek(0, 2)
                log.seek(max(since if since <= end else 0, end - _TAIL_BYTES))
                return log.read().decode(errors="replace").strip()
        except FileNotFoundError:
            return ""

    def trim(self) -> None:
        """Move a full log aside. The server appends and keeps the file open, so it is emptied, not renamed.

        Lines written between the copy and the emptying are lost, which a log may.

        Raises:
            OSError: No room for the copy; the log is whole then.
        """
        if self.size() < self._bytes_max:
            return
        shutil.copyfile(self.path, self.path.with_suffix(".log.1"))
        with self.path.open("r+b") as log:
            log.truncate(0)
