"""The demo as a terminal shows it: `docs/screenshots/terminal.svg`, drawn from what the commands print."""

from __future__ import annotations

import io
import os
import pty
import re
import signal
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

COLUMNS: Final = 92
_ORDERPULSE: Final = Path(sys.executable).with_name("orderpulse")
_READY: Final = "Ctrl-C"
_DATA_DIR: Final = "~/.local/share/orderpulse"
_FONTS: Final = re.compile(r"@font-face \{\{.*?\}\}", re.DOTALL)
"""Rich has pictures load a font from elsewhere; the reader's own is good enough."""


def draw(path: Path) -> None:
    """Run the demo where it runs unless told otherwise, and a payment in front of it, and draw both."""
    screen = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True)
    with tempfile.TemporaryDirectory(prefix="orderpulse-terminal-") as folder:
        data_dir = Path(folder) / "data"
        with _typed(screen, data_dir, ("demo", "--no-open"), "make demo"):
            trigger = ("trigger", "payment.captured")
            with _typed(screen, data_dir, trigger, f"orderpulse {' '.join(trigger)}") as paying:
                paying.wait()
    text = screen.export_svg(title="Orderpulse", code_format=_FONTS.sub("", CONSOLE_SVG_FORMAT))
    path.write_text(text, encoding="utf-8")


@contextmanager
def _typed(
    screen: Console, data_dir: Path, words: Sequence[str], shown: str
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a command at a terminal; the block runs once it is ready, or over. It is interrupted then."""
    ours, theirs = pty.openpty()
    environment = {**os.environ, "COLUMNS": str(COLUMNS), "TERM": "xterm-256color"}
    process = subprocess.Popen(
        [_ORDERPULSE, *words, "--data-dir", str(data_dir)],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=environment,
        start_new_session=True,
    )
    os.close(theirs)
    screen.print(Text.from_ansi(f"\x1b[1m$\x1b[0m {shown}"))
    screen.print(Text.from_ansi(_tidied(_read(ours, _READY), data_dir)))
    try:
        yield process
    finally:
        process.send_signal(signal.SIGINT)
        _read(ours, None)
        process.wait()
        os.close(ours)


def _tidied(printed: str, data_dir: Path) -> str:
    """Leave out what a terminal shows for a moment only, and where this run kept its data."""
    lines = [line for line in printed.split("\n") if not Text.from_ansi(line).plain.rstrip().endswith(" …")]
    return "\n".join(lines).replace(str(data_dir), _DATA_DIR.ljust(len(str(data_dir))))


def _read(terminal: int, until: str | None) -> str:
    """Return what a terminal shows until these words, with the rest of what is there, or to its end."""
    printed = b""
    while until is None or until not in printed.decode(errors="replace"):
        try:
            piece = os.read(terminal, 65_536)
        except OSError:  # Linux's end of a terminal
            break
        if not piece:
            break
        printed += piece
    return printed.decode(errors="replace").replace("\r\n", "\n")
