"""One operation on a websocket, from its `subscribe` to its `complete` or `error`."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import TYPE_CHECKING

import orjson
from graphql import GraphQLError

from app.auth import AuthenticationError
from app.error_catalog import CloseCode
from app.live import HubFullError, HubStoppedError
from app.sockets import text_header
from schema.build import Shareable
from schema.context import Context
from schema.errors import comes_again, content_of, could_not_run
from schema.subscriptions import close_code_of, shown

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from schema.conversation import Conversation
    from schema.requests import RequestedOperation
    from schema.sharing import Stream


class Operation:
    """What runs under one id. Nothing is sent of it once it has ended, or its client has completed it.

    A shared stream keeps it without a task; whatever else is asked for runs in one.
    """

    __slots__ = ("_begins_at", "_conversation", "_id", "_is_over", "_release", "_stream", "_task", "seen")

    def __init__(self, conversation: Conversation, operation_id: str) -> None:
        self._conversation = conversation
        self._id = operation_id
        self._is_over = False
        self._task: asyncio.Task[None] | None = None
        self._stream: Stream | None = None
        self._release: Callable[[], None] | None = None
        self._begins_at = 0
        self.seen = 0

    def begin(self, asked: RequestedOperation) -> None:
        """Run what is asked for."""
        self._task = self._conversation.run(self._run(asked))

    def stop(self) -> None:
        """End it without a word."""
        self._is_over = True
        if self._task is not None and self._task is not asyncio.current_task():
            self._task.cancel()
        if self._release is not None:
            self._release()
        if self._stream is not None:
            self._conversation.door.streams.part(self._stream, self)

    # --- as a member of a shared stream

    @property
    def is_writable(self) -> bool:
        """Whether the client takes what it is sent."""
        return self._conversation.socket.is_writable

    def go_on(self) -> None:
        """Be sent what was passed over."""
        if self._stream is not None:
            self._stream.go_on(self)

    def send_next(self, payload: bytes, order_id: UUID, version: int) -> None:
        """Send a result that is JSON already; what is sent of the time before it came is not observed."""
        head = b'{"id":' + orjson.dumps(self._id) + b',"type":"next","payload":'
        self._conversation.socket.send_frame(
            b"".join((text_header(len(head) + len(payload) + 1), head, payload, b"}"))
        )
        told = self._conversation.door.on_frame
        if told is not None and version > self._begins_at:
            told(order_id, version)

    def refuse(self, errors: list[GraphQLError]) -> None:
        """Answer a stream that can't begin. Clients take an error for its end, but come back after a close."""
        if comes_again(errors):
            self.break_off(CloseCode.TRY_AGAIN_LATER)
        else:
            self._end("error", [error.formatted for error in errors])

    def break_off(self, code: int) -> None:
        """Close the socket, so that the client comes again: the stream is not over, but can't go on here."""
        self._conversation.socket.close(code, "Subscribe again")

    def fail(self, error: Exception) -> None:
        """Say what went wrong, and be over."""
        raised = error if isinstance(error, GraphQLError) else GraphQLError(str(error), original_error=error)
        self._end("error", [self._conversation.door.schema.presenter.present(raised).formatted])

    # ---

    async def _run(self, asked: RequestedOperation) -> None:
        """Run it to its end, or until a shared stream takes it over, in a context of its own."""
        conversation = self._conversation
        services = conversation.door.services
        context = Context.of(services, conversation.caller, conversation.address)
        try:
            self._release = await services.authenticator.watch(context.caller, self._expire)
            if not self._is_over:
                await self._send_results(asked, context)
        except (HubFullError, HubStoppedError) as error:
            self.break_off(close_code_of(error))
        except LookupError as error:
            self.fail(shown(error))
        except Exception as error:  # noqa: BLE001 - the boundary of the operation: its socket goes on
            self.fail(error)
        finally:
            self._task = None
            conversation.socket.settled()

    async def _send_results(self, asked: RequestedOperation, context: Context) -> None:
        conversation = self._conversation
        shareable: Shareable | None = None
        results = conversation.door.schema.results(
            asked.query, asked.variables, context, asked.operation_name, shares=True
        )
        async with aclosing(results):
            async for result in results:
                if context.close_code is not None:
                    self.break_off(context.close_code)
                    return
                if isinstance(result, Shareable):
                    shareable = result
                    continue
                if could_not_run(result):
                    self.refuse(result.errors or [])
                    return
                await conversation.socket.drained()
                self._send("next", content_of(result))
                self._observe(context)
        if shareable is None:
            self._end("complete")
        else:
            self._begins_at = shareable.source.known.version
            self._stream = await conversation.door.streams.join(self, shareable, context.caller)

    def _expire(self) -> None:
        """End it since its caller's credential has ended."""
        self.fail(AuthenticationError())

    def _end(self, kind: str, payload: object = None) -> None:
        """Say the last word, after which the id is free."""
        if not self._is_over:
            self._send(kind, payload)
            self._conversation.operations.pop(self._id, None)
            self.stop()

    def _send(self, kind: str, payload: object = None) -> None:
        if not self._is_over:
            self._conversation.send(self._id, kind, payload)

    def _observe(self, context: Context) -> None:
        told = self._conversation.door.on_frame
        if told is not None and context.change is not None:
            told(context.change.order_id, context.change.version)
