"""The embedded database as the application sees it: started, owned or shared, kept alive, stopped.

Apart from the server's mechanics, because here is decided who owns it and what happens when somebody dies.
"""

import asyncio
import re
import time
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

import asyncpg

from db.embedded.binaries import find_bin_folder
from db.embedded.cluster import Folders, drop_cluster, size_on_disk
from db.embedded.configuration import ROLE, SUPERUSER
from db.embedded.contact import NO_ANSWER, connect, provision, server_version
from db.embedded.errors import EmbeddedDatabaseCode, EmbeddedDatabaseError, system_failure
from db.embedded.locks import FileLock
from db.embedded.privileges import settle_privileges
from db.embedded.processes import take_from_the_dead
from db.embedded.reporting import EmbeddedDescription, Report, to_the_log
from db.embedded.server import RECOVERY_SECONDS, Server
from db.embedded.sockets import dsn, find_socket_folder
from db.embedded.spawn import PrivilegeMode

_POLL_SECONDS = 0.05
_TRIM_SECONDS = 10.0
_RETRY_SECONDS_MIN = 0.1
_RETRY_SECONDS_MAX = 2.0
_T = TypeVar("_T")
_DATABASE_NAME = re.compile(r"[a-z_][a-z0-9_]{0,62}")


class EmbeddedPostgres:
    """A PostgreSQL server in a folder, for as long as this object is started.

    The first process to start one on a folder owns the server; every other attaches to it. When the owner stops or
    dies, its server stops, and one of the attached processes becomes the owner and starts it again: for its users
    that is a restart, with the same address. A server that dies is started again by its owner. Connections are
    lost each time, and a commit that was under way may have happened or not.
    """

    def __init__(
        self,
        root: Path,
        *,
        database: str = ROLE,
        durable: bool = True,
        mode: PrivilegeMode | None = None,
        bin_folder: Path | None = None,
        report: Report | None = None,
        start_timeout_seconds: float = 60.0,
        stop_timeout_seconds: float = 30.0,
    ) -> None:
        """Describe the database; nothing happens before `start`.

        Args:
            root: The folder of everything, on a local disk; made if it isn't there.
            database: The name of the application's database, plain and in lower case.
            durable: False for a throwaway cluster in tests: faster, and lost with the power.
            mode: How the server gets a user that PostgreSQL accepts; None chooses.
            bin_folder: PostgreSQL's programs; None looks for them.
            report: Is told when the server is lost, is back, or can't be brought back.
            start_timeout_seconds: How long a server may be silent after its start.
            stop_timeout_seconds: How long it may take for an orderly shutdown.

        Raises:
            ValueError: The name of the database is not plain.
        """
        if not _DATABASE_NAME.fullmatch(database):
            raise ValueError(f"not a plain lower-case name for a database: {database!r}")
        self._folders = Folders(root=root.expanduser().resolve())
        self._database = database
        self._durable = durable
        self._mode = mode
        self._bin_folder = bin_folder
        self._report = report or to_the_log
        self._start_timeout_seconds = start_timeout_seconds
        self._stop_timeout_seconds = stop_timeout_seconds
        self._owner_lock = FileLock(self._folders.owner_lock)
        self._server: Server | None = None
        self._socket_folder: Path | None = None
        self._version: str | None = None
        self._serving = False
        self._trimmed_at = 0.0
        self._watch: asyncio.Task[None] | None = None

    @property
    def data_folder(self) -> Path:
        """Where the data are."""
        return self._folders.data

    @property
    def is_owner(self) -> bool:
        """Whether this process owns the server; changes when it takes over from an owner that went away."""
        return self._owner_lock.held

    @property
    def dsn(self) -> str:
        """The address of the application's database, once started; it stays the same over restarts and owners."""
        return dsn(_started(self._socket_folder), user=ROLE, database=self._database)

    @property
    def superuser_dsn(self) -> str:
        """The same for the superuser, for maintenance and for tests that hurt the server."""
        return dsn(_started(self._socket_folder), user=SUPERUSER, database=self._database)

    @property
    def version(self) -> str:
        """The server's version, as in "18.6", once started."""
        return _started(self._version)

    async def describe(self) -> EmbeddedDescription:
        """Return what there is to know about the database, once started."""
        return EmbeddedDescription(
            version=self.version,
            data_folder=self.data_folder,
            socket_folder=_started(self._socket_folder),
            is_owner=self.is_owner,
            size_bytes=await asyncio.to_thread(size_on_disk, self.data_folder),
        )

    async def start(self) -> None:
        """Own the server and start it, or attach to it; return when it answers. Does nothing when started.

        Raises:
            EmbeddedDatabaseError: It is not to be had; the code and the message say why and what to do.
        """
        if self._watch is not None:
            return
        try:
            self._folders.root.mkdir(mode=0o700, parents=True, exist_ok=True)
            if await self._own_or_attach():
                await self._serve()
        except OSError as error:
            self._give_up()
            raise system_failure(error, f"keep the database in {self._folders.root}") from error
        except BaseException:
            self._give_up()
            raise
        self._watch = asyncio.create_task(self._supervise(), name="embedded-postgres")

    async def stop(self) -> None:
        """Stop the server if it is ours, else leave it alone. Does nothing when stopped.

        Raises:
            EmbeddedDatabaseError: `stop_failed` or `folder_in_use`: not even SIGKILL ended it.
        """
        await self._halt()
        self._owner_lock.release()

    async def reset(self) -> None:
        """Stop the server if it is ours, and delete all data.

        Raises:
            EmbeddedDatabaseError: `owned_elsewhere`: another process has the database; nothing changed.
        """
        try:
            self._folders.root.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not self._owner_lock.acquire():
                raise EmbeddedDatabaseError(
                    EmbeddedDatabaseCode.OWNED_ELSEWHERE,
                    f"Another process has the database in {self._folders.root}: its data stay. Stop that one first.",
                )
            try:
                await self._halt()
                await self._drop()
            finally:
                self._owner_lock.release()
        except OSError as error:
            raise system_failure(error, f"delete the database in {self._folders.root}") from error

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def _own_or_attach(self) -> bool:
        """Return True with the owner's lock held, or False with a server found that answers."""
        started = time.monotonic()
        allowed = self._start_timeout_seconds
        trouble: Exception | None = None
        while not self._owner_lock.acquire():
            try:
                await self._attach()
            except asyncpg.CannotConnectNowError as error:
                allowed, trouble = max(allowed, RECOVERY_SECONDS), error  # it speaks: it is recovering
            except NO_ANSWER as error:
                trouble = error
            else:
                return False
            if time.monotonic() - started > allowed:
                raise EmbeddedDatabaseError(
                    EmbeddedDatabaseCode.OWNER_NOT_READY,
                    f"Another process has the database in {self._folders.root}, but its server did not answer within "
                    f"{allowed:.0f} s ({trouble}). Look at that process's log, or stop it and start again.",
                ) from trouble
            await asyncio.sleep(_POLL_SECONDS)
        return True

    async def _attach(self) -> None:
        """Find the owner's server by a real connection."""
        folder = find_socket_folder(self._folders.root)
        if folder is None:
            raise FileNotFoundError(f"no socket folder in {self._folders.root}")
        connection = await connect(folder)
        try:
            await provision(connection, self._database)
            self._version = await server_version(connection)
        finally:
            connection.terminate()
        self._socket_folder = folder
        self._serving = True

    async def _serve(self) -> None:
        """Start the server as its owner; leave nothing behind where that fails."""
        if self._server is None:
            self._server = await asyncio.to_thread(self._prepare)
        try:
            self._socket_folder = await self._server.start(
                database=self._database, timeout_seconds=self._start_timeout_seconds
            )
        except BaseException:
            self._server.kill()
            raise
        self._version = self._server.version
        self._serving = True

    def _give_up(self) -> None:
        self._server = None  # what it was prepared with may be the trouble
        self._owner_lock.release()

    def _prepare(self) -> Server:
        identity, binaries = settle_privileges(
            bin_folder=self._bin_folder or find_bin_folder(),
            root=self._folders.root,
            data=self._folders.data,
            mode=self._mode,
        )
        return Server(self._folders, identity=identity, binaries=binaries, durable=self._durable)

    async def _supervise(self) -> None:
        retry_seconds = _RETRY_SECONDS_MIN
        while True:
            await asyncio.sleep(_POLL_SECONDS)
            try:
                await self._look_after()
                retry_seconds = _RETRY_SECONDS_MIN
            # The boundary of this loop: whatever prevents a restart today, a full disk or a lack of processes, may
            # be gone in a moment, and a supervisor that ended would never notice.
            except Exception as error:  # noqa: BLE001
                self._report("embedded_postgres_not_back", error=str(error), retry_in_seconds=retry_seconds)
                await asyncio.sleep(retry_seconds)
                retry_seconds = min(2 * retry_seconds, _RETRY_SECONDS_MAX)

    async def _look_after(self) -> None:
        attached = not self._owner_lock.held
        if not self._owner_lock.acquire():
            return  # the owner lives
        if self._server is not None and self._server.running:
            await self._trim_log()
            return
        started = time.monotonic()
        if self._serving:
            self._serving = False
            exit_code = None if self._server is None else self._server.exit_code
            self._report("embedded_postgres_lost", taking_over=attached, exit_code=exit_code)
        await self._serve()
        self._report("embedded_postgres_back", after_seconds=round(time.monotonic() - started, 3))

    async def _trim_log(self) -> None:
        if self._server is not None and time.monotonic() - self._trimmed_at > _TRIM_SECONDS:
            self._trimmed_at = time.monotonic()
            await asyncio.to_thread(self._server.log.trim)

    async def _halt(self) -> None:
        """Stop watching and stop the server, but keep the lock."""
        watch, self._watch = self._watch, None
        if watch is not None:
            watch.cancel()
            await asyncio.wait([watch])
        self._serving = False
        if self._owner_lock.held and self._server is not None:
            await self._server.stop(self._stop_timeout_seconds)
            self._server = None

    async def _drop(self) -> None:
        nobody = FileLock(self._folders.server_lock)
        await take_from_the_dead(nobody, self._folders.data)
        try:
            await asyncio.to_thread(drop_cluster, self._folders)
        finally:
            nobody.release()


def _started(value: _T | None) -> _T:
    if value is None:
        raise RuntimeError("the embedded database has not been started")
    return value
