"""The door to the websockets: whose pages may open one, what is spoken there, and who is there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from strawberry.http.websocket_origin import is_same_origin, normalize_allowed_origins, normalize_origin

from app.auth import ANYONE, AuthenticationError, Caller
from app.error_catalog import CloseCode
from app.sockets import SOCKET_EXTENSION
from schema.conversation import Conversation
from schema.sharing import SharedStreams

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from uuid import UUID

    from starlette.types import Receive, Scope, Send

    from app.sockets import Socket
    from schema.build import OrderpulseSchema
    from schema.context import Services
    from schema.trusted import TrustedDocuments

SUBPROTOCOL: Final = "graphql-transport-ws"
_SAME_ORIGIN: Final = "same-origin"


class SocketDoor:
    """Lets websockets in, and leaves each to a conversation."""

    def __init__(
        self,
        services: Services,
        schema: OrderpulseSchema,
        *,
        documents: TrustedDocuments,
        allowed_origins: Sequence[str],
        on_frame: Callable[[UUID, int], None] | None,
    ) -> None:
        self.services = services
        self.schema = schema
        self.documents = documents
        self.on_frame = on_frame
        self.streams = SharedStreams(services, schema)
        self._allowed_origins = normalize_allowed_origins(allowed_origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a handshake."""
        del receive  # messages don't come this way
        if not self._is_welcome(scope["headers"]):
            await send({"type": "websocket.close"})
            return
        is_spoken = SUBPROTOCOL in scope["subprotocols"]
        await send(
            {
                "type": "websocket.accept",
                "subprotocol": SUBPROTOCOL if is_spoken else None,
            }
        )
        socket: Socket = scope["extensions"][SOCKET_EXTENSION]
        if is_spoken:
            socket.converse(Conversation(socket, self, scope.get("address", "")))
        else:
            socket.close(CloseCode.SUBPROTOCOL_NOT_ACCEPTABLE, "Subprotocol not acceptable")

    async def caller_of(self, params: Mapping[str, Any]) -> Caller:
        """Return who opens a websocket, by the payload of `connection_init`.

        It may hold `authorization` (or `Authorization`), like the header, or `orderAccessToken`.

        Raises:
            AuthenticationError: there are credentials, and they open nothing.
        """
        authenticator = self.services.authenticator
        authorization = params.get("authorization", params.get("Authorization"))
        if authorization is not None:
            return await authenticator.identify(_text(authorization))
        token = params.get("orderAccessToken")
        return await authenticator.identify_secret(_text(token)) if token is not None else ANYONE

    def _is_welcome(self, headers: Sequence[tuple[bytes, bytes]]) -> bool:
        """Whether a page may open a socket: one of the same host, or of an origin that is allowed.

        Browsers always say whose page it is; what says nothing is none, and has no credentials that it doesn't know.
        """
        given = {name: value.decode("latin-1") for name, value in headers}
        origin = given.get(b"origin")
        if origin is None or given.get(b"sec-fetch-site") == _SAME_ORIGIN:
            return True
        return is_same_origin(origin, given.get(b"host")) or normalize_origin(origin) in self._allowed_origins


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise AuthenticationError
    return value
