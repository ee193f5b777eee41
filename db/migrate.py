"""Migrations, run in this process: bring a database to the newest schema, or say how it differs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from db.engine import create_engine

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection

_SCRIPTS: Final = Path(__file__).parent / "migrations"


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def head() -> str:
    """Return the revision that this code needs."""
    revision = ScriptDirectory.from_config(_config()).get_current_head()
    assert revision is not None, "there is always a first migration"  # noqa: S101 - holds by construction
    return revision


async def upgrade(dsn: str, revision: str = "head") -> None:
    """Bring the database to `revision`. Several processes may ask at once, but one at a time in a process."""
    await _run(dsn, lambda connection: command.upgrade(_config(connection), revision))


async def downgrade(dsn: str, revision: str) -> None:
    """Take the database back to `revision`."""
    await _run(dsn, lambda connection: command.downgrade(_config(connection), revision))


async def check(dsn: str) -> None:
    """Raise alembic.util.CommandError when the tables and the migrated schema differ."""
    await _run(dsn, lambda connection: command.check(_config(connection)))


async def current(dsn: str) -> str | None:
    """Return the database's revision, or None when it was never migrated."""
    engine = create_engine(dsn)
    try:
        async with engine.connect() as connection:
            return await connection.run_sync(
                lambda sync: MigrationContext.configure(sync).get_current_revision()
            )
    finally:
        await engine.dispose()


async def _run(dsn: str, action: Callable[[Connection], object]) -> None:
    engine = create_engine(dsn)
    try:
        async with engine.connect() as connection:
            await connection.run_sync(action)
    finally:
        await engine.dispose()
