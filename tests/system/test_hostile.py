"""Hostile requests to a running server: each is refused for little, and others are served meanwhile."""

from __future__ import annotations

import asyncio
import gzip
import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest
import websockets

from tests.schema.shop import PROTOCOL, Client
from tests.schema.test_limits import HOSTILE
from tests.system.wire import LOST, Answer, Line, ask, get, request

if TYPE_CHECKING:
    from tests.system.conftest import System
    from tests.system.processes import Server

CPU_SECONDS_MAX: Final = 0.1
TIMES: Final = 3
"""The least of these counts, for the machine and the server have other things to do."""
KIB: Final = 1_024
TYPENAME: Final = "{ __typename }"


def cpu_seconds(server: Server) -> float:
    """Return the processor time of the server's loop so far, to the nanosecond."""
    statistics = Path(f"/proc/{server.pid}/task/{server.pid}/schedstat").read_text()
    return int(statistics.split()[0]) / 1e9


def posted(content: bytes, **headers: str) -> bytes:
    given = {"content-type": "application/json"} | {name.replace("_", "-"): headers[name] for name in headers}
    return request("POST", "/graphql", content, given)


def operation(text: str, **more: object) -> bytes:
    return posted(json.dumps({"query": text, **more}).encode())


def chunked(size: int) -> bytes:
    head = "POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n"
    return head.encode() + b"".join(b"10000\r\n" + b" " * 65_536 + b"\r\n" for _ in range(size // 65_536))


def nested(levels: int) -> bytes:
    value = b'{"a":[' * levels + b"1" + b"]}" * levels
    return posted(b'{"query":"{ __typename }","variables":' + value + b"}")


BODIES: Final[dict[str, tuple[bytes, set[int]]]] = {
    "a batch of operations": (posted(json.dumps([{"query": TYPENAME}] * 5_000).encode()), {400}),
    "a body that is announced too large": (
        b"POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 99999999999\r\n\r\n",
        {413},
    ),
    "a body of ten megabytes": (posted(b" " * 10 * KIB * KIB), {413}),
    "a body of ten megabytes in chunks": (chunked(10 * KIB * KIB), {413}),
    "a chunk for each byte": (
        chunked(0) + b"1\r\n \r\n" * 262_145,
        {400},
    ),
    "lists inside lists": (posted(b"[" * 262_144), {400}),
    "objects inside objects": (posted(b'{"a":' * 50_000), {400}),
    "a value as deep as its parser bears": (nested(500), {400}),
    "a value deeper than a request should be": (nested(20), {400}),
    "very many values": (operation(TYPENAME, variables={"a": [0] * 60_000}), {400}),
    "very many names": (operation(TYPENAME, variables={str(n): 0 for n in range(22_000)}), {400}),
    "the same name again and again": (posted(b"{" + b'"query":"{a}",' * 18_000 + b'"query":5}'), {400}),
    "a number of 250,000 digits": (posted(b'{"query": ' + b"9" * 250_000 + b"}"), {400}),
    "a number beyond all": (posted(b'{"query": 1e999999999, "variables": -0.0e-99999999}'), {400}),
    "a scalar": (posted(b"5"), {400}),
    "half a surrogate": (posted(b'{"query": "{a}", "variables": {"a": "\\ud800"}}'), {400}),
    "text that is none": (posted(b'{"query": "\xff\xfe"}'), {400}),
    "digits and spaces": (operation(TYPENAME, variables={"a": "1 " * 120_000}), {400}),
    "digits and dashes": (operation(TYPENAME, variables={"a": "1-" * 120_000}), {200}),
    "numbers that nearly are of cards": (
        operation(TYPENAME, variables={"a": "4242424242424241 " * 14_000}),
        {400},
    ),
    "long digits": (operation(TYPENAME, variables={"a": "4" * 240_000}), {200}),
    "many texts": (operation(TYPENAME, variables={"a": ["1234 5678 9012 "] * 12_000}), {200}),
    "a name of 250,000 letters": (operation(TYPENAME, operationName="x" * 250_000), {400}),
    "what is packed": (
        posted(gzip.compress(b" " * 100 * KIB * KIB), content_encoding="gzip"),
        {415},
    ),
    "a form": (posted(b"query=" + b"%7B" * 50_000, content_type="application/x-www-form-urlencoded"), {415}),
    "a type of many parts": (
        posted(b"{}", content_type="application/json" + "; charset=utf-8" * 1_500),
        {415},
    ),
    "a taste of many parts": (posted(b"{}", accept="application/json;q=0.1," * 1_200), {400}),
    "a long address": (request("GET", "/" + "a/" * 12_000), {404}),
    "a long token": (request("GET", "/track/" + "x" * 20_000), {404}),
    "a head without end": (b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 100_000, {431}),
    "a credential of 20,000 letters": (
        posted(b'{"query":"{a}"}', authorization="Bearer " + "x" * 20_000),
        {401},
    ),
}


async def sent(server: Server, content: bytes) -> Answer | None:
    """Send a request however it goes, and return the answer, if it was not lost with the connection."""
    async with await Line.open(server.port) as line:
        try:
            line.writer.write(content)
            return await line.answer()
        except LOST:
            return None


async def least_cpu(server: Server, contents: list[bytes]) -> tuple[float, list[Answer | None]]:
    """Return the least processor time that the server took for one of the requests, and all answers."""
    taken, answers = [], []
    for content in contents:
        await asyncio.sleep(0.02)
        before = cpu_seconds(server)
        answers.append(await sent(server, content))
        taken.append(cpu_seconds(server) - before)
    return min(taken), answers


@pytest.mark.parametrize("name", HOSTILE)
async def test_a_hostile_document_is_refused_for_little(system: System, name: str) -> None:
    text, reason = HOSTILE[name]
    again = [operation(f"{text[:32_700]}{' ' * number}") for number in range(TIMES)]  # none is remembered

    seconds, answers = await least_cpu(system.first, again)

    assert seconds < CPU_SECONDS_MAX
    for answer in answers:
        assert answer is not None
        assert answer.json.keys() == {"errors"}
        assert len(answer.body) < 16 * KIB
    assert reason in answers[0].json["errors"][0]["message"] or name == "characters"  # type: ignore[union-attr]


@pytest.mark.parametrize("name", BODIES)
async def test_a_hostile_request_is_refused_for_little(system: System, name: str) -> None:
    content, statuses = BODIES[name]

    seconds, answers = await least_cpu(system.first, [content] * TIMES)

    assert seconds < CPU_SECONDS_MAX
    assert {answer.status for answer in answers if answer is not None} <= statuses
    assert any(answer is not None for answer in answers) or len(content) > 262_144
    alive = await get(system.first.port, "/livez")
    assert alive.status == 200


@pytest.mark.parametrize(
    "name", ["fields that nearly exist", "tokens", "fragments that double", "nested lists"]
)
async def test_on_a_socket_a_hostile_document_costs_as_little(system: System, name: str) -> None:
    text, _ = HOSTILE[name]
    url = f"ws://127.0.0.1:{system.first.port}/graphql"
    taken, said = [], []
    async with websockets.connect(url, subprotocols=[PROTOCOL]) as connection:
        client = Client(connection)
        await client.send({"type": "connection_init"})
        await client.receive()
        for number in range(TIMES):
            before = cpu_seconds(system.first)
            await client.subscribe(text + "\t" * number, operation_id=str(number))
            said.append((await client.receive())["type"])
            taken.append(cpu_seconds(system.first) - before)

    assert said == ["error"] * TIMES
    assert min(taken) < CPU_SECONDS_MAX


async def test_others_are_served_while_hostile_ones_come(system: System) -> None:
    storm = [operation(f"{text}{' ' * number}") for number in range(12) for text, _ in HOSTILE.values()]
    storm += [content for content, _ in BODIES.values()]
    waited = []

    async def look() -> None:
        while True:
            began = time.monotonic()
            answer = await ask(system.first.port, operation(TYPENAME))
            assert answer.json == {"data": {"__typename": "Query"}}
            waited.append(time.monotonic() - began)
            await asyncio.sleep(0.05)

    looking = asyncio.create_task(look())
    for start in range(0, len(storm), 4):
        await asyncio.gather(*(sent(system.first, each) for each in storm[start : start + 4]))
    looking.cancel()

    assert len(waited) >= 5
    assert max(waited) < 2
