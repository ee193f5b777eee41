"""Stopping and outages: what is in flight is answered, who watches is told to come again, and probes tell the truth."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from db import migrate
from db.embedded import EmbeddedPostgres
from db.pool import Database as Pool
from tests.system.audit import broken_invariants, inbox, order_states
from tests.system.deliveries import PATH, open_payments, signed, success
from tests.system.processes import (
    SECRET_KEY,
    STAFF_KEY,
    STRIPE_KEY,
    STRIPE_WEBHOOK_SECRET,
    Server,
    eventually,
    free_port,
    run_command,
    server_settings,
    serving,
)
from tests.system.sessions import is_waiting_for_a_lock, locked
from tests.system.shop import UPDATED, Shop
from tests.system.wire import Line, ask, get, request

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from db.pool import Database

PAID: Final = ("CONFIRMED", "PAID", 4, 49_900, 0)
NEWER: Final = "9999"
OLDER: Final = "0001"
SERVICE_RESTART: Final = 1012
TRY_AGAIN_LATER: Final = 1013


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_server_told_to_stop_answers_what_is_in_flight_and_sends_watchers_elsewhere(
    database: Database, new_server: Callable[[], Server], number: signal.Signals
) -> None:
    held, idle = await open_payments(database, 2)
    delivery = success(held.payment)
    server = new_server()
    shop = Shop(server)

    async with serving(server), shop.socket((await shop.guest_of(idle.order)).token) as client:
        guest = await shop.guest_of(idle.order)
        await client.subscribe(UPDATED, {"id": guest.order_id})
        assert (await client.data())["orderUpdated"]["version"] == 2
        async with await Line.open(server.port) as line:
            async with locked(database, held.order.id):
                line.writer.write(delivery.request)
                await eventually(lambda: is_waiting_for_a_lock(database))
                server.signal(number)
                closed_with = await client.close_code()
                refused = await refuses(server)
            answer = await line.answer()
        code = await server.ended()

    assert closed_with == SERVICE_RESTART
    assert refused
    assert (answer.status, answer.json) == (200, {"status": "APPLIED"})
    assert code == 0
    assert await inbox(database) == {delivery.external_id: ("APPLIED", 1)}
    assert await order_states(database) == {PAID: 1, ("PENDING", "UNPAID", 2, 0, 0): 1}
    assert "Traceback" not in server.output()


async def test_a_server_that_drains_serves_on_while_it_asks_to_be_sent_nothing_more(
    database: Database, new_server: Callable[..., Server]
) -> None:
    first, second = await open_payments(database, 2)
    server = new_server(ORDERPULSE_DRAIN_SECONDS="120")

    async with serving(server):
        before = await get(server.port, "/readyz")
        server.signal(signal.SIGTERM)
        await eventually(lambda: _is_asked_for_nothing(server))
        said = await get(server.port, "/readyz")
        alive = await get(server.port, "/livez")
        settled = await ask(server.port, success(first.payment).request)
        async with await Line.open(server.port) as line:
            line.writer.write(success(second.payment).request)
            later = await line.answer()
        server.signal(signal.SIGTERM)
        code = await server.ended()

    assert (before.status, said.status, alive.status) == (200, 503, 200)
    assert said.json["problems"] == ["the server is starting or stopping"]
    assert [answer.json for answer in (settled, later)] == [{"status": "APPLIED"}] * 2
    assert code == 0
    assert await order_states(database) == {PAID: 2}


async def test_a_server_that_has_drained_ends_by_itself(new_server: Callable[..., Server]) -> None:
    server = new_server(ORDERPULSE_DRAIN_SECONDS="1.5")
    loop = asyncio.get_running_loop()

    async with serving(server):
        told_at = loop.time()
        server.signal(signal.SIGTERM)
        code = await server.ended()

    assert code == 0
    assert loop.time() - told_at >= 1.5


async def _is_asked_for_nothing(server: Server) -> bool:
    return (await get(server.port, "/readyz")).status == 503


async def refuses(server: Server) -> bool:
    """Whether nobody can connect any more."""
    try:
        await get(server.port, "/livez")
    except OSError:
        return True
    return False


async def test_while_the_database_is_away_everybody_is_told_to_come_again_and_then_all_goes_on(
    tmp_path: Path,
) -> None:
    with tempfile.TemporaryDirectory(prefix="op") as folder:
        postgres = EmbeddedPostgres(Path(folder), durable=False)
        await postgres.start()
        try:
            await migrate.upgrade(postgres.dsn)
            settings = {"DATABASE_URL": postgres.dsn, **server_settings()}
            server = Server(free_port(), tmp_path / "server.log", settings)
            async with serving(server):
                await outage(postgres, server)
        finally:
            await postgres.stop()


async def outage(postgres: EmbeddedPostgres, server: Server) -> None:
    """Take the database away from a server while webhooks, queries and watchers come, and bring it back."""
    shop = Shop(server)
    async with Pool(postgres.dsn) as database:
        (opened,) = await open_payments(database, 1)
    delivery = success(opened.payment)
    guest = await shop.guest_of(opened.order)
    async with shop.socket(guest.token) as watcher:
        await watcher.subscribe(UPDATED, {"id": guest.order_id})
        assert (await watcher.data())["orderUpdated"]["version"] == 2

        await postgres.stop()
        webhook = asyncio.create_task(ask(server.port, delivery.request))
        live, ready = [await get(server.port, path) for path in ("/livez", "/readyz")]
        query = await ask(server.port, _graphql(guest.order_id, guest.token))
        forged = await ask(server.port, request("POST", PATH, b"{}"))
        newcomer = await shop.turned_away(guest.token)
        late = await webhook
        assert (live.status, ready.status) == (200, 503)
        assert ready.json["problems"] == ["the database does not answer"]
        assert query.json["errors"][0]["extensions"]["code"] == "UNAVAILABLE"
        assert (forged.status, newcomer) == (400, TRY_AGAIN_LATER)
        assert (late.status, late.headers["retry-after"]) == (503, "1")

        await postgres.start()
        await eventually(server.is_ready)
        again = await ask(server.port, delivery.request)
        assert (again.status, again.json) == (200, {"status": "APPLIED"})
        assert (await watcher.data())["orderUpdated"]["version"] == 4
    async with Pool(postgres.dsn) as database:
        assert await inbox(database) == {delivery.external_id: ("APPLIED", 1)}
        assert await order_states(database) == {PAID: 1}
        assert await broken_invariants(database) == []


def _graphql(order_id: str, key: str) -> bytes:
    body = f'{{"query": "{{ order(id: \\"{order_id}\\") {{ version }} }}"}}'.encode()
    headers = {"content-type": "application/json", "authorization": f"Bearer {key}"}
    return request("POST", "/graphql", body, headers)


async def test_in_production_figures_and_the_schema_are_not_for_everybody(
    database: Database, tmp_path: Path
) -> None:
    settings = {
        "DATABASE_URL": database.dsn,
        "ORDERPULSE_MODE": "production",
        "ORDERPULSE_SECRET_KEY": SECRET_KEY,
        "ORDERPULSE_STAFF_KEYS": STAFF_KEY,
        "ORDERPULSE_STRIPE_SECRET_KEY": STRIPE_KEY,
        "ORDERPULSE_STRIPE_PUBLISHABLE_KEY": "pk_test_public",
        "ORDERPULSE_STRIPE_WEBHOOK_SECRETS": STRIPE_WEBHOOK_SECRET,
    }
    server = Server(free_port(), tmp_path / "server.log", settings)
    introspection = b'{"query": "{ __schema { queryType { name } } }"}'

    async with serving(server):
        keys = [{}, {"authorization": "Bearer nobody's"}, {"authorization": f"Bearer {STAFF_KEY}"}]
        figures = [(await get(server.port, "/metrics", key)).status for key in keys]
        paths = ("/", "/graphiql", "/console", "/readyz")
        pages = [(await get(server.port, path)).status for path in paths]
        schema = await ask(
            server.port,
            request("POST", "/graphql", introspection, {"content-type": "application/json"}),
        )
        sandbox = await ask(server.port, signed(b"{}"))

    assert figures == [401, 401, 200]
    assert pages == [404, 404, 200, 200]
    assert "errors" in schema.json
    assert schema.json.get("data") is None
    assert sandbox.status == 404


@contextlib.asynccontextmanager
async def schema_at(database: Database, revision: str) -> AsyncIterator[None]:
    """Have the database say that it is at a revision while the block lasts."""
    said = "UPDATE alembic_version SET version_num = $1"
    await database.fetch(said, revision)
    try:
        yield
    finally:
        await database.fetch(said, migrate.head())


async def test_a_release_goes_on_with_the_schema_of_a_newer_one_and_not_with_an_older(
    database: Database, new_server: Callable[[], Server]
) -> None:
    """While the replicas are replaced one by one, the newer release has migrated, and the old ones may start again."""
    server = new_server()
    async with schema_at(database, NEWER), serving(server):
        commands = [
            await run_command(command, DATABASE_URL=database.dsn)
            for command in ("migrate", "audit", "doctor")
        ]
        newer = await get(server.port, "/readyz")
        async with schema_at(database, OLDER):
            older = await get(server.port, "/readyz")

    migrated, audited, examined = commands
    assert (newer.status, newer.json["problems"]) == (200, [])
    assert (older.status, older.json["problems"]) == (
        503,
        [f"the schema is not at {migrate.head()}: run `orderpulse migrate`"],
    )
    assert (migrated.code, migrated.output.strip()) == (0, f"The schema is at {NEWER} already.")
    assert audited.code == 0, audited.errors
    assert "orderpulse migrate" not in examined.output
