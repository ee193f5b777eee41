"""The protocol graphql-transport-ws, spoken over one websocket, whatever the other side sends.

Source: github.com/enisdenjo/graphql-ws, PROTOCOL.md, 2026-11.
"""

from __future__ import annotations

import asyncio
import contextvars
import enum
from typing import TYPE_CHECKING, Any, Final

import orjson
from graphql import GraphQLError

from app.auth import ANYONE, AuthenticationError
from app.error_catalog import CloseCode
from schema.errors import UNAVAILABLE_ERRORS, BadRequestError, report
from schema.operation import Operation
from schema.requests import read_operation

if TYPE_CHECKING:
    from collections.abc import Coroutine, Mapping

    from app.sockets import Socket
    from schema.sockets import SocketDoor

OPERATIONS_PER_SOCKET_MAX: Final = 20
OPERATION_ID_LENGTH_MAX: Final = 128
_REASON_CHARACTERS_MAX: Final = 100
_ACKNOWLEDGED: Final = b'{"type":"connection_ack"}'
_PONG: Final = b'{"type":"pong"}'


class _Stage(enum.Enum):
    NEW = enum.auto()
    INITIALISING = enum.auto()
    ACKNOWLEDGED = enum.auto()


class Conversation:
    """One client's messages and operations. Malformed messages close with 4400; a bad document fails its operation."""

    __slots__ = ("_initialising", "_logged_as", "_stage", "address", "caller", "door", "operations", "socket")

    def __init__(self, socket: Socket, door: SocketDoor, address: str) -> None:
        self.socket = socket
        self.door = door
        self.address = address
        self.caller = ANYONE
        self.operations: dict[str, Operation] = {}
        self._stage = _Stage.NEW
        self._initialising: asyncio.Task[None] | None = None
        self._logged_as = contextvars.copy_context()

    def text_received(self, text: str) -> None:
        """Take one message of any shape."""
        try:
            message = orjson.loads(text)
        except orjson.JSONDecodeError:
            self._refuse("A message is JSON")
            return
        problem = _problem(message)
        if problem is not None:
            self._refuse(problem)
            return
        match message["type"]:
            case "connection_init":
                self._initialise(message.get("payload"))
            case "ping":
                self.socket.send_text(_PONG)
            case "subscribe":
                self._subscribe(message["id"], message["payload"])
            case "complete":
                self._complete(message["id"])

    def binary_received(self) -> None:
        """Refuse what is no text."""
        self._refuse("A message is text")

    def writable(self) -> None:
        """Go on with what was passed over meanwhile."""
        for operation in tuple(self.operations.values()):
            operation.go_on()

    def late(self) -> None:
        """Close unless somebody has introduced himself."""
        if self._stage is _Stage.NEW:
            self.socket.close(CloseCode.INIT_TIMEOUT, "Connection initialisation timeout")

    def ended(self) -> None:
        """Let go of everything that runs."""
        if self._initialising is not None:
            self._initialising.cancel()
        operations, self.operations = self.operations, {}
        for operation in operations.values():
            operation.stop()

    def run(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Have something done, under the id of the request that opened the socket in the logs."""
        return asyncio.get_running_loop().create_task(work, context=self._logged_as.copy())

    def _refuse(self, problem: str) -> None:
        self.socket.close(CloseCode.BAD_MESSAGE, problem[:_REASON_CHARACTERS_MAX])

    def _initialise(self, payload: object) -> None:
        if payload is not None and not isinstance(payload, dict):
            self._refuse("Invalid connection init payload")
        elif self._stage is not _Stage.NEW:
            self.socket.close(CloseCode.TOO_MANY_REQUESTS, "Too many initialisation requests")
        else:
            self._stage = _Stage.INITIALISING
            self.socket.hold()  # what comes meanwhile waits for its turn
            self._initialising = self.run(self._acknowledge(payload or {}))

    async def _acknowledge(self, params: dict[str, Any]) -> None:
        """Find out who is there. Without the database nobody can be told from anybody: they come again."""
        try:
            self.caller = await self.door.caller_of(params)
        except AuthenticationError:
            self.socket.close(CloseCode.FORBIDDEN, "Forbidden")
            return
        except UNAVAILABLE_ERRORS:
            self.socket.close(CloseCode.TRY_AGAIN_LATER, "Try again later")
            return
        except Exception as error:  # noqa: BLE001 - the boundary of the socket: its client comes again
            report(error)
            self.socket.close(CloseCode.TRY_AGAIN_LATER, "Try again later")
            return
        finally:
            self._initialising = None
        self._stage = _Stage.ACKNOWLEDGED
        self.socket.send_text(_ACKNOWLEDGED)
        self.socket.go_on()

    def _subscribe(self, operation_id: str, payload: dict[str, object]) -> None:
        """Begin an operation, by the document's text or its name. One that is malformed is no message at all."""
        refusal: BadRequestError | None = None
        try:
            asked = read_operation(payload, self.door.documents)
        except BadRequestError as error:
            if error.code is None:
                self._refuse(error.message)
                return
            refusal = error
        if self._stage is not _Stage.ACKNOWLEDGED:
            self.socket.close(CloseCode.UNAUTHORIZED, "Unauthorized")
        elif operation_id in self.operations:
            self.socket.close(CloseCode.SUBSCRIBER_EXISTS, f"Subscriber for {operation_id} already exists")
        elif refusal is not None:
            shown = self.door.schema.presenter.present(GraphQLError(refusal.message, original_error=refusal))
            self.send(operation_id, "error", [shown.formatted])
        elif len(self.operations) >= OPERATIONS_PER_SOCKET_MAX:
            self.send(operation_id, "error", [GraphQLError("Subscription limit reached").formatted])
        else:
            operation = self.operations[operation_id] = Operation(self, operation_id)
            operation.begin(asked)

    def _complete(self, operation_id: str) -> None:
        operation = self.operations.pop(operation_id, None)
        if operation is not None:
            operation.stop()

    def send(self, operation_id: str, kind: str, payload: object = None) -> None:
        """Send a message of an operation."""
        message = {"id": operation_id, "type": kind}
        self.socket.send_text(orjson.dumps(message if payload is None else {**message, "payload": payload}))


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
