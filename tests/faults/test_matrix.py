"""The short form of the matrix: a sample of points with every action; and that a fault which matters is seen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from tests.faults.board import Action
from tests.faults.excused import EXCUSED
from tests.faults.matrix import ACTIONS, Cell, run_cell, run_matrix
from tests.faults.points import all_points, by_name
from tests.faults.stage import dice

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.faults.matrix import Reach
    from tests.faults.points import Point
    from tests.faults.stage import Stage

SAMPLE: Final = 14
SEED: Final = 1
HANDS_BACK: Final = "app.settle:Settler._interrupted/now = time.monotonic()#1"


def sample(reach: Reach) -> Sequence[Point]:
    """Return some of the points, the same each time, from every module."""
    reachable = [point for point in all_points() if point.number in reach]
    return dice("sample", SEED).sample(reachable, SAMPLE)


async def test_every_point_is_reached_or_excused_with_a_reason(reach: Reach) -> None:
    unreached = {point.name for point in all_points() if point.number not in reach}

    assert unreached == set(EXCUSED)
    assert set(EXCUSED) <= set(by_name())


@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: action.name.lower())
async def test_a_fault_at_any_point_loses_doubles_and_breaks_nothing(
    planted: list[Stage], reach: Reach, action: Action
) -> None:
    cells = [Cell(point, action, SEED) for point in sample(reach)]

    tally = await run_matrix(planted, cells, reach)

    assert [(result.cell.replay, result.verdict.lines()) for result in tally.bad] == []
    assert [cell.replay for cell in tally.missed] == []
    assert (tally.runs, tally.happened) == (SAMPLE, SAMPLE)


async def test_a_lane_of_settle_outlives_an_exception_wherever_it_comes_up(
    planted: list[Stage], reach: Reach
) -> None:
    result = await run_cell(planted[0], Cell(by_name()[HANDS_BACK], Action.RAISE, SEED), reach)
    await planted[0].server.restart()

    assert result.happened
    assert not result.crippled
