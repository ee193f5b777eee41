"""What is logged for people on a console says where something went wrong, and nothing of what the code held there."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPT = """
import logging, sys
from app.logs import configure_logs

configure_logs(level="info", as_json=sys.argv[1] == "json")

def connect(dsn):
    raise ValueError("no such host")

try:
    connect("canary-of-a-password")
except ValueError:
    logging.getLogger("app").exception("database.lost")
"""


@pytest.mark.parametrize("form", ["console", "json"])
def test_a_traceback_shows_no_variables(form: str) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", SCRIPT, form], cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert "database.lost" in ran.stderr
    assert "ValueError: no such host" in ran.stderr
    assert "connect" in ran.stderr
    assert "canary" not in ran.stderr.replace('connect("canary-of-a-password")', "")
