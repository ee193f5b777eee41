"""Waiting with a limit that says what was waited for."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


class StuckError(Exception):
    """Something that had to happen never did."""


class UnexpectedError(Exception):
    """A call had an outcome that no fault excuses."""


@contextlib.asynccontextmanager
async def deadline(seconds: float, what: str) -> AsyncIterator[None]:
    """Give the block so long.

    Raises:
        StuckError: it took longer.
    """
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError:
        raise StuckError(f"stuck for {seconds:g} s: {what}") from None
