"""A throwaway Redis for the tests that load this as a plugin; they are left out where none is installed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from tests.app.redis_server import MISSING, installed, running

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.app.redis_server import Redis


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def maybe_redis() -> AsyncIterator[Redis | None]:
    """A server, or None where there is none to run: for tests that also run over something else."""
    if not installed():
        yield None
        return
    async with running() as server:
        yield server


@pytest.fixture
def scratch_redis(maybe_redis: Redis | None) -> Redis:
    if maybe_redis is None:
        pytest.skip(MISSING)
    return maybe_redis
