"""Documents by name: over HTTP and websockets, Apollo's way and the specification's, and only trusted ones if set."""

from __future__ import annotations

import gzip
import hashlib
import json
import logging
import socket
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import httpx2
import pytest
import websockets
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute

from schema import graphql_app
from schema import trusted as module
from schema.errors import BadRequestError, UnknownDocumentError
from schema.manifest import OWN_PATH, ManifestError, read_manifest
from schema.printing import printed_documents
from schema.trusted import Trust, TrustedDocuments, document_id
from tests.schema.shop import PROTOCOL, Client, _served, explained

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from schema.view import GraphQLView
    from tests.schema.shop import Shop

BUILT: Final = Path(__file__).parents[2] / "app" / "web" / "static"
TEXT = "{ __typename }"
OTHER = "{ __typename again: __typename }"
HASH = hashlib.sha256(TEXT.encode()).hexdigest()
GRAPHQL = "application/graphql-response+json"


@asynccontextmanager
async def doors(door: Shop, documents: TrustedDocuments) -> AsyncIterator[httpx2.AsyncClient]:
    """Yield a client of the API with these documents."""
    transport = httpx2.ASGITransport(app=graphql_app(door.services, documents=documents))
    async with httpx2.AsyncClient(transport=transport, base_url="http://shop.test") as http:
        yield http


@asynccontextmanager
async def open_socket(app: GraphQLView, *, initialise: bool = True) -> AsyncIterator[Client]:
    """Serve an API and open a websocket to it."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"ws://127.0.0.1:{listener.getsockname()[1]}/"
        starlette = Starlette(routes=[WebSocketRoute("/", app)])
        async with _served(starlette, listener), websockets.connect(url, subprotocols=[PROTOCOL]) as opened:
            client = Client(opened)
            if initialise:
                await client.send({"type": "connection_init"})
                assert await client.receive() == {"type": "connection_ack"}
            yield client


def apollo(digest: str = HASH, **more: object) -> dict[str, Any]:
    return {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": digest}}, **more}


async def test_a_client_of_apollos_sends_the_text_once(door: Shop) -> None:
    async with doors(door, TrustedDocuments()) as http:
        first = await http.post("/", json=apollo())
        with_text = await http.post("/", json=apollo(query=TEXT))
        after = await http.post("/", json=apollo())
        by_id = await http.post("/", json={"documentId": f"sha256:{HASH}"})

    assert first.status_code == 200
    assert first.json() == {
        "errors": [
            {"message": "PersistedQueryNotFound", "extensions": explained("PERSISTED_QUERY_NOT_FOUND")}
        ]
    }
    assert [answer.json() for answer in (with_text, after, by_id)] == [{"data": {"__typename": "Query"}}] * 3


async def test_an_unknown_document_is_400_to_who_takes_the_newer_type(door: Shop) -> None:
    async with doors(door, TrustedDocuments()) as http:
        answer = await http.post("/", json={"documentId": "nope"}, headers={"accept": GRAPHQL})

    assert answer.status_code == 400
    assert answer.headers["content-type"].startswith(GRAPHQL)
    assert [error["extensions"]["code"] for error in answer.json()["errors"]] == ["PERSISTED_QUERY_NOT_FOUND"]


@pytest.mark.parametrize(
    "body",
    [
        apollo(query=OTHER),
        apollo(HASH.upper(), query=TEXT),
        apollo("0" * 63),
        {"extensions": {"persistedQuery": {"version": 2, "sha256Hash": HASH}}},
        {"extensions": {"persistedQuery": HASH}},
        {"documentId": 5},
        {"documentId": f"sha256:{HASH}", "query": OTHER},
        {"documentId": "x", "query": 5},
    ],
)
async def test_a_name_that_is_not_the_documents_is_refused(door: Shop, body: dict[str, Any]) -> None:
    async with doors(door, TrustedDocuments()) as http:
        answer = await http.post("/", json=body)
        known = await http.post("/", json=apollo())

    assert answer.status_code == 400
    assert known.json()["errors"][0]["message"] == "PersistedQueryNotFound"


async def test_where_none_are_remembered_clients_are_told_not_to_try(door: Shop) -> None:
    async with doors(door, TrustedDocuments(automatic=False)) as http:
        answer = await http.post("/", json=apollo())

    assert answer.json()["errors"][0]["extensions"]["code"] == "PERSISTED_QUERY_NOT_SUPPORTED"


def test_clients_can_have_only_so_much_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "AUTOMATIC_MAX", 10)
    documents = TrustedDocuments()
    texts = [f"{{ a{number}: __typename }}" for number in range(100)]

    for text in texts:
        documents.text_of({"documentId": document_id(text), "query": text})

    known = 0
    for text in texts:
        try:
            known += documents.text_of({"documentId": document_id(text)}) == text
        except UnknownDocumentError:
            continue
    assert known == 10


def trusting(trust: Trust) -> TrustedDocuments:
    return TrustedDocuments({"Typename": TEXT}, trust=trust)


async def test_only_trusted_documents_are_run_by_whatever_name(door: Shop) -> None:
    async with doors(door, trusting(Trust.ONLY)) as http:
        bodies = [{"query": TEXT}, {"documentId": "Typename"}, {"documentId": f"sha256:{HASH}"}, apollo()]
        answers = [(await http.post("/", json=body)).json() for body in bodies]

    assert answers == [{"data": {"__typename": "Query"}}] * 4


@pytest.mark.parametrize("text", [OTHER, TEXT + " ", "{", "\U0001f600" * 5_000, "{" * 30_000])
async def test_anything_else_is_refused_before_it_is_parsed(
    door: Shop, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with doors(door, trusting(Trust.ONLY)) as http:
        monkeypatch.setattr("schema.documents.parse", None)
        plain = await http.post("/", json={"query": text})
        digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
        remembered = await http.post("/", json=apollo(digest, query=text))
        by_hash = await http.post("/", json=apollo(digest))

    for answer in (plain, remembered):
        assert answer.status_code == 403
        assert answer.json()["errors"][0]["extensions"] == explained("DOCUMENT_NOT_TRUSTED")
    assert by_hash.json()["errors"][0]["extensions"] == explained("PERSISTED_QUERY_NOT_FOUND")


async def test_unknown_documents_are_logged_once_each_and_run(
    door: Shop, caplog: pytest.LogCaptureFixture
) -> None:
    async with doors(door, trusting(Trust.LOG)) as http:
        with caplog.at_level(logging.WARNING, "schema.trusted"):
            answers = [
                await http.post("/", json={"query": text}) for text in (OTHER, TEXT, OTHER, "{ a", OTHER)
            ]

    assert [answer.status_code for answer in answers] == [200] * 5
    assert [record.__dict__["document_id"] for record in caplog.records] == [
        document_id(OTHER),
        document_id("{ a"),
    ]


async def test_on_a_socket_documents_have_names_too(door: Shop) -> None:
    app = graphql_app(door.services, documents=trusting(Trust.ONLY))
    async with open_socket(app) as client:
        said = {}
        for name, payload in {
            "trusted": {"documentId": "Typename"},
            "apollo": apollo(),
            "text": {"query": TEXT},
            "other": {"query": OTHER},
            "unknown": {"documentId": "nope"},
        }.items():
            await client.send({"type": "subscribe", "id": name, "payload": payload})
            said[name] = await client.receive()
            if said[name]["type"] == "next":
                assert (await client.receive())["type"] == "complete"

    assert [said[name]["type"] for name in said] == ["next", "next", "next", "error", "error"]
    assert said["trusted"]["payload"]["data"] == {"__typename": "Query"}
    assert said["other"]["payload"][0]["extensions"] == explained("DOCUMENT_NOT_TRUSTED")
    assert said["unknown"]["payload"][0]["extensions"] == explained("PERSISTED_QUERY_NOT_FOUND")


async def test_before_it_says_who_it_is_a_socket_learns_nothing_of_documents(door: Shop) -> None:
    app = graphql_app(door.services, documents=trusting(Trust.ONLY))
    async with open_socket(app, initialise=False) as client:
        await client.send({"type": "subscribe", "id": "1", "payload": {"documentId": "nope"}})

        assert await client.close_code() == 4401


async def test_a_trusted_document_that_cannot_run_is_told_at_the_start(
    door: Shop, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR, "schema.view"):
        graphql_app(door.services, documents=TrustedDocuments({"a": "{ nope }", "b": TEXT}))

    (record,) = caplog.records
    assert record.__dict__["document_id"] == document_id("{ nope }")


@pytest.mark.parametrize(
    "content",
    [
        {"Typename": TEXT},
        {f"sha256:{HASH}": TEXT},
        {
            "format": "apollo-persisted-query-manifest",
            "version": 1,
            "operations": [{"id": HASH, "name": "A", "type": "query", "body": TEXT}],
        },
    ],
)
def test_the_lists_of_the_usual_tools_are_read(tmp_path: Path, content: object) -> None:
    path = tmp_path / "documents.json"
    path.write_text(json.dumps(content))

    assert list(read_manifest(path).values()) == [TEXT]
    assert TrustedDocuments(read_manifest(path), trust=Trust.ONLY).text_of(apollo()) == TEXT


def test_a_folder_of_documents_is_a_list(tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "Typename.graphql").write_text(TEXT)
    (tmp_path / "readme.md").write_text("nothing")

    assert read_manifest(tmp_path) == {"Typename": TEXT}


@pytest.mark.parametrize("content", ["", "[]", '{"a": 5}', '{"sha256:00": "{ a }"}', "{"])
def test_a_list_that_is_none_is_said_so(tmp_path: Path, content: str) -> None:
    path = tmp_path / "documents.json"
    path.write_text(content)

    with pytest.raises(ManifestError, match=r"documents\.json"):
        read_manifest(path)
    with pytest.raises(ManifestError, match="missing"):
        read_manifest(tmp_path / "missing")


def test_the_pages_own_documents_are_listed() -> None:
    assert OWN_PATH.read_text() == printed_documents(), "run `make schema`"


def test_the_pages_send_their_documents_as_they_are_listed() -> None:
    scripts = "".join(gzip.decompress(path.read_bytes()).decode() for path in BUILT.glob("*.js.gz"))

    listed = read_manifest(OWN_PATH)

    assert [text for text in listed.values() if text not in scripts] == []
    assert "subscription OrderEvents" in "".join(listed.values())


def test_what_is_neither_text_nor_name_is_no_document() -> None:
    with pytest.raises(BadRequestError):
        TrustedDocuments().text_of({"query": None})
