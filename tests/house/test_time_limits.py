"""What is told of a test whose time is over."""

from __future__ import annotations

import asyncio
import signal
from typing import TYPE_CHECKING

from tests.time_limits import tell_tasks

if TYPE_CHECKING:
    import pytest


async def test_a_test_whose_time_is_over_says_what_its_tasks_wait_for(
    capsys: pytest.CaptureFixture[str],
) -> None:
    given_up: list[int] = []
    ours = signal.signal(signal.SIGALRM, lambda number, _: given_up.append(number))
    waiting = asyncio.create_task(asyncio.Event().wait(), name="who waits")
    try:
        await asyncio.sleep(0)
        tell_tasks()

        signal.raise_signal(signal.SIGALRM)
    finally:
        signal.signal(signal.SIGALRM, ours)
        waiting.cancel()

    assert given_up == [signal.SIGALRM]
    assert "who waits: Event.wait:" in capsys.readouterr().err


def test_it_is_told_where_no_loop_runs() -> None:
    given_up: list[int] = []
    ours = signal.signal(signal.SIGALRM, lambda number, _: given_up.append(number))
    try:
        tell_tasks()

        signal.raise_signal(signal.SIGALRM)
    finally:
        signal.signal(signal.SIGALRM, ours)

    assert given_up == [signal.SIGALRM]
