"""A world for one run: an empty database, simulators and the server, all on this machine and gone afterwards."""

from __future__ import annotations

import contextlib
import secrets
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from app.cli.chaos.shop import Shop
from app.cli.ports import listen
from app.cli.serving import serving
from app.cli.simulating import Simulated, simulated
from app.main import Wiring
from app.settings import isolated_settings
from db import migrate
from db.embedded import EmbeddedPostgres
from db.pool import Database

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence


GATEWAY_SECONDS: Final = 4.0
"""How long a call of a simulator that hangs is waited for."""


@dataclass(frozen=True, slots=True)
class World:
    """What there is."""

    url: str
    """Of the server."""
    shop: Shop
    simulators: Sequence[Simulated]
    database: Database


@contextlib.asynccontextmanager
async def open_world(gateways: Sequence[str]) -> AsyncIterator[World]:
    """Start everything. Nothing of the environment is used: no gateway but the simulators, and no other database."""
    async with contextlib.AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="orderpulse-chaos-")))
        listener = stack.enter_context(listen("127.0.0.1", 0))
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        simulators = [
            await stack.enter_async_context(simulated(name, f"{url}/webhooks/{name}")) for name in gateways
        ]
        staff_key = f"opk_{secrets.token_urlsafe(32)}"
        told = {name: value for each in simulators for name, value in each.settings.items()}
        settings = isolated_settings(
            data_dir=folder,
            public_url=url,
            staff_keys=[staff_key],
            worker_lease_seconds=10.0,
            gateway_timeout_seconds=GATEWAY_SECONDS,
            **told,
        )
        postgres = await stack.enter_async_context(EmbeddedPostgres(folder / "postgres", durable=False))
        await migrate.upgrade(postgres.dsn)
        database = await stack.enter_async_context(Database(postgres.dsn, size=2))
        wiring = Wiring(settings=settings, dsn=postgres.dsn, secret_key=secrets.token_urlsafe(32))
        server = await stack.enter_async_context(serving(wiring, listener))
        stack.callback(setattr, server, "should_exit", True)
        shop = await stack.enter_async_context(Shop(url, staff_key))
        yield World(url, shop, simulators, database)
