"""The websocket protocol: whatever a client sends, it gets the protocol's answer and no traceback is logged."""

from __future__ import annotations

import json
import logging
import time
from typing import TYPE_CHECKING, Any

import pytest
import websockets

from app.auth import AuthenticationError
from db.embedded import EmbeddedPostgres
from db.pool import Database
from tests.customers import token
from tests.schema.shop import ORDER, STAFF, Client, explained, new_key

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.schema.shop import Shop

INIT = {"type": "connection_init"}


@pytest.fixture(autouse=True)
def nothing_is_logged(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """No client can make the server log an error."""
    with caplog.at_level(logging.ERROR):
        yield
    assert [record.getMessage() for record in caplog.records] == []


def subscribe(payload: object, operation_id: object = "1") -> dict[str, object]:
    return {"type": "subscribe", "id": operation_id, "payload": payload}


@pytest.mark.parametrize(
    "message",
    [
        [],
        "x",
        5,
        None,
        {},
        {"type": 5},
        {"type": "nonsense"},
        {"type": "connection_init", "payload": []},
        {"type": "connection_init", "payload": "x"},
        subscribe("x"),
        subscribe(None),
        subscribe({}),
        subscribe({"query": 1}),
        subscribe({"query": "{ __typename }", "variables": [1]}),
        subscribe({"query": "{ __typename }", "operationName": 1}),
        subscribe({"query": "{ __typename }", "extensions": []}),
        subscribe({"query": "{ __typename }"}, {"a": 1}),
        subscribe({"query": "{ __typename }"}, ""),
        subscribe({"query": "{ __typename }"}, "x" * 129),
        {"type": "subscribe", "payload": {"query": "{ __typename }"}},
        {"type": "complete"},
        {"type": "complete", "id": []},
    ],
)
async def test_a_malformed_message_closes_with_4400(door: Shop, message: object) -> None:
    async with door.raw_socket() as connection:
        client = Client(connection)

        await client.send(message)

        assert await client.close_code() == 4400


@pytest.mark.parametrize("frame", ["{", "", "[" * 60_000, b"{}", "\x00"])
async def test_a_frame_that_is_no_json_text_closes_with_4400(door: Shop, frame: str | bytes) -> None:
    async with door.raw_socket() as connection:
        await connection.send(frame)

        assert await Client(connection).close_code() == 4400


async def test_a_frame_that_is_too_large_closes_with_1009(door: Shop) -> None:
    async with door.raw_socket() as connection:
        await connection.send(json.dumps({"type": "ping", "payload": {"x": "x" * 65_536}}))

        assert await Client(connection).close_code() == 1009


async def test_a_null_payload_initialises(door: Shop) -> None:
    async with door.raw_socket() as connection:
        client = Client(connection)

        await client.send({"type": "connection_init", "payload": None})

        assert await client.receive() == {"type": "connection_ack"}


async def test_initialising_twice_closes_with_4429(door: Shop) -> None:
    async with door.socket() as client:
        await client.send(INIT)

        assert await client.close_code() == 4429


async def test_an_operation_before_the_acknowledgement_closes_with_4401(door: Shop) -> None:
    async with door.raw_socket() as connection:
        client = Client(connection)

        await client.subscribe("{ __typename }")

        assert await client.close_code() == 4401


@pytest.mark.parametrize(
    "params",
    [
        {"authorization": "Bearer nonsense"},
        {"Authorization": "Basic eDp5"},
        {"authorization": 5},
        {"orderAccessToken": "oat_nonsense"},
        {"orderAccessToken": ["oat_"]},
    ],
)
async def test_credentials_that_open_nothing_close_with_4403(door: Shop, params: dict[str, Any]) -> None:
    async with door.raw_socket() as connection:
        client = Client(connection)

        await client.send({"type": "connection_init", "payload": params})

        assert await client.close_code() == 4403


async def test_every_way_to_send_credentials_opens(door: Shop) -> None:
    guest = await door.order()
    ways: list[dict[str, object]] = [
        {"orderAccessToken": guest.token},
        {"authorization": f"Bearer {guest.token}"},
        {"Authorization": f"Bearer {guest.token}", "content-type": "application/json"},
        {"authorization": f"Bearer {STAFF}"},
    ]

    for params in ways:
        async with door.socket(params) as client:
            await client.subscribe("query($id: ID!) { order(id: $id) { id } }", {"id": guest.order_id})

            assert await client.data() == {"order": {"id": guest.order_id}}


async def test_a_syntax_error_fails_its_operation_and_not_the_socket(door: Shop) -> None:
    async with door.socket() as client:
        await client.subscribe("{", operation_id="bad")
        failed = await client.receive()
        await client.subscribe("{ __typename }", operation_id="good")
        good = [await client.receive(), await client.receive()]

    assert (failed["type"], failed["id"]) == ("error", "bad")
    assert "Syntax Error" in failed["payload"][0]["message"]
    assert good == [
        {"type": "next", "id": "good", "payload": {"data": {"__typename": "Query"}}},
        {"type": "complete", "id": "good"},
    ]


@pytest.mark.parametrize(
    ("query", "operation_name", "hint"),
    [
        ("{ nope }", None, "Cannot query field"),
        ("{ __typename #" + "x" * 33_000 + "\n}", None, "at most 32768 characters"),
        ("query($n: Int!) { products(first: $n) { nodes { id } } }", None, "$n"),
        ("{ __typename }", "Other", "Other"),
        (
            "subscription { orderUpdated(id: 1) { id } allOrderEvents { version } }",
            None,
            "one top level field",
        ),
    ],
)
async def test_an_operation_that_cannot_run_gets_an_error(
    door: Shop, query: str, operation_name: str | None, hint: str
) -> None:
    async with door.socket() as client:
        await client.send(subscribe({"query": query, "operationName": operation_name}))
        failed = await client.receive()
        await client.send({"type": "ping"})

        assert failed["type"] == "error"
        assert hint in failed["payload"][0]["message"]
        assert await client.receive() == {"type": "pong"}


async def test_an_id_in_use_closes_with_4409(door: Shop) -> None:
    async with door.socket({"authorization": f"Bearer {STAFF}"}) as client:
        await client.subscribe("subscription { allOrderEvents { version } }")
        await client.subscribe("subscription { allOrderEvents { version } }")

        assert await client.close_code() == 4409


async def test_a_socket_carries_twenty_operations_at_once(door: Shop) -> None:
    async with door.socket({"authorization": f"Bearer {STAFF}"}) as client:
        for number in range(21):
            await client.subscribe("subscription { allOrderEvents { version } }", operation_id=str(number))

        refused = await client.receive()

        assert refused["type"] == "error"
        assert refused["id"] == "20"
        assert refused["payload"][0]["message"] == "Subscription limit reached"


@pytest.mark.parametrize("protocols", [None, ["graphql-ws"], ["nonsense"]])
async def test_other_protocols_are_not_spoken(door: Shop, protocols: list[str] | None) -> None:
    async with door.raw_socket(subprotocols=protocols) as connection:
        assert await Client(connection).close_code() == 4406


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "https://shop.example.evil.example"])
async def test_pages_of_other_origins_are_turned_away(door: Shop, origin: str) -> None:
    with pytest.raises(websockets.InvalidStatus) as caught:
        async with door.raw_socket(origin=origin):
            pass

    assert caught.value.response.status_code == 403


async def test_pages_of_the_same_host_and_of_allowed_origins_are_let_in(door: Shop) -> None:
    for origin in (f"http://127.0.0.1:{door.port}", "https://shop.example"):
        async with door.raw_socket(origin=origin) as connection:
            client = Client(connection)
            await client.send(INIT)

            assert await client.receive() == {"type": "connection_ack"}


async def test_a_revoked_token_ends_the_watching(door: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door.services.authenticator.vigil, "_check_seconds", 0.1)
    guest = await door.order()
    async with door.socket({"orderAccessToken": guest.token}) as client:
        await client.subscribe(
            "subscription($id: ID!) { orderUpdated(id: $id) { version } }", {"id": guest.order_id}
        )
        await client.data()

        await door.revoke(guest.token)

        assert await client.receive() == refusal()
        assert await opens(client)


async def test_a_revoked_token_begins_nothing_more(door: Shop) -> None:
    guest = await door.order()
    async with door.socket({"orderAccessToken": guest.token}) as client:
        await door.revoke(guest.token)

        await client.subscribe("{ __typename }")

        assert await client.receive() == refusal()
        assert await opens(client)


async def test_a_stream_that_cannot_begin_without_the_database_has_its_client_come_again(
    door: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    guest = await door.order()
    server = EmbeddedPostgres(tmp_path, durable=False)
    async with (
        server,
        Database(server.dsn) as away,
        door.socket({"authorization": f"Bearer {STAFF}"}) as client,
    ):
        await server.stop()
        monkeypatch.setattr(door.services.views, "_reader", away)
        await client.subscribe(
            "subscription($id: ID!) { orderUpdated(id: $id) { version } }", {"id": guest.order_id}
        )

        assert await client.close_code() == 1013


async def test_a_stream_ends_when_its_jwt_expires(door: Shop) -> None:
    made = await door.run(
        ORDER, {"input": {"lines": [await tea(door)], "idempotencyKey": new_key()}}, key=token()
    )
    order_id = made["orderCreate"]["order"]["id"]
    expires = time.time() + 3
    short = token(exp=expires)
    async with door.socket({"authorization": f"Bearer {short}"}) as client:
        await client.subscribe(
            "subscription($id: ID!) { orderUpdated(id: $id) { version } }", {"id": order_id}
        )
        await client.data()

        assert await client.receive() == refusal()
        assert -0.1 < time.time() - expires < 2
        assert await opens(client)


async def tea(door: Shop) -> dict[str, object]:
    await door.stock()
    return {"sku": "TEA", "quantity": 1}


def refusal() -> dict[str, object]:
    error = {"message": str(AuthenticationError()), "extensions": explained("UNAUTHENTICATED")}
    return {"type": "error", "id": "1", "payload": [error]}


async def opens(client: Client) -> bool:
    """Whether the socket lives on."""
    await client.send({"type": "ping"})
    return await client.receive() == {"type": "pong"}
