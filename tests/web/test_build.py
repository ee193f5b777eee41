"""The committed built files are what the sources in `web/` give, byte for byte, wherever they are built."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

from app.web.assets import STATIC_FOLDER
from tests.web.packages import ROOT, SCHEMA, WEB, run

if TYPE_CHECKING:
    from pathlib import Path


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
