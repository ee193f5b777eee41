"""What a sandbox gateway is started with."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxConfig:
    """One merchant's account at the sandbox.

    `public_url` is where browsers reach it; None takes the address that it is served on. Without a `log_path`
    everything is forgotten at the end; without a `webhook_url` events are recorded and wait for one.
    `afterwards_seconds` passes before a dispute or an asynchronous refund failure comes up.
    """

    secret_key: str = field(repr=False)
    webhook_secret: str = field(repr=False)
    webhook_url: str | None = None
    public_url: str | None = None
    log_path: Path | None = None
    merchant: str = "Demo shop"
    afterwards_seconds: float = 1.0
