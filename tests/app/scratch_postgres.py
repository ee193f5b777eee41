"""A throwaway PostgreSQL for the tests that load this as a plugin: `scratch` names its addresses."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest_asyncio

from db.embedded import EmbeddedPostgres

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@dataclass(frozen=True, slots=True, kw_only=True)
class Scratch:
    """Where the server is, as the application and as somebody who may hurt it."""

    dsn: str
    superuser_dsn: str


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def scratch() -> AsyncIterator[Scratch]:
    with tempfile.TemporaryDirectory(prefix="op") as folder:
        async with EmbeddedPostgres(Path(folder), durable=False) as server:
            yield Scratch(dsn=server.dsn, superuser_dsn=server.superuser_dsn)
