"""Running the server: uvicorn with this product's limits, on a port that is ours."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import resource
import signal
import sys
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import uvicorn

from app.cli.databases import migrate_if_ours, open_database
from app.cli.keys import secret_key_of
from app.cli.ports import listen, reachable
from app.cli.running import Running, announced
from app.connections import BoundedConnection
from app.logs import configure_logs
from app.main import Wiring, create_app
from app.sockets import SocketLimits, Sockets, socket_class
from schema import SUBPROTOCOL

if TYPE_CHECKING:
    import socket
    from collections.abc import AsyncIterator, Iterator
    from types import FrameType

    from starlette.applications import Starlette

    from app.edge import Edge
    from app.health import Readiness
    from app.settings import Settings

STOP_POLL_SECONDS: Final = 0.05
FILES_BESIDE: Final = 500
"""Open files that are no websockets: connections to databases and gateways, requests, logs."""
GC_ALLOCATIONS: Final = 50_000
"""How many new objects there are before the young ones are searched for cycles. A batch makes some ten thousand, none
of them in cycles; Python's own 700 would search a dozen times in each."""


def raise_file_limit() -> int:
    """Allow this process, and those it starts, as many open files as the system lets it; return how many."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def socket_limits(files: int) -> SocketLimits:
    """Return what bounds websockets where so many files may be open: those that fit beside all else, at least one."""
    usual = SocketLimits()
    most = usual.sockets_max if files == resource.RLIM_INFINITY else max(1, files - FILES_BESIDE)
    return replace(usual, sockets_max=min(usual.sockets_max, most))


def server_config(app: Edge | Starlette, sockets: Sockets, *, grace_seconds: float) -> uvicorn.Config:
    """Return how an application is served, with its websockets in `sockets`."""
    return uvicorn.Config(
        app,
        http=BoundedConnection,
        ws=socket_class(sockets),  # type: ignore[arg-type]  # whatever makes a protocol
        access_log=False,
        proxy_headers=False,
        server_header=False,
        log_config=None,
        lifespan="on",
        timeout_graceful_shutdown=grace_seconds,  # type: ignore[arg-type]  # any number of seconds will do
    )


@contextlib.asynccontextmanager
async def serving(wiring: Wiring, listener: socket.socket) -> AsyncIterator[uvicorn.Server]:
    """Serve while the block lasts; it is entered once requests are answered, and left when a signal came."""
    sockets = Sockets(subprotocol=SUBPROTOCOL, limits=socket_limits(raise_file_limit()))
    config = server_config(create_app(wiring, sockets), sockets, grace_seconds=wiring.grace_seconds)
    server = _Server(config, wiring.readiness, drain_seconds=wiring.settings.drain_seconds)
    task = asyncio.create_task(server.serve(sockets=[listener]), name="server")
    try:
        await server.wait_ready(task)
        # What was made at the start stays: without it, every full collection walks through all of it again.
        gc.collect()
        gc.freeze()
        gc.set_threshold(GC_ALLOCATIONS, 20, 20)
        yield server
        await task
    finally:
        server.should_exit = True
        await task


async def told_to_stop(server: uvicorn.Server) -> None:
    """Wait until a signal came."""
    while not server.should_exit:  # noqa: ASYNC110 - uvicorn raises no event
        await asyncio.sleep(STOP_POLL_SECONDS)


class _Server(uvicorn.Server):
    """Uvicorn, that says when it answers, drains at SIGTERM, and leaves a signal that stopped it at that."""

    def __init__(self, config: uvicorn.Config, readiness: Readiness, *, drain_seconds: float) -> None:
        super().__init__(config)
        self._ready = asyncio.Event()
        self._readiness = readiness
        self._drain_seconds = drain_seconds
        self._drained_at: float | None = None

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop; at the first SIGTERM, once whoever sends requests had the time to hear that it is to stop."""
        first = self._drained_at is None
        if sig == signal.SIGTERM and first and self._drain_seconds:
            self._readiness.takes_work = False
            self._drained_at = time.monotonic() + self._drain_seconds
        else:
            super().handle_exit(sig, frame)

    async def on_tick(self, counter: int) -> bool:
        """Return whether to stop; asked ten times a second."""
        if self._drained_at is not None and time.monotonic() >= self._drained_at:
            self.should_exit = True
        return await super().on_tick(counter)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        with contextlib.suppress(KeyboardInterrupt), super().capture_signals():
            yield
            # Uvicorn would raise the signal again and end the process by it, before the database is stopped.
            self._captured_signals.clear()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._ready.set()

    async def wait_ready(self, task: asyncio.Task[None]) -> None:
        """Wait until it answers.

        Raises:
            RuntimeError: it ended before; the log says why.
        """
        ready = asyncio.create_task(self._ready.wait())
        await asyncio.wait({ready, task}, return_when=asyncio.FIRST_COMPLETED)
        ready.cancel()
        if task.done():
            raise RuntimeError("The server did not start; the log above says why.")


async def run_serve(settings: Settings) -> int:
    """Serve until a signal comes."""
    as_json = settings.log_format == "json" or (settings.log_format == "auto" and not sys.stderr.isatty())
    configure_logs(level=settings.log_level, as_json=as_json, file=settings.log_path)
    listener = listen(settings.host, settings.port)
    running = Running(
        pid=os.getpid(),
        url=f"http://{reachable(settings.host)}:{listener.getsockname()[1]}",
        log=str(settings.log_path.resolve()) if settings.log_path else None,
    )
    # Left last, so that nobody finds a server that is gone.
    with contextlib.ExitStack() as found:
        async with open_database(settings) as database:
            await migrate_if_ours(database)
            wiring = Wiring(settings=settings, dsn=database.dsn, secret_key=secret_key_of(settings))
            async with serving(wiring, listener):
                found.enter_context(announced(settings.data_dir, running))
    return 0
