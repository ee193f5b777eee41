"""Tasks end when they are told to, also where a cancellation gets lost on its way."""

from __future__ import annotations

import asyncio

import pytest

from app.tasks import end_tasks, together
from tests.app.live_fixtures.following import soon


async def result(value: int) -> int:
    await asyncio.sleep(0)
    return value


async def failing_when_canceled() -> int:
    """Fail when it is canceled, as what a connection was in the middle of does."""
    try:
        return await asyncio.Event().wait()
    except asyncio.CancelledError:
        raise ConnectionError("cut off") from None


async def test_results_come_in_order() -> None:
    assert await together(result(1), result(2), result(3)) == (1, 2, 3)


async def test_a_failure_is_raised_once_all_have_ended() -> None:
    ended = []

    async def late() -> int:
        await asyncio.sleep(0.01)
        ended.append("late")
        return 1

    async def broken() -> int:
        raise KeyError("gone")

    with pytest.raises(KeyError, match="gone"):
        await together(broken(), late())

    assert ended == ["late"]


async def test_a_part_that_fails_when_all_are_canceled_does_not_take_the_cancellation() -> None:
    task = asyncio.create_task(together(failing_when_canceled(), result(1)))
    await asyncio.sleep(0.01)

    task.cancel()
    await asyncio.wait([task])

    assert task.cancelled()


async def test_tasks_are_told_again_until_they_have_ended() -> None:
    heard = 0

    async def deaf_at_first() -> None:
        nonlocal heard
        while heard < 3:
            try:
                await asyncio.sleep(5)
            except asyncio.CancelledError:
                heard += 1
            else:
                return

    deaf, ended = asyncio.create_task(deaf_at_first()), asyncio.create_task(result(1))
    await asyncio.sleep(0.01)

    await soon(end_tasks(deaf, ended, again_seconds=0.01))

    assert deaf.done()
    assert heard == 3
    assert ended.result() == 1


async def test_a_task_that_cleans_up_in_time_is_told_once() -> None:
    cleaned = []

    async def tidy() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0.05)
            cleaned.append("all")

    task = asyncio.create_task(tidy())
    await asyncio.sleep(0.01)

    await soon(end_tasks(task))

    assert cleaned == ["all"]
    assert task.cancelled()
