"""The committed built files are what the sources in `web/` give, byte for byte, wherever they are built."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Final

import pytest

from app.web.assets import STATIC_FOLDER

ROOT: Final = Path(__file__).parents[2]
WEB: Final = ROOT / "web"
SCHEMA: Final = ROOT / "schema/schema.graphql"
BUILD_SECONDS_MAX: Final = 600


@pytest.fixture(scope="session")
def npm() -> str:
    """Return npm with the locked packages in place; only outside of CI may it be missing."""
    found = shutil.which("npm")
    if found is None:
        reason = "building the pages needs node 20 and npm, which are not on this PATH"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    if not (WEB / "node_modules").is_dir():
        run([found, "ci"], WEB)
    return found


def run(command: list[str], folder: Path) -> None:
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=BUILD_SECONDS_MAX, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def link_or_copy(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:  # another file system
        shutil.copy(source, target)


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


def test_a_rebuild_in_another_folder_gives_the_committed_bytes(npm: str, tmp_path: Path) -> None:
    copy = tmp_path / "elsewhere"
    shutil.copytree(WEB, copy / "web", ignore=shutil.ignore_patterns("node_modules"))
    shutil.copytree(
        WEB / "node_modules", copy / "web/node_modules", symlinks=True, copy_function=link_or_copy
    )
    (copy / "app/web").mkdir(parents=True)
    shutil.copy(STATIC_FOLDER.parent / "words.json", copy / "app/web/words.json")
    (copy / "schema").mkdir()
    shutil.copy(SCHEMA, copy / "schema/schema.graphql")

    run([npm, "run", "--silent", "build"], copy / "web")

    for place in ("app/web/static", "web/client/dist", "web/client/src"):
        built, committed = contents(copy / place), contents(ROOT / place)
        assert sorted(built) == sorted(committed)
        assert [name for name in committed if built[name] != committed[name]] == []


def test_the_sources_pass_the_type_check(npm: str) -> None:
    run([npm, "run", "--silent", "check"], WEB)
