"""The sources of pages and client, and the programs of their packages."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT: Final = Path(__file__).parents[2]
WEB: Final = ROOT / "web"
SCHEMA: Final = ROOT / "schema/schema.graphql"
_SECONDS_MAX: Final = 600


def run(command: Sequence[str | Path], folder: Path, **environment: str) -> None:
    """Run a program to its good end, with this beside the environment."""
    done = attempt(command, folder, **environment)
    assert done.returncode == 0, done.stdout + done.stderr


def attempt(
    command: Sequence[str | Path], folder: Path, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run a program to whatever end, likewise."""
    return subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=_SECONDS_MAX,
        check=False,
    )
