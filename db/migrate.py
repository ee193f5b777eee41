"""Migrations, run in this process: bring a database to the newest schema, or say how it differs.

Alembic and the tables are loaded when there is something to migrate, which at most starts of a server there isn't.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import asyncpg

if TYPE_CHECKING:
    from collections.abc import Callable

    from alembic.config import Config
    from sqlalchemy import Connection

_SCRIPTS: Final = Path(__file__).parent / "migrations"
_NEWEST: Final = "head"


def head() -> str:
    """Return the revision that this code needs. A migration's file begins with its revision."""
    return max(path.name.partition("_")[0] for path in (_SCRIPTS / "versions").glob("[0-9]*_*.py"))


def is_behind(revision: str | None, needed: str) -> bool:
    """Whether a schema lacks something that is needed. Where a newer release brought it further, it doesn't."""
    return revision is None or revision < needed


async def upgrade(dsn: str, revision: str = _NEWEST) -> None:
    """Bring the database to `revision`. Several processes may ask at once, but one at a time in a process."""
    if revision == _NEWEST and not is_behind(await current(dsn), head()):
        return
    await _run(dsn, lambda connection: _command("upgrade", connection, revision))


async def downgrade(dsn: str, revision: str) -> None:
    """Take the database back to `revision`."""
    await _run(dsn, lambda connection: _command("downgrade", connection, revision))


async def check(dsn: str) -> None:
    """Raise alembic.util.CommandError when the tables and the migrated schema differ."""
    await _run(dsn, lambda connection: _command("check", connection))


async def current(dsn: str) -> str | None:
    """Return the database's revision, or None when it was never migrated."""
    connection = await asyncpg.connect(dsn)
    try:
        found: str | None = await connection.fetchval("SELECT version_num FROM alembic_version")
    except asyncpg.UndefinedTableError:
        return None
    finally:
        await connection.close()
    return found


async def _run(dsn: str, action: Callable[[Connection], object]) -> None:
    from db.engine import create_engine

    engine = create_engine(dsn)
    try:
        async with engine.connect() as connection:
            await connection.run_sync(action)
    finally:
        await engine.dispose()


def _command(name: str, connection: Connection, *arguments: str) -> None:
    from alembic import command

    getattr(command, name)(_config(connection), *arguments)


def _config(connection: Connection) -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config
