"""The decisions keep their form, and the picture of the architecture is the one that is checked."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[2]
DECISIONS: Final = sorted((ROOT / "docs" / "adr").glob("[0-9]*.md"))
SECTIONS: Final = ["Context", "Decision", "Consequences", "Alternatives"]
PAGE_LINES_MAX: Final = 60

HEADING: Final = re.compile(
    r"# (?P<number>\d+)\. \S.*\n\n"
    r"Status: (?:proposed|accepted|superseded by \[\d+\]\(.+\))\\\n"
    r"Date: \d{4}-\d{2}-\d{2}\n"
)


def flaws(page: str, number: int) -> list[str]:
    """Return what keeps a page from being decision `number`."""
    heading = HEADING.match(page)
    found = []
    if heading is None or int(heading["number"]) != number:
        found.append("heading")
    if re.findall(r"^## (.+)$", page, flags=re.MULTILINE) != SECTIONS:
        found.append("sections")
    if re.search(r"^## .+\n\n(?=## |\Z)", page, flags=re.MULTILINE):
        found.append("empty section")
    if page.count("\n") > PAGE_LINES_MAX:
        found.append("longer than a page")
    return found


@pytest.mark.parametrize("path", DECISIONS, ids=lambda path: path.stem)
def test_a_decision_has_its_form(path: Path) -> None:
    number = int(path.name[:4])

    assert flaws(path.read_text(), number) == []


PAGES: Final = sorted(path for path in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


def twice(page: str) -> list[str]:
    """Return the sections of a page that are there twice, as after a merge gone wrong."""
    found = re.findall(r"^## (.+)$", page, flags=re.MULTILINE)
    return sorted({heading for heading in found if found.count(heading) > 1})


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_no_page_says_anything_twice(path: Path) -> None:
    assert twice(path.read_text()) == []


def test_a_section_that_is_there_twice_is_found() -> None:
    assert twice("# A\n\n## One\n\n## Two\n\n## One\n") == ["One"]


def test_decisions_are_numbered_without_a_gap() -> None:
    assert [int(path.name[:4]) for path in DECISIONS] == list(range(1, len(DECISIONS) + 1))


@pytest.mark.parametrize(
    ("honest", "planted", "flaw"),
    [
        ("# 1. ", "# 2. ", "heading"),
        ("Status: accepted", "Status: maybe", "heading"),
        ("## Alternatives", "## Options", "sections"),
        ("## Consequences", "## Consequences\n\n## Consequences", "sections"),
        ("## Context\n", "## Context\n" + "\nword" * 60, "longer than a page"),
    ],
)
def test_a_planted_flaw_is_found(honest: str, planted: str, flaw: str) -> None:
    page = DECISIONS[0].read_text()

    assert flaw in flaws(page.replace(honest, planted), 1)


def test_the_architecture_page_shows_every_layer_and_no_other() -> None:
    options = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    layers = next(contract["layers"] for contract in options["contracts"] if contract["id"] == "layers")
    checked = [set(re.findall(r"[a-z_.]+", layer)) for layer in layers]
    page = (ROOT / "docs" / "architecture.md").read_text()
    picture = page[page.index("## What may import what") :]

    boxes = re.findall(r"subgraph .+?\n(.+?)\n    end", picture, flags=re.DOTALL)
    drawn = [
        {label or name for name, label in re.findall(r"^ +(\w+)(?:\[\"(.+?)\"\])?$", box, flags=re.MULTILINE)}
        for box in boxes
    ]

    assert drawn == checked
