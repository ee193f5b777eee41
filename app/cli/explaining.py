"""`orderpulse explain`: what a code means, without a network."""

from __future__ import annotations

import difflib
from dataclasses import asdict
from itertools import groupby
from typing import TYPE_CHECKING

from rich.text import Text

from app.cli.output import CommandError, Output
from app.error_catalog import CATALOG, ExitCode, find

if TYPE_CHECKING:
    from app.error_catalog import Entry


def explain(output: Output, code: str) -> None:
    """Show one code.

    Raises:
        CommandError: there is none of this name.
    """
    entry = find(code)
    if entry is None:
        near = difflib.get_close_matches(code.upper(), CATALOG, n=1)
        hint = f"Did you mean {near[0]}?" if near else "`orderpulse explain` lists them."
        raise CommandError(f"There is no code {code!r}.", ExitCode.NOT_FOUND, hint)
    output.document(asdict(entry), _shown(entry))


def explain_all(output: Output) -> None:
    """List every code."""
    text = Text()
    for kind, entries in groupby(CATALOG.values(), key=lambda entry: entry.kind):
        text.append(f"\n{kind}\n", style="bold")
        for entry in entries:
            text.append(f"  {entry.code:36}", style="cyan").append(f"{entry.title}\n")
    text.append("\norderpulse explain CODE tells what to do.")
    output.document({"errors": [asdict(entry) for entry in CATALOG.values()]}, text)


def _shown(entry: Entry) -> Text:
    text = Text(entry.code, style="bold cyan").append(f"  {entry.title}\n\n", style="bold not bold")
    text.append(f"{entry.happened}\n\n")
    text.append("What to do: ", style="bold").append(f"{entry.to_do}\n")
    return text.append("Send it again? ", style="bold").append(entry.retry)
