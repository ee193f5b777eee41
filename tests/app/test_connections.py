"""Connections on which nothing comes, too little, too much, or two requests in one: each ends, and soon."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from typing import TYPE_CHECKING, Any

import pytest
import uvicorn

from app import connections
from app.connections import BoundedConnection
from tests.system.wire import LOST, Line, request

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

HEAD_SECONDS = 0.3
REQUEST_SECONDS = 0.9
STALLED_SECONDS = 0.5
LEFT: list[str] = []


async def answering(scope: dict[str, Any], receive: Any, send: Any) -> None:  # noqa: ANN401 - ASGI
    """Answer at once, and where the path says so, only after the body, or for ever."""
    if scope["type"] != "http":
        return
    if scope["path"] == "/endless":
        await pour(receive, send)
        return
    while scope["path"] == "/reads":
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        if not message.get("more_body"):
            break
    body = scope["path"].encode()
    headers = [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def pour(receive: Any, send: Any) -> None:  # noqa: ANN401 - ASGI
    """Answer for as long as somebody is there; then note in `LEFT` that nobody is."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    leaving = asyncio.create_task(receive())
    while not leaving.done() or leaving.result()["type"] != "http.disconnect":
        if leaving.done():
            leaving = asyncio.create_task(receive())
        await send({"type": "http.response.body", "body": bytes(65_536), "more_body": True})
        await asyncio.sleep(0)
    LEFT.append("/endless")


@pytest.fixture
async def port(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[int]:
    """A server whose patience is short."""
    monkeypatch.setattr(connections, "HEAD_SECONDS_MAX", HEAD_SECONDS)
    monkeypatch.setattr(connections, "REQUEST_SECONDS_MAX", REQUEST_SECONDS)
    monkeypatch.setattr(connections, "STALLED_SECONDS_MAX", STALLED_SECONDS)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = uvicorn.Config(
            answering,
            http=BoundedConnection,
            lifespan="off",
            log_level="critical",
            server_header=False,
            timeout_graceful_shutdown=1,
        )
        server = uvicorn.Server(config)
        task = asyncio.create_task(server.serve(sockets=[listener]))
        while not server.started:  # noqa: ASYNC110 - uvicorn raises no event
            await asyncio.sleep(0.01)
        yield listener.getsockname()[1]
        server.should_exit = True
        await task


async def rest(line: Line) -> bytes:
    """Return all that still comes until the server hangs up."""
    with contextlib.suppress(*LOST):
        async with asyncio.timeout(10):
            return await line.reader.read()
    return b""


async def drip(line: Line, seconds_max: float) -> float:
    """Send a byte now and then until the server hangs up, and return how long that took."""
    began = time.monotonic()
    with contextlib.suppress(OSError):
        while time.monotonic() - began < seconds_max and not line.reader.at_eof():
            line.writer.write(b"x")
            await line.writer.drain()
            await asyncio.sleep(0.02)
    return time.monotonic() - began


async def test_a_connection_that_sends_nothing_is_closed(port: int) -> None:
    began = time.monotonic()
    async with await Line.open(port) as line:
        assert await rest(line) == b""

    assert HEAD_SECONDS <= time.monotonic() - began < HEAD_SECONDS + 2


@pytest.mark.parametrize("before", [b"", request("GET", "/first")], ids=["first", "second"])
async def test_a_head_that_comes_by_drops_is_given_up(port: int, before: bytes) -> None:
    async with await Line.open(port) as line:
        if before:
            assert (await line.ask(before)).status == 200
        line.writer.write(b"GET / HTTP/1.1\r\nhost: shop.test\r\nx-slow: ")
        took = await drip(line, HEAD_SECONDS + 2)

    assert HEAD_SECONDS <= took < HEAD_SECONDS + 1.5


async def test_who_stops_in_the_middle_of_a_head_is_told_so(port: int) -> None:
    async with await Line.open(port) as line:
        answer = await line.ask(request("GET", "/")[:-4])

    assert (answer.status, answer.headers["connection"]) == (408, "close")


@pytest.mark.parametrize("path", ["/reads", "/answers-early"])
async def test_a_body_that_comes_by_drops_is_given_up(port: int, path: str) -> None:
    async with await Line.open(port) as line:
        line.writer.write(request("POST", path, b"x" * 1_000)[:-999])
        took = await drip(line, REQUEST_SECONDS + 2)

    assert REQUEST_SECONDS <= took < REQUEST_SECONDS + 1.5


@pytest.mark.parametrize(
    "head",
    [
        b"GET /" + b"x" * 40_000 + b" HTTP/1.1\r\nhost: shop.test\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: shop.test\r\n" + b"x-more: 0123456789\r\n" * 2_000 + b"\r\n",
        b"GET / HTTP/1.1\r\nhost: shop.test\r\nx-endless: " + b"x" * 4_000_000,
    ],
    ids=["address", "many", "endless"],
)
async def test_a_head_that_is_too_large_is_refused(port: int, head: bytes) -> None:
    async with await Line.open(port) as line:
        line.writer.write(head)
        with contextlib.suppress(*LOST):
            answer = await line.answer()
            assert answer.status == 431
            assert answer.headers["connection"] == "close"
        await rest(line)


async def test_a_head_and_a_body_of_ordinary_size_pass(port: int) -> None:
    async with await Line.open(port) as line:
        big = await line.ask(request("POST", "/reads", b"x" * 300_000, {"x-more": "y" * 20_000}))
        again = await line.ask(request("GET", "/again"))

    assert (big.status, again.status) == (200, 200)


async def test_what_comes_of_a_body_after_its_answer_is_borne_up_to_a_point(port: int) -> None:
    async with await Line.open(port) as small, await Line.open(port) as large:
        small.writer.write(request("POST", "/early", b"x" * 100_000)[:-99_999])
        early = await small.answer()
        small.writer.write(b"x" * 99_999)
        after = await small.ask(request("GET", "/after"))
        large.writer.write(request("POST", "/early", b"x" * 50_000_000)[:-49_999_999])
        await large.answer()
        with contextlib.suppress(OSError):
            for _ in range(500):
                large.writer.write(b"x" * 100_000)
                await large.writer.drain()
        cut = large.writer.is_closing() or large.reader.at_eof() or await rest(large) == b""

    assert (early.status, after.status) == (200, 200)
    assert cut


SMUGGLED = b"GET /smuggled HTTP/1.1\r\nhost: shop.test\r\n\r\n"


@pytest.mark.parametrize(
    "head",
    [
        b"content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        b"transfer-encoding: chunked\r\ncontent-length: 5\r\n\r\n0\r\n\r\n",
        b"content-length: 5\r\ncontent-length: 6\r\n\r\nhello",
        b"content-length: +5\r\n\r\nhello",
        b"content-length: 5, 6\r\n\r\nhello",
        b"content-length: 0x5\r\n\r\nhello",
        b"transfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        b"transfer-encoding: xchunked\r\n\r\n0\r\n\r\n",
        b"transfer-encoding : chunked\r\n\r\n0\r\n\r\n",
        b"transfer-encoding: chunked\r\n\r\n5\nhello\r\n0\r\n\r\n",
        b"transfer-encoding: chunked\r\n\r\n-5\r\nhello\r\n0\r\n\r\n",
        b"transfer-encoding: chunked\r\n\r\nfffffffffffffffff\r\nhello\r\n0\r\n\r\n",
        b"x-folded: a\r\n b: c\r\n\r\n",
        b"x\x00y: z\r\n\r\n",
        b"x-cr: a\rb\r\n\r\n",
        b" x-space: a\r\n\r\n",
    ],
)
async def test_a_request_that_two_servers_may_read_differently_is_refused(port: int, head: bytes) -> None:
    async with await Line.open(port) as line:
        line.writer.write(b"POST /first HTTP/1.1\r\nhost: shop.test\r\n" + head + SMUGGLED)
        said = await rest(line)

    assert said.startswith(b"HTTP/1.1 400 ")
    assert said.count(b"HTTP/1.1") == 1
    assert b"smuggled" not in said


async def test_who_takes_nothing_of_an_answer_is_cut_off(port: int) -> None:
    LEFT.clear()
    async with await Line.open(port) as line:
        line.writer.write(request("GET", "/endless"))  # reads until its buffer is full, and then no more
        async with asyncio.timeout(10):
            while not LEFT:  # noqa: ASYNC110 - the server raises no event here
                await asyncio.sleep(0.01)

        assert not (await rest(line)).endswith(b"0\r\n\r\n")


async def test_who_takes_an_answer_slowly_is_served_on(port: int) -> None:
    LEFT.clear()
    async with await Line.open(port) as line:
        line.writer.write(request("GET", "/endless"))
        began = time.monotonic()
        while time.monotonic() - began < 3 * STALLED_SECONDS:
            assert len(await line.reader.readexactly(4 * 1_048_576)) > 0
            await asyncio.sleep(STALLED_SECONDS / 5)

        assert LEFT == []
