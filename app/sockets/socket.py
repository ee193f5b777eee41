"""One websocket: its handshake through the application, its frames, and how it ends."""

from __future__ import annotations

import asyncio
import enum
import logging
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, cast

from websockets.frames import CloseCode, Opcode

from app.sockets.frames import PING, FrameError, FrameReader, close_frame, echo_of, pong_of, text_header
from app.sockets.handshake import SWITCHING, answer_to, denial, scope_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, MutableMapping

    from uvicorn import Config
    from uvicorn.server import ServerState
    from websockets.frames import Frame
    from websockets.http11 import Response

    from app.sockets.conversation import Conversation
    from app.sockets.registry import Sockets

    Message = MutableMapping[str, Any]

log = logging.getLogger(__name__)

BUFFER_BYTES_MAX: Final = 32_768
"""Of what the other side has not taken, beyond what the kernel holds; one more message may be begun with less."""


class _State(enum.Enum):
    SHAKING_HANDS = enum.auto()
    OPEN = enum.auto()
    CLOSING = enum.auto()
    """We have said so, and wait for the other side to."""
    DEAF = enum.auto()
    """Whatever comes is thrown away, until the connection ends."""


class Socket(asyncio.Protocol):
    """A websocket from its handshake on. Idle, it is this object, an empty frame reader, and a transport."""

    __slots__ = (
        "_asked",
        "_conversation",
        "_drained",
        "_frames",
        "_is_alive",
        "_is_full",
        "_is_held",
        "_loop",
        "_opening",
        "_response",
        "_server",
        "_sockets",
        "_state",
        "_transport",
    )

    def __init__(self, sockets: Sockets, server: ServerState) -> None:
        self._sockets = sockets
        self._server = server
        self._frames = FrameReader()
        self._state = _State.SHAKING_HANDS
        self._conversation: Conversation | None = None
        self._drained: asyncio.Future[None] | None = None
        self._is_alive = True
        self._is_full = False
        self._is_held = False
        self._transport: asyncio.Transport
        self._response: Response | None = None
        """The answer to the handshake, until it is given."""
        self._asked: tuple[Config, Message] | None = None
        """What the application is to be asked, until it is."""
        self._opening: asyncio.Task[None] | None = None

    # --- the handshake

    def upgrade(self, transport: asyncio.Transport, config: Config, request: Message) -> None:
        """Take a connection over with the request that asks for it, as an ASGI scope of HTTP."""
        self._transport = transport
        transport.pause_reading()  # nothing may come before the answer
        transport.set_write_buffer_limits(high=BUFFER_BYTES_MAX)
        self._response = answer_to(request)
        if self._response.status_code != SWITCHING:
            self._deny(self._response)
            return
        self._server.connections.add(self)  # type: ignore[arg-type]  # whatever can be told to shut down
        self._asked = (config, scope_of(request, self))
        refusal = self._sockets.add(self)
        if refusal is None:
            self._sockets.open(self)
        else:
            self.turn_away(*refusal)

    def open(self) -> None:
        """Ask the application, it being this socket's turn."""
        asked, self._asked = self._asked, None
        if asked is not None:
            self._opening = asyncio.get_running_loop().create_task(self._open(*asked))

    def turn_away(self, code: int, reason: str) -> None:
        """Close before anybody looks at it, in a way that the client can see: it has to be open for that."""
        asked, self._asked = self._asked, None
        if asked is not None:
            subprotocol = self._sockets.subprotocol
            self._accept(subprotocol if subprotocol in asked[1]["subprotocols"] else None)
            self.close(code, reason)

    async def _open(self, config: Config, scope: Message) -> None:
        connected = iter([{"type": "websocket.connect"}])

        async def receive() -> Message:
            return next(connected, {"type": "websocket.disconnect", "code": CloseCode.ABNORMAL_CLOSURE})

        try:
            await config.loaded_app(scope, receive, self._answer)
        except Exception:
            log.exception("socket.handshake_failed")
        finally:
            self._opening = None
            if self._state is _State.SHAKING_HANDS:
                self._deny(denial(HTTPStatus.INTERNAL_SERVER_ERROR))

    async def _answer(self, message: Message) -> None:
        """Take the application's answer, in ASGI's words."""
        if self._state is not _State.SHAKING_HANDS:
            return
        match message["type"]:
            case "websocket.accept":
                self._accept(message.get("subprotocol"), message.get("headers", ()))
            case "websocket.close":
                self._deny(denial(HTTPStatus.FORBIDDEN))
            case "websocket.http.response.start":
                self._response = denial(message["status"], message["headers"])
            case "websocket.http.response.body" if not message.get("more_body", False):
                assert self._response is not None  # noqa: S101 - it was started
                self._response.body = message.get("body", b"")
                self._deny(self._response)

    def _accept(self, subprotocol: str | None, headers: Iterable[tuple[bytes, bytes]] = ()) -> None:
        response, self._response = self._response, None
        assert response is not None  # noqa: S101 - the request was looked at first
        for name, value in headers:
            response.headers[name.decode("latin-1")] = value.decode("latin-1")
        if subprotocol is not None:
            response.headers["Sec-WebSocket-Protocol"] = subprotocol
        self._transport.write(response.serialize())
        self._state = _State.OPEN
        self._transport.resume_reading()

    def _deny(self, response: Response) -> None:
        self._state = _State.DEAF
        self._transport.write(response.serialize())
        self._transport.close()

    # --- for the conversation

    def converse(self, conversation: Conversation) -> None:
        """Leave what is said to a conversation."""
        if self._state is _State.OPEN:
            self._conversation = conversation
            self._sockets.await_introduction(self)
        else:
            conversation.ended()

    @property
    def is_writable(self) -> bool:
        """Whether more may be sent: the other side takes what it gets."""
        return self._state is _State.OPEN and not self._is_full

    async def drained(self) -> None:
        """Wait until more may be sent, or nothing any more."""
        while self._is_full and self._state is _State.OPEN:
            if self._drained is None:
                self._drained = asyncio.get_running_loop().create_future()
            await asyncio.shield(self._drained)

    def send_text(self, text: bytes) -> None:
        """Send a message."""
        self.send_frame(text_header(len(text)) + text)

    def send_frame(self, frame: bytes) -> None:
        """Send what is a frame already."""
        if self._state is _State.OPEN:
            self._transport.write(frame)

    def settled(self) -> None:
        """Let others have their turn: the first operation has begun, or come to its end."""
        self._sockets.opened(self)

    def hold(self) -> None:
        """Take no more messages until `go_on`."""
        self._is_held = True
        self._choose_reading()

    def go_on(self) -> None:
        """Take messages again."""
        self._is_held = False
        self._take()
        self._choose_reading()

    def close(self, code: int, reason: str) -> None:
        """Close, once: say so, and wait a moment for the other side to."""
        if self._state is _State.OPEN:
            self._transport.write(close_frame(code, reason))
            self._leave(_State.CLOSING)
            self.go_on()  # to the other side's close; what was held before it is passed over

    # --- for the registry

    def beat(self) -> None:
        """Ask for a sign of life; one that gave none since it was asked last is dead, or takes nothing it is sent."""
        if self._state is not _State.OPEN:
            return
        if not self._is_alive:
            self._sockets.shed += 1
            self.close(CloseCode.TRY_AGAIN_LATER, "No sign of life")
            return
        self._is_alive = False
        if not self._is_full:
            self._transport.write(PING)

    def late(self) -> None:
        """Let the conversation see whether it has begun in time."""
        if self._conversation is not None:
            self._conversation.late()

    def give_up(self) -> None:
        """End a connection whose other side had its time to."""
        if self._transport.get_write_buffer_size():
            self._transport.abort()
        else:
            self._transport.close()

    def shutdown(self) -> None:
        """Leave, when it is this socket's turn. Called by uvicorn for all at once."""
        self._sockets.leave(self)

    # --- the transport's calls

    def data_received(self, data: bytes) -> None:
        """Take what came."""
        self._is_alive = True
        if self._state is not _State.DEAF:
            self._frames.feed(data)
            self._take()

    def pause_writing(self) -> None:
        """Note that the other side does not take what it is sent; what it sends is left alone, too."""
        self._is_full = True
        self._choose_reading()

    def resume_writing(self) -> None:
        """Go on."""
        self._is_alive = True
        self._is_full = False
        self._wake()
        self._choose_reading()
        if self._conversation is not None:
            self._conversation.writable()

    def connection_lost(self, exc: Exception | None) -> None:
        """Let go of everything."""
        del exc  # why, makes no difference
        self._state = _State.DEAF
        self._sockets.discard(self)
        self._server.connections.discard(self)
        if self._opening is not None:
            self._opening.cancel()
        self._end_conversation()

    # ---

    def _take(self) -> None:
        try:
            while not self._is_held and self._state in (_State.OPEN, _State.CLOSING):
                frame = self._frames.next()
                if frame is None:
                    return
                self._take_frame(frame)
        except FrameError as error:
            if self._state is _State.OPEN:
                self._transport.write(close_frame(error.code, error.reason))
            self._leave(_State.DEAF)
            if self._transport.can_write_eof():
                self._transport.write_eof()

    def _take_frame(self, frame: Frame) -> None:
        if frame.opcode is Opcode.CLOSE:
            echo = echo_of(frame)
            if self._state is _State.OPEN:
                self._transport.write(echo)
            self._leave(_State.DEAF)
            self._transport.close()
        elif self._state is _State.CLOSING:
            return
        elif frame.opcode is Opcode.PING:
            self._transport.write(pong_of(frame))
        elif frame.opcode is Opcode.TEXT:
            self._take_text(frame)
        elif frame.opcode is Opcode.BINARY and self._conversation is not None:
            self._conversation.binary_received()

    def _take_text(self, frame: Frame) -> None:
        try:
            text = bytes(frame.data).decode()
        except UnicodeDecodeError:
            raise FrameError(CloseCode.INVALID_DATA, "text is UTF-8") from None
        if self._conversation is not None:
            self._conversation.text_received(text)

    def _leave(self, state: _State) -> None:
        self._state = state
        self._sockets.await_end(self)
        self._end_conversation()
        self._choose_reading()

    def _end_conversation(self) -> None:
        conversation, self._conversation = self._conversation, None
        self._wake()
        if conversation is not None:
            conversation.ended()

    def _wake(self) -> None:
        drained, self._drained = self._drained, None
        if drained is not None and not drained.done():
            drained.set_result(None)

    def _choose_reading(self) -> None:
        if (self._is_held or self._is_full) and self._state is _State.OPEN:
            self._transport.pause_reading()
        else:
            self._transport.resume_reading()


def socket_class(sockets: Sockets) -> Callable[..., asyncio.Protocol]:
    """Return what uvicorn makes a websocket with."""

    def make(*, config: Config, server_state: ServerState, app_state: dict[str, Any]) -> Socket:
        del config, app_state  # come with the request
        return Socket(sockets, server_state)

    return cast("Callable[..., asyncio.Protocol]", make)
