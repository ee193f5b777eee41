"""graphql-transport-ws, message by message, at a running server: every answer, and every code that it closes with.

Source: github.com/enisdenjo/graphql-ws, PROTOCOL.md, 2026-11.
"""

from __future__ import annotations

import asyncio
import signal
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.protocols.frames import Opcode, RawSocket, close, frame, text
from tests.system.processes import STAFF_KEY, Server, free_port, serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from pathlib import Path

INIT: Final = {"type": "connection_init"}
ACKNOWLEDGED: Final = {"type": "connection_ack"}
ANY_ERROR: Final[dict[str, object]] = {}
PING: Final = {"type": "ping"}
PONG: Final = {"type": "pong"}
TYPENAME: Final = "{ __typename }"
ENDLESS: Final = "subscription { allOrderEvents { version } }"
STAFF: Final = {"authorization": f"Bearer {STAFF_KEY}"}
INIT_SECONDS_MAX: Final = 10
OPERATIONS_MAX: Final = 20

INVALID_MESSAGE: Final = 4400
UNAUTHORIZED: Final = 4401
FORBIDDEN: Final = 4403
SUBPROTOCOL_NOT_ACCEPTABLE: Final = 4406
INITIALISATION_TIMEOUT: Final = 4408
SUBSCRIBER_EXISTS: Final = 4409
TOO_MANY_INITIALISATIONS: Final = 4429
MESSAGE_TOO_BIG: Final = 1009
SERVICE_RESTART: Final = 1012


def subscribe(query: object = TYPENAME, operation_id: object = "1", **more: object) -> dict[str, object]:
    return {"type": "subscribe", "id": operation_id, "payload": {"query": query, **more}}


def complete(operation_id: object = "1") -> dict[str, object]:
    return {"type": "complete", "id": operation_id}


def data(content: object, operation_id: str = "1") -> dict[str, object]:
    return {"type": "next", "id": operation_id, "payload": {"data": content}}


QUERY: Final = data({"__typename": "Query"})
MUTATION: Final = data({"__typename": "Mutation"})


class Heard(tuple[dict[str, Any], ...]):
    """What has to come before the client goes on."""

    __slots__ = ()


def hears(*messages: dict[str, Any]) -> Heard:
    return Heard(messages)


@dataclass(frozen=True, slots=True)
class Talk:
    """What is said and heard in turn, and the code that the server closes with if it does; else the socket lives on.

    Text and bytes are sent as they are, all else as JSON. If the client `greets`, `connection_init` goes first.
    """

    turns: tuple[object, ...]
    code: int | None = None
    params: Mapping[str, object] | None = None
    greets: bool = True


def talk(*turns: object, code: int | None = None, params: Mapping[str, object] | None = None) -> Talk:
    return Talk(turns, code, params)


def stranger(*turns: object, code: int | None = None) -> Talk:
    """Return a talk that no initialisation goes before."""
    return Talk(turns, code, greets=False)


def malformed(message: object) -> Talk:
    return Talk((message,), INVALID_MESSAGE)


def error(operation_id: str = "1") -> dict[str, object]:
    """Return an `error` with one error, whatever it says."""
    return {"type": "error", "id": operation_id, "payload": [ANY_ERROR]}


def without_words(message: dict[str, Any]) -> dict[str, Any]:
    """Return a message with nothing in its errors, which are for people."""
    payload = message.get("payload")
    if message["type"] == "error":
        return {**message, "payload": [ANY_ERROR for _ in payload or []]}
    if message["type"] == "next" and payload and "errors" in payload:
        return {**message, "payload": {**payload, "errors": [ANY_ERROR for _ in payload["errors"]]}}
    return message


TALKS: Final[dict[str, Talk]] = {
    # messages of no form or type
    "no JSON": malformed("{"),
    "nothing": malformed(""),
    "two messages in one": malformed('{"type":"ping"}{"type":"ping"}'),
    "very many brackets": malformed("[" * 60_000),
    "a zero": malformed("\x00"),
    "half a surrogate": malformed('{"type":"ping","payload":{"x":"\\ud800"}}'),
    "a binary message": malformed(frame(Opcode.BINARY, b'{"type":"ping"}')),
    "a list": malformed([]),
    "a text": malformed('"ping"'),
    "a number": malformed(5),
    "null": malformed("null"),
    "an empty object": malformed({}),
    "a type that is no text": malformed({"type": 5}),
    "a type that nobody knows": malformed({"type": "nonsense"}),
    "a type in capitals": malformed({"type": "PING"}),
    "a type of the protocol of old": malformed({"type": "start", "id": "1", "payload": {"query": TYPENAME}}),
    **{
        f"a message of the server's: {kind}": malformed({"type": kind, "id": "1", "payload": {}})
        for kind in ("connection_ack", "next", "error")
    },
    "a ping whose payload is a text": malformed({"type": "ping", "payload": "x"}),
    "a pong whose payload is a list": malformed({"type": "pong", "payload": []}),
    # operations of no form
    "an operation without an id": malformed({"type": "subscribe", "payload": {"query": TYPENAME}}),
    "an operation whose id is empty": malformed(subscribe(operation_id="")),
    "an operation whose id is a number": malformed(subscribe(operation_id=1)),
    "an operation whose id is an object": malformed(subscribe(operation_id={"a": 1})),
    "an operation whose id is long": malformed(subscribe(operation_id="x" * 129)),
    "an operation without a payload": malformed({"type": "subscribe", "id": "1"}),
    "an operation whose payload is a text": malformed({"type": "subscribe", "id": "1", "payload": TYPENAME}),
    "an operation whose payload is null": malformed({"type": "subscribe", "id": "1", "payload": None}),
    "an operation without a document": malformed({"type": "subscribe", "id": "1", "payload": {}}),
    "an operation whose document is a number": malformed(subscribe(1)),
    "an operation whose document is null": malformed(subscribe(None)),
    "an operation whose variables are a list": malformed(subscribe(variables=[1])),
    "an operation whose variables are a text": malformed(subscribe(variables="{}")),
    "an operation whose name is a number": malformed(subscribe(operationName=1)),
    "an operation whose extensions are a list": malformed(subscribe(extensions=[])),
    "a completion without an id": malformed({"type": "complete"}),
    "a completion of a list": malformed(complete([])),
    # initialisation
    "an initialisation": stranger(INIT, hears(ACKNOWLEDGED)),
    "one with null": stranger({**INIT, "payload": None}, hears(ACKNOWLEDGED)),
    "one with nothing": stranger({**INIT, "payload": {}}, hears(ACKNOWLEDGED)),
    "one with anything": stranger({**INIT, "payload": {"x": [1]}}, hears(ACKNOWLEDGED)),
    "one with a list": stranger({**INIT, "payload": []}, code=INVALID_MESSAGE),
    "one with a text": stranger({**INIT, "payload": "x"}, code=INVALID_MESSAGE),
    "a second one": talk(INIT, code=TOO_MANY_INITIALISATIONS),
    "a second one with credentials": talk({**INIT, "payload": STAFF}, code=TOO_MANY_INITIALISATIONS),
    "an operation before one": stranger(subscribe(), code=UNAUTHORIZED),
    "a bad operation before one": stranger(subscribe("{"), code=UNAUTHORIZED),
    "a ping before one": stranger(PING, hears(PONG)),
    **{
        f"bad credentials: {name}": stranger({**INIT, "payload": params}, code=FORBIDDEN)
        for name, params in {
            "a key that opens nothing": {"authorization": "Bearer nonsense"},
            "a scheme that nobody knows": {"Authorization": "Basic eDp5"},
            "a key that is a number": {"authorization": 5},
            "a token that opens nothing": {"orderAccessToken": "oat_nonsense"},
            "a token that is a list": {"orderAccessToken": ["oat_"]},
        }.items()
    },
    # pings
    "a ping": talk(PING, hears(PONG)),
    "a ping with a payload": talk({**PING, "payload": {"x": 1}}, hears(PONG)),
    "a ping with null": talk({**PING, "payload": None}, hears(PONG)),
    "a pong that nobody asked for": talk(PONG),
    "a pong with a payload": talk({**PONG, "payload": {"x": 1}}),
    # operations
    "a query": talk(subscribe(), hears(QUERY, complete())),
    "a mutation": talk(subscribe("mutation { __typename }"), hears(MUTATION, complete())),
    "an operation by its name": talk(
        subscribe("query A { a: __typename } query B { b: __typename }", operationName="B"),
        hears(data({"b": "Query"}), complete()),
    ),
    "an operation with variables": talk(
        subscribe("query($x: Boolean!) { __typename @include(if: $x) }", variables={"x": False}),
        hears(data({}), complete()),
    ),
    "nulls for what is optional": talk(
        subscribe(variables=None, operationName=None, extensions=None), hears(QUERY, complete())
    ),
    "an id of 128 characters": talk(
        subscribe(operation_id="é" * 128),
        hears(data({"__typename": "Query"}, "é" * 128), complete("é" * 128)),
    ),
    "a syntax error": talk(subscribe("{"), hears(error())),
    "a field that isn't there": talk(subscribe("{ nope }"), hears(error())),
    "a variable that is missing": talk(
        subscribe("query($n: Int!) { orders(first: $n) { nodes { id } } }"), hears(error())
    ),
    "an operation that isn't there": talk(subscribe(operationName="Other"), hears(error())),
    "a field that fails": talk(
        subscribe('{ paymentGateways(orderId: "x") { gateway } }'),
        hears({"type": "next", "id": "1", "payload": {"data": None, "errors": [ANY_ERROR]}}, complete()),
    ),
    "a subscription that may not begin": talk(subscribe(ENDLESS), hears(error())),
    "two subscriptions in one": talk(
        subscribe("subscription { orderUpdated(id: 1) { id } allOrderEvents { version } }"), hears(error())
    ),
    "a card number": talk(subscribe(variables={"x": "4242424242424242"}), hears(error())),
    "an id again after its error": talk(
        subscribe("{"), hears(error()), subscribe(), hears(QUERY, complete())
    ),
    "an id again after its end": talk(
        subscribe(), hears(QUERY, complete()), subscribe(), hears(QUERY, complete())
    ),
    "an id in use": talk(subscribe(ENDLESS), subscribe(ENDLESS), code=SUBSCRIBER_EXISTS, params=STAFF),
    "an id in use, for another operation": talk(
        subscribe(ENDLESS), subscribe(), code=SUBSCRIBER_EXISTS, params=STAFF
    ),
    "an id again after the client's completion": talk(
        subscribe(ENDLESS), complete(), subscribe(), hears(QUERY, complete()), params=STAFF
    ),
    "a completion of what there isn't": talk(complete("nobody")),
    "a completion twice": talk(subscribe(ENDLESS), complete(), complete(), params=STAFF),
    "one operation too many": talk(
        *(subscribe(ENDLESS, str(number)) for number in range(OPERATIONS_MAX + 1)),
        hears(error(str(OPERATIONS_MAX))),
        params=STAFF,
    ),
    "one in the place of another": talk(
        *(subscribe(ENDLESS, str(number)) for number in range(OPERATIONS_MAX)),
        complete("7"),
        subscribe(operation_id="new"),
        hears(data({"__typename": "Query"}, "new"), complete("new")),
        params=STAFF,
    ),
    "a message of 65,537 bytes": talk({**PING, "payload": {"x": "x" * 65_499}}, code=MESSAGE_TOO_BIG),
}


@pytest.mark.parametrize("name", TALKS)
async def test_messages_are_answered_as_the_protocol_says(server: Server, name: str) -> None:
    said = TALKS[name]
    async with await RawSocket.open(server.port) as raw:
        if said.greets:
            await raw.send(text({**INIT, "payload": said.params}))
            assert await raw.message() == ACKNOWLEDGED
        for turn in said.turns:
            if isinstance(turn, Heard):
                assert [without_words(await raw.message()) for _ in turn] == list(turn)
            else:
                await raw.send(turn if isinstance(turn, bytes) else text(turn))

        if said.code is None:
            await raw.send(text(PING))
            assert await raw.message() == PONG
        else:
            assert await raw.close_code() == said.code


@pytest.mark.parametrize("offered", [None, "graphql-ws", "nonsense", "GRAPHQL-TRANSPORT-WS"])
async def test_other_subprotocols_are_not_spoken(server: Server, offered: str | None) -> None:
    async with await RawSocket.open(server.port, {"sec-websocket-protocol": offered}) as raw:
        await raw.send(text(PING))

        assert await raw.close_code() == SUBPROTOCOL_NOT_ACCEPTABLE
    assert "sec-websocket-protocol" not in raw.answer.headers


async def test_a_subscription_is_silent_once_its_client_completed_it(server: Server) -> None:
    async with await RawSocket.greeted(server.port, STAFF) as raw:
        await raw.send(text(subscribe(ENDLESS)))
        await raw.send(text(complete()))
        await raw.send(text(PING))
        assert await raw.message() == PONG

        await raw.send(close(1000))

        assert await raw.close_code() == 1000


@dataclass(frozen=True, slots=True)
class Silence:
    """How a server ended with clients that it waits for in vain."""

    code: int | None
    seconds: float


@pytest.fixture(scope="module", autouse=True)
async def waited_for(server: Server) -> AsyncIterator[Mapping[str, asyncio.Task[Silence]]]:
    """Clients that don't do what they should. They begin with the module, so that the other tests are their time."""

    async def never_initialise() -> Silence:
        async with await RawSocket.open(server.port) as raw:
            began = time.monotonic()
            await raw.send(text(PING))
            assert await raw.message() == PONG
            return Silence(await raw.close_code(), time.monotonic() - began)

    async def never_close() -> Silence:
        async with await RawSocket.open(server.port) as raw:
            await raw.send(text("{"))
            end = await raw.next_frame()
            began = time.monotonic()
            assert await raw.frame() is None
            return Silence(end.code, time.monotonic() - began)

    tasks = {call.__name__: asyncio.create_task(call()) for call in (never_initialise, never_close)}
    yield tasks
    for task in tasks.values():
        task.cancel()


async def test_the_running_server_tells_its_clients_to_come_again_when_it_ends(
    server: Server, tmp_path: Path
) -> None:
    other = Server(free_port(), tmp_path / "server.log", server.settings)
    async with serving(other), await RawSocket.greeted(other.port, STAFF) as raw:
        await raw.send(text(subscribe(ENDLESS)))
        await raw.send(text(PING))
        assert await raw.message() == PONG

        other.signal(signal.SIGTERM)

        assert await raw.close_code() == SERVICE_RESTART
        assert await other.ended() == 0


async def test_who_does_not_close_after_the_server_is_cut_off(
    waited_for: Mapping[str, asyncio.Task[Silence]],
) -> None:
    silence = await waited_for["never_close"]

    assert silence.code == INVALID_MESSAGE
    assert silence.seconds < 2 * INIT_SECONDS_MAX


async def test_who_does_not_initialise_within_ten_seconds_is_closed(
    waited_for: Mapping[str, asyncio.Task[Silence]],
) -> None:
    silence = await waited_for["never_initialise"]

    assert silence.code == INITIALISATION_TIMEOUT
    assert INIT_SECONDS_MAX - 0.1 < silence.seconds < 2 * INIT_SECONDS_MAX
