"""Rates: who is counted for what, how long they have to wait, and that a Redis that is away refuses nobody."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING
from uuid import UUID

import pytest

from app.auth import ANYONE, Caller
from app.rates import Allowances, Counters, RateLimitedError, Rates, SharedCounts, Strikes
from app.rates.rates import AWAY_SECONDS, MANY_VIEWERS, STAFF_FACTOR
from app.scopes import Scope
from tests.app.redis_server import MISSING, installed, running

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable

HOME, ELSEWHERE = "192.0.2.1", "192.0.2.2"
FEW = Allowances(requests=3, values=100, orders=2, payments=1)
GUEST = Caller(subject="order:1", order_id=UUID(int=1))
OTHER_GUEST = Caller(subject="order:2", order_id=UUID(int=2))
STAFF = Caller(subject="staff:1", scopes=frozenset(Scope))


class Clock:
    """A clock that goes when it is told."""

    def __init__(self) -> None:
        self.now = 1_000_000_020.0  # the beginning of a minute

    def __call__(self) -> float:
        """Return the time."""
        return self.now


@pytest.fixture
async def redis_url() -> AsyncIterator[str]:
    """Where a Redis of this test's own is."""
    if not installed():
        pytest.skip(MISSING)
    async with running() as redis:
        yield redis.url


async def waits(awaited: Awaitable[None]) -> int:
    """Return how long a caller is told to wait; zero for one who isn't."""
    try:
        await awaited
    except RateLimitedError as error:
        return error.retry_after_seconds
    return 0


def rates(clock: Clock | None = None, allowances: Allowances = FEW) -> Rates:
    return Rates(allowances, counters=Counters(clock=clock or Clock()))


async def test_an_address_may_ask_so_often_in_a_minute() -> None:
    counted = rates()

    told = [await waits(counted.request(HOME)) for _ in range(5)]

    assert [wait > 0 for wait in told] == [False, False, False, True, True]
    assert await waits(counted.request(ELSEWHERE)) == 0


@pytest.mark.parametrize("after", [0.0, 17.0, 59.0])
async def test_who_waits_as_long_as_told_is_let_in_and_no_sooner(after: float) -> None:
    clock = Clock()
    counted = rates(clock)
    clock.now += after
    for _ in range(FEW.requests):
        await counted.request(HOME)

    wait = await waits(counted.request(HOME))
    clock.now += wait - 1.1
    too_early = await waits(counted.request(HOME))
    clock.now += 1.1

    assert too_early > 0
    assert await waits(counted.request(HOME)) == 0


async def test_the_window_slides() -> None:
    clock = Clock()
    counted = rates(clock)
    for _ in range(FEW.requests):
        await counted.request(HOME)

    clock.now += 60 + 21  # a third of the last minute is no longer counted
    again = [await waits(counted.request(HOME)) > 0 for _ in range(2)]

    assert again == [False, True]


async def test_an_operation_counts_by_what_it_asks_for() -> None:
    counted = rates()

    assert await waits(counted.spend(ANYONE, HOME, values=60)) == 0
    assert await waits(counted.spend(ANYONE, HOME, values=41)) > 0
    assert await waits(counted.spend(ANYONE, HOME, values=40)) == 0
    assert await waits(counted.spend(ANYONE, ELSEWHERE, values=100)) == 0


async def test_guests_are_counted_each_and_together_by_their_address() -> None:
    counted = rates()

    assert await waits(counted.spend(GUEST, HOME, values=100)) == 0
    assert await waits(counted.spend(GUEST, ELSEWHERE, values=1)) > 0
    assert await waits(counted.spend(OTHER_GUEST, HOME, values=100)) == 0
    told = [
        await waits(counted.spend(Caller(subject=f"o:{n}", order_id=UUID(int=n)), HOME, values=100))
        for n in range(3, 3 + MANY_VIEWERS)
    ]

    assert [wait > 0 for wait in told] == [False] * (MANY_VIEWERS - 2) + [True] * 2


async def test_staff_may_ask_for_more_and_order_for_many() -> None:
    counted = rates()

    orders = [
        await waits(counted.spend(STAFF, HOME, values=100, mutations={"orderCreate": 5}))
        for _ in range(STAFF_FACTOR)
    ]

    assert orders == [0] * STAFF_FACTOR
    assert await waits(counted.spend(STAFF, HOME, values=100)) > 0
    assert await waits(counted.spend(ANYONE, HOME, values=100)) == 0


async def test_orders_and_payments_have_rates_of_their_own() -> None:
    counted = rates()

    assert await waits(counted.spend(ANYONE, HOME, values=1, mutations={"orderCreate": 2})) == 0
    assert await waits(counted.spend(ANYONE, HOME, values=1, mutations={"orderCreate": 1})) > 0
    assert await waits(counted.spend(ANYONE, HOME, values=1, mutations={"paymentCreate": 1})) == 0
    assert await waits(counted.spend(GUEST, HOME, values=1, mutations={"paymentCreate": 1})) > 0
    assert await waits(counted.spend(GUEST, ELSEWHERE, values=1, mutations={"paymentCreate": 1})) == 0
    assert await waits(counted.spend(ANYONE, HOME, values=1, mutations={"paymentSync": 9})) == 0


async def test_one_that_asks_for_more_than_a_minute_holds_has_the_minute_to_itself() -> None:
    counted = rates()

    assert await waits(counted.spend(ANYONE, HOME, values=5_000)) == 0
    assert await waits(counted.spend(ANYONE, HOME, values=1)) > 0


async def test_however_many_addresses_there_are_few_are_remembered() -> None:
    counters = Counters(keys_max=10)
    counted = Rates(FEW, counters=counters)

    for number in range(1_000):
        await counted.request(f"192.0.{number // 250}.{number % 250}")

    assert len(counters) == 10


async def test_a_redis_that_is_away_refuses_nobody(caplog: pytest.LogCaptureFixture) -> None:
    clock = Clock()
    away = SharedCounts("redis://127.0.0.1:9/0")
    counted = Rates(FEW, shared=away, counters=Counters(clock=clock), clock=clock)

    with caplog.at_level(logging.WARNING):
        told = [await waits(counted.request(HOME)) > 0 for _ in range(FEW.requests + 1)]
        clock.now += AWAY_SECONDS + 120
        asked_again = await waits(counted.request(HOME))

    await counted.aclose()
    assert told == [False] * FEW.requests + [True]
    assert asked_again == 0
    assert [record.message for record in caplog.records] == ["rates.counted_alone"] * 2


async def test_a_redis_that_says_nothing_holds_nobody_up_for_long() -> None:
    async def silent(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(5)
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    counted = Rates(FEW, shared=SharedCounts(f"redis://127.0.0.1:{port}/0"))

    async with asyncio.timeout(2):
        told = [await waits(counted.request(HOME)) > 0 for _ in range(FEW.requests + 1)]
    await counted.aclose()
    server.close()

    assert told == [False] * FEW.requests + [True]


async def test_in_redis_two_processes_count_together(redis_url: str) -> None:
    first, second = [Rates(FEW, shared=SharedCounts(redis_url)) for _ in range(2)]

    told = [await waits(each.request(HOME)) > 0 for each in (first, second, first, second, first)]

    wait = await waits(second.request(HOME))
    await first.aclose()
    await second.aclose()

    assert told == [False, False, False, True, True]
    assert 0 < wait <= 120


def test_an_address_whose_signatures_fail_is_out_for_a_minute() -> None:
    clock = Clock()
    strikes = Strikes(3, clock=clock)

    told = [strikes.failed(HOME) for _ in range(5)]

    assert told == [False, False, False, True, False]
    assert strikes.anybody_out
    assert strikes.is_out(HOME)
    assert not strikes.is_out(ELSEWHERE)
    clock.now += 61
    assert not strikes.is_out(HOME)
    assert not strikes.anybody_out


def test_of_very_many_addresses_the_last_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.rates.strikes.OUT_MAX", 5)
    strikes = Strikes(1)

    for number in range(50):
        strikes.failed(str(number))
        strikes.failed(str(number))

    assert [strikes.is_out(str(number)) for number in range(50)] == [False] * 45 + [True] * 5
