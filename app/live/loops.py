"""Keeping background loops alive: one that ends, for whatever reason, is named in the log and started again."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final

from app.tasks import end_tasks

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping

log = logging.getLogger(__name__)

_RESTART_SECONDS: Final = 0.1


async def keep_running(loops: Mapping[str, Callable[[], Coroutine[None, None, None]]]) -> None:
    """Run the named loops until cancelled.

    They are watched from outside, since a loop can also end by a cancellation that leaks from what it awaits, which
    no `except Exception` inside it sees.
    """
    running: dict[asyncio.Task[None], str] = {}
    try:
        while True:
            for name in loops.keys() - set(running.values()):
                running[asyncio.create_task(loops[name](), name=name)] = name
            ended, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            for task in ended:
                why = "cancelled" if task.cancelled() else repr(task.exception())
                log.error("live.loop_ended", extra={"loop": running.pop(task), "error": why})
            await asyncio.sleep(_RESTART_SECONDS)
    finally:
        await end_tasks(*running)
