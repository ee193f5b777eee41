"""Roles: what each process serves and what it doesn't, with a payment that goes through all of them."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Final

import pytest
import websockets

from tests.schema.shop import PROTOCOL
from tests.system.deliveries import open_payments, success
from tests.system.processes import Server, eventually, free_port, server_settings, serving
from tests.system.shop import EVENTS, Shop
from tests.system.wire import ask, get, request

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from db.pool import Database

EVERYWHERE: Final = frozenset({"/livez", "/readyz", "/metrics"})
SERVED: Final = {
    "all": EVERYWHERE
    | {"graphql", "sockets", "streams", "webhooks", "/track/none", "/", "/console", "/graphiql"},
    "api": EVERYWHERE | {"graphql", "/track/none", "/", "/console", "/graphiql"},
    "webhooks": EVERYWHERE | {"webhooks"},
    "live": EVERYWHERE | {"graphql", "sockets", "streams", "/track/none"},
    "worker": EVERYWHERE,
}
PAGES: Final = (*EVERYWHERE, "/track/none", "/", "/console", "/graphiql")
TYPENAME: Final = b'{"query": "{ __typename }"}'
JSON: Final = {"content-type": "application/json"}
HTML: Final = {"accept": "text/html"}


@pytest.fixture(scope="module")
async def roles(
    database_dsn: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[dict[str, Server]]:
    """One server of each role, on one database."""
    folder = tmp_path_factory.mktemp("roles")
    given = {"DATABASE_URL": database_dsn, "ORDERPULSE_DATA_DIR": str(folder), **server_settings()}
    made = {
        role: Server(free_port(), folder / f"{role}.log", {**given, "ORDERPULSE_ROLE": role})
        for role in SERVED
    }

    async def all_hear_each_other() -> bool:
        answers = [await get(server.port, "/readyz") for server in made.values()]
        return all(answer.json["broker"] for answer in answers)

    async with contextlib.AsyncExitStack() as stack:
        for server in made.values():  # one by one: together they would need the machine for themselves
            await stack.enter_async_context(serving(server))
        await eventually(all_hear_each_other)
        yield made


@pytest.mark.parametrize("role", SERVED)
async def test_a_role_serves_its_own_and_nothing_else(roles: dict[str, Server], role: str) -> None:
    port = roles[role].port

    answers = {path: await get(port, path, HTML) for path in PAGES}
    answers["webhooks"] = await ask(port, request("POST", "/webhooks/sandbox", b"{}"))
    answers["graphql"] = await ask(port, request("POST", "/graphql", TYPENAME, JSON))
    stream = await ask(port, request("POST", "/graphql", TYPENAME, {**JSON, "accept": "text/event-stream"}))
    served = {what for what, answer in answers.items() if b"There is no page here" not in answer.body}
    served -= {what for what, answer in answers.items() if answer.body == b"There is no page here\n"}
    if stream.status == 200:
        served.add("streams")
    if await opens_a_socket(port):
        served.add("sockets")

    assert served == SERVED[role]
    assert {answers[path].status for path in EVERYWHERE} == {200}
    assert b"orderpulse_broker_connected 1.0" in answers["/metrics"].body


async def opens_a_socket(port: int) -> bool:
    try:
        async with websockets.connect(f"ws://127.0.0.1:{port}/graphql", subprotocols=[PROTOCOL]):
            return True
    except websockets.InvalidStatus:
        return False


async def test_a_webhook_at_one_role_is_on_the_sockets_of_another(
    roles: dict[str, Server], database: Database
) -> None:
    (opened,) = await open_payments(database, 1)
    shop = Shop(roles["api"])
    guest = await shop.guest_of(opened.order)
    after = await shop.newest_cursor(guest)

    async with Shop(roles["live"]).socket(guest.token) as client:
        await client.subscribe(EVENTS, {"id": guest.order_id, "after": after})
        answer = await ask(roles["webhooks"].port, success(opened.payment).request)
        async with asyncio.timeout(3):
            events = [(await client.data())["orderEvents"] for _ in range(2)]

    assert answer.status == 200
    assert [(event["version"], event["type"]) for event in events] == [
        (3, "PAYMENT_SUCCEEDED"),
        (4, "ORDER_CONFIRMED"),
    ]


async def test_owed_work_is_done_by_the_worker_alone(roles: dict[str, Server]) -> None:
    figures = {role: (await get(server.port, "/metrics")).body for role, server in roles.items()}

    working = [role for role, text in figures.items() if b"orderpulse_jobs_due" in text]

    assert working == ["worker"]  # the one of all roles is told not to
