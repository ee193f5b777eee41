"""The product and its gateways as processes of their own: started, asked, told to stop, killed."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tests.system.wire import LOST, get

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence

ROOT: Final = Path(__file__).parents[2]
DEADLINE_SECONDS: Final = 30.0
POLL_SECONDS: Final = 0.02

STAFF_KEY: Final = "canary-of-the-staff-key-0123456789abcdefgh"
SECRET_KEY: Final = "canary-of-the-secret-key-0123456789abcdefgh"
SANDBOX_KEY: Final = "canary-of-the-sandbox-key"
SANDBOX_WEBHOOK_SECRET: Final = "canary-of-the-sandbox-webhooks"
DSN_PASSWORD: Final = "canary-of-the-database-password"
STRIPE_KEY: Final = "sk_test_canary_of_the_stripe_key"
STRIPE_WEBHOOK_SECRET: Final = "canary-of-the-stripe-webhooks"
SECRETS: Final = (
    STAFF_KEY,
    SECRET_KEY,
    SANDBOX_KEY,
    SANDBOX_WEBHOOK_SECRET,
    DSN_PASSWORD,
    STRIPE_KEY,
    STRIPE_WEBHOOK_SECRET,
)


def free_port() -> int:
    """Return a port that was free a moment ago."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def environment(**given: str) -> dict[str, str]:
    """Return this process's environment with nothing in it that sets up the product but what is given."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith("ORDERPULSE_")}
    # Each start would compile everything anew, which takes most of the time of starting.
    for name in ("DATABASE_URL", "PYTHONDONTWRITEBYTECODE"):
        ours.pop(name, None)
    return {**ours, "PYTHONUNBUFFERED": "1", "NO_COLOR": "1", "COLUMNS": "200", **given}


def with_password(dsn: str) -> str:
    """Return an address with a password in it, which PostgreSQL never asks for on the test cluster's socket."""
    user, at, rest = dsn.partition("@")
    assert at, dsn
    return f"{user}:{DSN_PASSWORD}@{rest}"


def server_settings(
    *, sandbox_url: str = "http://127.0.0.1:9", stripe_url: str | None = None
) -> dict[str, str]:
    """Return the environment of a server that takes the sandbox's webhooks, and Stripe's if it is told where it is.

    It does no owed work, so that what webhooks do is seen alone; the tests of owed work turn that on.
    """
    settings = {
        "ORDERPULSE_WORKER": "false",
        "ORDERPULSE_SECRET_KEY": SECRET_KEY,
        "ORDERPULSE_STAFF_KEYS": STAFF_KEY,
        "ORDERPULSE_SANDBOX_URL": sandbox_url,
        "ORDERPULSE_SANDBOX_SECRET_KEY": SANDBOX_KEY,
        "ORDERPULSE_SANDBOX_WEBHOOK_SECRETS": SANDBOX_WEBHOOK_SECRET,
    }
    if stripe_url is not None:
        settings |= {
            "ORDERPULSE_STRIPE_SECRET_KEY": STRIPE_KEY,
            "ORDERPULSE_STRIPE_PUBLISHABLE_KEY": "pk_test_public",
            "ORDERPULSE_STRIPE_WEBHOOK_SECRETS": STRIPE_WEBHOOK_SECRET,
            "ORDERPULSE_STRIPE_API_BASE": stripe_url,
            "ORDERPULSE_STRIPE_MINIMAL_PARAMETERS": "true",
        }
    return settings


@dataclass
class Server:
    """`orderpulse serve` on a port, with everything that it prints in a file."""

    port: int
    log: Path
    settings: Mapping[str, str]
    _process: asyncio.subprocess.Process | None = field(default=None, init=False)

    @property
    def pid(self) -> int:
        """Return the process's id."""
        assert self._process is not None
        return self._process.pid

    async def start(self) -> None:
        """Start the process and wait until it is ready; it may be started again after its end, on the same port."""
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "app.cli", "serve", "--port", str(self.port)),
                cwd=ROOT,
                env=environment(**self.settings),
                stdout=log,
                stderr=log,
            )
        async with asyncio.timeout(DEADLINE_SECONDS):
            while not await self.is_ready():
                assert self._process.returncode is None, self.output()
                await asyncio.sleep(POLL_SECONDS)

    async def is_ready(self) -> bool:
        """Whether it says that it is."""
        try:
            return (await get(self.port, "/readyz")).status == 200
        except LOST:
            return False

    def signal(self, number: signal.Signals) -> None:
        """Send the process a signal."""
        assert self._process is not None
        self._process.send_signal(number)

    async def ended(self) -> int:
        """Wait for the process's end and return its exit code."""
        assert self._process is not None
        async with asyncio.timeout(DEADLINE_SECONDS):
            return await self._process.wait()

    async def stop(self) -> None:
        """End the process, gently if it still runs."""
        if self._process is not None and self._process.returncode is None:
            self.signal(signal.SIGTERM)
            try:
                assert await self.ended() == 0, self.output()
            finally:
                with contextlib.suppress(ProcessLookupError):
                    self._process.kill()

    def output(self) -> str:
        """Return everything that it printed so far."""
        return self.log.read_text()


@contextlib.asynccontextmanager
async def serving(*servers: Server) -> AsyncIterator[None]:
    """Run servers side by side."""
    try:
        await asyncio.gather(*(server.start() for server in servers))
        yield
    finally:
        await asyncio.gather(*(server.stop() for server in servers))


@contextlib.asynccontextmanager
async def sandbox(webhook_url: str, folder: Path) -> AsyncIterator[str]:
    """Run the sandbox gateway and yield its address."""
    secrets = folder / "sandbox-secrets"
    secrets.write_text(f"--secret-key={SANDBOX_KEY}\n--webhook-secret={SANDBOX_WEBHOOK_SECRET}\n")
    command = ["-m", "app.simulators.sandbox", f"@{secrets}", "--webhook-url", webhook_url]
    async with _announced(command) as url:
        yield url


@contextlib.asynccontextmanager
async def localstripe() -> AsyncIterator[str]:
    """Run localstripe and yield its address."""
    async with _announced([str(ROOT / "tests" / "gateways" / "localstripe_server.py")]) as port:
        yield f"http://127.0.0.1:{port}"


@contextlib.asynccontextmanager
async def _announced(arguments: Sequence[str]) -> AsyncIterator[str]:
    """Run a Python program that prints one line once it answers."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *arguments,
        cwd=ROOT,
        env=environment(),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        assert process.stdout is not None
        async with asyncio.timeout(DEADLINE_SECONDS):
            line = (await process.stdout.readline()).decode().strip()
        assert line, "it ended before it answered"
        yield line
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def eventually(happened: Callable[[], Awaitable[bool]]) -> None:
    """Wait until something has happened."""
    async with asyncio.timeout(DEADLINE_SECONDS):
        while not await happened():  # noqa: ASYNC110 - other processes raise no event here
            await asyncio.sleep(POLL_SECONDS)


@dataclass(frozen=True, slots=True)
class Ran:
    """What a command came to. Lines are as wide as they want to be."""

    code: int
    output: str
    errors: str


async def run_command(*arguments: str, **settings: str) -> Ran:
    """Run `orderpulse` to its end."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "app.cli", *arguments),
        cwd=ROOT,
        env=environment(**{"ORDERPULSE_PORT": "0", **settings}),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(DEADLINE_SECONDS):
            output, errors = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode is not None
    return Ran(process.returncode, output.decode(), errors.decode())
