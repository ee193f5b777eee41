"""The shop that the tests of the API visit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.schema.shop import Shop, open_shop

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from db.pool import Database


@pytest.fixture
async def shop(database: Database) -> AsyncIterator[Shop]:
    """A shop on an empty database."""
    async with open_shop(database) as opened:
        yield opened
