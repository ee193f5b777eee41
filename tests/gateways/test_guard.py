"""The circuit breaker: opens on silence, lets one call try, and comes back by itself."""

from __future__ import annotations

import asyncio

import pytest

from app.gateways import NO_REFERENCE, GatewayError, GatewayErrorKind
from app.gateways.guard import CIRCUIT_OPEN, Breaker, BreakerLimits

LIMITS = BreakerLimits(failures=3, rest_seconds_first=10.0, rest_seconds_max=40.0)


class _Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> _Clock:
    return _Clock()


@pytest.fixture
def breaker(clock: _Clock) -> Breaker:
    return Breaker("STRIPE", LIMITS, clock)


async def call(breaker: Breaker, kind: GatewayErrorKind | None = None) -> str:
    """Make a call that ends so, and return how it ended."""
    try:
        async with breaker.call():
            _end(kind)
    except GatewayError as error:
        return error.code or error.kind
    return "answered"


def _end(kind: GatewayErrorKind | None) -> None:
    if kind is not None:
        raise GatewayError(kind, "It went wrong.")


async def open_up(breaker: Breaker) -> None:
    for _ in range(LIMITS.failures):
        await call(breaker, GatewayErrorKind.UNKNOWN)


async def test_a_gateway_that_does_not_answer_is_left_alone(breaker: Breaker) -> None:
    ends = [await call(breaker, GatewayErrorKind.UNKNOWN) for _ in range(4)]

    assert ends == ["UNKNOWN", "UNKNOWN", "UNKNOWN", CIRCUIT_OPEN]
    assert breaker.is_open
    assert not breaker.takes_calls


@pytest.mark.parametrize(
    "kind", [GatewayErrorKind.REJECTED, GatewayErrorKind.DECLINED, GatewayErrorKind.NOT_FOUND, None]
)
async def test_an_answer_of_any_kind_begins_the_count_anew(
    breaker: Breaker, kind: GatewayErrorKind | None
) -> None:
    for _ in range(3):
        await call(breaker, GatewayErrorKind.UNAVAILABLE)
        await call(breaker, GatewayErrorKind.UNAVAILABLE)
        await call(breaker, kind)

    assert not breaker.is_open


async def test_a_question_that_could_not_be_put_says_nothing_of_the_gateway(breaker: Breaker) -> None:
    for _ in range(10):
        with pytest.raises(GatewayError):
            async with breaker.call():
                raise GatewayError(GatewayErrorKind.UNKNOWN, "Its id is not known.", code=NO_REFERENCE)

    assert not breaker.is_open


async def test_it_says_when_to_come_again(breaker: Breaker, clock: _Clock) -> None:
    await open_up(breaker)
    clock.now += 4

    with pytest.raises(GatewayError) as error:
        async with breaker.call():
            pytest.fail("it was sent")

    assert error.value.kind is GatewayErrorKind.UNAVAILABLE
    assert error.value.retry_after_seconds == pytest.approx(6.0)


async def test_after_its_rest_one_call_tries_and_the_others_wait_for_it(
    breaker: Breaker, clock: _Clock
) -> None:
    await open_up(breaker)
    clock.now += 10
    going_on = asyncio.Event()

    async def slow() -> None:
        async with breaker.call():
            await going_on.wait()

    trying = asyncio.create_task(slow())
    await asyncio.sleep(0)
    meanwhile = await call(breaker)
    going_on.set()
    await trying

    assert meanwhile == CIRCUIT_OPEN
    assert await call(breaker) == "answered"
    assert not breaker.is_open


async def test_the_rest_doubles_while_the_tries_fail_up_to_a_limit(breaker: Breaker, clock: _Clock) -> None:
    await open_up(breaker)
    rests = []
    for _ in range(4):
        began = clock.now
        while not breaker.takes_calls:
            clock.now += 1
        rests.append(clock.now - began)
        await call(breaker, GatewayErrorKind.UNAVAILABLE)

    assert rests == [10, 20, 40, 40]


async def test_a_try_that_is_cancelled_leaves_room_for_the_next(breaker: Breaker, clock: _Clock) -> None:
    await open_up(breaker)
    clock.now += 10

    async def endless() -> None:
        async with breaker.call():
            await asyncio.sleep(60)

    trying = asyncio.create_task(endless())
    await asyncio.sleep(0)
    trying.cancel()
    await asyncio.gather(trying, return_exceptions=True)

    assert await call(breaker) == "answered"


async def test_what_the_gateway_asks_for_is_longer_than_the_rest(breaker: Breaker, clock: _Clock) -> None:
    for _ in range(LIMITS.failures):
        with pytest.raises(GatewayError):
            async with breaker.call():
                raise GatewayError(GatewayErrorKind.UNAVAILABLE, "429", retry_after_seconds=25.0)
    clock.now += 24

    assert not breaker.takes_calls
    clock.now += 1
    assert breaker.takes_calls
