"""Requests to the webhooks' door that are no deliveries: each is turned away, or given up, and changes nothing."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Final

import orjson

from tests.system.deliveries import PATH, signed
from tests.system.wire import LOST, Line, request

if TYPE_CHECKING:
    from tests.faults.truth import Object

TOO_MANY_BYTES: Final = 1_048_577
PATIENCE_SECONDS: Final = 1.5
HALF: Final = b"POST /webhooks/sandbox HTTP/1.1\r\nhost: shop.test\r\ncontent-length: 100\r\n\r\n{"


async def hostile(port: int, shown: Object) -> None:
    """Send each of them once."""
    event = {"id": "sbx_evt_forged", "type": "x", "created": shown["created"], "data": {"object": shown}}
    body = orjson.dumps(event)
    whole = (
        request("GET", PATH),
        request("POST", "/webhooks/nobody", body),
        request("POST", PATH, body),
        signed(body, secret="not the gateway's"),
        request("POST", PATH, b"x" * TOO_MANY_BYTES),
        signed(b"not JSON"),
        signed(orjson.dumps({**event, "id": "an id that is odd \u00e9" * 20})),
    )
    await asyncio.gather(*(_send(port, sent) for sent in whole), _hang_up(port), _stall(port))


async def _send(port: int, sent: bytes) -> None:
    with contextlib.suppress(*LOST, TimeoutError):
        async with asyncio.timeout(PATIENCE_SECONDS), await Line.open(port) as line:
            await line.ask(sent)


async def _hang_up(port: int) -> None:
    """Send half a body and go."""
    with contextlib.suppress(*LOST):
        async with await Line.open(port) as line:
            line.writer.write(HALF)
            await line.writer.drain()
            await asyncio.sleep(0.02)


async def _stall(port: int) -> None:
    """Send half a body and wait to be turned away."""
    await _send(port, HALF)
