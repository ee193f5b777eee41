"""The truth log: a file that lines are only ever added to, and that a kill at any moment leaves readable.

A line that ends in a newline was written whole. What a crash or a full disk tore off at the end is cut away, for
nobody was told of it; a broken line anywhere else is damage, and the log is refused.
"""

from __future__ import annotations

import fcntl
import os
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from pathlib import Path


class TruthLog:
    """The open log file of one sandbox; another process that opens it is refused."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(self._file)
            raise RuntimeError(f"The log {path} is in use by another sandbox.") from None
        self._end = 0

    def read(self) -> list[dict[str, Any]]:
        """Return every line, and cut off a torn one at the end.

        Raises:
            RuntimeError: a line before the last is damaged.
        """
        content = self._path.read_bytes()
        whole, newline, _ = content.rpartition(b"\n")
        lines = []
        for number, line in enumerate(whole.split(b"\n") if newline else [], start=1):
            try:
                lines.append(orjson.loads(line))
            except orjson.JSONDecodeError as error:
                raise RuntimeError(f"Line {number} of the log {self._path} is damaged: {error}.") from None
        self._cut(len(whole) + len(newline))
        return lines

    def append(self, line: dict[str, Any], *, sync: bool) -> None:
        """Add a line. With `sync` it outlives the machine, without it only the process.

        Raises:
            OSError: nothing was added.
        """
        content = memoryview(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))
        written = 0
        try:
            while written < len(content):
                written += os.write(self._file, content[written:])
            if sync:
                os.fsync(self._file)
        except OSError:
            self._cut(self._end)
            raise
        self._end += written

    def close(self) -> None:
        """Close the file, which frees it for another process."""
        os.close(self._file)

    def _cut(self, end: int) -> None:
        os.ftruncate(self._file, end)
        os.lseek(self._file, end, os.SEEK_SET)
        self._end = end
