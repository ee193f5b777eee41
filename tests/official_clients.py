"""Node and the protocols' official JavaScript packages, which are locked in web/package-lock.json."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
from pathlib import Path
from typing import Final

import pytest

WEB: Final = Path(__file__).parents[1] / "web"
PACKAGES: Final = WEB / "package.json"
INSTALL_SECONDS: Final = 300


def node_with(package: str) -> str:
    """Return node, with the locked packages in place; CI puts them there by itself, once for all its processes."""
    found = shutil.which("node")
    wanted = WEB / "node_modules" / package / "package.json"
    if found is None:
        pytest.skip("no node on this PATH: apt-get install nodejs npm, then npm ci --prefix web")
    if not wanted.is_file() and os.environ.get("CI") == "true":
        with PACKAGES.open() as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not wanted.is_file():
                subprocess.run(["npm", "ci", "--prefix", WEB], check=True, timeout=INSTALL_SECONDS)
    if not wanted.is_file():
        pytest.skip(f"{package} is not installed: npm ci --prefix web")
    return found
