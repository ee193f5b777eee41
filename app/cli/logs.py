"""`orderpulse logs tail`: the structured lines of a server of this machine, from the file that it logs to."""

from __future__ import annotations

import asyncio
import fnmatch
import json
import logging
import os
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

from rich.text import Text

from app.cli.moments import clock
from app.cli.output import CommandError, Output
from app.cli.running import LOG_NAME, running_in
from app.error_catalog import ExitCode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import TextIO

    from app.settings import Settings

POLL_SECONDS: Final = 0.1
_STYLES: Final = {"debug": "dim", "warning": "yellow", "error": "red", "critical": "bold red"}
_SHOWN_APART: Final = frozenset({"timestamp", "level", "event", "logger", "exception"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which lines: of this level or a graver one, events by a pattern as in `webhook.*`, one request's."""

    level: str = "debug"
    event: str = "*"
    request: str | None = None
    last: int = 20
    follow: bool = True


def log_path(settings: Settings) -> Path:
    """Return the file that the server of this machine logs to.

    Raises:
        CommandError: there is none.
    """
    running = running_in(settings.data_dir)
    named = settings.log_path or (Path(running.log) if running and running.log else None)
    path = named or settings.data_dir / LOG_NAME
    if not path.exists():
        raise CommandError(
            f"There is no log at {path}.",
            ExitCode.NOT_FOUND,
            "`orderpulse demo` writes one; `orderpulse serve` does with --log-file. A server elsewhere logs there.",
        )
    return path


async def run_tail(settings: Settings, output: Output, wanted: Wanted) -> ExitCode:
    """Show the last lines, and those that come until Ctrl-C."""
    fits = _fitting(wanted)
    with _Tail(log_path(settings)) as tail:
        for line in deque((line for line in tail.lines() if fits(line)), maxlen=wanted.last):
            output.line(line, _shown(line))
        while wanted.follow:
            await asyncio.sleep(POLL_SECONDS)
            for line in tail.lines():
                if fits(line):
                    output.line(line, _shown(line))
    return ExitCode.OK


class _Tail:
    """A log from its beginning on; when the file is full, the server goes on in a new one of the same name."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = path.open(encoding="utf-8")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def lines(self) -> Iterator[dict[str, Any]]:
        """Yield the lines that came since the last time."""
        yield from _lines(self._file)
        if self._path.exists() and self._path.stat().st_ino != os.fstat(self._file.fileno()).st_ino:
            yield from _lines(self._file)  # what came before the other file was begun
            self._file.close()
            self._file = self._path.open(encoding="utf-8")
            yield from _lines(self._file)


def _lines(file: TextIO) -> Iterator[dict[str, Any]]:
    """Yield the whole lines from here on. One that is being written is left for the next time."""
    while True:
        start = file.tell()
        text = file.readline()
        if not text.endswith("\n"):
            file.seek(start)
            return
        try:
            line = json.loads(text)
        except ValueError:
            continue
        if isinstance(line, dict):
            yield line


def _fitting(wanted: Wanted) -> Callable[[dict[str, Any]], bool]:
    least = logging.getLevelNamesMapping()[wanted.level.upper()]
    levels = {name.lower() for name, value in logging.getLevelNamesMapping().items() if value >= least}

    def fits(line: dict[str, Any]) -> bool:
        return (
            line.get("level") in levels
            and fnmatch.fnmatchcase(str(line.get("event")), wanted.event)
            and (wanted.request is None or line.get("request") == wanted.request)
        )

    return fits


def _shown(line: dict[str, Any]) -> Text:
    level = str(line.get("level"))
    text = Text(f"{clock(line['timestamp'])} ").append(f"{level:8}", style=_STYLES.get(level, "green"))
    text.append(f" {line.get('event')}", style="bold")
    for name, value in line.items():
        if name not in _SHOWN_APART:
            text.append(f" {name}=", style="dim").append(str(value))
    if line.get("exception"):
        text.append(f"\n{line['exception']}", style="red")
    return text
