"""No gateway is asked more often than it bears, by however many processes, and none while it rests."""

from __future__ import annotations

import asyncio
import time
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import pytest

from app.gateways import GatewayError, GatewayErrorKind
from app.reconcile import LEASE, GatewayRestsError, Lease, LeaseLostError, Pace
from db.pool import Database
from tests.app.backroom import a_schedule, open_backroom

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.app.backroom import Backroom

PER_SECOND: Final = 40.0


@pytest.fixture
async def backroom(database: Database) -> AsyncIterator[Backroom]:
    async with open_backroom(database, polling=a_schedule(PER_SECOND)) as opened:
        yield opened


async def test_calls_of_two_processes_together_keep_the_gateways_limit(backroom: Backroom) -> None:
    called: list[float] = []

    async def call(pace: Pace) -> None:
        await pace.turn(backroom.gateway)
        called.append(time.monotonic())

    async with Database(backroom.database.dsn) as second, Pace(second) as other:
        await asyncio.gather(*(call(pace) for _ in range(30) for pace in (backroom.pace, other)))

    called.sort()
    most = max(sum(at <= other < at + 1 for other in called) for at in called)
    assert len(called) == 60
    # However the two were held up on the way, what they took from the database lies apart.
    assert called[-1] - called[0] > 59 / PER_SECOND
    assert most <= PER_SECOND + 2


async def test_calls_of_one_process_never_come_closer_than_the_limit(backroom: Backroom) -> None:
    called: list[float] = []

    async def call() -> None:
        await backroom.pace.turn(backroom.gateway)
        called.append(time.monotonic())
        if len(called) == 5:
            time.sleep(0.2)  # noqa: ASYNC251 - the whole process is held up

    await asyncio.gather(*(call() for _ in range(15)))

    assert min(later - earlier for earlier, later in pairwise(called)) >= 0.99 / PER_SECOND


async def test_a_gateway_that_asks_for_rest_is_left_alone_as_long_as_it_said(backroom: Backroom) -> None:
    error = GatewayError(GatewayErrorKind.UNAVAILABLE, "Too many requests.", retry_after_seconds=30)
    await backroom.pace.answered(backroom.gateway, error)

    with pytest.raises(GatewayRestsError) as here:
        await backroom.pace.turn(backroom.gateway)
    async with Pace(backroom.database) as other:
        with pytest.raises(GatewayRestsError) as elsewhere:
            await other.turn(backroom.gateway)

    assert 29 < here.value.seconds <= 30
    assert 29 < elsewhere.value.seconds <= 30


async def test_rest_grows_from_failure_to_failure_and_an_answer_ends_that(backroom: Backroom) -> None:
    now = 1000.0
    pace = Pace(backroom.database, clock=lambda: now)
    unreachable = GatewayError(GatewayErrorKind.UNAVAILABLE, "Connection refused.")
    rests = []
    for _ in range(8):
        await pace.answered(backroom.gateway, unreachable)
        rests.append(await _rest(backroom))
        now += rests[-1]
    await pace.answered(backroom.gateway, None)
    await pace.answered(backroom.gateway, unreachable)

    assert rests == [1, 2, 4, 8, 16, 32, 60, 60]
    assert await _rest(backroom) == 1


async def test_those_who_wait_for_a_gateway_are_told_when_it_begins_to_rest(backroom: Backroom) -> None:
    waiting = [asyncio.create_task(backroom.pace.turn(backroom.gateway)) for _ in range(20)]
    await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)

    error = GatewayError(GatewayErrorKind.UNAVAILABLE, "Too many requests.", retry_after_seconds=30)
    await backroom.pace.answered(backroom.gateway, error)
    ends = await asyncio.gather(*waiting, return_exceptions=True)

    assert ends[0] is None
    assert isinstance(ends[-1], GatewayRestsError)
    assert {type(end) for end in ends} == {type(None), GatewayRestsError}


async def test_no_gateway_is_called_under_a_lease_that_ran_out(backroom: Backroom) -> None:
    now = 0.0
    lease = Lease(10, clock=lambda: now)
    token = LEASE.set(lease)
    try:
        await backroom.pace.turn(backroom.gateway)
        now = 9.0
        lease.renew(now, 10)
        now = 15.0
        await backroom.pace.turn(backroom.gateway)
        now = 19.0
        with pytest.raises(LeaseLostError):
            await backroom.pace.turn(backroom.gateway)
    finally:
        LEASE.reset(token)


async def test_nobody_is_left_waiting_for_a_caller_that_broke(backroom: Backroom) -> None:
    moments = iter([0.0])  # a clock that breaks once the turns were taken

    async with Pace(backroom.database, clock=lambda: next(moments)) as pace, asyncio.timeout(5):
        told = await asyncio.gather(*(pace.turn(backroom.gateway) for _ in range(3)), return_exceptions=True)

    assert [type(each) for each in told] == [RuntimeError] * 3


async def _rest(backroom: Backroom) -> int:
    """Return for how many seconds every process leaves the gateway alone, and end that."""
    (row,) = await backroom.database.fetch(
        "SELECT round(extract(epoch FROM rests_until - clock_timestamp()))::int FROM gateway_states"
    )
    await backroom.database.fetch("UPDATE gateway_states SET rests_until = NULL")
    seconds: int = row[0]
    return seconds
