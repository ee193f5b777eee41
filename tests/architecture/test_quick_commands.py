"""Help, completion and mistakes are answered at once: nothing of the server is loaded for them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from app.error_catalog import ExitCode

ROOT: Final = Path(__file__).parents[2]
HEAVY: Final = frozenset(
    {
        "alembic",
        "asyncpg",
        "httpx2",
        "pydantic_settings",
        "sqlalchemy",
        "starlette",
        "strawberry",
        "stripe",
        "uvicorn",
    }
)
SERVER: Final = HEAVY - {"httpx2", "pydantic_settings"}
"""What even a command that asks a server does without."""


@pytest.mark.parametrize(
    ("arguments", "code", "unneeded"),
    [
        (["--help"], 0, HEAVY),
        (["doctor", "--help"], 0, HEAVY),
        (["events", "list", "--help"], 0, HEAVY),
        (["explain", "exit-3"], 0, HEAVY),
        (["no-such-command"], 2, HEAVY),
        (["orders", "list", "--url", "http://127.0.0.1:9", "--key", "k"], ExitCode.UNREACHABLE, SERVER),
    ],
    ids=lambda given: " ".join(given) if isinstance(given, list) else None,
)
def test_a_command_loads_what_it_needs_alone(
    arguments: list[str], code: int, unneeded: frozenset[str], tmp_path: Path
) -> None:
    loaded = tmp_path / "loaded"
    program = (
        "import atexit, sys, pathlib\n"
        f"atexit.register(lambda: pathlib.Path({str(loaded)!r}).write_text(' '.join(sys.modules)))\n"
        "from app.cli import main\n"
        "main()\n"
    )

    ended = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert ended.returncode == code, ended.stderr
    assert unneeded & {name.partition(".")[0] for name in loaded.read_text().split()} == set()
