"""Frames of RFC 6455, in and out: `websockets` reads and checks each, and nothing is kept between two messages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from websockets.exceptions import PayloadTooBig, ProtocolError
from websockets.frames import Close, CloseCode, Frame, Opcode
from websockets.streams import StreamReader

if TYPE_CHECKING:
    from collections.abc import Generator

MESSAGE_BYTES_MAX: Final = 65_536
"""Of one message, however many frames it comes in."""
FRAGMENTS_MAX: Final = 1_024
"""Frames in one message: each costs a turn, however little is in it."""
PING: Final = Frame(Opcode.PING, b"").serialize(mask=False)
_REASON_BYTES_MAX: Final = 123
_SHORT: Final = 126
_MEDIUM: Final = 65_536
_FINAL_TEXT: Final = 0x80 | Opcode.TEXT


class FrameError(Exception):
    """What came can't be gone on from; `code` is what the socket is closed with."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class FrameReader:
    """Takes bytes, and gives whole messages and control frames. Between two messages it holds nothing."""

    __slots__ = ("_fragments", "_is_text", "_message", "_parsing", "_stream")

    def __init__(self) -> None:
        self._stream: StreamReader | None = None
        self._parsing: Generator[None, None, Frame] | None = None
        self._message: bytearray | None = None
        self._is_text = False
        self._fragments = 0

    def feed(self, data: bytes) -> None:
        """Take what came."""
        if self._stream is None:
            self._stream = StreamReader()
        self._stream.feed_data(data)

    def next(self) -> Frame | None:
        """Return the next whole message, as one frame, or control frame; None when more has to come first.

        Raises:
            FrameError: there is none by the standard, or it is too large.
        """
        while self._stream is not None:
            try:
                frame = self._parse(self._stream)
            except PayloadTooBig:
                raise _too_big() from None
            except ProtocolError as error:
                raise FrameError(CloseCode.PROTOCOL_ERROR, str(error)) from None
            if frame is None:
                return None
            if not self._stream.buffer:
                self._stream = None
            whole = self._assemble(frame)
            if whole is not None:
                return whole
        return None

    def _parse(self, stream: StreamReader) -> Frame | None:
        if self._parsing is None:
            self._parsing = Frame.parse(stream.read_exact, mask=True, max_size=MESSAGE_BYTES_MAX)
        try:
            next(self._parsing)
        except StopIteration as done:
            self._parsing = None
            frame: Frame = done.value
            return frame
        return None

    def _assemble(self, frame: Frame) -> Frame | None:
        match frame.opcode:
            case Opcode.TEXT | Opcode.BINARY:
                if self._message is not None:
                    raise FrameError(CloseCode.PROTOCOL_ERROR, "expected a continuation frame")
                if frame.fin:
                    return frame
                self._message, self._is_text, self._fragments = (
                    bytearray(frame.data),
                    frame.opcode is Opcode.TEXT,
                    1,
                )
                return None
            case Opcode.CONT:
                return self._continue(frame)
            case _:
                return frame

    def _continue(self, frame: Frame) -> Frame | None:
        if self._message is None:
            raise FrameError(CloseCode.PROTOCOL_ERROR, "unexpected continuation frame")
        self._message += frame.data
        self._fragments += 1
        if len(self._message) > MESSAGE_BYTES_MAX or self._fragments > FRAGMENTS_MAX:
            raise _too_big()
        if not frame.fin:
            return None
        message, self._message = self._message, None
        return Frame(Opcode.TEXT if self._is_text else Opcode.BINARY, message)


def text_header(length: int) -> bytes:
    """Return what stands before so many bytes of text in a frame of its own."""
    if length < _SHORT:
        return bytes((_FINAL_TEXT, length))
    if length < _MEDIUM:
        return bytes((_FINAL_TEXT, 126)) + length.to_bytes(2)
    return bytes((_FINAL_TEXT, 127)) + length.to_bytes(8)


def close_frame(code: int, reason: str) -> bytes:
    """Return a frame that closes; a reason that is too long for one is cut."""
    told = reason.encode()[:_REASON_BYTES_MAX].decode(errors="ignore")
    return Frame(Opcode.CLOSE, Close(code, told).serialize()).serialize(mask=False)


def echo_of(frame: Frame) -> bytes:
    """Return the answer to a frame that closes.

    Raises:
        FrameError: its code or reason is none by the standard.
    """
    try:
        Close.parse(frame.data)
    except ProtocolError as error:
        raise FrameError(CloseCode.PROTOCOL_ERROR, str(error)) from None
    except UnicodeDecodeError:
        raise FrameError(CloseCode.INVALID_DATA, "the reason is not UTF-8") from None
    return Frame(Opcode.CLOSE, frame.data).serialize(mask=False)


def pong_of(frame: Frame) -> bytes:
    """Return the answer to a ping."""
    return Frame(Opcode.PONG, frame.data).serialize(mask=False)


def _too_big() -> FrameError:
    return FrameError(CloseCode.MESSAGE_TOO_BIG, f"A message has at most {MESSAGE_BYTES_MAX} bytes")
