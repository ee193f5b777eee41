"""How Alembic runs here: over asyncpg, one migrator at a time, and never waiting long for a lock."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from alembic import context
from sqlalchemy import text
from sqlmodel import SQLModel

import db.tables  # noqa: F401 - fills SQLModel.metadata
from db.engine import create_engine

if TYPE_CHECKING:
    from sqlalchemy import Connection

ADVISORY_LOCK_KEY: Final = 0x6F72646572  # "order"
LOCK_TIMEOUT_SECONDS: Final = 5

OPTIONS: Final[dict[str, Any]] = {
    "target_metadata": SQLModel.metadata,
    "compare_type": True,
    "compare_server_default": True,
    "transaction_per_migration": True,
}


def run(connection: Connection) -> None:
    """Migrate on a live connection. Other migrators wait at the advisory lock until this one is done."""
    connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": ADVISORY_LOCK_KEY})
    connection.commit()
    try:
        connection.execute(text(f"SET lock_timeout = '{LOCK_TIMEOUT_SECONDS}s'"))
        connection.commit()
        context.configure(connection=connection, **OPTIONS)
        with context.begin_transaction():
            context.run_migrations()
    finally:
        connection.rollback()
        connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": ADVISORY_LOCK_KEY})
        connection.commit()


async def run_from_command_line() -> None:
    """Migrate the database of `alembic -x dsn=postgresql://…`."""
    dsn = context.get_x_argument(as_dictionary=True).get("dsn")
    if not dsn:
        raise SystemExit("Say which database: alembic -x dsn=postgresql://user@host/name …")
    engine = create_engine(str(dsn))
    async with engine.connect() as connection:
        await connection.run_sync(run)
    await engine.dispose()


if context.is_offline_mode():
    context.configure(
        dialect_name="postgresql", literal_binds=True, dialect_opts={"paramstyle": "named"}, **OPTIONS
    )
    with context.begin_transaction():
        context.run_migrations()
elif (given := context.config.attributes.get("connection")) is not None:
    run(given)
else:
    asyncio.run(run_from_command_line())
