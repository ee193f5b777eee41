"""HTTP connections: uvicorn's, which would wait for a request for ever, and take a head of any size."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast
from urllib.parse import unquote

from httptools import HttpParserInvalidURLError, parse_url
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

if TYPE_CHECKING:
    import asyncio

    from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

HEAD_SECONDS_MAX: Final = 10.0
"""From a connection's first moment, or from a request's first byte, to the end of its head."""
REQUEST_SECONDS_MAX: Final = 30.0
"""From then on to the end of the request: longer than any endpoint waits for a body, whose answer says more."""
HEAD_BYTES_MAX: Final = 32_768
LEFTOVER_BYTES_MAX: Final = 262_144
"""How much may still come of a body after its request was answered; a connection that brings more is closed."""
PIECES_MAX: Final = 8_192
"""How many pieces a body may come in: each costs a call, however little is in it."""
STALLED_SECONDS_MAX: Final = 20.0
"""How long a client may take nothing of its answer once the buffer between is full."""
ON_SHUTDOWN: Final = "on_shutdown"
"""In the scope of a request whose answer would go on for ever: what ends it when the process does."""
_BETWEEN_BYTES: Final = len(": \r\n")
_TOO_LARGE: Final = "431 Request Header Fields Too Large"
_ANSWER: Final = (
    "HTTP/1.1 {status}\r\ncontent-type: text/plain; charset=utf-8\r\nx-content-type-options: nosniff\r\n"
    "content-length: {length}\r\nconnection: close\r\n{more}\r\n{message}"
)
_VERSION: Final = "upgrade: websocket\r\nsec-websocket-version: 13\r\n"


def _nothing_more() -> None:
    """End an answer that ends by itself."""


class BoundedConnection(HttpToolsProtocol):
    """A connection on which requests come in time and in size, or not at all."""

    def __init__(self, *arguments: Any, **options: Any) -> None:  # noqa: ANN401 - uvicorn's
        super().__init__(*arguments, **options)
        self._deadline: asyncio.TimerHandle | None = None
        self._in_head = False
        self._in_request = False
        self._head_bytes = 0
        self._chunk_bytes = 0
        self._leftover_bytes = 0
        self._pieces = 0
        self._stalled: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Begin to wait for a request."""
        super().connection_made(transport)
        self._expect_within(HEAD_SECONDS_MAX)

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no longer."""
        self._expect_nothing()
        self._forget_stall()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """Stop answering for a while: the client takes nothing. It is cut off if that doesn't change."""
        super().pause_writing()
        self._forget_stall()
        self._stalled = self.loop.call_later(STALLED_SECONDS_MAX, self.transport.abort)

    def resume_writing(self) -> None:
        """Go on answering."""
        self._forget_stall()
        super().resume_writing()

    def shutdown(self) -> None:
        """Leave after the answer that is under way, and have that end which would not by itself."""
        super().shutdown()
        if self._current is not None:
            scope = cast("dict[str, Any]", self._current.scope)
            scope.get(ON_SHUTDOWN, _nothing_more)()

    def data_received(self, data: bytes) -> None:
        """Read what came, and begin to wait for the rest of it."""
        self._chunk_bytes = len(data)
        super().data_received(data)
        if self._in_head:
            self._head_bytes += len(data)
        if self._in_head and self._head_bytes > HEAD_BYTES_MAX:
            self._refuse(_TOO_LARGE, "The head of the request is too large.")
        elif not self._in_request:
            self._expect_nothing()
        elif self._deadline is None:
            self._expect_within(HEAD_SECONDS_MAX if self._in_head else REQUEST_SECONDS_MAX)

    def on_message_begin(self) -> None:
        """Note that a request has begun."""
        self._in_head = self._in_request = True
        self._head_bytes = self._leftover_bytes = self._pieces = 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Note the end of a head; the body may take longer.

        Raises:
            ValueError: the head is too large, which the parser takes for malformed.
        """
        if self._head_bytes + self._chunk_bytes > HEAD_BYTES_MAX and self._measure_head() > HEAD_BYTES_MAX:
            raise ValueError("the head is too large")
        self._in_head = False
        self._expect_nothing()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Take a piece of a body, though not for ever when its request was answered long ago.

        Raises:
            ValueError: there are too many of them, which the parser takes for malformed.
        """
        self._pieces += 1
        if self._pieces > PIECES_MAX:
            raise ValueError("the body comes in too many pieces")
        if self._current is not None and self._current.response_complete:
            self._leftover_bytes += len(body)
            if self._leftover_bytes > LEFTOVER_BYTES_MAX:
                self.transport.abort()
                return
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Note the end of a request."""
        self._in_request = False
        super().on_message_complete()

    def handle_websocket_upgrade(self) -> None:
        """Leave the connection to a websocket, if it is asked for as RFC 6455, section 4.2, has it."""
        self._expect_nothing()
        self._forget_stall()
        self._in_request = False
        headers = dict(self.headers)
        if self.scope["http_version"] == "1.0" or b"host" not in headers:
            self._refuse("400 Bad Request", "A websocket is asked for by HTTP/1.1, with a host.")
            return
        if headers.get(b"sec-websocket-version") != b"13":
            self._refuse("426 Upgrade Required", "Websockets are spoken in version 13.", _VERSION)
            return
        if self._current is not None and not self._current.response_complete:
            self._refuse("400 Bad Request", "A request before this one is not answered yet.")
            return
        try:
            url = parse_url(self.url)
        except HttpParserInvalidURLError:
            self._refuse("400 Bad Request", "This is no address.")
            return
        self.connections.discard(self)
        self.scope["path"] = self.root_path + unquote(url.path.decode("ascii"))
        self.scope["raw_path"] = self.root_path.encode("ascii") + url.path
        self.scope["query_string"] = url.query or b""
        socket = cast("type[Any]", self.ws_protocol_class)(
            config=self.config, server_state=self.server_state, app_state=self.app_state
        )
        socket.upgrade(self.transport, self.config, self.scope)
        self.transport.set_protocol(socket)
        del self.parser  # the two hold each other, and would be there until a search for cycles

    def send_400_response(self, msg: str) -> None:
        """Say that a request was malformed, or that its head is too large."""
        too_large = self._in_head and self._measure_head() > HEAD_BYTES_MAX
        self._refuse(_TOO_LARGE if too_large else "400 Bad Request", msg)

    @property
    def _current(self) -> RequestResponseCycle | None:
        """Return the newest request's exchange, if there was any on this connection."""
        return cast("RequestResponseCycle | None", self.cycle)

    def _measure_head(self) -> int:
        """Return the size of a head as far as it was read; what is in the middle of a header isn't."""
        return len(self.url) + sum(len(name) + len(value) + _BETWEEN_BYTES for name, value in self.headers)

    def _expect_within(self, seconds: float) -> None:
        self._deadline = self.loop.call_later(seconds, self._give_up)

    def _expect_nothing(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _forget_stall(self) -> None:
        if self._stalled is not None:
            self._stalled.cancel()
            self._stalled = None

    def _give_up(self) -> None:
        self._deadline = None
        if self._in_head:
            self._refuse("408 Request Timeout", "The request did not arrive in time.")
        elif not self.transport.is_closing():
            self.transport.close()

    def _refuse(self, status: str, message: str, headers: str = "") -> None:
        """Answer and close, unless an answer of the application is under way."""
        self._in_head = self._in_request = False
        self._expect_nothing()
        if self.transport.is_closing():
            return
        current = self._current
        if current is None or current.response_complete or not current.response_started:
            answer = _ANSWER.format(status=status, message=message, length=len(message), more=headers)
            self.transport.write(answer.encode("ascii"))
        self.transport.close()
