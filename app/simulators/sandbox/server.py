"""Serving the sandbox over HTTP, inside another program or as its own."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from app.simulators.kit import server
from app.simulators.sandbox.app import sandbox_app

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager

    from starlette.applications import Starlette

    from app.simulators.sandbox.config import SandboxConfig


async def serve(
    config: SandboxConfig,
    host: str = "127.0.0.1",
    port: int = 0,
    on_ready: Callable[[str], None] = lambda _: None,
) -> None:
    """Serve until cancelled. `on_ready` is told the address once it answers. Signals are left to the caller."""
    await server.serve(_made(config), host, port, on_ready)


def serving(
    config: SandboxConfig, host: str = "127.0.0.1", port: int = 0
) -> AbstractAsyncContextManager[str]:
    """Serve inside the block and yield the address. Port 0 takes a free one.

    Raises:
        OSError: the port is taken.
        RuntimeError: the log is damaged or in use, or the server did not start.
    """
    return server.serving(_made(config), host, port)


def _made(config: SandboxConfig) -> Callable[[str], Starlette]:
    return lambda url: sandbox_app(replace(config, public_url=config.public_url or url))
