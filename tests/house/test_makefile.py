"""The Makefile installs once, says what is wrong in words, and explains every target.

A recorder stands in for the interpreter, so that what make decides is seen without an installation.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[2]
MAKEFILE: Final = (ROOT / "Makefile").read_text()

RECORDER: Final = """#!/bin/sh
case "$*" in
  *version_info*) exit ${OLD:-0} ;;
  *ensurepip*) exit ${NO_ENSUREPIP:-0} ;;
  -V) echo 'Python 3.9.2'; exit ;;
  '-m venv'*) mkdir -p .venv/bin && cp "$0" .venv/bin/python && cp "$0" .venv/bin/orderpulse ;;
  '-m pip --version') exit ;;
esac
echo "${0##*/} $*" >> calls
exit ${BROKEN:-0}
"""

INSTALLED: Final = [
    "recorder -m venv --clear .venv",
    "python -m pip install -qq --no-input --require-hashes -r {lock}",
    "python -m pip install -qq --no-input --no-deps --no-build-isolation -e .",
]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder, with a space in its name, that holds what the targets look at."""
    folder = tmp_path / "my checkout"
    folder.mkdir()
    for name in ("Makefile", "pyproject.toml", "requirements.lock", "requirements-dev.lock"):
        shutil.copy(ROOT / name, folder)
    (folder / "recorder").write_text(RECORDER)
    (folder / "recorder").chmod(0o755)
    return folder


def make(checkout: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    # A make above this one hands its own variables down; they are not this one's.
    inherited = {name: value for name, value in os.environ.items() if name not in {"ARGS", "DSN", "m"}}
    inherited = {name: value for name, value in inherited.items() if not name.startswith(("MAKE", "MFLAGS"))}
    return subprocess.run(
        ["make", "PYTHON=./recorder", *arguments],
        cwd=checkout,
        env={**inherited, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def calls(checkout: Path) -> list[str]:
    """Return what was called since the last time this was asked."""
    log = checkout / "calls"
    found = log.read_text().splitlines() if log.exists() else []
    log.unlink(missing_ok=True)
    return found


def touch_later(path: Path) -> None:
    later = path.stat().st_mtime + 60
    os.utime(path, (later, later))


def test_the_demo_needs_the_runtime_lock_alone(checkout: Path) -> None:
    first = make(checkout, "demo", "ARGS=--no-open --port 0")

    assert first.returncode == 0, first.stderr
    assert calls(checkout) == [
        *(call.format(lock="requirements.lock") for call in INSTALLED),
        "orderpulse demo --no-open --port 0",
    ]


def test_nothing_is_installed_twice(checkout: Path) -> None:
    make(checkout, "setup")
    installed = calls(checkout)

    again = [make(checkout, target).returncode for target in ("setup", "test", "demo")]

    assert installed == [call.format(lock="requirements-dev.lock") for call in INSTALLED]
    assert again == [0, 0, 0]
    assert calls(checkout) == ["python -m pytest -n auto --maxprocesses 4 --dist loadfile", "orderpulse demo"]


def test_a_changed_lock_is_installed_into_the_same_environment(checkout: Path) -> None:
    make(checkout, "setup")
    calls(checkout)
    touch_later(checkout / "requirements-dev.lock")

    make(checkout, "setup")

    assert calls(checkout) == [call.format(lock="requirements-dev.lock") for call in INSTALLED[1:]]


def test_an_installation_that_failed_is_tried_again(checkout: Path) -> None:
    failed = make(checkout, "demo", BROKEN="1")
    calls(checkout)

    make(checkout, "demo")

    assert failed.returncode == 2
    assert calls(checkout)[-2:] == [INSTALLED[2], "orderpulse demo"]


def test_an_environment_whose_interpreter_is_gone_is_made_anew(checkout: Path) -> None:
    make(checkout, "demo")
    calls(checkout)
    (checkout / ".venv/bin/python").unlink()
    (checkout / ".venv/bin/python").symlink_to("/nowhere/python3.11")

    make(checkout, "demo")

    assert calls(checkout)[0] == INSTALLED[0]


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        (
            {"OLD": "1"},
            "./recorder is Python 3.9.2, and Orderpulse needs 3.11 or newer: make PYTHON=python3.12 ...",
        ),
        (
            {"NO_ENSUREPIP": "1"},
            "./recorder cannot make virtual environments. On Debian or Ubuntu: apt-get install python3-venv",
        ),
    ],
)
def test_an_interpreter_that_will_not_do_is_refused_in_words(
    checkout: Path, environment: dict[str, str], message: str
) -> None:
    refused = make(checkout, "demo", **environment)

    assert refused.returncode == 2
    assert refused.stderr.splitlines()[0] == message
    assert not (checkout / ".venv").exists()


def test_a_missing_interpreter_is_refused_in_words(checkout: Path) -> None:
    refused = make(checkout, "demo", "PYTHON=no-such-python")

    assert refused.returncode == 2
    assert refused.stderr.splitlines()[0] == (
        "There is no no-such-python. On Debian or Ubuntu: apt-get install python3 python3-venv"
    )


def test_a_migration_without_a_message_or_a_database_is_refused(checkout: Path) -> None:
    make(checkout, "setup")
    calls(checkout)

    refused = [make(checkout, "migration", given).returncode for given in ("m=x", "DSN=postgresql://h/d")]

    assert refused == [2, 2]
    assert calls(checkout) == []


def test_help_is_the_default_and_explains_every_target(checkout: Path) -> None:
    phony = re.search(r"^\.PHONY: (help .+)$", MAKEFILE, flags=re.MULTILINE)
    assert phony is not None

    shown = make(checkout).stdout

    explained = re.findall(r"^  ([a-z-]+) +\S", shown, flags=re.MULTILINE)
    assert set(explained) == set(phony[1].split()) - {"lock-check"}  # a part of check


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", ".ci/run"])
def test_the_targets_that_pages_name_are_there(page: str) -> None:
    targets = set(re.findall(r"^([a-z-]+):", MAKEFILE, flags=re.MULTILINE))

    named = set(re.findall(r"(?:^|`|\n *)make ([a-z-]+)", (ROOT / page).read_text()))

    assert named - targets == set()
