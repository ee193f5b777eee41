"""The connections to PostgreSQL: a pool for reads and short writes, single ones for those who keep theirs."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any, Final, Protocol, Self

import asyncpg
import orjson

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

Record = asyncpg.Record
CONNECT_TIMEOUT_SECONDS: Final = 5.0
STATEMENT_TIMEOUT_SECONDS: Final = 30.0
IDLE_TRANSACTION_SECONDS_MAX: Final = 10
POOL_SIZE: Final = 10
_SESSION: Final = {
    "jit": "off",
    # Who stops in the middle of a transaction must not keep orders from everybody else. It is rolled back then.
    "idle_in_transaction_session_timeout": f"{IDLE_TRANSACTION_SECONDS_MAX}s",
}


class Connection(asyncpg.Connection):
    """A connection that isn't reset between uses: nothing here leaves session state behind, and RESET costs a trip."""

    __slots__ = ()

    def get_reset_query(self) -> str:
        """Return what the pool runs on release."""
        return ""


class DatabaseUnavailableError(Exception):
    """The database could not be reached, or went away; whatever was under way may have happened."""


_LOST: Final = (
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.InternalServerError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.InternalClientError,  # what the driver says when the connection is lost at the wrong moment
)
_RETRYABLE: Final = (
    asyncpg.SerializationError,
    asyncpg.DeadlockDetectedError,
    asyncpg.LockNotAvailableError,
    asyncpg.InvalidCachedStatementError,  # a migration came in between
)


def is_unavailable(error: BaseException) -> bool:
    """Whether an error says that the database, and not what was asked of it, is at fault."""
    return isinstance(error, _LOST)


def is_retryable(error: BaseException) -> bool:
    """Whether the same transaction may succeed when run again."""
    return isinstance(error, _RETRYABLE)


def is_conflict(error: BaseException) -> bool:
    """Whether a write was refused since another row holds its unique value."""
    return isinstance(error, asyncpg.UniqueViolationError)


async def connect(dsn: str, *, application_name: str, **settings: str) -> Connection:
    """Open a connection that its caller keeps. `settings` are server settings of the session."""
    try:
        connection = await asyncpg.connect(
            dsn,
            connection_class=Connection,
            timeout=CONNECT_TIMEOUT_SECONDS,
            command_timeout=STATEMENT_TIMEOUT_SECONDS,
            server_settings={"application_name": application_name, **_SESSION, **settings},
        )
    except _LOST as error:
        raise DatabaseUnavailableError(str(error)) from error
    await prepare(connection)
    return connection


async def prepare(connection: Any) -> None:  # noqa: ANN401 - a pool's proxy or a connection
    """Teach a connection to speak JSON as Python values."""
    for name in ("json", "jsonb"):
        await connection.set_type_codec(name, schema="pg_catalog", encoder=_encode, decoder=orjson.loads)


def _encode(value: object) -> str:
    return orjson.dumps(value, default=str).decode()


class Reader(Protocol):
    """Where single statements are read: the pool, or one moment of it."""

    async def fetch(self, statement: str, *arguments: object) -> Sequence[Record]:
        """Run one statement and return its rows."""

    async def fetch_row(self, statement: str, *arguments: object) -> Record | None:
        """Run one statement and return its first row."""


class Moment:
    """Reads that all see the database as of one moment: that of the first of them, or of the first after `renew`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._one_at_a_time = asyncio.Lock()
        self._open: contextlib.AsyncExitStack | None = None
        self._connection: Any = None
        self._stale = False

    def renew(self) -> None:
        """Let the next read see what was committed meanwhile."""
        self._stale = True

    async def fetch(self, statement: str, *arguments: object) -> Sequence[Record]:
        """Run one statement and return its rows.

        Raises:
            DatabaseUnavailableError: the database can't be reached or was lost meanwhile.
        """
        async with self._one_at_a_time:
            if self._stale:
                await self.close()
            if self._open is None:
                await self._begin()
            self._database.count(statement)
            try:
                rows: Sequence[Record] = await self._connection.fetch(statement, *arguments)
            except _LOST as error:
                raise DatabaseUnavailableError(str(error)) from error
            return rows

    async def fetch_row(self, statement: str, *arguments: object) -> Record | None:
        """Run one statement and return its first row."""
        rows = await self.fetch(statement, *arguments)
        return rows[0] if rows else None

    async def _begin(self) -> None:
        async with contextlib.AsyncExitStack() as stack:
            self._connection = await stack.enter_async_context(self._database.connection())
            snapshot = self._connection.transaction(isolation="repeatable_read", readonly=True)
            await stack.enter_async_context(snapshot)
            self._open = stack.pop_all()
        self._stale = False

    async def close(self) -> None:
        """Give the connection back."""
        if self._open is not None:
            held, self._open = self._open, None
            await held.aclose()


class Database:
    """A pool of connections, opened by `async with`."""

    def __init__(
        self, dsn: str, *, size: int = POOL_SIZE, on_statement: Callable[[str], None] | None = None
    ) -> None:
        self.dsn = dsn
        self._size = size
        self._on_statement = on_statement
        self._pool: asyncpg.Pool[Record] | None = None

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def open(self) -> None:
        """Open the pool.

        Raises:
            DatabaseUnavailableError: nothing answers at the DSN.
        """
        try:
            self._pool = await asyncpg.create_pool(
                self.dsn,
                min_size=1,
                max_size=self._size,
                connection_class=Connection,
                init=prepare,
                timeout=CONNECT_TIMEOUT_SECONDS,
                command_timeout=STATEMENT_TIMEOUT_SECONDS,
                server_settings={"application_name": "orderpulse", **_SESSION},
            )
        except _LOST as error:
            raise DatabaseUnavailableError(str(error)) from error

    async def close(self) -> None:
        """Close the pool; connections that are busy are given a moment, then cut."""
        if self._pool is None:
            return
        pool, self._pool = self._pool, None
        try:
            async with asyncio.timeout(STATEMENT_TIMEOUT_SECONDS):
                await pool.close()
        except TimeoutError:
            pool.terminate()

    @contextlib.asynccontextmanager
    async def connection(self) -> AsyncIterator[Any]:
        """Lend a connection.

        Raises:
            DatabaseUnavailableError: the database can't be reached or was lost meanwhile.
        """
        assert self._pool is not None, "the pool is open"  # noqa: S101 - a bug in the wiring
        try:
            async with self._pool.acquire(timeout=CONNECT_TIMEOUT_SECONDS) as connection:
                yield connection
        except _LOST as error:
            raise DatabaseUnavailableError(str(error)) from error

    @contextlib.asynccontextmanager
    async def transaction(self) -> AsyncIterator[Any]:
        """Lend a connection inside a transaction that commits when the block ends well."""
        async with self.connection() as connection, connection.transaction():
            yield connection

    @contextlib.asynccontextmanager
    async def moment(self) -> AsyncIterator[Moment]:
        """Lend a reader whose statements see one moment; a connection is taken when the first one comes."""
        moment = Moment(self)
        try:
            yield moment
        finally:
            await moment.close()

    async def fetch(self, statement: str, *arguments: object) -> Sequence[Record]:
        """Run one statement and return its rows."""
        self.count(statement)
        async with self.connection() as connection:
            rows: Sequence[Record] = await connection.fetch(statement, *arguments)
            return rows

    async def fetch_row(self, statement: str, *arguments: object) -> Record | None:
        """Run one statement and return its first row."""
        rows = await self.fetch(statement, *arguments)
        return rows[0] if rows else None

    def count(self, statement: str) -> None:
        """Tell whoever counts statements of one."""
        if self._on_statement is not None:
            self._on_statement(statement)
