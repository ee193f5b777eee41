"""The contestants as processes of their own: the product by its own command, and the tutorial way by uvicorn."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sys
import tempfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from bench.dataset import WEBHOOK_SECRET

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

START_SECONDS_MAX: Final = 30.0
STAFF_KEY: Final = "opk_" + "s" * 40


def free_port() -> int:
    """Return a port that was free a moment ago."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


@dataclass(frozen=True, slots=True)
class Contestant:
    """A server that runs."""

    port: int
    pid: int


@contextlib.asynccontextmanager
async def product(dsn: str, role: str = "all") -> AsyncIterator[Contestant]:
    """Run `orderpulse serve`."""
    port = free_port()
    environment = {
        "DATABASE_URL": dsn,
        "ORDERPULSE_ROLE": role,
        "ORDERPULSE_SECRET_KEY": "k" * 40,
        "ORDERPULSE_STAFF_KEYS": STAFF_KEY,
        "ORDERPULSE_WORKER": "false",  # it would ask the real Stripe what it has to tell
        "ORDERPULSE_STRIPE_SECRET_KEY": "sk_test_" + "x" * 24,
        "ORDERPULSE_STRIPE_PUBLISHABLE_KEY": "pk_test_" + "x" * 24,
        "ORDERPULSE_STRIPE_WEBHOOK_SECRETS": WEBHOOK_SECRET,
    }
    command = [sys.executable, "-m", "app.cli", "serve", "--port", str(port)]
    async with _running(command, environment, port) as contestant:
        yield contestant


@contextlib.asynccontextmanager
async def tutorial(dsn: str, app: str = "bench.tutorial:app") -> AsyncIterator[Contestant]:
    """Run the tutorial way, or what else is served in its way."""
    port = free_port()
    environment = {"BENCH_SQLALCHEMY_URL": dsn.replace("postgresql://", "postgresql+asyncpg://", 1)}
    command = [sys.executable, "-m", "uvicorn", app, "--port", str(port)]
    async with _running(
        [*command, "--log-level", "warning", "--no-access-log"], environment, port
    ) as contestant:
        yield contestant


@contextlib.asynccontextmanager
async def _running(
    command: Sequence[str], environment: dict[str, str], port: int
) -> AsyncIterator[Contestant]:
    log = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the process
    process = await asyncio.create_subprocess_exec(
        *command,
        env={**os.environ, **environment},
        stdout=asyncio.subprocess.DEVNULL,
        stderr=log,
    )
    try:
        await _answers(process, port)
        yield Contestant(port, process.pid)
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
        await process.wait()
        if process.returncode:
            log.seek(0)
            print(log.read()[-2000:].decode(errors="replace"))
        log.close()


async def _answers(process: asyncio.subprocess.Process, port: int) -> None:
    """Wait for the first answer to any request: a port may be open long before."""
    async with asyncio.timeout(START_SECONDS_MAX):
        while process.returncode is None:
            with contextlib.suppress(OSError):
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.write(b"GET /livez HTTP/1.1\r\nhost: bench\r\nconnection: close\r\n\r\n")
                answer = await reader.read(1)
                writer.close()
                if answer:
                    return
            await asyncio.sleep(0.05)
    raise RuntimeError(f"the server ended with {process.returncode} before it answered")
