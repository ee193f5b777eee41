"""Servers inside the tests' process that stop at once.

Uvicorn looks ten times a second whether it is to stop, and then waits a tenth of a second for its connections, whether
it has any or not. A suite that starts and stops two thousand servers spends minutes in that.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final

import uvicorn.server

PAUSE_SECONDS_MAX: Final = 0.02


class _Hasty:
    """Asyncio as uvicorn's servers see it, with short sleeps."""

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever asyncio has
        return getattr(asyncio, name)

    async def sleep(self, seconds: float) -> None:
        """Sleep, but not for long."""
        await asyncio.sleep(min(seconds, PAUSE_SECONDS_MAX))


def hurry() -> None:
    """Have uvicorn's servers in this process look more often."""
    vars(uvicorn.server)["asyncio"] = _Hasty()
