"""Readers for tests: tasks that write down what a stream hands them, and waiting for something to become true."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from uuid import UUID

    from app.live import LiveHub

DEADLINE_SECONDS: Final = 20.0

_T = TypeVar("_T")


class Follower:
    """A reader of one order: the versions that it was handed, and how its stream ended."""

    def __init__(self) -> None:
        self.versions: list[int] = []
        self.error: BaseException | None = None
        self.task: asyncio.Task[None] | None = None

    def start(self, stream: AsyncIterator[int], pause: Callable[[], float] | None = None) -> None:
        """Follow a stream of versions, with a pause of so many seconds after each."""

        async def follow() -> None:
            try:
                async for version in stream:
                    self.versions.append(version)
                    if pause is not None:
                        await asyncio.sleep(pause())
            except Exception as error:  # noqa: BLE001 - the tests look at it
                self.error = error

        self.task = asyncio.create_task(follow())


def follow_events(
    hub: LiveHub, order_id: UUID, after: int | None = None, *, pause: Callable[[], float] | None = None
) -> Follower:
    async def versions() -> AsyncIterator[int]:
        async with contextlib.aclosing(hub.events(order_id, after)) as events:
            async for event, snapshot in events:
                assert snapshot.order.version >= event.version
                yield event.version

    follower = Follower()
    follower.start(versions(), pause)
    return follower


def follow_order(hub: LiveHub, order_id: UUID, *, pause: Callable[[], float] | None = None) -> Follower:
    async def versions() -> AsyncIterator[int]:
        async with contextlib.aclosing(hub.orders(order_id)) as snapshots:
            async for snapshot in snapshots:
                yield snapshot.order.version

    follower = Follower()
    follower.start(versions(), pause)
    return follower


async def leave(*followers: Follower) -> None:
    """Have readers hang up."""
    tasks = [follower.task for follower in followers if follower.task is not None]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def soon(what: Awaitable[_T]) -> _T:
    """Return what is awaited, and fail when it does not come."""
    async with asyncio.timeout(DEADLINE_SECONDS):
        return await what


async def until(true: Callable[[], object], *, seconds: float = DEADLINE_SECONDS) -> None:
    """Wait until something is true, and fail when it never is."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it never became true"
        await asyncio.sleep(0.002)


async def idle(turns: int = 30) -> None:
    """Let everything that is ready run; for showing that nothing more comes."""
    for _ in range(turns):
        await asyncio.sleep(0)
