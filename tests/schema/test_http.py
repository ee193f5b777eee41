"""GraphQL over HTTP: which requests are taken, and that every answer is JSON with a status that means something."""

from __future__ import annotations

import json
import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import httpx2
import pytest

from app.gateways import GatewayRegistry
from app.views import Views
from db.embedded import EmbeddedPostgres
from db.pool import Database
from schema import Services, graphql_app
from schema.requests import response_type
from tests.schema.shop import PRODUCT, STAFF, explained

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.schema.shop import Shop

JSON = "application/json"
GRAPHQL = "application/graphql-response+json"
EVENTS = "text/event-stream"
TYPENAME = {"query": "{ __typename }"}


async def post(door: Shop, content: bytes, **headers: str) -> httpx2.Response:
    given = {"content-type": JSON} | {name.replace("_", "-"): value for name, value in headers.items()}
    return await door.http.post("/graphql", content=content, headers=given)


async def send_to(services: Services, query: str, *, introspection: bool = True) -> dict[str, Any]:
    """Run an operation on an API of these services."""
    transport = httpx2.ASGITransport(app=graphql_app(services, introspection=introspection))
    async with httpx2.AsyncClient(transport=transport, base_url="http://shop.test") as http:
        answer: dict[str, Any] = (await http.post("/", json={"query": query})).json()
    return answer


async def test_an_operation_is_answered_as_json(door: Shop) -> None:
    response = await door.http.post("/graphql", json=TYPENAME)

    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json; charset=utf-8"
    assert response.headers["cache-control"] == "no-store"
    assert response.json() == {"data": {"__typename": "Query"}}


@pytest.mark.parametrize(
    ("accept", "chosen"),
    [
        ("", JSON),
        ("*/*", JSON),
        ("application/*", JSON),
        ("application/json", JSON),
        ("application/json; charset=utf-8", JSON),
        ("application/graphql-response+json", GRAPHQL),
        ("APPLICATION/GRAPHQL-RESPONSE+JSON", GRAPHQL),
        ("application/graphql-response+json, application/json", GRAPHQL),
        ("application/json, application/graphql-response+json", GRAPHQL),
        ("application/graphql-response+json;q=0.5, application/json", JSON),
        ("application/json;q=0.9, */*", JSON),
        ("application/graphql-response+json, */*;q=0.1", GRAPHQL),
        ("multipart/mixed, application/json;q=0.9", JSON),
        ("text/event-stream", EVENTS),
        ("text/event-stream, */*;q=0.1", EVENTS),
        ("text/event-stream, application/graphql-response+json, application/json", EVENTS),
        ("application/graphql-response+json, application/json, text/event-stream", GRAPHQL),
        ("application/json, text/event-stream", JSON),
        ("application/json;q=0.9, text/event-stream", EVENTS),
        ("text/html", None),
        ("application/json;q=0", None),
        ("application/json;q=rubbish", None),
    ],
)
def test_the_answers_type_is_negotiated(accept: str, chosen: str | None) -> None:
    assert response_type(accept) == chosen


@pytest.mark.parametrize(
    "document",
    [
        "{",
        "{ nope }",
        "query($n: Int!) { orders(first: $n) { nodes { id } } }",
        "mutation A { a } query B { b }",
    ],
)
async def test_a_request_that_cannot_run_has_no_data(door: Shop, document: str) -> None:
    legacy = await door.http.post("/graphql", json={"query": document}, headers={"accept": JSON})
    modern = await door.http.post("/graphql", json={"query": document}, headers={"accept": GRAPHQL})

    assert legacy.status_code == 200
    assert modern.status_code == 400
    assert modern.headers["content-type"] == f"{GRAPHQL}; charset=utf-8"
    assert legacy.json().keys() == modern.json().keys() == {"errors"}


async def test_a_field_that_fails_is_an_answer_with_data(door: Shop) -> None:
    body = {"query": '{ __typename paymentGateways(orderId: "x") { gateway } }'}

    response = await door.http.post("/graphql", json=body, headers={"accept": GRAPHQL})

    assert response.status_code == 200
    assert response.json()["data"] is None
    (error,) = response.json()["errors"]
    assert error["path"] == ["paymentGateways"]
    assert error["extensions"]["code"] == "NOT_FOUND"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"5",
        b"null",
        b'"x"',
        b"[]",
        b'[{"query": "{ __typename }"}]',
        b"{}",
        b'{"query": null}',
        b'{"query": 5}',
        b'{"query": "{ __typename }", "variables": []}',
        b'{"query": "{ __typename }", "variables": "{}"}',
        b'{"query": "{ __typename }", "operationName": 5}',
        b'{"query": "{ __typename }", "extensions": []}',
        b'{"query": "\xff"}',
        b'{"query": "\\ud800"}',
        b"\x00",
        b"[" * 100_000,
        b'{"query": "{ __typename }", "operationName": "Other"}',
        b'{"query": "subscription { orderUpdated(id: 1) { id } }"}',
    ],
)
async def test_a_malformed_request_is_400_in_json(door: Shop, body: bytes) -> None:
    response = await post(door, body)

    assert response.status_code == 400
    assert response.headers["content-type"] == "application/json; charset=utf-8"
    (error,) = response.json()["errors"]
    assert error["extensions"] == explained("BAD_REQUEST")


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS"])
async def test_other_methods_are_405(door: Shop, method: str) -> None:
    response = await door.http.request(method, "/graphql", params={"query": "{ __typename }"})

    assert response.status_code == 405
    assert response.headers["allow"] == "POST"


@pytest.fixture(scope="module")
async def by_get(door: Shop) -> AsyncIterator[httpx2.AsyncClient]:
    """The API where queries may come by GET."""
    transport = httpx2.ASGITransport(app=graphql_app(door.services, queries_by_get=True))
    async with httpx2.AsyncClient(transport=transport, base_url="http://shop.test") as http:
        yield http


async def test_a_query_by_get_is_run_where_that_is_on(by_get: httpx2.AsyncClient) -> None:
    document = "query A { a: __typename } query B($x: Boolean!) { b: __typename c: __typename @skip(if: $x) }"
    parameters = {"query": document, "operationName": "B", "variables": '{"x": true}', "extensions": ""}

    response = await by_get.get("/", params=parameters, headers={"accept": GRAPHQL})

    assert response.status_code == 200
    assert response.headers["content-type"] == f"{GRAPHQL}; charset=utf-8"
    assert response.headers["cache-control"] == "no-store"
    assert response.json() == {"data": {"b": "Query"}}


async def test_a_mutation_by_get_is_405_and_not_run(by_get: httpx2.AsyncClient, door: Shop) -> None:
    given = {"sku": "GOT", "name": "Got", "unitPrice": {"amount": "1.00", "currency": "INR"}}
    parameters = {"query": PRODUCT, "variables": json.dumps({"input": given})}

    response = await by_get.get("/", params=parameters, headers={"authorization": f"Bearer {STAFF}"})

    assert (response.status_code, response.headers["allow"]) == (405, "POST")
    assert response.json().keys() == {"errors"}
    products = await door.database.fetch("SELECT FROM products WHERE sku = 'GOT'")
    assert products == []


@pytest.mark.parametrize(
    ("parameters", "status"),
    [
        ({}, 400),
        ({"query": "{"}, 400),
        ({"query": "{ __typename }", "variables": "{"}, 400),
        ({"query": "{ __typename }", "variables": "[]"}, 400),
        ({"query": "{ __typename }", "extensions": "5"}, 400),
        ({"query": "{ __typename }", "variables": '{"x": "4242424242424242"}'}, 400),
        ({"query": "subscription { allOrderEvents { version } }"}, 400),
        ({"documentId": "sha256:" + "0" * 64}, 400),
    ],
)
async def test_a_malformed_query_by_get_is_400(
    by_get: httpx2.AsyncClient, parameters: dict[str, str], status: int
) -> None:
    response = await by_get.get("/", params=parameters, headers={"accept": GRAPHQL})

    assert response.status_code == status
    assert response.json().keys() == {"errors"}


@pytest.mark.parametrize("method", ["HEAD", "PUT", "DELETE", "PATCH", "OPTIONS"])
async def test_methods_beside_get_and_post_are_405(by_get: httpx2.AsyncClient, method: str) -> None:
    response = await by_get.request(method, "/", params={"query": "{ __typename }"})

    assert (response.status_code, response.headers["allow"]) == (405, "GET, POST")


async def test_a_browser_is_sent_on_to_the_ide(door: Shop) -> None:
    response = await door.http.get(
        "/graphql", headers={"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
    )

    assert response.status_code == 303
    assert response.headers["location"] == "/graphiql"


async def test_without_the_ide_a_browser_is_told_to_post(door: Shop) -> None:
    app = graphql_app(door.services, ide=False)
    transport = httpx2.ASGITransport(app=app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://shop.test") as http:
        response = await http.get("/", headers={"accept": "text/html"})

    assert response.status_code == 405


async def test_an_answer_that_the_caller_cannot_take_is_406(door: Shop) -> None:
    response = await door.http.post("/graphql", json=TYPENAME, headers={"accept": "text/html"})

    assert response.status_code == 406


@pytest.mark.parametrize(
    "content_type",
    [
        "",
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/graphql",
        "application/json; charset=iso-8859-1",
    ],
)
async def test_what_a_browser_sends_across_origins_unasked_is_415(door: Shop, content_type: str) -> None:
    response = await post(door, json.dumps(TYPENAME).encode(), content_type=content_type)

    assert response.status_code == 415


async def test_a_body_is_counted_while_it_comes(door: Shop) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while True:
            sent += 65_536
            yield b" " * 65_536

    response = await door.http.post("/graphql", content=endless(), headers={"content-type": JSON})

    assert response.status_code == 413
    assert sent <= 6 * 65_536


async def test_credentials_that_open_nothing_are_401(door: Shop) -> None:
    for wrong in ("Bearer nonsense", "Bearer oat_nonsense", "Basic eDp5", "Bearer", f"bearer {STAFF}x"):
        response = await door.http.post("/graphql", json=TYPENAME, headers={"authorization": wrong})

        assert response.status_code == 401
        assert response.headers["www-authenticate"] == "Bearer"
        (error,) = response.json()["errors"]
        assert error["extensions"] == explained("UNAUTHENTICATED")


async def test_a_database_that_is_away_is_said_plainly(door: Shop, tmp_path: Path) -> None:
    server = EmbeddedPostgres(tmp_path, durable=False)
    async with server, Database(server.dsn) as away:
        await server.stop()
        views = Views(away, door.services.authenticator, GatewayRegistry([]))
        answer = await send_to(replace(door.services, views=views), "{ products { nodes { id } } }")

    (error,) = answer["errors"]
    assert error["extensions"] == explained("UNAVAILABLE")
    assert error["message"] == "The server can't do this right now. Send it again in a moment."


async def test_a_fault_is_masked_and_named_in_the_log(
    door: Shop, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    await database.fetch("ALTER TABLE products RENAME TO hidden")
    try:
        with caplog.at_level(logging.ERROR, "schema.errors"):
            answer = await door.send("{ list: products { nodes { id } } __typename }")
    finally:
        await database.fetch("ALTER TABLE hidden RENAME TO products")

    (error,) = answer["errors"]
    assert error["message"] == "Internal error"
    assert error["path"] == ["list"]
    assert error["extensions"]["code"] == "INTERNAL"
    (record,) = caplog.records
    assert record.__dict__["error_id"] == error["extensions"]["errorId"]
    assert record.__dict__["path"] == "list"
    assert record.exc_text is not None
    assert 'relation "products" does not exist' in record.exc_text


async def test_what_callers_did_wrong_is_not_logged(door: Shop, caplog: pytest.LogCaptureFixture) -> None:
    documents: list[tuple[str, dict[str, Any]]] = [
        ("{", {}),
        ("{ nope }", {}),
        ("{ orders(first: 0) { nodes { id } } }", {}),
        ("query($after: Cursor) { products(after: $after) { nodes { id } } }", {"after": 5}),
        ("query($n: Int) { products(first: $n) { nodes { id } } }", {"n": 2**40}),
    ]

    with caplog.at_level(logging.WARNING):
        answers = [await door.send(document, variables) for document, variables in documents]

    assert [len(answer["errors"]) for answer in answers] == [1] * len(documents)
    assert [record for record in caplog.records if record.name.startswith(("schema", "strawberry"))] == []


async def test_operations_are_counted_by_kind_and_outcome(shop: Shop) -> None:
    await shop.run("{ __typename }")
    await shop.send("{ nope }")
    await shop.send("{")
    await shop.run("mutation { __typename }")

    text = shop.services.metrics.text().decode()  # type: ignore[attr-defined]  # the real metrics stand here

    counted = [line for line in text.splitlines() if line.startswith("orderpulse_graphql_operations_total")]
    assert sorted(counted) == [
        'orderpulse_graphql_operations_total{operation="mutation",outcome="ok"} 1.0',
        'orderpulse_graphql_operations_total{operation="query",outcome="error"} 1.0',
        'orderpulse_graphql_operations_total{operation="query",outcome="ok"} 1.0',
        'orderpulse_graphql_operations_total{operation="unreadable",outcome="error"} 1.0',
    ]


async def test_without_introspection_nothing_is_suggested_either(door: Shop) -> None:
    hidden = await send_to(door.services, "{ __schema { types { name } } }", introspection=False)
    unknown = await send_to(door.services, "{ ordrs { nodes { id } } }", introspection=False)
    shown = await send_to(door.services, "{ ordrs { nodes { id } } }", introspection=True)

    assert "introspection has been disabled" in hidden["errors"][0]["message"]
    assert unknown["errors"][0]["message"] == "Cannot query field 'ordrs' on type 'Query'."
    assert "Did you mean 'orders'" in shown["errors"][0]["message"]
