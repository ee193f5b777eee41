"""Where a task stands, which no stack of a thread shows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Iterator

_KINDS = (("cr", "cr_await"), ("ag", "ag_await"), ("gi", "gi_yieldfrom"))


def awaits(task: asyncio.Task[Any]) -> Iterator[str]:
    """Return what a task waits in, the innermost await last."""
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
