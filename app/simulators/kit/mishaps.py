"""One call to an API, disturbed as the chaos wants: late, refused, never answered, or answered with nonsense."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from starlette.responses import Response

from app.simulators.kit.chaos import Mishap

if TYPE_CHECKING:
    from starlette.requests import Request

    from app.simulators.kit.chaos import Chaos

HANG_SECONDS_MAX: Final = 600.0


class MishapError(Exception):
    """Nothing was done. `hung`: the caller had no answer for as long as it waited."""

    def __init__(self, status: int, *, hung: bool) -> None:
        super().__init__(f"The call fails with {status}.")
        self.status = status
        self.hung = hung


async def disturbed(chaos: Chaos, request: Request, operation: str) -> Mishap | None:
    """Let the chaos have its way before the work; return what it wants afterwards, for `spoiled`.

    Raises:
        MishapError: nothing is to be done.
    """
    if chaos.api_latency_ms:
        await asyncio.sleep(chaos.api_latency_ms / 1000)
    fault = chaos.fault_of(operation)
    if fault is Mishap.HANG:
        await _hang(request)
        raise MishapError(504, hung=True)
    if isinstance(fault, int):
        raise MishapError(fault, hung=False)
    return fault


async def spoiled(request: Request, mishap: Mishap | None) -> Response | None:
    """Return what is answered instead of what was done; None when nothing is to go wrong."""
    if mishap is Mishap.HANG_AFTER:
        await _hang(request)
        return Response(status_code=504)
    if mishap is Mishap.GARBAGE_AFTER:
        return Response("<html><h1>Bad gateway</h1></html>", media_type="text/html")
    return None


async def _hang(request: Request) -> None:
    """Wait until the caller gives up."""
    try:
        async with asyncio.timeout(HANG_SECONDS_MAX):
            while (await request.receive())["type"] != "http.disconnect":
                pass
    except TimeoutError:
        pass
