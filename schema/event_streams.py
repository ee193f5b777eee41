"""Server-sent events: an operation's results as they come, for networks that break websockets.

Source: github.com/enisdenjo/graphql-sse, PROTOCOL.md, "Distinct connections mode", and
html.spec.whatwg.org/multipage/server-sent-events.html, both read in November 2026.
"""

from __future__ import annotations

import asyncio
import random
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, Final

import orjson
from graphql import GraphQLError

from app.connections import ON_SHUTDOWN
from app.tasks import end_tasks
from schema.errors import comes_again, content_of, could_not_run
from schema.requests import EVENT_STREAM_TYPE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from contextlib import ExitStack
    from uuid import UUID

    from starlette.types import Receive, Scope, Send
    from strawberry.types.graphql import OperationType

    from schema.build import OrderpulseSchema
    from schema.context import Context
    from schema.requests import RequestedOperation

HEARTBEAT_SECONDS: Final = 12.0
"""Proxies give up connections on which nothing comes for 30 to 60 s."""
RETRY_MS: Final = (500, 5_000)
"""When a browser is to come back whose stream broke off. Each is told its own time, so that all don't come at once."""
_HEARTBEAT: Final = b":\n\n"
_COMPLETE: Final = b"event: complete\ndata:\n\n"
_HEADERS: Final = (
    (b"content-type", f"{EVENT_STREAM_TYPE}; charset=utf-8".encode()),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
)


class EventStream:
    """The answer to one request, as an ASGI application.

    Every result is an event `next`, refusals of the operation, too; `complete` follows the last. A stream that ends
    without it is not over: its client comes back, as for the process's end or a database that is away.
    """

    def __init__(
        self,
        schema: OrderpulseSchema,
        operation: RequestedOperation,
        context: Context,
        *,
        allowed: Iterable[OperationType],
        place: ExitStack,
        on_frame: Callable[[UUID, int], None] | None,
    ) -> None:
        """Take an operation. `place` is closed when the stream is over."""
        self._schema = schema
        self._operation = operation
        self._context = context
        self._allowed = allowed
        self._place = place
        self._on_frame = on_frame

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer until the operation is over, its client leaves, or the process ends."""
        with self._place:
            await send({"type": "http.response.start", "status": 200, "headers": list(_HEADERS)})
            await _send(send, b"retry: %d\n\n" % random.randint(*RETRY_MS))  # noqa: S311 - spreads clients, no secret
            running = asyncio.create_task(self._run(send))
            others = {asyncio.create_task(_beat(send)), asyncio.create_task(_left(receive, running))}
            scope[ON_SHUTDOWN] = running.cancel
            try:
                await asyncio.wait({running})
            finally:
                await end_tasks(running, *others)
        is_complete = not running.cancelled() and running.result()
        await send({"type": "http.response.body", "body": _COMPLETE if is_complete else b""})

    async def _run(self, send: Send) -> bool:
        """Send the results; return whether they were all."""
        context = self._context
        try:
            async with context.services.authenticator.while_valid(context.caller):
                return await self._send_results(send)
        except GraphQLError as error:
            return await _refuse(send, [self._schema.presenter.present(error)])
        except Exception as error:  # noqa: BLE001 - the boundary of the operation: its client is told
            unexpected = GraphQLError(str(error), original_error=error)
            return await _refuse(send, [self._schema.presenter.present(unexpected)])

    async def _send_results(self, send: Send) -> bool:
        results = await self._schema.stream(
            self._operation.query,
            variable_values=self._operation.variables,
            context_value=self._context,
            operation_name=self._operation.operation_name,
            allowed_operation_types=self._allowed,
        )
        async with aclosing(results):
            async for result in results:
                if self._context.close_code is not None:
                    return False
                if could_not_run(result):
                    return await _refuse(send, result.errors or [])
                await _send_next(send, content_of(result))
                self._observe()
        return True

    def _observe(self) -> None:
        change = self._context.change
        if self._on_frame is not None and change is not None:
            self._on_frame(change.order_id, change.version)


async def _refuse(send: Send, errors: list[GraphQLError]) -> bool:
    """Say why an operation can't go on, unless its client is to come back; return whether that was all."""
    if comes_again(errors):
        return False
    await _send_next(send, {"errors": [error.formatted for error in errors]})
    return True


async def _send_next(send: Send, content: dict[str, Any]) -> None:
    await _send(send, b"event: next\ndata: %b\n\n" % orjson.dumps(content))


async def _send(send: Send, event: bytes) -> None:
    """Send an event. What its client does not take fills the connection's buffer, and is waited for."""
    await send({"type": "http.response.body", "body": event, "more_body": True})


async def _beat(send: Send) -> None:
    while True:
        await asyncio.sleep(HEARTBEAT_SECONDS)
        await _send(send, _HEARTBEAT)


async def _left(receive: Receive, running: asyncio.Task[bool]) -> None:
    """End an operation whose client has left."""
    while (await receive())["type"] != "http.disconnect":
        pass
    running.cancel()
