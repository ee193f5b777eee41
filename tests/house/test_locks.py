"""The locks pin what pyproject.toml asks for, by hash, and say nothing of where it was fetched."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Final

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT: Final = Path(__file__).parents[2]
RUNTIME: Final = (ROOT / "requirements.lock").read_text()
DEVELOPMENT: Final = (ROOT / "requirements-dev.lock").read_text()
PROJECT: Final = tomllib.loads((ROOT / "pyproject.toml").read_text())

# One pin: name==version, a marker perhaps, then nothing but hashes.
PIN: Final = re.compile(
    r"^(?P<name>[\w.-]+)==(?P<version>[\w.+!]+)(?: ; (?P<marker>[^\\\n]+?))?"
    r"(?: \\\n    --hash=sha256:[0-9a-f]{64})+\n",
    re.MULTILINE,
)


def pins(lock: str) -> dict[str, str]:
    """Return the lock's versions by name; an entry without a hash is none."""
    return {canonicalize_name(pin["name"]): pin["version"] for pin in PIN.finditer(lock)}


def left_over(lock: str) -> str:
    """Return what is in the lock beside pins: options, hosts, entries without a hash."""
    return PIN.sub("", lock).strip()


def unmet(requirements: list[str], lock: str) -> list[str]:
    """Return the requirements that the lock doesn't satisfy."""
    pinned = pins(lock)
    wanted = [Requirement(text) for text in requirements]
    return [
        str(requirement)
        for requirement in wanted
        if not requirement.specifier.contains(pinned.get(canonicalize_name(requirement.name), "0"))
    ]


def wanted(*groups: str) -> list[str]:
    direct: list[str] = PROJECT["project"]["dependencies"]
    return direct + [requirement for group in groups for requirement in PROJECT["dependency-groups"][group]]


def test_the_locks_hold_hashed_pins_and_nothing_else() -> None:
    assert left_over(RUNTIME) == ""
    assert left_over(DEVELOPMENT) == ""


def test_the_locks_satisfy_what_the_project_asks_for() -> None:
    assert unmet(wanted("build"), RUNTIME) == []
    assert unmet(wanted("build", "dev"), DEVELOPMENT) == []


def test_development_runs_on_the_very_versions_of_production() -> None:
    runtime, development = pins(RUNTIME), pins(DEVELOPMENT)

    assert {name: development.get(name) for name in runtime} == runtime


def test_the_build_backend_is_the_pinned_one() -> None:
    assert unmet(PROJECT["build-system"]["requires"], RUNTIME) == []
    assert set(PROJECT["build-system"]["requires"]) <= set(PROJECT["dependency-groups"]["build"])


@pytest.mark.parametrize(
    "line",
    [
        "starlette==1.10.0\n",
        "--index-url https://packages.example/simple\n",
        "--find-links wheels\n",
        "starlette @ https://packages.example/starlette.whl\n",
        "-e .\n",
        "starlette>=1.10 \\\n    --hash=sha256:" + "0" * 64 + "\n",
        "starlette==1.10.0 \\\n    --hash=md5:" + "0" * 32 + "\n",
    ],
)
def test_a_planted_line_that_is_no_hashed_pin_is_found(line: str) -> None:
    assert left_over(RUNTIME + line) == line.strip()


def test_a_planted_requirement_that_the_lock_forgot_is_found() -> None:
    forgotten = ["starlette>=1.10,<2", "starlette>=99", "not-locked>=1"]

    assert unmet(forgotten, RUNTIME) == ["starlette>=99", "not-locked>=1"]
