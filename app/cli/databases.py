"""Which database a command works on: the one that DATABASE_URL names, or the embedded one."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from db import migrate
from db.embedded import EmbeddedPostgres
from db.health import check_version

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from app.settings import Settings
    from db.embedded import EmbeddedDescription


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenDatabase:
    """A database that answers. `embedded` describes it when it is ours."""

    dsn: str
    embedded: EmbeddedDescription | None


@contextlib.asynccontextmanager
async def open_database(settings: Settings, *, reset: bool = False) -> AsyncIterator[OpenDatabase]:
    """Start or reach the database for as long as the block lasts. Only the embedded one can be reset.

    Raises:
        EmbeddedDatabaseError: it can't be started; the message says what to do.
        DatabaseUnavailableError: nothing answers at DATABASE_URL, or it is too old.
    """
    if settings.database_url is not None:
        dsn = settings.database_url.get_secret_value()
        await check_version(dsn)
        yield OpenDatabase(dsn=dsn, embedded=None)
        return
    server = EmbeddedPostgres(settings.data_dir / "postgres")
    if reset:
        await server.reset()
    async with server:
        yield OpenDatabase(dsn=server.dsn, embedded=await server.describe())


async def migrate_if_ours(database: OpenDatabase) -> None:
    """Bring the embedded database to the newest schema; others are migrated by `orderpulse migrate` alone."""
    if database.embedded is not None:
        await migrate.upgrade(database.dsn)
