"""The running system that the tests of this folder share: two servers on one database, the sandbox, and localstripe."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from tests.system import processes
from tests.system.processes import SECRETS, Server, free_port, server_settings, serving, with_password
from tests.system.shop import Shop

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from db.pool import Database


@dataclass(frozen=True, slots=True)
class System:
    """Where everything is. The sandbox sends its webhooks to `first`; `second` logs all that it can."""

    first: Server
    second: Server
    stripe_url: str
    sandbox_url: str


@pytest.fixture(scope="session")
async def running(database_dsn: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[System]:
    """Everything, started once. Whatever the tests do to it, no secret may be in what the servers print."""
    folder = tmp_path_factory.mktemp("system")
    port = free_port()
    async with (
        processes.localstripe() as stripe_url,
        processes.sandbox(f"http://127.0.0.1:{port}/webhooks/sandbox", folder) as sandbox_url,
    ):
        settings = {
            "DATABASE_URL": with_password(database_dsn),
            "ORDERPULSE_DATA_DIR": str(folder),
            **server_settings(sandbox_url=sandbox_url, stripe_url=stripe_url),
        }
        first = Server(port, folder / "first.log", settings)
        second = Server(free_port(), folder / "second.log", {**settings, "ORDERPULSE_LOG_LEVEL": "debug"})
        async with serving(first, second):
            yield System(first, second, stripe_url, sandbox_url)
        printed = first.output() + second.output()
        assert [secret for secret in SECRETS if secret in printed] == []


@pytest.fixture
def system(running: System, database: Database) -> System:
    """The running system on an empty database."""
    del database  # emptied by being asked for
    return running


@pytest.fixture
def shop(system: System) -> Shop:
    """The first server as front ends see it."""
    return Shop(system.first)


@pytest.fixture
def new_server(database_dsn: str, tmp_path: Path) -> Callable[..., Server]:
    """Make servers, with further settings, that a test may do anything to; it starts them."""

    def make(**further: str) -> Server:
        port = free_port()
        settings = {
            "DATABASE_URL": with_password(database_dsn),
            "ORDERPULSE_DATA_DIR": str(tmp_path),
            **server_settings(),
            **further,
        }
        return Server(port, tmp_path / f"{port}.log", settings)

    return make
