"""Running tasks side by side and ending them, whatever becomes of a cancellation on its way.

Before Python 3.13 a cancellation can get lost: `asyncio.TaskGroup` raises the failure of a part in its place
(gh-116720), and before 3.12 `asyncio.wait_for`, which redis-py uses, returns a result that came in the same turn. The
task then goes on, and whoever waits for its end waits forever.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, TypeVar, overload

if TYPE_CHECKING:
    from collections.abc import Awaitable

A = TypeVar("A")
B = TypeVar("B")


@overload
async def together(one: Awaitable[A], other: Awaitable[B], /) -> tuple[A, B]: ...
@overload
async def together(*parts: Awaitable[A]) -> tuple[A, ...]: ...


async def together(*parts: Awaitable[Any]) -> tuple[Any, ...]:
    """Await parts side by side, and return their results in order.

    Raises:
        Exception: The first part's that failed, once all have ended.
    """
    results = await asyncio.gather(*parts, return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return tuple(results)


async def end_tasks(*tasks: asyncio.Task[Any], again_seconds: float = 1.0) -> None:
    """Cancel tasks and wait until they have ended; their results and errors are left in them.

    Args:
        tasks: Whom to end; those that have ended already are left alone.
        again_seconds: After how long the cancellation of one that still runs is taken for lost, and said again. Longer
            than what it does to end properly.
    """
    while running := [task for task in tasks if not task.done()]:
        for task in running:
            task.cancel()
        await asyncio.wait(running, timeout=again_seconds)
    for task in tasks:
        if not task.cancelled():
            task.exception()  # seen: nobody else has to ask for it
