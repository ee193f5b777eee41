"""The words of a handshake: what is asked, in ASGI's, and what is answered, in HTTP's."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from websockets.datastructures import Headers
from websockets.http11 import Request, Response
from websockets.server import ServerProtocol

if TYPE_CHECKING:
    from collections.abc import MutableMapping, Sequence

    Message = MutableMapping[str, Any]

SOCKET_EXTENSION: Final = "orderpulse.socket"
"""In the scope's extensions: what the application hands a conversation to, once it has accepted."""
SWITCHING: Final = 101
_DENIAL: Final = "websocket.http.response"
_OFFERED: Final = b"sec-websocket-protocol"


def answer_to(request: Message) -> Response:
    """Return the answer to a request for a websocket, an ASGI scope of HTTP: 101 unless it is at fault."""
    version = f"HTTP/{request['http_version']}"
    return ServerProtocol().accept(Request("/", _headers(request["headers"]), request["method"], version))


def scope_of(request: Message, socket: object) -> Message:
    """Return the scope of a websocket that is asked for."""
    offered = [value.decode("latin-1") for name, value in request["headers"] if name == _OFFERED]
    return {
        **request,
        "type": "websocket",
        "scheme": "wss" if request["scheme"] == "https" else "ws",
        "subprotocols": [each.strip() for value in offered for each in value.split(",")],
        "extensions": {_DENIAL: {}, SOCKET_EXTENSION: socket},
    }


def denial(status: int, headers: Sequence[tuple[bytes, bytes]] = ((b"content-length", b"0"),)) -> Response:
    """Return an answer that opens nothing."""
    told = _headers(headers)
    told["Connection"] = "close"
    return Response(status, HTTPStatus(status).phrase, told)


def _headers(given: Sequence[tuple[bytes, bytes]]) -> Headers:
    return Headers([(name.decode("latin-1"), value.decode("latin-1")) for name, value in given])
