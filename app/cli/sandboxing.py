"""`orderpulse sandbox`: the sandbox gateway alone, or a simulator of a real one."""

from __future__ import annotations

import asyncio
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.console import Console

from app.cli.keys import local_keys
from app.cli.simulating import simulated
from app.simulators.sandbox import SandboxConfig, serve

if TYPE_CHECKING:
    from pathlib import Path

    from app.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxOptions:
    """What the command line says."""

    webhook_url: str
    port: int
    log_path: Path | None


async def run_sandbox(settings: Settings, options: SandboxOptions) -> int:
    """Serve the sandbox until a signal comes."""
    console = Console()
    keys = local_keys(settings.data_dir)
    given = settings.sandbox_secret_key
    secrets = settings.sandbox_webhook_secrets
    config = SandboxConfig(
        secret_key=given.get_secret_value() if given else keys.sandbox_secret_key,
        webhook_secret=secrets[0].get_secret_value() if secrets else keys.sandbox_webhook_secret,
        webhook_url=options.webhook_url,
        log_path=options.log_path,
    )
    await serve(
        config,
        port=options.port,
        on_ready=lambda url: console.print(f"The sandbox is at {url} (Ctrl-C stops it)."),
    )
    return 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatorOptions:
    """What the command line says of a simulator."""

    gateway: str
    webhook_url: str
    port: int


async def run_simulator(options: SimulatorOptions) -> int:
    """Serve a simulator until a signal comes; say what the server has to be told."""
    console = Console()
    async with simulated(options.gateway, options.webhook_url, port=options.port) as running:
        console.print(f"{options.gateway} is simulated at {running.url} (Ctrl-C stops it).", highlight=False)
        console.print("Start the server with this in its environment:\n")
        for name, value in running.settings.items():
            console.print(
                f"export ORDERPULSE_{name.upper()}={shlex.quote(value)}", highlight=False, soft_wrap=True
            )
        for note in running.notes:
            console.print(f"\n{note}", highlight=False, soft_wrap=True)
        console.print(
            f"\nIts control paths are under {running.url}/_sim and need the header"
            f" `Authorization: Bearer {running.control.control_key}`.",
            highlight=False,
            soft_wrap=True,
        )
        await asyncio.get_running_loop().create_future()
    return 0
