"""The image is built from what the repository holds, passes its linter, and runs as nobody in particular."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[2]
DOCKERFILE: Final = (ROOT / "Dockerfile").read_text()
HADOLINT: Final = Path(sys.executable).with_name("hadolint")


def hadolint(dockerfile: str) -> set[str]:
    """Return the codes of the rules that the linter finds broken."""
    linted = subprocess.run(
        [HADOLINT, "--format", "json", "-"], input=dockerfile, capture_output=True, text=True, check=False
    )
    return {finding["code"] for finding in json.loads(linted.stdout)}


def instructions(dockerfile: str) -> list[tuple[str, str]]:
    """Return the instructions in order, with their continued lines joined and comments left out."""
    joined = re.sub(r"\\\n", " ", re.sub(r"^#.*\n", "", dockerfile, flags=re.MULTILINE))
    return [(line.split()[0], line.partition(" ")[2].strip()) for line in joined.splitlines() if line.strip()]


def copied(dockerfile: str) -> list[str]:
    """Return the paths that are copied out of the repository."""
    copies = [rest for name, rest in instructions(dockerfile) if name == "COPY" and "--from=" not in rest]
    return [source for rest in copies for source in rest.split()[:-1]]


def test_the_linter_finds_nothing() -> None:
    assert hadolint(DOCKERFILE) == set()


@pytest.mark.parametrize(
    ("honest", "planted", "rules"),
    [
        ("USER 10001:10001", "USER root", {"DL3002", "DL3066"}),
        ("python:3.11.15-slim-bookworm", "python", {"DL3006"}),
        ('ENTRYPOINT ["orderpulse"]', "ENTRYPOINT orderpulse", {"DL3025"}),
        ("WORKDIR /source", "WORKDIR source", {"DL3000"}),
    ],
)
def test_the_linter_finds_a_planted_breach(honest: str, planted: str, rules: set[str]) -> None:
    assert hadolint(DOCKERFILE.replace(honest, planted)) == rules


def test_what_is_copied_is_there_and_reaches_the_builder() -> None:
    sent = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}

    sources = copied(DOCKERFILE)

    assert set(sources) == sent
    assert [source for source in sources if not (ROOT / source).exists()] == []


def test_the_server_runs_as_a_numbered_user_and_gets_the_signals_itself() -> None:
    final_stage = instructions(DOCKERFILE[DOCKERFILE.rindex("\nFROM") :])

    by_name = dict(final_stage)

    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", by_name["USER"])
    assert json.loads(by_name["ENTRYPOINT"]) == ["orderpulse"]
    assert json.loads(by_name["CMD"]) == ["serve"]
    assert by_name["STOPSIGNAL"] == "SIGTERM"


def test_every_stage_stands_on_the_same_pinned_image() -> None:
    images = {rest.split()[0] for name, rest in instructions(DOCKERFILE) if name == "FROM"}

    assert len(images) == 1
    assert re.fullmatch(r"python:\d+\.\d+\.\d+-slim-[a-z]+", images.pop())
