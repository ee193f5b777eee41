"""The protocol graphql-transport-ws: Strawberry's handler, made to bear whatever clients send.

Source: github.com/enisdenjo/graphql-ws, PROTOCOL.md, 2026-11.
"""

from __future__ import annotations

import contextlib
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, Final, cast

import orjson
from graphql import GraphQLError
from starlette.websockets import WebSocketDisconnect, WebSocketState
from strawberry.asgi import ASGIWebSocketAdapter
from strawberry.http.exceptions import (
    NonJsonMessageReceived,
    NonTextMessageReceived,
    WebSocketDisconnected,
)
from strawberry.subscriptions.protocols.graphql_transport_ws.handlers import BaseGraphQLTransportWSHandler
from strawberry.types.execution import ExecutionResult

from app.auth import ANYONE, AuthenticationError, Authenticator, Caller
from app.error_catalog import CloseCode
from schema.context import Context
from schema.errors import UNAVAILABLE_ERRORS, BadRequestError, comes_again, could_not_run
from schema.requests import read_operation

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping

    from strawberry.subscriptions.protocols.graphql_transport_ws.handlers import Operation
    from strawberry.subscriptions.protocols.graphql_transport_ws.types import (
        ConnectionInitMessage,
        Message,
        SubscribeMessage,
    )

    from schema.view import GraphQLView

FRAME_CHARACTERS_MAX: Final = 65_536
OPERATION_ID_LENGTH_MAX: Final = 128


async def caller_of(authenticator: Authenticator, params: Mapping[str, Any]) -> Caller:
    """Return who opens a websocket, by the payload of `connection_init`.

    It may hold `authorization` (or `Authorization`), like the header, or `orderAccessToken`.

    Raises:
        AuthenticationError: there are credentials, and they open nothing.
    """
    authorization = params.get("authorization", params.get("Authorization"))
    if authorization is not None:
        return await authenticator.identify(_text(authorization))
    token = params.get("orderAccessToken")
    return await authenticator.identify_secret(_text(token)) if token is not None else ANYONE


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise AuthenticationError
    return value


class TextFrames(ASGIWebSocketAdapter):
    """Reads and writes JSON in text frames of bounded size."""

    async def iter_json(self, *, ignore_parsing_errors: bool = False) -> AsyncGenerator[object, None]:
        """Yield what the client sends until it leaves."""
        del ignore_parsing_errors  # of the legacy protocol
        while self.ws.application_state is not WebSocketState.DISCONNECTED:
            message = await self.ws.receive()
            if message["type"] == "websocket.disconnect":
                return
            text = message.get("text")
            if text is None:
                raise NonTextMessageReceived
            if len(text) > FRAME_CHARACTERS_MAX:
                await self.close(
                    CloseCode.MESSAGE_TOO_BIG, f"A message has at most {FRAME_CHARACTERS_MAX} characters"
                )
                return
            try:
                content = orjson.loads(text)
            except orjson.JSONDecodeError as error:
                raise NonJsonMessageReceived from error
            yield content

    async def send_json(self, message: Mapping[str, object]) -> None:
        """Write one frame; returns when it is on its way.

        Raises:
            WebSocketDisconnected: the socket is closed.
        """
        if self.ws.application_state is WebSocketState.DISCONNECTED:
            raise WebSocketDisconnected
        try:
            await self.ws.send_text(orjson.dumps(message).decode())
        except WebSocketDisconnect as error:
            raise WebSocketDisconnected from error

    async def close(self, code: int, reason: str) -> None:
        """Close the socket, once."""
        if self.ws.application_state is WebSocketState.DISCONNECTED:
            return
        with contextlib.suppress(WebSocketDisconnect):
            await self.ws.close(code, reason)


class SocketHandler(BaseGraphQLTransportWSHandler[Context, None]):
    """One websocket. A malformed message closes it with 4400; a bad document fails its own operation only."""

    async def handle_message(self, message: Message) -> None:
        """Take one message of any shape."""
        problem = _problem(message)
        if problem is not None:
            await self.handle_invalid_message(problem)
        else:
            await super().handle_message(message)

    async def handle_connection_init(self, message: ConnectionInitMessage) -> None:
        """Find out who is there. Without the database nobody can be told from anybody: they come again."""
        if message.get("payload") is None:
            message = {"type": "connection_init"}
        try:
            await super().handle_connection_init(message)
        except UNAVAILABLE_ERRORS:
            await self.websocket.close(CloseCode.TRY_AGAIN_LATER, "Try again later")
            return

    async def handle_subscribe(self, message: SubscribeMessage) -> None:
        """Begin an operation, by the document's text or its name. One that is malformed is no message at all."""
        try:
            asked = read_operation(message["payload"], cast("GraphQLView", self.view).documents)
        except BadRequestError as error:
            if error.code is None:
                await self.handle_invalid_message(error.message[:100])
            elif self.connection_acknowledged:
                refused = self._present(GraphQLError(error.message, original_error=error))
                await self.send_message(
                    {"id": message["id"], "type": "error", "payload": [refused.formatted]}
                )
            else:
                await super().handle_subscribe(message)
            return
        message["payload"] = {
            "query": asked.query,
            "variables": asked.variables,
            "operationName": asked.operation_name,
        }
        await super().handle_subscribe(message)

    async def run_operation(self, operation: Operation[Context, None]) -> None:
        """Run one operation to its end, in a context of its own."""
        context = self.context.fresh()
        try:
            async with context.services.authenticator.while_valid(context.caller):
                await self._run(operation, context)
        except GraphQLError as error:
            await operation.send_initial_errors([self._present(error)])
        except WebSocketDisconnected:
            pass  # nobody is left to tell
        except Exception as error:  # noqa: BLE001 - the boundary of the operation: its socket goes on
            await operation.send_initial_errors(
                [self._present(GraphQLError(str(error), original_error=error))]
            )

    async def _run(self, operation: Operation[Context, None], context: Context) -> None:
        results = await self.schema.stream(
            operation.query,
            variable_values=operation.variables,
            context_value=context,
            operation_name=operation.operation_name,
        )
        async with aclosing(results):
            async for result in results:
                assert isinstance(result, ExecutionResult), "incremental delivery is off"  # noqa: S101 - by config
                if context.close_code is not None:
                    await self.websocket.close(context.close_code, "Subscribe again")
                    return
                if could_not_run(result):
                    await self._refuse(operation, result.errors or [])
                    return
                await operation.send_next(result)
                self._observe(context)
        await operation.send_operation_message({"id": operation.id, "type": "complete"})

    async def _refuse(self, operation: Operation[Context, None], errors: list[GraphQLError]) -> None:
        """Answer a stream that can't begin. Clients take an error for its end, but come back after a close."""
        if comes_again(errors):
            await self.websocket.close(CloseCode.TRY_AGAIN_LATER, "Try again later")
        else:
            await operation.send_initial_errors(errors)

    def _present(self, error: GraphQLError) -> GraphQLError:
        return cast("GraphQLView", self.view).presenter.present(error)

    def _observe(self, context: Context) -> None:
        told = cast("GraphQLView", self.view).on_frame
        if told is not None and context.change is not None:
            told(context.change.order_id, context.change.version)


def _problem(message: object) -> str | None:
    """Say what is wrong with a message's shape."""
    if not isinstance(message, dict) or not isinstance(message.get("type"), str):
        return "A message is an object with a type"
    match message["type"]:
        case "subscribe" | "complete":
            return _problem_of_operation(message)
        case "ping" | "pong" if not isinstance(message.get("payload"), (dict, type(None))):
            return "A payload is an object"
        case "connection_init" | "ping" | "pong":
            return None
        case _:
            return "A message is of one of the protocol's types"


def _problem_of_operation(message: Mapping[str, object]) -> str | None:
    operation_id = message.get("id")
    if not isinstance(operation_id, str) or not 0 < len(operation_id) <= OPERATION_ID_LENGTH_MAX:
        return f"An id is a string of 1 to {OPERATION_ID_LENGTH_MAX} characters"
    if message["type"] == "subscribe" and not isinstance(message.get("payload"), dict):
        return "A subscribe message has a payload"
    return None
