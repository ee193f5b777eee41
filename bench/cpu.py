"""Processor time of processes, which says what work costs even where other work shares the machine."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

_TICKS_PER_SECOND: Final = os.sysconf("SC_CLK_TCK")
_PARENT, _USED = 1, slice(11, 15)
"""Of the fields behind the name in /proc/PID/stat: the parent; user and system time, own and of ended children."""


def tree_seconds(root: int) -> float:
    """Return the processor time that a process, its children that run and those that ended have used, in seconds."""
    fields = dict(_processes())
    total = 0
    for pid in fields:
        if _descends(pid, root, fields):
            total += sum(int(field) for field in fields[pid][_USED])
    return total / _TICKS_PER_SECOND


def postmaster_of(folder: Path) -> int:
    """Return the process id of the embedded server whose files are below a folder."""
    (found,) = folder.rglob("postmaster.pid")
    return int(found.read_text().split()[0])


def _processes() -> Iterable[tuple[int, list[str]]]:
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                stat = (entry / "stat").read_text()
            except OSError:  # it has ended meanwhile
                continue
            yield int(entry.name), stat.rpartition(") ")[2].split()


def _descends(pid: int, root: int, fields: dict[int, list[str]]) -> bool:
    while pid != root:
        if pid not in fields:
            return False
        pid = int(fields[pid][_PARENT])
    return True
