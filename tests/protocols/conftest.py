"""The running server that the tests of this folder speak to, by the protocols alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.system.processes import Server, free_port, server_settings, serving, with_password

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest.fixture(scope="module")
async def server(database_dsn: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    """A server of all roles, that speaks all it can. Whatever is sent to it, it has no error to log."""
    folder = tmp_path_factory.mktemp("protocols")
    settings = {
        "DATABASE_URL": with_password(database_dsn),
        "ORDERPULSE_DATA_DIR": str(folder),
        "ORDERPULSE_ALLOWED_ORIGINS": "https://shop.example",
        "ORDERPULSE_QUERIES_BY_GET": "true",
        **server_settings(),
    }
    started = Server(free_port(), folder / "server.log", settings)
    async with serving(started):
        yield started
    assert [
        line for line in started.output().splitlines() if '"level":"error"' in line or "Traceback" in line
    ] == []
