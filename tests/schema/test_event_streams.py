"""Event streams: every result as it comes, an end that says what it is, and nothing left behind."""

from __future__ import annotations

import asyncio
import json
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import httpx2
import pytest

from app.auth import AuthenticationError
from app.domain.errors import ErrorCode
from app.rates import OpenStreams, StreamLimits
from db.embedded import EmbeddedPostgres
from db.pool import Database
from schema import Services, event_streams, graphql_app
from schema.trusted import Trust, TrustedDocuments
from tests.schema.shop import DEADLINE_SECONDS, STAFF, Shop, explained

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping
    from pathlib import Path

EVENTS = "text/event-stream"
ACCEPT = {"accept": EVENTS}
TYPENAME = {"query": "{ __typename }"}
ENDLESS = {"query": "subscription { allOrderEvents { version } }"}
UPDATED = "subscription($id: ID!) { orderUpdated(id: $id) { version paymentStatus } }"
COMPLETE = ("complete", None)


def bearer(key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}"}


@dataclass(frozen=True, slots=True)
class Stream:
    """An open event stream."""

    response: httpx2.Response
    lines: AsyncIterator[str]

    async def line(self) -> str | None:
        """Return the next line; None at the end."""
        async with asyncio.timeout(DEADLINE_SECONDS):
            return await anext(self.lines, None)

    async def event(self) -> tuple[str, Any] | None:
        """Return the next event's name and data; None at the stream's end."""
        name, data = "", None
        while (line := await self.line()) is not None:
            if not line and name:
                return name, data
            field, _, value = line.partition(":")
            name = value.strip() if field == "event" else name
            data = json.loads(value) if field == "data" and value else data
        return None

    async def data(self) -> Any:  # noqa: ANN401 - JSON
        """Return the data of the next event, which is a `next` without errors."""
        event = await self.event()
        assert event is not None
        assert (event[0], event[1].keys()) == ("next", {"data"})
        return event[1]["data"]


@asynccontextmanager
async def streaming(
    shop: Shop, body: object, headers: Mapping[str, str] | None = None
) -> AsyncIterator[Stream]:
    """Open an event stream over a socket."""
    async with (
        httpx2.AsyncClient(timeout=DEADLINE_SECONDS) as http,
        http.stream("POST", shop.url, json=body, headers={**ACCEPT, **(headers or {})}) as response,
    ):
        yield Stream(response, response.aiter_lines())


async def ask(services: Services, body: object = TYPENAME, **options: Any) -> httpx2.Response:  # noqa: ANN401 - as they are
    """Ask an API of these services for an event stream that ends by itself."""
    transport = httpx2.ASGITransport(app=graphql_app(services, **options))
    async with httpx2.AsyncClient(transport=transport, base_url="http://shop.test") as http:
        return await http.post("/", json=body, headers=ACCEPT)


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(DEADLINE_SECONDS):
        while not holds():  # noqa: ASYNC110 - other tasks' doing
            await asyncio.sleep(0.01)


@pytest.mark.parametrize(("kind", "typename"), [("query", "Query"), ("mutation", "Mutation")])
async def test_an_operation_is_one_event_and_its_completion(door: Shop, kind: str, typename: str) -> None:
    async with streaming(door, {"query": f"{kind} {{ __typename }}"}) as stream:
        head = stream.response.headers
        events = [await stream.event() for _ in range(3)]

    assert stream.response.status_code == 200
    assert head["content-type"] == f"{EVENTS}; charset=utf-8"
    assert (head["cache-control"], head["x-accel-buffering"]) == ("no-store", "no")
    assert events == [("next", {"data": {"__typename": typename}}), COMPLETE, None]


async def test_a_stream_says_first_when_to_come_back(door: Shop) -> None:
    async with streaming(door, TYPENAME) as stream:
        first = await stream.line()

    assert first is not None
    name, _, milliseconds = first.partition(": ")
    assert name == "retry"
    assert 500 <= int(milliseconds) <= 5_000


async def test_a_watcher_hears_of_every_change(door: Shop) -> None:
    guest = await door.order()
    body = {"query": UPDATED, "variables": {"id": guest.order_id}}
    async with streaming(door, body, bearer(guest.token)) as stream:
        first = (await stream.data())["orderUpdated"]
        payment = await door.open_payment(guest)
        await door.use_card(payment["reference"])
        last = first
        while last["paymentStatus"] != "PAID":
            last = (await stream.data())["orderUpdated"]

    assert first == {"version": 1, "paymentStatus": "UNPAID"}
    assert last == {"version": 4, "paymentStatus": "PAID"}


@pytest.mark.parametrize(
    ("query", "hint"),
    [
        ("{", "Syntax Error"),
        ("{ nope }", "Cannot query field"),
        ("query($n: Int!) { orders(first: $n) { nodes { id } } }", "$n"),
        ('subscription { orderUpdated(id: "x") { version } }', "There is no such order"),
        (ENDLESS["query"], "scope"),
    ],
)
async def test_what_cannot_run_says_so_in_an_event(door: Shop, query: str, hint: str) -> None:
    async with streaming(door, {"query": query}) as stream:
        first, second, end = [await stream.event() for _ in range(3)]

    assert first is not None
    assert (first[0], first[1].keys()) == ("next", {"errors"})
    assert hint in first[1]["errors"][0]["message"]
    assert (second, end) == (COMPLETE, None)


@pytest.mark.parametrize(
    ("body", "headers", "status", "code"),
    [
        ([], {}, 400, "BAD_REQUEST"),
        ({"query": 5}, {}, 400, "BAD_REQUEST"),
        ({**TYPENAME, "variables": {"x": "4242424242424242"}}, {}, 400, "CARD_NUMBER"),
        ({"documentId": "sha256:" + "0" * 64}, {}, 400, "PERSISTED_QUERY_NOT_FOUND"),
        (TYPENAME, bearer("nonsense"), 401, "UNAUTHENTICATED"),
        (TYPENAME, {"content-type": "text/plain"}, 415, "BAD_REQUEST"),
    ],
)
async def test_a_request_that_is_none_is_refused_as_any_other(
    door: Shop, body: object, headers: dict[str, str], status: int, code: str
) -> None:
    response = await door.http.post("/graphql", json=body, headers={**ACCEPT, **headers})

    assert response.status_code == status
    assert response.headers["content-type"] == "application/json; charset=utf-8"
    (error,) = response.json()["errors"]
    assert error["extensions"] == explained(code)


async def test_only_trusted_documents_are_streamed_where_others_are_not_run(door: Shop) -> None:
    text = TYPENAME["query"]

    untrusted = await ask(door.services, documents=TrustedDocuments({}, trust=Trust.ONLY))
    trusted = await ask(door.services, documents=TrustedDocuments({"it": text}, trust=Trust.ONLY))

    assert untrusted.status_code == 403
    assert untrusted.json()["errors"][0]["extensions"] == explained("DOCUMENT_NOT_TRUSTED")
    assert trusted.headers["content-type"].startswith(EVENTS)


async def test_where_there_are_no_streams_none_can_be_had(door: Shop) -> None:
    response = await ask(door.services, event_streams=False)

    assert response.status_code == 406


async def test_by_get_a_stream_takes_all_but_mutations(door: Shop) -> None:
    transport = httpx2.ASGITransport(app=graphql_app(door.services, queries_by_get=True))
    async with httpx2.AsyncClient(transport=transport, base_url="http://shop.test", headers=ACCEPT) as http:
        query = (await http.get("/", params=TYPENAME)).text
        mutation = (await http.get("/", params={"query": "mutation { __typename }"})).text
        subscription = (await http.get("/", params=ENDLESS)).text

    assert 'event: next\ndata: {"data":{"__typename":"Query"}}\n\nevent: complete\ndata:\n\n' in query
    assert "A mutation can't be run here." in mutation
    assert "scope" in subscription


async def test_a_silent_stream_has_a_heartbeat(door: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_streams, "HEARTBEAT_SECONDS", 0.05)
    async with streaming(door, ENDLESS, bearer(STAFF)) as stream:
        await stream.line()
        lines = [await stream.line() for _ in range(5)]

    assert lines == ["", ":", "", ":", ""]


async def test_who_leaves_ends_the_operation(door: Shop) -> None:
    guest = await door.order()
    body = {"query": UPDATED, "variables": {"id": guest.order_id}}
    before = door.services.hub.watchers
    async with streaming(door, body, bearer(guest.token)) as stream:
        await stream.data()
        during = door.services.hub.watchers, door.services.event_streams.number

    await until(lambda: door.services.hub.watchers == before)

    assert during == (before + 1, 1)
    assert door.services.event_streams.number == 0


async def test_a_revoked_token_ends_the_stream(door: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door.services.authenticator.vigil, "_check_seconds", 0.1)
    guest = await door.order()
    body = {"query": UPDATED, "variables": {"id": guest.order_id}}
    async with streaming(door, body, bearer(guest.token)) as stream:
        await stream.data()

        await door.revoke(guest.token)
        events = [await stream.event() for _ in range(3)]

    error = {"message": str(AuthenticationError()), "extensions": explained("UNAUTHENTICATED")}
    assert events == [("next", {"errors": [error]}), COMPLETE, None]


async def test_a_stream_that_the_process_ends_is_not_complete(shop: Shop) -> None:
    guest = await shop.order()
    body = {"query": UPDATED, "variables": {"id": guest.order_id}}
    async with streaming(shop, body, bearer(guest.token)) as stream:
        await stream.data()

        await shop.services.hub.stop()

        assert await stream.event() is None


async def test_without_the_database_a_stream_is_not_complete(
    door: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    guest = await door.order()
    server = EmbeddedPostgres(tmp_path, durable=False)
    async with server, Database(server.dsn) as away:
        await server.stop()
        monkeypatch.setattr(door.services.views, "_reader", away)
        body = {"query": UPDATED, "variables": {"id": guest.order_id}}
        async with streaming(door, body, bearer(STAFF)) as stream:
            event = await stream.event()

    assert event is None


async def test_a_caller_has_twenty_streams_at_once(door: Shop) -> None:
    guest = await door.order()
    body = {"query": UPDATED, "variables": {"id": guest.order_id}}
    async with AsyncExitStack() as stack:
        for _ in range(20):
            stream = await stack.enter_async_context(streaming(door, body, bearer(guest.token)))
            assert stream.response.status_code == 200
        async with streaming(door, body, bearer(guest.token)) as refused:
            await refused.response.aread()
        async with streaming(door, TYPENAME) as another:
            others = another.response.status_code

    assert (refused.response.status_code, refused.response.headers["retry-after"]) == (429, "5")
    assert refused.response.json()["errors"][0]["extensions"]["code"] == ErrorCode.RATE_LIMITED
    assert others == 200
    await until(lambda: door.services.event_streams.number == 0)


@pytest.mark.parametrize(
    ("limits", "status"),
    [
        (StreamLimits(altogether=0), 503),
        (StreamLimits(per_address=0), 429),
        (StreamLimits(per_caller=0), 429),
    ],
)
async def test_one_stream_too_many_is_told_when_to_come_again(
    door: Shop, limits: StreamLimits, status: int
) -> None:
    streams = OpenStreams(limits)

    response = await ask(replace(door.services, event_streams=streams))

    assert response.status_code == status
    assert int(response.headers["retry-after"]) >= 1
    assert response.json().keys() == {"errors"}
    assert (streams.number, streams.refused) == (0, 1)
