"""RFC 6455, frame by frame, at a running server: what has to be answered, and what has to end the connection how."""

from __future__ import annotations

import json
import socket
from dataclasses import dataclass
from operator import attrgetter
from typing import TYPE_CHECKING, Final

import pytest

from tests.protocols.frames import (
    ACCEPT,
    HANDSHAKE,
    SUBPROTOCOL,
    Frame,
    Opcode,
    RawSocket,
    close,
    frame,
    handshake,
    more,
    text,
)
from tests.system.wire import Line, ask

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.system.processes import Server

PING: Final = '{"type":"ping"}'
UNASKED: Final = '{"type":"pong"}'
"""A message that is not answered."""
PONG: Final = Frame(Opcode.TEXT, b'{"type":"pong"}')
STILL_THERE: Final = b"are you still there?"
FRAME_BYTES_MAX: Final = 65_536

PROTOCOL_ERROR: Final = 1002
NOT_UTF8: Final = 1007
TOO_BIG: Final = 1009


def padded_ping(size: int) -> str:
    """Return a ping of the subprotocol of exactly so many bytes."""
    empty = json.dumps({"type": "ping", "payload": {"x": ""}})
    return json.dumps({"type": "ping", "payload": {"x": "x" * (size - len(empty))}})


@dataclass(frozen=True, slots=True)
class Check:
    """What a client sends on an open socket, what has to come, and the codes that the server may close with.

    Without a code, the socket lives on. Pongs are the server's, messages the application's: only each kind is in order.
    """

    sent: bytes
    comes: tuple[Frame, ...] = ()
    codes: tuple[int, ...] = ()


def pong(payload: bytes = b"") -> Frame:
    return Frame(Opcode.PONG, payload)


def refused(sent: bytes, *codes: int) -> Check:
    return Check(sent, codes=codes or (PROTOCOL_ERROR,))


def by_kind(frames: Iterable[Frame]) -> list[Frame]:
    return sorted(frames, key=attrgetter("opcode"))


CHECKS: Final[dict[str, Check]] = {
    # 5.1, masking
    "a text that is not masked": refused(frame(Opcode.TEXT, PING.encode(), mask=None)),
    "a ping that is not masked": refused(frame(Opcode.PING, mask=None)),
    "a close that is not masked": refused(frame(Opcode.CLOSE, b"\x03\xe8", mask=None)),
    "a mask of zeros": Check(frame(Opcode.TEXT, PING.encode(), mask=bytes(4)), (PONG,)),
    # 5.2, reserved bits and opcodes
    **{
        f"the reserved bits {bits:03b}": refused(frame(Opcode.TEXT, b"{}", reserved=bits))
        for bits in (1, 2, 4, 7)
    },
    "a reserved bit on a ping": refused(frame(Opcode.PING, reserved=4)),
    **{f"the opcode {code:#x}": refused(frame(code)) for code in (*range(3, 8), *range(0xB, 0x10))},
    # 5.2, lengths
    "a length beyond all": refused(b"\x81\xff" + b"\xff" * 8, PROTOCOL_ERROR, TOO_BIG),
    "a text of 65,536 bytes": Check(text(padded_ping(FRAME_BYTES_MAX)), (PONG,)),
    "a text that is announced larger": refused(
        frame(Opcode.TEXT, b"", announced=FRAME_BYTES_MAX + 1), TOO_BIG
    ),
    "a binary that is announced as gigabytes": refused(frame(Opcode.BINARY, b"", announced=1 << 33), TOO_BIG),
    "fragments that are too much together": refused(
        text("x" * FRAME_BYTES_MAX, fin=False) + more("x", fin=False), TOO_BIG
    ),
    # 5.4, fragmentation
    "a message in two fragments": Check(text(PING[:5], fin=False) + more(PING[5:], fin=True), (PONG,)),
    "a message in a fragment for each byte": Check(
        text(b"", fin=False) + b"".join(more(byte, fin=False) for byte in PING) + more(b"", fin=True), (PONG,)
    ),
    "a ping between fragments": Check(
        text(PING[:5], fin=False) + frame(Opcode.PING, b"now") + more(PING[5:], fin=True),
        (pong(b"now"), PONG),
    ),
    "a pong between fragments": Check(
        text(PING[:5], fin=False) + frame(Opcode.PONG) + more(PING[5:], fin=True), (PONG,)
    ),
    "a close between fragments": refused(text(PING[:5], fin=False) + close(1000), 1000, PROTOCOL_ERROR),
    "a continuation of nothing": refused(more(PING, fin=True)),
    "a continuation of a message that was whole": refused(
        text(UNASKED[:5], fin=False) + more(UNASKED[5:], fin=True) + more(PING, fin=True)
    ),
    "a text inside a text": refused(text(PING[:5], fin=False) + text(PING)),
    "a binary inside a text": refused(text(PING[:5], fin=False) + frame(Opcode.BINARY, b"x")),
    # 5.5, control frames
    "a ping": Check(frame(Opcode.PING), (pong(),)),
    "a ping of 125 bytes": Check(
        frame(Opcode.PING, b"\x00\xff" * 62 + b"x"), (pong(b"\x00\xff" * 62 + b"x"),)
    ),
    "a ping of 126 bytes": refused(frame(Opcode.PING, b"x" * 126)),
    "a pong of 126 bytes": refused(frame(Opcode.PONG, b"x" * 126)),
    "a close of 126 bytes": refused(close(1000, b"x" * 124)),
    "a ping in fragments": refused(frame(Opcode.PING, b"x", fin=False)),
    "a close in fragments": refused(frame(Opcode.CLOSE, b"\x03\xe8", fin=False)),
    "a pong that nobody asked for": Check(frame(Opcode.PONG, b"hello")),
    "pings one after the other": Check(
        b"".join(frame(Opcode.PING, b"%d" % number) for number in range(50)),
        tuple(pong(b"%d" % number) for number in range(50)),
    ),
    "a hundred messages in one segment": Check(text(PING) * 100, (PONG,) * 100),
    # 5.5.1 and 7.4, closing
    "a close of one byte": refused(frame(Opcode.CLOSE, b"\x03")),
    "a reason of 123 bytes": Check(close(1000, b"x" * 123), codes=(1000,)),
    "a reason that is no UTF-8": refused(close(1000, b"\xc3\x28"), NOT_UTF8),
    **{
        f"a close with {code}": Check(close(code), codes=(code,))
        for code in (1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999)
    },
    **{
        f"a close with {code}, which is none": refused(close(code))
        for code in (0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535)
    },
    "a message behind a close": Check(close(1000) + text(PING) + frame(Opcode.PING), codes=(1000,)),
    # 8.1, UTF-8
    **{
        f"{name} in a text": refused(text(b'"' + content + b'"'), NOT_UTF8)
        for name, content in {
            "a lone continuation byte": b"\x80",
            "an overlong slash": b"\xc0\xaf",
            "half a surrogate": b"\xed\xa0\x80",
            "a code point beyond Unicode": b"\xf4\x90\x80\x80",
            "a byte that never is": b"\xff",
        }.items()
    },
    "a text that ends inside a character": refused(text("é".encode()[:1]), NOT_UTF8),
    "a fragment that is no UTF-8": refused(text('"', fin=False) + more(b'\xff"', fin=True), NOT_UTF8),
    "a character in two fragments": Check(
        text(b'{"type":"ping","payload":{"x":"\xf0\x9f', fin=False) + more(b'\x98\x80"}}', fin=True), (PONG,)
    ),
    "a pong that is no UTF-8": Check(frame(Opcode.PONG, b"\xff")),
}


@pytest.mark.parametrize("name", CHECKS)
async def test_frames_are_answered_as_the_rfc_says(server: Server, name: str) -> None:
    check = CHECKS[name]
    async with await RawSocket.open(server.port) as raw:
        await raw.send(check.sent)

        if check.codes:
            assert await raw.close_code() in check.codes
            return
        came = [await raw.next_frame() for _ in check.comes]
        await raw.send(frame(Opcode.PING, STILL_THERE))
        assert await raw.frame() == pong(STILL_THERE)
        assert by_kind(came) == by_kind(check.comes)


async def test_an_empty_close_is_answered(server: Server) -> None:
    async with await RawSocket.open(server.port) as raw:
        await raw.send(close())

        assert await raw.close_code() in (None, 1000)


async def test_bytes_may_come_one_by_one(server: Server) -> None:
    async with await Line.open(server.port) as line:
        line.writer.transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in handshake():
            line.writer.write(bytes([byte]))
            await line.writer.drain()
        raw = RawSocket(line, await line.answer())
        for byte in text(padded_ping(200)):
            await raw.send(bytes([byte]))

        assert await raw.next_frame() == PONG


async def test_who_stops_sending_is_done(server: Server) -> None:
    async with await RawSocket.open(server.port) as raw:
        await raw.send(text(PING))
        assert await raw.frame() == PONG

        raw.line.writer.write_eof()

        assert [came.code for came in await raw.rest() if came.opcode == Opcode.CLOSE] in ([], [1000])


async def test_who_hangs_up_inside_a_frame_disturbs_nobody(server: Server) -> None:
    async with await RawSocket.open(server.port) as neighbour:
        for cut in (1, 3, 5, 9):
            async with await RawSocket.open(server.port) as raw:
                await raw.send(text(PING)[:cut])
                raw.line.writer.transport.abort()

        await neighbour.send(text(PING))

        assert await neighbour.frame() == PONG


async def test_an_answer_longer_than_125_bytes_comes_in_one_frame(server: Server) -> None:
    query = "{ __schema { types { name description } } }"
    async with await RawSocket.greeted(server.port) as raw:
        await raw.send(text({"type": "subscribe", "id": "1", "payload": {"query": query}}))

        answer = await raw.frame()

    assert answer is not None
    assert len(answer.payload) > 1 << 12
    assert json.loads(answer.payload)["type"] == "next"


OPENS: Final[dict[str, dict[str, str]]] = {
    "as RFC 6455 shows it": {},
    "with every case": {"upgrade": "WebSocket", "connection": "UPGRADE"},
    "as Firefox asks": {"connection": "keep-alive, Upgrade"},
    "with compression on offer": {"sec-websocket-extensions": "permessage-deflate; client_max_window_bits"},
    "with an extension that nobody knows": {"sec-websocket-extensions": "x-nobody"},
    "with several subprotocols": {"sec-websocket-protocol": f"nobody, {SUBPROTOCOL}, graphql-ws"},
}


@pytest.mark.parametrize("name", OPENS)
async def test_a_handshake_opens(server: Server, name: str) -> None:
    async with await RawSocket.open(server.port, OPENS[name]) as raw:
        await raw.send(text(PING))

        assert await raw.frame() == PONG
    assert raw.answer.headers["upgrade"].lower() == "websocket"
    assert raw.answer.headers["connection"].lower() == "upgrade"
    assert raw.answer.headers["sec-websocket-accept"] == ACCEPT
    assert raw.answer.headers["sec-websocket-protocol"] == SUBPROTOCOL
    assert "sec-websocket-extensions" not in raw.answer.headers


REFUSED: Final[dict[str, tuple[bytes, set[int]]]] = {
    "no key": (handshake(headers={"sec-websocket-key": None}), {400}),
    "a key that is none": (handshake(headers={"sec-websocket-key": "nonsense"}), {400}),
    "a key that is too short": (handshake(headers={"sec-websocket-key": "c2hvcnQ="}), {400}),
    "two keys": (handshake(headers={"sec-websocket-key": f"{HANDSHAKE['sec-websocket-key']}, x"}), {400}),
    "no version": (handshake(headers={"sec-websocket-version": None}), {426}),
    "an old version": (handshake(headers={"sec-websocket-version": "8"}), {426}),
    "a version to come": (handshake(headers={"sec-websocket-version": "99"}), {426}),
    "another method": (handshake(method="POST", headers={"content-length": "0"}), {400, 405, 415}),
    "HTTP of old": (handshake(version="1.0"), {400, 505}),
    "no word of it in Connection": (handshake(headers={"connection": "keep-alive"}), {400, 405, 426}),
    "another upgrade": (handshake(headers={"upgrade": "h2c"}), {400, 405, 426}),
    "nothing to upgrade to": (handshake(headers={"upgrade": None}), {400, 405, 426}),
    "no host": (handshake(headers={"host": None}), {400}),
    "another page": (handshake("/nothing"), {403, 404}),
    "a page of another origin": (handshake(headers={"origin": "https://evil.example"}), {403}),
    "a page of no origin": (handshake(headers={"origin": "null"}), {403}),
    "a page of an origin that looks alike": (
        handshake(headers={"origin": "https://shop.example.evil.example"}),
        {403},
    ),
}


@pytest.mark.parametrize("name", REFUSED)
async def test_a_handshake_is_refused(server: Server, name: str) -> None:
    sent, statuses = REFUSED[name]

    answer = await ask(server.port, sent)

    assert answer.status in statuses
    if "version" in name:
        assert answer.headers["sec-websocket-version"] == "13"


@pytest.mark.parametrize("origin", ["http://shop.test", "https://shop.example"])
async def test_pages_of_the_same_host_and_of_allowed_origins_are_let_in(server: Server, origin: str) -> None:
    async with await RawSocket.open(server.port, {"origin": origin}) as raw:
        await raw.send(text(PING))

        assert await raw.frame() == PONG
