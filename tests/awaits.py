"""Where a task stands, which no stack of a thread shows."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

_KINDS = (("cr", "cr_await"), ("ag", "ag_await"), ("gi", "gi_yieldfrom"))


def all_awaits() -> list[str]:
    """Return a line for each task of the running loop: what it waits in, the innermost await last.

    Raises:
        RuntimeError: No loop runs.
    """
    return [f"{task.get_name()}: {' > '.join(_awaits(task))}" for task in asyncio.all_tasks()]


def _awaits(task: asyncio.Task[Any]) -> Iterator[str]:
    at: Any = task.get_coro()
    while at is not None:
        for kind, next_one in _KINDS:
            if (frame := getattr(at, f"{kind}_frame", None)) is not None:
                yield f"{frame.f_code.co_qualname}:{frame.f_lineno}"
                at = getattr(at, next_one)
                break
        else:
            yield repr(at)
            return
