"""A stage: a database, a sandbox and a forked server between them, all its own, for one run after the other."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import asyncpg

from app.simulators.sandbox import SandboxConfig
from app.simulators.sandbox import serving as sandbox_serving
from db import migrate
from db.embedded import EmbeddedPostgres
from db.pool import Database
from tests.conftest import empty
from tests.db.embedded_process import short_folder
from tests.faults.servers import ForkedServer, Nursery, listen, nursery
from tests.faults.truth import Truth
from tests.faults.waiting import deadline
from tests.system.processes import SANDBOX_KEY, SANDBOX_WEBHOOK_SECRET, server_settings
from tests.system.wire import LOST, ask, get, request

if TYPE_CHECKING:
    import socket
    from collections.abc import AsyncIterator, Callable, Sequence
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

READY_SECONDS_MAX: Final = 20.0
POLL_SECONDS: Final = 0.005
LEASE_SECONDS: Final = 1
"""How long a piece of work is left to a worker that says nothing any more: the least that the settings allow."""
HANG_SECONDS: Final = 1.3
"""Longer than a sender waits, and than a key's lease and a worker's last here."""


@contextlib.asynccontextmanager
async def _straight(dsn: str) -> AsyncIterator[str]:
    yield dsn


@dataclass
class Stage:
    """Where runs happen."""

    server: ForkedServer
    sandbox_port: int
    truth: Truth
    database: Database
    """As the superuser: never turned away."""
    works: bool = False
    """Whether the server does owed work."""
    runs: int = field(default=0, init=False)

    async def sandbox(self, method: str, path: str, body: object = None) -> Any:  # noqa: ANN401 - JSON
        """Do something at the gateway."""
        headers = {"authorization": f"Bearer {SANDBOX_KEY}", "content-type": "application/json"}
        given = b"" if body is None else json.dumps(body).encode()
        return (await ask(self.sandbox_port, request(method, path, given, headers, close=True))).json

    async def ready(self) -> None:
        """Wait until the server serves: what it does when it starts is over."""
        async with deadline(READY_SECONDS_MAX, "the server does not start"):
            while True:
                with contextlib.suppress(*LOST):
                    if (await get(self.server.port, "/readyz")).status == 200:
                        return
                await asyncio.sleep(POLL_SECONDS)

    async def clear(self) -> None:
        """Empty the database, with nobody left who could write there what earlier runs had them do."""
        await self.server.restart()
        async with self.database.connection() as connection:
            await empty(connection)

    async def cut_connections(self) -> int:
        """End every connection of the server's to its database; return how many there were."""
        rows = await self.database.fetch(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND usename = 'orderpulse'"
        )
        return len(rows)

    @contextlib.asynccontextmanager
    async def database_away(self) -> AsyncIterator[None]:
        """Turn the server away from its database while the block lasts."""
        name = await self.database.fetch("SELECT current_database()")
        await self.database.fetch(f'ALTER DATABASE "{name[0][0]}" CONNECTION LIMIT 0')
        await self.cut_connections()
        try:
            yield
        finally:
            await self.database.fetch(f'ALTER DATABASE "{name[0][0]}" CONNECTION LIMIT -1')


@dataclass(frozen=True, slots=True)
class Ground:
    """What stages stand on: one PostgreSQL, migrated, and one nursery, whose servers may listen on these sockets."""

    folder: Path
    """Of the stages."""
    postgres_folder: Path
    postgres: EmbeddedPostgres
    nursery: Nursery
    listeners: Sequence[socket.socket]

    @property
    def maintenance_dsn(self) -> str:
        """Return the address of the database that no stage uses, for the superuser."""
        return named(self.postgres.superuser_dsn, "postgres")


@contextlib.asynccontextmanager
async def ground(
    sockets: int, build: str, *, durable: bool = False, folder: Path | None = None
) -> AsyncIterator[Ground]:
    """Prepare the ground; PostgreSQL's data are in a folder of ours, or in one that is given."""
    with contextlib.ExitStack() as stack:
        own = stack.enter_context(short_folder(on_disk=durable and folder is None))
        listeners = [stack.enter_context(listen()) for _ in range(sockets)]
        data = (folder or own) / "postgres"
        async with (
            EmbeddedPostgres(data, durable=durable) as postgres,
            nursery(build, *listeners) as forking,
        ):
            await migrate.upgrade(postgres.dsn)
            yield Ground(own, data, postgres, forking, listeners)


@contextlib.asynccontextmanager
async def stages(count: int, build: str = "planted") -> AsyncIterator[list[Stage]]:
    """Set up so many stages on one ground. Servers that have points do owed work, too."""
    works = build == "planted"
    async with ground(count, build) as below, contextlib.AsyncExitStack() as stack:
        yield [await stack.enter_async_context(stage_on(below, n, works=works)) for n in range(count)]


@contextlib.asynccontextmanager
async def stage_on(
    below: Ground,
    number: int,
    through: Callable[[str], AbstractAsyncContextManager[str]] = _straight,
    *,
    works: bool = False,
) -> AsyncIterator[Stage]:
    """Set up one stage. `through` gives the address by which the server reaches its database.

    `works`: whether the server does owed work, too.
    """
    name = f"stage_{number}"
    own = below.folder / name
    own.mkdir()
    await _copy_database(below.maintenance_dsn, name)
    async with (
        sandbox(own) as sandbox_url,
        through(named(below.postgres.dsn, name)) as dsn,
        Database(named(below.postgres.superuser_dsn, name), size=4) as database,
    ):
        settings = _plain(server_settings(sandbox_url=sandbox_url))
        if works:
            settings |= {"worker": "true", "worker_lease_seconds": str(LEASE_SECONDS)}
        server = ForkedServer(below.nursery, below.listeners[number], own, dsn, settings)
        with contextlib.closing(Truth(own / "truth.log")) as truth:
            async with forked(server):
                yield Stage(server, int(sandbox_url.rpartition(":")[2]), truth, database, works)


@contextlib.asynccontextmanager
async def sandbox(folder: Path) -> AsyncIterator[str]:
    """Run a sandbox that keeps its truth log in the folder, and yield its address. Its webhooks are ours to send."""
    config = SandboxConfig(
        secret_key=SANDBOX_KEY,
        webhook_secret=SANDBOX_WEBHOOK_SECRET,
        log_path=folder / "truth.log",
        afterwards_seconds=0.0,
    )
    async with sandbox_serving(config) as url:
        yield url


@contextlib.asynccontextmanager
async def forked(server: ForkedServer) -> AsyncIterator[ForkedServer]:
    """Keep a server alive inside the block: whenever it ends, it is born again."""
    server.board.hang_seconds = HANG_SECONDS
    await server.start()
    keeping = asyncio.create_task(server.keep_alive())
    try:
        yield server
    finally:
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)
        await server.kill()


def dice(*seeds: object) -> random.Random:
    """Return dice that fall the same way for the same seeds."""
    return random.Random(":".join(map(str, seeds)))  # noqa: S311 - faults are no secret


async def _copy_database(superuser_dsn: str, name: str) -> None:
    connection = await asyncpg.connect(superuser_dsn)
    try:
        await connection.execute(f'CREATE DATABASE "{name}" TEMPLATE orderpulse OWNER orderpulse')
    finally:
        await connection.close()


def named(dsn: str, database: str) -> str:
    """Return the address of another database of the same server."""
    head, _, query = dsn.partition("?")
    return f"{head.rpartition('/')[0]}/{database}?{query}"


def _plain(settings: dict[str, str]) -> dict[str, str]:
    return {name.removeprefix("ORDERPULSE_").lower(): value for name, value in settings.items()}
