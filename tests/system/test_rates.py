"""Rates at the doors of a running server: who asks too often hears 429 and when to come back, gateways never do."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import pytest
import websockets

from tests.schema.shop import PROTOCOL, Client
from tests.system.audit import inbox
from tests.system.deliveries import PATH, open_payments, signature, signed, success
from tests.system.processes import STAFF_KEY, Server, free_port, server_settings, serving, with_password
from tests.system.wire import Answer, Line, ask, get, request

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from db.pool import Database

REQUESTS: Final = 20
FAILED: Final = 5
TYPENAME: Final = "{ __typename }"
DEAR: Final = """
{ orders(first: 100) { nodes { events(first: 70) { nodes { version type source } } } } }"""
"""Some 28,000 values."""
ORDER: Final = 'mutation { orderCreate(input: {lines: [], idempotencyKey: "k"}) { errors { code } } }'


@pytest.fixture(scope="module")
async def limited(database_dsn: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    """A server that allows little, behind a proxy that says who is there."""
    folder = tmp_path_factory.mktemp("rates")
    settings = {
        "DATABASE_URL": with_password(database_dsn),
        "ORDERPULSE_DATA_DIR": str(folder),
        **server_settings(),
        "ORDERPULSE_RATE_LIMITS": "true",
        "ORDERPULSE_TRUSTED_PROXIES": "127.0.0.0/8",
        "ORDERPULSE_RATE_REQUESTS": str(REQUESTS),
        "ORDERPULSE_RATE_VALUES": "50000",
        "ORDERPULSE_RATE_ORDERS": "2",
        "ORDERPULSE_RATE_FAILED_SIGNATURES": str(FAILED),
    }
    server = Server(free_port(), folder / "log", settings)
    async with serving(server):
        yield server


async def post(server: Server, query: str, address: str, **headers: str) -> Answer:
    """Send an operation from an address."""
    given = {"content-type": "application/json", "x-forwarded-for": address, **headers}
    return await ask(server.port, request("POST", "/graphql", json.dumps({"query": query}).encode(), given))


def code_of(answer: Answer) -> Any:  # noqa: ANN401 - JSON
    return answer.json["errors"][0]["extensions"]["code"]


def is_told_to_wait(answer: Answer) -> bool:
    return (
        answer.status == 429
        and code_of(answer) == "RATE_LIMITED"
        and 1 <= int(answer.headers["retry-after"]) <= 120
        and answer.headers["content-type"].startswith("application/json")
    )


async def test_an_address_that_asks_too_often_is_told_when_to_come_again(limited: Server) -> None:
    answers = [await post(limited, TYPENAME, "192.0.2.1") for _ in range(REQUESTS + 3)]
    elsewhere = await post(limited, TYPENAME, "192.0.2.2")
    headers = {"x-forwarded-for": "192.0.2.1", "accept": "text/html"}
    page = await get(limited.port, "/track/oat_nothing", headers)
    sent_back = await ask(limited.port, request("POST", "/track/oat_nothing", b"", headers))
    alive = await get(limited.port, "/livez", {"x-forwarded-for": "192.0.2.1"})

    assert [answer.status for answer in answers] == [200] * REQUESTS + [429] * 3
    assert all(map(is_told_to_wait, answers[REQUESTS:]))
    assert answers[-1].headers["x-content-type-options"] == "nosniff"
    assert (elsewhere.status, page.status, sent_back.status, alive.status) == (200, 429, 429, 200)
    assert b"That was a lot at once" in page.body
    assert 1 <= int(page.headers["retry-after"]) <= 120
    figures = (await get(limited.port, "/metrics")).body.decode().splitlines()
    assert any(
        line.startswith("orderpulse_rate_limited ") and float(line.split()[1]) >= 4 for line in figures
    )


async def test_all_of_an_ipv6_network_is_one_address(limited: Server) -> None:
    for number in range(REQUESTS):
        await post(limited, TYPENAME, f"2001:db8:1:1::{number:x}")

    assert (await post(limited, TYPENAME, "2001:db8:1:1:ffff::1")).status == 429
    assert (await post(limited, TYPENAME, "2001:db8:1:2::1")).status == 200


async def test_websockets_are_counted_with_the_requests(limited: Server) -> None:
    headers = {"x-forwarded-for": "192.0.2.3"}
    url = f"ws://127.0.0.1:{limited.port}/graphql"
    for _ in range(REQUESTS):
        async with websockets.connect(url, subprotocols=[PROTOCOL], additional_headers=headers):
            pass

    with pytest.raises(websockets.InvalidStatus) as refused:
        await websockets.connect(url, subprotocols=[PROTOCOL], additional_headers=headers)

    assert refused.value.response.status_code == 429
    assert 1 <= int(refused.value.response.headers["retry-after"]) <= 120


async def test_what_asks_for_much_uses_up_more(limited: Server) -> None:
    first = await post(limited, DEAR, "192.0.2.4")
    second = await post(limited, DEAR, "192.0.2.4")
    cheap = await post(limited, TYPENAME, "192.0.2.4")

    assert first.status == 200
    assert is_told_to_wait(second)
    assert second.json["errors"][0]["extensions"]["retryAfterSeconds"] == int(second.headers["retry-after"])
    assert cheap.status == 200


async def test_on_a_socket_an_operation_too_many_fails_alone(limited: Server) -> None:
    url, headers = f"ws://127.0.0.1:{limited.port}/graphql", {"x-forwarded-for": "192.0.2.5"}
    async with websockets.connect(url, subprotocols=[PROTOCOL], additional_headers=headers) as connection:
        client = Client(connection)
        await client.send({"type": "connection_init"})
        assert (await client.receive())["type"] == "connection_ack"
        said = []
        for number in range(2):
            await client.subscribe(DEAR, operation_id=str(number))
            said.append(await client.receive())
            if said[-1]["type"] == "next":
                await client.receive()
        await client.subscribe(TYPENAME, operation_id="after")
        after = await client.data()

    assert [message["type"] for message in said] == ["next", "error"]
    assert said[1]["payload"][0]["extensions"]["code"] == "RATE_LIMITED"
    assert after == {"__typename": "Query"}


async def test_orders_have_a_rate_of_their_own_but_not_for_staff(limited: Server, database: Database) -> None:
    del database  # emptied
    aliased = ORDER.replace("{ orderCreate", "{ a: orderCreate", 1)
    statuses = [(await post(limited, text, "192.0.2.6")).status for text in (ORDER, aliased, ORDER, TYPENAME)]
    staff = [
        (await post(limited, ORDER, "192.0.2.6", authorization=f"Bearer {STAFF_KEY}")).status
        for _ in range(5)
    ]

    assert statuses == [200, 200, 429, 200]
    assert staff == [200] * 5


async def test_a_gateway_is_heard_though_a_forger_shares_its_address(
    limited: Server, database: Database
) -> None:
    opened = await open_payments(database, 3)
    good = [success(each.payment).request for each in opened]
    shared = {"x-forwarded-for": "192.0.2.7"}
    forged = request("POST", PATH, b"{}", {"sandbox-signature": signature(b"{}", "wrong"), **shared})
    unsigned = request("POST", PATH, b"{}", shared)

    before = [(await ask(limited.port, forged)).status for _ in range(FAILED + 1)]
    out = [await ask(limited.port, each) for each in (forged, unsigned)]
    heard = [
        (await ask(limited.port, each.replace(b"\r\n", b"\r\nx-forwarded-for: 192.0.2.7\r\n", 1))).status
        for each in good
    ]
    others = (await ask(limited.port, request("POST", PATH, b"{}"))).status

    assert before == [400] * (FAILED + 1)
    assert [(each.status, each.headers["retry-after"]) for each in out] == [(429, "60")] * 2
    assert heard == [200] * 3
    assert others == 400
    assert [status for status, _ in (await inbox(database)).values()] == ["APPLIED"] * 3
    assert limited.output().count("webhook.address_out") == 1
    assert limited.output().count('"webhook.refused"') == FAILED + 2


async def test_what_is_not_even_signed_is_turned_away_unread(limited: Server) -> None:
    headers = {"x-forwarded-for": "192.0.2.8"}
    for _ in range(FAILED + 1):
        await ask(limited.port, request("POST", PATH, b"{}", headers))

    async with await Line.open(limited.port) as line:
        answer = await line.ask(request("POST", PATH, b"x" * 1_000, headers)[:-1_000])

    assert answer.status == 429


async def test_a_flood_of_requests_does_not_keep_webhooks_out(limited: Server, database: Database) -> None:
    (opened,) = await open_payments(database, 1)
    for _ in range(REQUESTS + 5):
        await post(limited, TYPENAME, "192.0.2.9")

    body = success(opened.payment).request.partition(b"\r\n\r\n")[2]
    answer = await ask(limited.port, signed(body, **{"x-forwarded-for": "192.0.2.9"}))

    assert (answer.status, answer.json) == (200, {"status": "APPLIED"})
