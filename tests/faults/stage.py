"""A stage: a database of its own, a sandbox of its own and a forked server between them, for one run after the other."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import asyncpg

from app.simulators.sandbox import SandboxConfig
from app.simulators.sandbox import serving as sandbox_serving
from db import migrate
from db.embedded import EmbeddedPostgres
from db.pool import Database
from tests.conftest import TABLES
from tests.db.embedded_process import short_folder
from tests.faults.servers import ForkedServer, Nursery, listen, nursery
from tests.faults.truth import Truth
from tests.faults.waiting import deadline
from tests.system.processes import SANDBOX_KEY, SANDBOX_WEBHOOK_SECRET, server_settings
from tests.system.wire import LOST, ask, get, request

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

READY_SECONDS_MAX: Final = 20.0
POLL_SECONDS: Final = 0.005
HANG_SECONDS: Final = 0.8
"""Longer than a sender waits and than a key's lease lasts here."""


@dataclass
class Stage:
    """Where runs happen."""

    name: str
    server: ForkedServer
    sandbox_port: int
    truth: Truth
    database: Database
    """As the superuser: never turned away."""
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
        """Empty the database."""
        await self.database.fetch(f"TRUNCATE {TABLES}")

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


@contextlib.asynccontextmanager
async def stages(count: int, *, durable: bool = False) -> AsyncIterator[list[Stage]]:
    """Set up so many stages on one PostgreSQL and one nursery."""
    listeners = [listen() for _ in range(count)]
    with short_folder() as folder:
        async with (
            EmbeddedPostgres(folder / "postgres", durable=durable) as postgres,
            nursery(*listeners) as forking,
            contextlib.AsyncExitStack() as stack,
        ):
            await migrate.upgrade(postgres.dsn)
            made = []
            for number, listener in enumerate(listeners):
                stack.enter_context(listener)
                own = folder / f"stage-{number}"
                own.mkdir()
                name = f"stage_{number}"
                await _copy_database(postgres.superuser_dsn, name)
                addresses = [_named(each, name) for each in (postgres.dsn, postgres.superuser_dsn)]
                sandbox_url = await stack.enter_async_context(sandbox(own))
                settings = server_settings(sandbox_url=sandbox_url)
                server = await stack.enter_async_context(
                    forked(ForkedServer(forking, listener, own, addresses[0], _plain(settings)))
                )
                truth = stack.enter_context(contextlib.closing(Truth(own / "truth.log")))
                database = await stack.enter_async_context(Database(addresses[1], size=4))
                made.append(Stage(name, server, int(sandbox_url.rpartition(":")[2]), truth, database))
            yield made


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


def keep_logs(folder: Path, kept: Path) -> None:
    """Copy what servers printed to where it outlives the run."""
    for log in folder.glob("stage-*/server.log"):
        shutil.copy(log, kept / f"{log.parent.name}.log")


async def _copy_database(superuser_dsn: str, name: str) -> None:
    connection = await asyncpg.connect(superuser_dsn)
    try:
        await connection.execute(f'CREATE DATABASE "{name}" TEMPLATE orderpulse OWNER orderpulse')
    finally:
        await connection.close()


def _named(dsn: str, database: str) -> str:
    """Return the address of another database of the same server."""
    head, _, query = dsn.partition("?")
    return f"{head.rpartition('/')[0]}/{database}?{query}"


def _plain(settings: dict[str, str]) -> dict[str, str]:
    return {name.removeprefix("ORDERPULSE_").lower(): value for name, value in settings.items()}
