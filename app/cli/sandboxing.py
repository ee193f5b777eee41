"""`orderpulse sandbox`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.console import Console

from app.cli.keys import local_keys
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
