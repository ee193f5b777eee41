"""Kill what can be killed in the middle of a stream of webhooks: what was answered stays, what was not comes again."""

from __future__ import annotations

import asyncio
import signal
from typing import TYPE_CHECKING, Final

import asyncpg

from db.embedded import EmbeddedPostgres
from db.pool import Database
from tests.db.embedded_process import kill, postmaster, short_folder
from tests.system.audit import broken_invariants, inbox, order_states
from tests.system.deliveries import Insisting, open_payments, success
from tests.system.processes import Server, free_port, server_settings, serving

if TYPE_CHECKING:
    from collections.abc import Callable

COUNT: Final = 500
SENDERS: Final = 40
PAID: Final = {("CONFIRMED", "PAID", 4, 49_900, 0): COUNT}


async def test_a_server_killed_in_the_middle_of_500_webhooks_loses_and_doubles_nothing(
    database: Database, new_server: Callable[[], Server]
) -> None:
    deliveries = [success(opened.payment) for opened in await open_payments(database, COUNT)]
    server = new_server()
    gateway = Insisting(server.port)

    async with serving(server):
        sending = asyncio.create_task(gateway.send_all(deliveries, SENDERS))
        for accepted in (120, 320):
            await gateway.accepts(accepted)
            server.signal(signal.SIGKILL)
            killed = await server.ended()
            answered = set(gateway.accepted)
            kept = await inbox(database)
            assert killed == -signal.SIGKILL
            assert len(answered) < COUNT
            assert {kept[external_id][0] for external_id in answered} == {"APPLIED"}
            await server.start()
        await sending

    assert await order_states(database) == PAID
    assert {status for status, _ in (await inbox(database)).values()} == {"APPLIED"}
    assert set(await inbox(database)) == gateway.accepted == {d.external_id for d in deliveries}
    assert await broken_invariants(database) == []
    assert gateway.unanswered > 0
    assert set(gateway.statuses) == {200}


async def test_a_database_killed_in_the_middle_of_500_webhooks_is_back_without_a_restart_of_the_server() -> (
    None
):
    with short_folder() as folder:
        port = free_port()
        settings = {"ORDERPULSE_DATA_DIR": str(folder), **server_settings()}
        server = Server(port, folder / "server.log", settings)
        async with (
            serving(server),
            EmbeddedPostgres(folder / "postgres") as postgres,
            Database(postgres.dsn) as database,
        ):
            pid = server.pid
            deliveries = [success(opened.payment) for opened in await open_payments(database, COUNT)]
            gateway = Insisting(port)
            sending = asyncio.create_task(gateway.send_all(deliveries, SENDERS))

            await gateway.accepts(50)
            cut = [await cut_connections(postgres.superuser_dsn)]
            await gateway.accepts(150)
            kill(postmaster(folder / "postgres"))
            await gateway.accepts(300)
            cut.append(await cut_connections(postgres.superuser_dsn))
            await sending

            assert all(cut)
            assert await order_states(database) == PAID
            assert set(await inbox(database)) == gateway.accepted
            assert await broken_invariants(database) == []
            assert set(gateway.statuses) <= {200, 503}
            assert (gateway.unanswered, server.pid) == (0, pid)
            assert await server.is_ready()


async def cut_connections(superuser_dsn: str) -> int:
    """End every settling connection of the server's, whatever it is doing, and return how many there were."""
    connection = await asyncpg.connect(superuser_dsn)
    try:
        rows = await connection.fetch(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'orderpulse-settle-%'"
        )
        return len(rows)
    finally:
        await connection.close()
