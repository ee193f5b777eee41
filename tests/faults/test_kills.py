"""The short forms of random kills, of commits whose outcome nobody knows, of outages and of duplicates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from tests.faults.commits import behind_a_proxy, cut_commits
from tests.faults.duplicates import COPIES, duplicate, three_servers
from tests.faults.kills import kill_under_load
from tests.faults.outages import connections_ended, disk_full, killed, small_disk, stopped, suffering
from tests.faults.proxy import Mode
from tests.faults.stage import stages

if TYPE_CHECKING:
    from tests.faults.outages import Outage

KILLS: Final = 15
OPERATIONS: Final = 150
PARTS: Final = [(mode, 3) for mode in Mode]
ROUNDS: Final = 6
SECONDS: Final = 1.0


async def test_kills_at_random_moments_lose_and_double_nothing() -> None:
    async with stages(1, "impatient") as (stage,):
        result = await kill_under_load(stage, KILLS, seed=1)

    assert [verdict.lines() for verdict in result.verdicts] == [[]]
    assert result.kills == KILLS
    assert result.under_way > 0
    assert result.operations > 0


async def test_commits_of_unknown_outcome_lose_and_double_nothing() -> None:
    async with behind_a_proxy(1) as (stage, cuts):
        result = await cut_commits(stage, cuts, OPERATIONS, seed=1, parts=PARTS)

    assert [part.verdict.lines() for part in result.parts] == [[]] * len(PARTS)
    assert sum(part.operations for part in result.parts) >= OPERATIONS
    assert cuts.unclear == 0
    for part in result.parts:
        expected = {Mode.ACKNOWLEDGEMENT_LOST: part.cut, Mode.NOT_SENT: 0}
        assert part.cut > 0
        assert part.committed == expected.get(part.mode, part.committed)
        assert abs(part.commits / part.every - part.cut) <= 1
    assert 0 < cuts.committed[Mode.RACE] < cuts.made[Mode.RACE]


async def test_a_database_that_goes_away_is_503_and_back_without_a_restart() -> None:
    async with suffering("impatient") as (stage, below):
        outages = [await harm(stage, below, SECONDS) for harm in (stopped, killed, connections_ended)]

    assert [outage.flaws() for outage in outages] == [[], [], []]
    assert outages[0].statuses[503] > 0
    assert outages[2].cut > 0
    assert all(outage.accepted > 0 for outage in outages)


async def test_a_full_disk_is_503_and_nothing_that_was_accepted_is_lost() -> None:
    with small_disk() as disk:
        if disk is None:
            pytest.skip("nothing may be mounted here, as in most containers")
        async with suffering("impatient", disk) as (stage, below):
            outage: Outage = await disk_full(stage, below, disk, SECONDS)

    assert outage.flaws() == []
    assert outage.statuses[503] > 0


async def test_fifty_copies_at_three_servers_are_one_application_each_time() -> None:
    async with three_servers() as (servers, database):
        result = await duplicate(servers, database, ROUNDS)

    assert result.flaws == []
    assert result.statuses == {200: COPIES * ROUNDS}
    assert (result.deadlocks, result.poison) == (0, 0)
