"""How commands tell what they found: to people in words and tables, to programs as JSON. One place for all of them.

`--format json` writes one JSON document to stdout, or one line of JSON for each thing of a stream, and nothing else:
no colour, no progress. What went wrong is on stderr in either form.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.text import Text

from app.error_catalog import ExitCode

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from rich.console import RenderableType


class Format(StrEnum):
    """Who reads it."""

    TEXT = "text"
    JSON = "json"


class CommandError(Exception):
    """What ends a command: `code` is its exit code, `to_do` what to do next."""

    def __init__(self, message: str, code: ExitCode = ExitCode.FAILED, to_do: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.to_do = to_do


@dataclass
class Output:
    """Where a command writes."""

    format: Format = Format.TEXT
    _people: Console = field(init=False, repr=False)
    _aside: Console = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._people = Console(highlight=False, soft_wrap=True)
        self._aside = Console(stderr=True, highlight=False, soft_wrap=True)

    @property
    def is_json(self) -> bool:
        """Whether a program reads."""
        return self.format is Format.JSON

    def document(self, content: Mapping[str, Any], *shown: RenderableType) -> None:
        """Write the whole answer of a command."""
        if self.is_json:
            _write(json.dumps(content, indent=2, ensure_ascii=False, default=str))
        else:
            for part in shown:
                self._people.print(part)

    def line(self, content: Mapping[str, Any], shown: RenderableType) -> None:
        """Write one thing of a stream; it can be read at once."""
        if self.is_json:
            _write(json.dumps(content, ensure_ascii=False, default=str))
        else:
            self._people.print(shown)

    def aside(self, text: RenderableType) -> None:
        """Tell a person how it goes; never on stdout."""
        self._aside.print(text)


def columns(names: Sequence[str], rows: Iterable[Sequence[str | Text]]) -> Text:
    """Return a table whose lines are never broken or cut, so that what is in them can be copied."""
    cells = [[part if isinstance(part, Text) else Text(part) for part in row] for row in rows]
    widths = [max(len(name), *(row[at].cell_len for row in cells)) for at, name in enumerate(names)]
    lines = [_padded([Text(name, style="bold") for name in names], widths)]
    return Text("\n").join([*lines, *(_padded(row, widths) for row in cells)])


def facts(pairs: Iterable[tuple[str, str | Text]]) -> Text:
    """Return what is known of one thing, a line for each name."""
    named = list(pairs)
    width = max(len(name) for name, _ in named)
    lines = [Text.assemble((f"{name:{width}}  ", "bold"), value) for name, value in named]
    return Text("\n").join(lines)


def _padded(cells: Sequence[Text], widths: Sequence[int]) -> Text:
    line = Text("  ").join(
        Text.assemble(cell, " " * (width - cell.cell_len)) for cell, width in zip(cells, widths, strict=True)
    )
    line.rstrip()
    return line


def complain(message: str, to_do: str = "") -> None:
    """Say on stderr what went wrong, and what to do next."""
    errors = Console(stderr=True, highlight=False, soft_wrap=True)
    errors.print("[red]Error:[/red] ", end="")
    errors.print(message, markup=False)
    if to_do:
        errors.print(f"  → {to_do}", markup=False)


def _write(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
