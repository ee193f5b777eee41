"""What the faults' tests share: stages whose servers have points, set up once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.faults.matrix import survey
from tests.faults.stage import stages

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.faults.matrix import Reach
    from tests.faults.stage import Stage

STAGES = 3


@pytest.fixture(scope="session")
async def planted() -> AsyncIterator[list[Stage]]:
    """Stages with points in the servers' money path."""
    async with stages(STAGES) as made:
        yield made


@pytest.fixture(scope="session")
async def reach(planted: list[Stage]) -> Reach:
    """Which scenario reaches which points, once every one of them was played undisturbed."""
    return await survey(planted)
