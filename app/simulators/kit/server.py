"""Serving a simulator over HTTP, inside another program or as its own."""

from __future__ import annotations

import asyncio
import socket
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Final

import uvicorn

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from starlette.applications import Starlette

GRACE_SECONDS: Final = 1
KEEP_ALIVE_SECONDS: Final = 30


async def serve(
    make_app: Callable[[str], Starlette],
    host: str = "127.0.0.1",
    port: int = 0,
    on_ready: Callable[[str], None] = lambda _: None,
) -> None:
    """Serve until cancelled. `on_ready` is told the address once it answers. Signals are left to the caller."""
    async with serving(make_app, host, port) as url:
        on_ready(url)
        await asyncio.get_running_loop().create_future()


@asynccontextmanager
async def serving(
    make_app: Callable[[str], Starlette], host: str = "127.0.0.1", port: int = 0
) -> AsyncIterator[str]:
    """Serve inside the block and yield the address, e.g. `http://127.0.0.1:41234`. Port 0 takes a free one.

    `make_app` is given the address and returns what is served there.

    Raises:
        OSError: the port is taken.
        RuntimeError: the simulator did not start.
    """
    with socket.create_server((host, port)) as listener:
        url = f"http://{host}:{listener.getsockname()[1]}"
        server = _Server(
            uvicorn.Config(
                make_app(url),
                log_level="warning",
                access_log=False,
                server_header=False,
                ws="none",
                lifespan="on",
                timeout_keep_alive=KEEP_ALIVE_SECONDS,
                # Callers that chaos left hanging would hold the server for ever.
                timeout_graceful_shutdown=GRACE_SECONDS,
            )
        )
        task = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            await server.wait_ready(task)
            yield url
        finally:
            server.should_exit = True
            await task


class _Server(uvicorn.Server):
    """Uvicorn without its signal handlers, which belong to the program around it."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._ready = asyncio.Event()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._ready.set()

    async def wait_ready(self, task: asyncio.Task[None]) -> None:
        ready = asyncio.create_task(self._ready.wait())
        await asyncio.wait((ready, task), return_when=asyncio.FIRST_COMPLETED)
        ready.cancel()
        if not self.started:
            raise RuntimeError("The simulator did not start.")
