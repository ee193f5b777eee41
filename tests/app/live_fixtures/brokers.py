"""Brokers behind a wire that can be hurt: what the contract of the relay's backends is checked with."""

from __future__ import annotations

import contextlib
import tempfile
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from app.relay import LineBackend, LineLimits, RedisLine
from tests.app.live_fixtures.notifications import open_line
from tests.faults.wires import NOTIFICATIONS, to_postgresql, to_redis

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from app.relay import Line
    from tests.app.redis_server import Redis
    from tests.app.scratch_postgres import Scratch
    from tests.faults.wires import Wire

IMPATIENT: Final = LineLimits(answer_seconds_max=0.4, ping_seconds=0.1, retry_seconds_max=0.1)


@dataclass(frozen=True, slots=True)
class Broker:
    """A broker, directly and by way of a wire."""

    direct: Callable[[], Awaitable[Line]]
    through: Callable[[], Awaitable[Line]]
    wire: Wire

    def backend(self, namespace: str, limits: LineLimits = IMPATIENT) -> LineBackend:
        """Return a backend that no fault meets."""
        return LineBackend(self.direct, namespace=namespace, limits=limits)

    def behind_the_wire(self, namespace: str, limits: LineLimits = IMPATIENT) -> LineBackend:
        """Return a backend whose every connection goes by the wire."""
        return LineBackend(self.through, namespace=namespace, limits=limits)


@contextlib.asynccontextmanager
async def postgresql(scratch: Scratch) -> AsyncIterator[Broker]:
    """Yield PostgreSQL."""
    far = scratch.dsn.partition("host=")[2].partition("&")[0]
    wire = to_postgresql(f"{far}/.s.PGSQL.5432")
    with tempfile.TemporaryDirectory(prefix="op") as near:
        async with wire.on_path(Path(near) / ".s.PGSQL.5432"):
            through = partial(
                open_line, scratch.dsn.replace(far, near), application_name=NOTIFICATIONS.decode()
            )
            yield Broker(partial(open_line, scratch.dsn), through, wire)


@contextlib.asynccontextmanager
async def redis(server: Redis) -> AsyncIterator[Broker]:
    """Yield Redis."""
    wire = to_redis(server.socket)
    async with wire.on_port() as port:
        yield Broker(
            partial(RedisLine.open, server.url), partial(RedisLine.open, f"redis://127.0.0.1:{port}"), wire
        )
