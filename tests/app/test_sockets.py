"""Websockets as such: frames, time limits, bounded buffers, and leaving, with an application that echoes."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import pytest
import uvicorn
import websockets
from websockets.frames import Close, Frame, Opcode
from websockets.streams import StreamReader

from app.cli.serving import server_config
from app.sockets import SOCKET_EXTENSION, SocketLimits, Sockets
from tests.system.wire import LOST

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from app.sockets import Socket

SUBPROTOCOL: Final = "echo"
DEADLINE_SECONDS: Final = 10.0
UPGRADE: Final = (
    "GET / HTTP/1.1\r\nhost: x\r\nconnection: Upgrade\r\nupgrade: websocket\r\n"
    "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-version: 13\r\n\r\n"
)


@dataclass
class Echo:
    """Says what it is told; what it is told with a number, so often."""

    socket: Socket
    told: list[str] = field(default_factory=list)
    is_late: bool = False
    is_over: bool = False

    def text_received(self, text: str) -> None:
        """Say it."""
        self.told.append(text)
        if text == "hold":
            self.socket.hold()
        times, _, word = text.partition(" ")
        for _ in range(int(times) if times.isdecimal() else 1):
            self.socket.send_text((word or text).encode())

    def binary_received(self) -> None:
        """Close."""
        self.socket.close(4400, "text")

    def writable(self) -> None:
        """Note it."""
        self.told.append("writable")

    def late(self) -> None:
        """Note it."""
        self.is_late = True

    def ended(self) -> None:
        """Note it."""
        self.is_over = True


@dataclass
class Server:
    """The application, and all that it was asked."""

    port: int
    sockets: Sockets
    uvicorn: uvicorn.Server
    echoes: list[Echo] = field(default_factory=list)

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:  # noqa: ANN401 - ASGI
        """Answer a handshake by its path."""
        del receive
        match scope["path"]:
            case "/broken":
                raise ValueError("broken")
            case "/closed":
                await send({"type": "websocket.close"})
            case "/denied":
                headers = [(b"content-length", b"3"), (b"retry-after", b"9")]
                await send({"type": "websocket.http.response.start", "status": 429, "headers": headers})
                await send({"type": "websocket.http.response.body", "body": b"no!"})
            case _:
                chosen = SUBPROTOCOL if SUBPROTOCOL in scope["subprotocols"] else None
                await send({"type": "websocket.accept", "subprotocol": chosen})
                self.echoes.append(Echo(scope["extensions"][SOCKET_EXTENSION]))
                self.echoes[-1].socket.converse(self.echoes[-1])

    def connect(self, path: str = "/", **options: Any) -> websockets.connect:  # noqa: ANN401 - of websockets
        """Open a websocket."""
        return websockets.connect(f"ws://127.0.0.1:{self.port}{path}", compression=None, **options)

    @contextlib.asynccontextmanager
    async def raw(self) -> AsyncIterator[Raw]:
        """Open a websocket by hand."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(UPGRADE.encode())
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 101 "), head
        try:
            yield Raw(reader, writer)
        finally:
            writer.transport.abort()


@dataclass
class Raw:
    """A client that sends whatever bytes it likes."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    def send(self, opcode: Opcode, data: bytes = b"", *, fin: bool = True) -> None:
        """Send a frame."""
        self.writer.write(Frame(opcode, data, fin).serialize(mask=True))

    async def frames(self) -> list[Frame]:
        """Return all frames until the server hangs up."""
        stream = StreamReader()
        async with asyncio.timeout(DEADLINE_SECONDS):
            with contextlib.suppress(*LOST):
                while data := await self.reader.read(65_536):
                    stream.feed_data(data)
        found = []
        while stream.buffer:
            parsing = Frame.parse(stream.read_exact, mask=False)
            with pytest.raises(StopIteration) as done:
                next(parsing)
            found.append(done.value.value)
        return found

    async def close_code(self) -> int:
        """Return the code of the last frame, which closes."""
        last = (await self.frames())[-1]
        assert last.opcode is Opcode.CLOSE
        return Close.parse(last.data).code


@contextlib.asynccontextmanager
async def serving(**limits: Any) -> AsyncIterator[Server]:  # noqa: ANN401 - SocketLimits'
    sockets = Sockets(subprotocol=SUBPROTOCOL, limits=SocketLimits(**limits))
    with socket.create_server(("127.0.0.1", 0)) as listener:

        async def app(scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401 - ASGI
            await server(scope, receive, send)

        config = server_config(app, sockets, grace_seconds=10)  # type: ignore[arg-type]  # ASGI
        config.lifespan = "off"
        server = Server(listener.getsockname()[1], sockets, uvicorn.Server(config))
        task = asyncio.create_task(server.uvicorn.serve(sockets=[listener]))
        await until(lambda: server.uvicorn.started)
        try:
            yield server
        finally:
            server.uvicorn.should_exit = True
            await task


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(DEADLINE_SECONDS):
        while not holds():  # noqa: ASYNC110 - other tasks' doing
            await asyncio.sleep(0.01)


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    async with serving() as opened:
        yield opened


async def test_messages_come_and_go_whole_and_in_order(server: Server) -> None:
    async with server.connect(subprotocols=[SUBPROTOCOL]) as client:
        for text in ("", "é" * 100, "x" * 65_536):
            await client.send(text)
            assert await client.recv() == text
        await client.send(["fra", "gmen", "ted"])

        assert await client.recv() == "fragmented"
        assert client.subprotocol == SUBPROTOCOL
        await (await client.ping("sign"))
    await until(lambda: server.echoes[0].is_over and not server.sockets.number)


async def test_control_frames_come_between_fragments_and_bytes_one_by_one(server: Server) -> None:
    async with server.raw() as raw:
        frames = Frame(Opcode.TEXT, b"a", fin=False).serialize(mask=True)
        frames += Frame(Opcode.PING, b"sign").serialize(mask=True)
        frames += Frame(Opcode.CONT, b"b").serialize(mask=True)
        frames += Frame(Opcode.CLOSE, Close(3000, "bye").serialize()).serialize(mask=True)
        for byte in frames:
            raw.writer.write(bytes((byte,)))
            await raw.writer.drain()

        pong, text, close = await raw.frames()

    assert (pong.opcode, pong.data) == (Opcode.PONG, b"sign")
    assert (text.opcode, text.data) == (Opcode.TEXT, b"ab")
    assert Close.parse(close.data) == Close(3000, "bye")


@pytest.mark.parametrize(
    ("frames", "code"),
    [
        ([(Opcode.CONT, b"x", True)], 1002),
        ([(Opcode.TEXT, b"x", False), (Opcode.TEXT, b"x", True)], 1002),
        ([(Opcode.CLOSE, b"x", True)], 1002),
        ([(Opcode.CLOSE, b"\x03\xed", True)], 1002),
        ([(Opcode.CLOSE, b"\x03\xe8\xff", True)], 1007),
        ([(Opcode.TEXT, b"\xff", True)], 1007),
        ([(Opcode.TEXT, b"x" * 65_537, True)], 1009),
        ([(Opcode.TEXT, b"x" * 65_536, False), (Opcode.CONT, b"x", True)], 1009),
        ([(Opcode.TEXT, b"", False), *[(Opcode.CONT, b"", False)] * 1_024], 1009),
        ([(Opcode.BINARY, b"x", True), (Opcode.CLOSE, b"", True)], 4400),
    ],
)
async def test_what_cannot_be_gone_on_from_closes(
    server: Server, frames: list[tuple[Opcode, bytes, bool]], code: int
) -> None:
    async with server.raw() as raw:
        for opcode, data, fin in frames:
            raw.send(opcode, data, fin=fin)

        assert await raw.close_code() == code
    assert server.echoes[0].told == []
    await until(lambda: not server.sockets.number)


@pytest.mark.parametrize(
    "bad", [b"\x81\x01x", b"\xc1\x80....", b"\x83\x80....", b"\x09\x80....", b"\x89\xfe\x00\x7e...."]
)
async def test_a_frame_that_breaks_the_standard_closes_with_1002(server: Server, bad: bytes) -> None:
    async with server.raw() as raw:
        raw.writer.write(bad + b"x" * 126)

        assert await raw.close_code() == 1002


@pytest.mark.parametrize(("path", "status"), [("/closed", 403), ("/denied", 429), ("/broken", 500)])
async def test_an_application_may_deny(server: Server, path: str, status: int) -> None:
    with pytest.raises(websockets.InvalidStatus) as caught:
        async with server.connect(path):
            pass

    assert caught.value.response.status_code == status
    assert status != 429 or caught.value.response.headers["retry-after"] == "9"
    await until(lambda: not server.sockets.number)


async def test_messages_wait_while_they_are_held(server: Server) -> None:
    async with server.connect() as client:
        for text in ("hold", "a", "b"):
            await client.send(text)
        await until(lambda: bool(server.echoes and server.echoes[0].told))
        await client.recv()
        before = list(server.echoes[0].told)

        server.echoes[0].socket.go_on()

        assert [await client.recv(), await client.recv()] == ["a", "b"]
    assert before == ["hold"]


@pytest.mark.parametrize("waiting", [[], ["a", "b"]])
async def test_a_socket_that_is_closed_while_it_holds_messages_ends_when_its_client_closes(
    waiting: list[str],
) -> None:
    async with serving(closing_seconds=60.0) as server, server.connect() as client:
        for text in ("hold", *waiting):
            await client.send(text)
        await until(lambda: bool(server.echoes and server.echoes[0].told))

        server.echoes[0].socket.close(4403, "Forbidden")

        await until(lambda: not server.sockets.number)
        await client.wait_closed()

    assert client.close_code == 4403
    assert server.echoes[0].told == ["hold"]


async def test_a_reader_that_stalls_is_left_alone_and_goes_on_where_it_was(server: Server) -> None:
    async with server.connect(max_queue=1) as client:
        client.transport.pause_reading()
        await client.send("400 " + "x" * 60_000)
        await until(lambda: bool(server.echoes) and not server.echoes[0].socket.is_writable)
        await client.send("later")
        drained = asyncio.create_task(server.echoes[0].socket.drained())
        await asyncio.sleep(0)
        waits = not drained.done()

        client.transport.resume_reading()
        received = [await client.recv() for _ in range(401)]
        await drained

    assert waits
    assert received == ["x" * 60_000] * 400 + ["later"]
    assert server.echoes[0].told[-2:] == ["writable", "later"]


async def test_who_gives_no_sign_of_life_is_shed_with_1013_and_others_stay() -> None:
    async with serving(beat_seconds=1.0, closing_seconds=1.0) as server, server.connect() as alive:
        async with server.raw() as dead:
            frames = await dead.frames()
        await alive.send("here")
        echoed = await alive.recv()

    assert [frame.opcode for frame in frames] == [Opcode.PING, Opcode.CLOSE]
    assert Close.parse(frames[-1].data).code == 1013
    assert echoed == "here"
    assert server.sockets.shed == 1


async def test_what_a_dead_reader_left_unread_is_given_up() -> None:
    async with (
        serving(beat_seconds=1.0, closing_seconds=1.0) as server,
        server.connect(close_timeout=0.1) as client,
    ):
        client.transport.pause_reading()
        await client.send("400 " + "x" * 60_000)

        await until(lambda: bool(server.echoes) and server.echoes[0].is_over)
        await until(lambda: not server.sockets.number)


async def test_a_conversation_is_asked_once_whether_it_has_begun() -> None:
    async with serving(introduction_seconds=0.1) as server, server.connect():
        await until(lambda: bool(server.echoes) and server.echoes[0].is_late)


async def test_one_socket_too_many_is_told_to_come_again() -> None:
    async with (
        serving(sockets_max=1) as server,
        server.connect(),
        server.connect(subprotocols=["other", SUBPROTOCOL]) as refused,
    ):
        await refused.wait_closed()

    assert refused.close_code == 1013
    assert refused.subprotocol == SUBPROTOCOL
    assert len(server.echoes) == 1
    assert server.sockets.refused == 1


async def test_of_a_storm_only_so_many_are_opened_at_one_time_and_none_is_lost() -> None:
    async with serving(opening_max=3, opening_seconds=60.0) as server, contextlib.AsyncExitStack() as stack:
        opening = [asyncio.create_task(stack.enter_async_context(server.connect())) for _ in range(20)]
        turns: list[int] = []
        while not all(each.done() for each in opening):
            await until(lambda: sum(each.done() for each in opening) >= min(20, 3 * (len(turns) + 1)))
            turns.append(len(server.echoes))
            for echo in server.echoes[-3:]:
                echo.socket.settled()

    assert turns == [3, 6, 9, 12, 15, 18, 20]


async def test_who_waits_too_long_to_be_opened_is_told_to_come_again() -> None:
    async with (
        serving(opening_max=1, opening_seconds=60.0, waiting_seconds=0.2) as server,
        server.connect(),
        server.connect() as refused,
    ):
        await refused.wait_closed()

    assert refused.close_code == 1013
    assert len(server.echoes) == 1


async def test_who_opens_a_socket_and_says_nothing_holds_nobody_up() -> None:
    async with (
        serving(opening_max=1, opening_seconds=0.1) as server,
        server.connect(),
        server.connect() as other,
    ):
        await other.send("here")

        assert await other.recv() == "here"


async def test_all_are_told_to_come_again_elsewhere_over_some_time() -> None:
    async with serving(leaving_seconds=0.5) as server, contextlib.AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(server.connect()) for _ in range(200)]
        server.uvicorn.should_exit = True
        ends: list[float] = []

        async def note_end(client: websockets.ClientConnection) -> None:
            await client.wait_closed()
            ends.append(asyncio.get_running_loop().time())

        await _all(note_end(client) for client in clients)

    assert {client.close_code for client in clients} == {1012}
    assert len(set(ends)) > 1
    assert [echo.is_over for echo in server.echoes] == [True] * 200


async def test_who_is_still_waiting_to_be_opened_is_told_too() -> None:
    async with serving(opening_max=1, opening_seconds=60.0) as server, server.connect():
        waiting = asyncio.ensure_future(server.connect())
        await until(lambda: server.sockets.number == 2)

        server.uvicorn.should_exit = True
        told = await waiting
        await told.wait_closed()

    assert told.close_code == 1012
    assert len(server.echoes) == 1


async def _all(work: Any) -> None:  # noqa: ANN401 - of awaitables
    waiting: list[Awaitable[None]] = list(work)
    async with asyncio.timeout(DEADLINE_SECONDS):
        await asyncio.gather(*waiting)
