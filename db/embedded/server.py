"""One PostgreSQL server: started on its cluster, waited for, stopped.

Apart from the supervisor, which decides when; this knows how, and takes for granted that it is the owner.
"""

import asyncio
import contextlib
import signal
import subprocess
import time
from pathlib import Path

import asyncpg

from db.embedded.binaries import Binaries
from db.embedded.cluster import Folders, adopt_cluster, cluster_exists, stage_cluster
from db.embedded.configuration import initdb_arguments, server_arguments
from db.embedded.contact import NO_ANSWER, connect, provision
from db.embedded.errors import EmbeddedDatabaseCode, EmbeddedDatabaseError, server_failure
from db.embedded.locks import FileLock
from db.embedded.processes import take_from_the_dead, until
from db.embedded.server_log import ServerLog
from db.embedded.sockets import make_socket_folder, remove_stale_socket
from db.embedded.spawn import Identity, spawn

_POLL_SECONDS = 0.01
_INITDB_SECONDS = 300.0
RECOVERY_SECONDS = 900.0  # replaying the log of a busy hour on a slow disk
_QUIT_SECONDS = 8.0  # the server itself kills its children after 5
_KILL_SECONDS = 5.0


class Server:
    """The server of one data folder."""

    def __init__(self, folders: Folders, *, identity: Identity, binaries: Binaries, durable: bool) -> None:
        self._folders = folders
        self._identity = identity
        self._binaries = binaries
        self._durable = durable
        self._lock = FileLock(folders.server_lock)
        self._process: subprocess.Popen[bytes] | None = None
        self.log = ServerLog(folders.log)
        self.version = binaries.version

    @property
    def running(self) -> bool:
        """Whether the server's first process lives; a dead one is reaped by asking."""
        return self._process is not None and self._process.poll() is None

    @property
    def exit_code(self) -> int | None:
        """How the last process ended, negative for a signal; None while it lives and before there was one."""
        return None if self._process is None else self._process.poll()

    async def start(self, *, database: str, timeout_seconds: float) -> Path:
        """Make the cluster if there is none, start the server, make role and database; return its socket's folder.

        The time limit is for a server that does not answer; one that says it is recovering gets longer.

        Raises:
            EmbeddedDatabaseError: It did not work; the code says why.
            OSError: A file or folder can't be made.
        """
        await take_from_the_dead(self._lock, self._folders.data)
        try:
            if not cluster_exists(self._folders, identity=self._identity, binaries=self._binaries):
                await self._make_cluster()
            since = self.log.size()
            socket_folder = self._launch()
        finally:
            self._lock.release()
        connection = await self._answer(socket_folder, timeout_seconds, since)
        try:
            await provision(connection, database)
        except NO_ANSWER as error:
            raise self._failed(f"stopped answering: {error}", since) from error
        finally:
            connection.terminate()
        return socket_folder

    async def stop(self, timeout_seconds: float) -> None:
        """End the server: a fast shutdown, then quit, then kill; and wait for the last of its processes.

        Raises:
            EmbeddedDatabaseError: `stop_failed` or `folder_in_use`: not even SIGKILL helped.
        """
        if self._process is not None:
            for last_word, seconds in (
                (signal.SIGINT, timeout_seconds),
                (signal.SIGQUIT, min(timeout_seconds, _QUIT_SECONDS)),
                (signal.SIGKILL, _KILL_SECONDS),
            ):
                self._process.send_signal(last_word)  # does nothing to a process that has ended
                if await until(lambda: not self.running, seconds):
                    break
            else:
                raise EmbeddedDatabaseError(
                    EmbeddedDatabaseCode.STOP_FAILED,
                    f"The server on {self._folders.data} can't be ended, not even by SIGKILL: its disk does not "
                    "answer. Check the disk.",
                )
        await take_from_the_dead(self._lock, self._folders.data)
        self._lock.release()

    def kill(self) -> None:
        """End a server that is of no use, at once; its children follow by themselves."""
        if self._process is not None:
            self._process.kill()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(_KILL_SECONDS)

    async def _make_cluster(self) -> None:
        await asyncio.to_thread(stage_cluster, self._folders, self._identity)
        since = self.log.size()
        arguments = initdb_arguments(
            major=self._binaries.major, data=self._folders.staging, durable=self._durable
        )
        # SIGKILL, because initdb told more gently would clean up under the feet of the next owner's.
        self._process = self._spawn("initdb", arguments, signal.SIGKILL)
        ended = await until(lambda: not self.running, _INITDB_SECONDS)
        if not ended or self.exit_code != 0:
            self.kill()
            raise server_failure(
                EmbeddedDatabaseCode.INITDB_FAILED,
                f"PostgreSQL {self._binaries.version} could not make the data folder {self._folders.data} "
                f"(initdb ended with {self.exit_code}). Mend what the log names and start again.",
                server_log=self.log.tail(since),
                folder=self._folders.root,
            )
        await asyncio.to_thread(adopt_cluster, self._folders)

    def _launch(self) -> Path:
        """Start the process; return the folder of its socket."""
        # Nobody lives here now: what names a process is stale, even if a stranger has got its number since.
        (self._folders.data / "postmaster.pid").unlink(missing_ok=True)
        socket_folder = make_socket_folder(self._folders.root, self._identity)
        remove_stale_socket(socket_folder)
        arguments = server_arguments(
            data=self._folders.data, socket_folder=socket_folder, durable=self._durable
        )
        # SIGINT is the fast shutdown: sessions are ended, everything is written.
        self._process = self._spawn("postgres", arguments, signal.SIGINT)
        return socket_folder

    def _spawn(
        self, program: str, arguments: list[str], death_signal: signal.Signals
    ) -> subprocess.Popen[bytes]:
        with self.log.open() as log:
            return spawn(
                [self._binaries.folder / program, *arguments],
                identity=self._identity,
                death_signal=death_signal,
                log=log,
                lock=self._lock,
            )

    async def _answer(self, socket_folder: Path, timeout_seconds: float, since: int) -> asyncpg.Connection:
        """Wait for the server and return the first connection to it."""
        started = time.monotonic()
        allowed = timeout_seconds
        while self.running and time.monotonic() - started < allowed:
            try:
                return await connect(socket_folder)
            except asyncpg.CannotConnectNowError:
                allowed = max(allowed, RECOVERY_SECONDS)  # it speaks, and says that it is recovering
            except NO_ANSWER:
                pass
            await asyncio.sleep(_POLL_SECONDS)
        if self.running:
            raise EmbeddedDatabaseError(
                EmbeddedDatabaseCode.START_TIMED_OUT,
                f"The server on {self._folders.data} did not answer within {allowed:.0f} s. The disk or the machine "
                "may be too busy: start again when it is less so.",
                server_log=self.log.tail(since),
            )
        raise self._failed(f"ended with {self.exit_code}", since)

    def _failed(self, how: str, since: int) -> EmbeddedDatabaseError:
        return server_failure(
            EmbeddedDatabaseCode.START_FAILED,
            f"PostgreSQL {self._binaries.version} on {self._folders.data} {how}. "
            f"Mend what its log ({self.log.path}) names and start again.",
            server_log=self.log.tail(since),
            folder=self._folders.root,
        )
