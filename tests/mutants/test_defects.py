"""The seeded defects still fit the source, and each names tests that exist. `make mutants` sees them caught."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Final

import pytest

from tests.mutants import DEFECTS
from tests.mutants.defect import Defect

ROOT: Final = Path(__file__).parents[2]
DEFECTS_MIN: Final = 30


def test_there_are_enough_of_them_and_no_two_are_the_same() -> None:
    assert len(DEFECTS) >= DEFECTS_MIN
    assert len({defect.name for defect in DEFECTS}) == len(DEFECTS)
    assert len({(defect.file, defect.old, defect.new) for defect in DEFECTS}) == len(DEFECTS)


@pytest.mark.parametrize("defect", DEFECTS, ids=lambda defect: defect.name)
def test_a_defect_fits_the_source_and_leaves_it_readable(defect: Defect) -> None:
    source = (ROOT / defect.file).read_text()

    planted = defect.plant(source)

    assert planted != source
    ast.parse(planted)


@pytest.mark.parametrize("defect", DEFECTS, ids=lambda defect: defect.name)
def test_the_tests_that_are_to_catch_it_are_there(defect: Defect) -> None:
    assert defect.tests

    for test in defect.tests:
        file, _, name = test.partition("::")
        tree = ast.parse((ROOT / file).read_text())
        there = {
            node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        }
        assert not name or name.partition("[")[0] in there, test


def test_a_defect_that_no_longer_fits_is_named() -> None:
    defect = Defect(name="a stale one", file="a.py", old="x = 1\n", new="x = 2\n", tests=("a",))

    for source in ("", "x = 1\nx = 1\n"):
        with pytest.raises(ValueError, match="a stale one"):
            defect.plant(source)
