"""What runs on this machine's data folder: kept there by `demo` and `serve` while they run, for the other commands."""

from __future__ import annotations

import contextlib
import json
import logging
import os
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

log = logging.getLogger(__name__)

NAME: Final = "running.json"
LOG_NAME: Final = "log.jsonl"
"""Where a demo writes what it logs, beside that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reachable:
    """A gateway that is simulated here, and the key of its control paths."""

    url: str
    control_key: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A server, by the process that it is; `log` is the file that it logs to, if it does."""

    pid: int
    url: str
    log: str | None = None
    gateways: Mapping[str, Reachable] = field(default_factory=dict)


@contextlib.contextmanager
def announced(folder: Path, running: Running) -> Iterator[None]:
    """Have the other commands find a server while the block lasts, if its data folder may be written."""
    try:
        _write(folder, running)
    except OSError as error:
        log.info("server.not_announced", extra={"folder": str(folder), "reason": error.strerror})
    try:
        yield
    finally:
        # Another one may have started on the same folder since.
        found = running_in(folder)
        if found is None or found.pid == running.pid:
            with contextlib.suppress(OSError):
                (folder / NAME).unlink(missing_ok=True)


def _write(folder: Path, running: Running) -> None:
    """Write it whole or not at all, readable by its owner alone."""
    folder.mkdir(parents=True, exist_ok=True)
    fresh = folder / f"{NAME}.{running.pid}"
    with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:  # noqa: PTH123 - needs the mode
        json.dump(asdict(running), file)
    fresh.replace(folder / NAME)


def running_in(folder: Path) -> Running | None:
    """Return what runs on a data folder; what a killed server left behind counts as nothing."""
    try:
        content = json.loads((folder / NAME).read_text())
        gateways = {name: Reachable(**each) for name, each in content.pop("gateways").items()}
        found = Running(**content, gateways=gateways)
        os.kill(found.pid, 0)
    except (OSError, ValueError, TypeError, KeyError):
        return None
    return found
