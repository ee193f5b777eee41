"""Whether a database is fit for use: its version, its schema, its durability, its clock."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import asyncpg

from db import migrate
from db.pool import DatabaseUnavailableError, connect

if TYPE_CHECKING:
    from db.pool import Database

VERSION_MIN: Final = 15


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseHealth:
    """What a database says of itself. `clock_skew_seconds`: how far its clock is ahead of ours."""

    version: str
    revision: str | None
    newest_revision: str
    settings: dict[str, str]
    clock_skew_seconds: float


async def check_version(dsn: str) -> None:
    """Refuse a server that is too old.

    Raises:
        DatabaseUnavailableError: it doesn't answer, doesn't let us in, or is older than PostgreSQL 15.
    """
    try:
        connection = await connect(dsn, application_name="orderpulse-check")
    except (DatabaseUnavailableError, asyncpg.PostgresError) as error:
        raise DatabaseUnavailableError(
            f"The database of DATABASE_URL (at {_place(dsn)}) can't be used: {error}. Start it, or correct the address."
        ) from error
    except ValueError as error:
        # What can't be read may be a piece of the password, so it is not repeated.
        raise DatabaseUnavailableError(
            "DATABASE_URL is no PostgreSQL address: postgresql://user:password@host:port/database, with whatever is "
            "special in the password percent-encoded."
        ) from error
    try:
        version = connection.get_server_version()
        if version.major < VERSION_MIN:
            raise DatabaseUnavailableError(
                f"DATABASE_URL leads to PostgreSQL {version.major}; {VERSION_MIN} or newer is needed."
            )
    finally:
        await connection.close()


def _place(dsn: str) -> str:
    """Return host and port of an address, and nothing that could be a secret."""
    parts = urlsplit(dsn)
    return parts.netloc.rpartition("@")[2] or "a local socket"


async def revision_of(database: Database) -> str | None:
    """Return the revision that a database is at; None when it was never migrated."""
    try:
        row = await database.fetch_row("SELECT version_num FROM alembic_version")
    except asyncpg.UndefinedTableError:
        return None
    return row["version_num"] if row else None


async def examine(dsn: str) -> DatabaseHealth:
    """Return how a database is doing.

    Raises:
        DatabaseUnavailableError: it doesn't answer.
    """
    connection = await connect(dsn, application_name="orderpulse-check")
    try:
        started = time.time()
        at = await connection.fetchval("SELECT extract(epoch FROM clock_timestamp())::float8")
        skew = at - (started + time.time()) / 2
        rows = await connection.fetch(
            "SELECT name, setting FROM pg_settings"
            " WHERE name IN ('server_version', 'fsync', 'full_page_writes', 'synchronous_commit')"
        )
    finally:
        await connection.close()
    values = {row["name"]: row["setting"] for row in rows}
    return DatabaseHealth(
        version=values.pop("server_version"),
        revision=await migrate.current(dsn),
        newest_revision=migrate.head(),
        settings=values,
        clock_skew_seconds=skew,
    )
