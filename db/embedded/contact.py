"""Talking to the server: the real connection that alone shows that it is there, and the role and database it owes.

Apart, because the owner of the server and a process that attaches to it must mean the same by "it answers".
"""

from pathlib import Path

import asyncpg

from db.embedded.configuration import ROLE, SUPERUSER
from db.embedded.sockets import PORT

NO_ANSWER = (
    OSError,
    TimeoutError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # "cannot switch to state": the connection was lost between two messages
)
"""What connecting and asking raises while the server isn't there, or isn't there any more."""

_CONNECT_SECONDS = 5.0
_COMMAND_SECONDS = 120.0


async def connect(socket_folder: Path) -> asyncpg.Connection:
    """Connect as the superuser, for whom the server keeps connections free when all others are taken.

    Raises:
        Exception: One of `NO_ANSWER`.
    """
    return await asyncpg.connect(
        host=str(socket_folder),
        port=PORT,
        user=SUPERUSER,
        database=SUPERUSER,  # every cluster has a database of this name
        ssl=False,
        timeout=_CONNECT_SECONDS,
        command_timeout=_COMMAND_SECONDS,
    )


async def server_version(connection: asyncpg.Connection) -> str:
    """Return the version of the server, as in "18.6"."""
    version: str = await connection.fetchval("show server_version")
    return version.split(maxsplit=1)[0]


async def provision(connection: asyncpg.Connection, database: str) -> None:
    """Make the role and the database of the application, as far as they aren't there; ask again after any crash.

    The role is no superuser, as it would be none on a managed server: it owns its database, may make others (tests
    copy theirs) and may look at the server's statistics. `database` is a plain lower-case name. The connection has
    a lock until it is closed, because an attached process may come to this while the owner is at it.

    Raises:
        Exception: One of `NO_ANSWER`.
    """
    await connection.execute("select pg_advisory_lock(1)")
    if not await connection.fetchval("select exists (select from pg_roles where rolname = $1)", ROLE):
        await connection.execute(f"create role {ROLE} login createdb in role pg_monitor, pg_checkpoint")
    if not await connection.fetchval("select exists (select from pg_database where datname = $1)", database):
        # Copying files is quicker than logging their pages, and nobody else is here to be slowed by the checkpoint.
        await connection.execute(f'create database "{database}" owner {ROLE} strategy file_copy')
