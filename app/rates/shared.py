"""Counts that all processes share, in Redis."""

from __future__ import annotations

from typing import Final

from limits.aio.storage import RedisStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter
from redis.asyncio import BlockingConnectionPool

SHARED_SECONDS_MAX: Final = 0.1
"""How long a shared count is waited for."""
CONNECTIONS_MAX: Final = 16
_PREFIX: Final = "orderpulse:rates"


class SharedCounts:
    """The counts in one Redis; it is connected to when it is first asked."""

    def __init__(self, url: str) -> None:
        """Take where Redis is.

        Raises:
            ValueError: the address is none.
        """
        self._pool = BlockingConnectionPool.from_url(
            url,
            max_connections=CONNECTIONS_MAX,
            timeout=SHARED_SECONDS_MAX,
            socket_connect_timeout=SHARED_SECONDS_MAX,
            socket_timeout=SHARED_SECONDS_MAX,
        )
        storage = RedisStorage(
            "async+redis://",  # the pool knows where
            wrap_exceptions=True,
            implementation="redispy",
            key_prefix=_PREFIX,
            connection_pool=self._pool,  # type: ignore[arg-type]  # as its documentation says
        )
        self.limiter = SlidingWindowCounterRateLimiter(storage)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._pool.aclose()
