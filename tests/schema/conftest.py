"""The shop that the tests of the API visit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from db.pool import Database
from tests.schema.shop import Shop, open_shop

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest.fixture
async def shop(database: Database) -> AsyncIterator[Shop]:
    """A shop on an empty database."""
    async with open_shop(database) as opened:
        yield opened


@pytest.fixture(scope="module")
async def door(database_dsn: str) -> AsyncIterator[Shop]:
    """A shop for the tests of one module that knock and don't care what is in it."""
    async with Database(database_dsn) as pool, open_shop(pool) as opened:
        yield opened
