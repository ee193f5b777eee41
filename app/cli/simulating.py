"""Simulators of gateways run beside the server, each with an account of its own, and what the server has to be told."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.simulators import SANDBOX, build_simulator
from app.simulators.kit import SimulatorConfig
from app.simulators.kit import serving as serving_simulator
from app.simulators.kit.client import ControlClient
from app.simulators.sandbox import SandboxConfig
from app.simulators.sandbox import serving as serving_sandbox

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Mapping, Sequence

    from starlette.applications import Starlette

    from app.simulators.kit import Simulator


@dataclass(frozen=True, slots=True)
class Simulated:
    """A simulator that answers, and the settings by which the server reaches it."""

    name: str
    url: str
    settings: Mapping[str, str]
    control: ControlClient
    notes: Sequence[str] = ()


@contextlib.asynccontextmanager
async def simulated(name: str, webhook_url: str | None, *, port: int = 0) -> AsyncIterator[Simulated]:
    """Run one simulator while the block lasts. Without a `webhook_url` its webhooks wait to be fetched."""
    key = secrets.token_urlsafe(24)
    if name == SANDBOX:
        webhook_secret = secrets.token_urlsafe(24)
        config = SandboxConfig(
            secret_key=key, webhook_secret=webhook_secret, webhook_url=webhook_url, afterwards_seconds=0.1
        )
        async with serving_sandbox(config, port=port) as url, ControlClient(url, key) as control:
            settings = {
                "sandbox_url": url,
                "sandbox_secret_key": key,
                "sandbox_webhook_secrets": webhook_secret,
            }
            yield Simulated(name, url, settings, control)
        return
    made: list[Simulator] = []

    def make(url: str) -> Starlette:
        made.append(build_simulator(name, SimulatorConfig(control_key=key, webhook_url=webhook_url), url))
        return made[0].app()

    async with serving_simulator(make, port=port) as url, ControlClient(url, key) as control:
        settings = {f"{name}_{suffix}": value for suffix, value in made[0].merchant_settings().items()}
        yield Simulated(name, url, settings, control, made[0].notes())


@contextlib.asynccontextmanager
async def simulated_together(
    names: Sequence[str], server_url: str
) -> AsyncIterator[Awaitable[list[Simulated]]]:
    """Run these gateways' simulators while the block lasts; all start, and stop, at the same time.

    The block is entered at once, and awaits the simulators when it needs them.
    """
    started: list[asyncio.Future[Simulated]] = [asyncio.get_running_loop().create_future() for _ in names]
    over = asyncio.Event()

    async def run(name: str, told: asyncio.Future[Simulated]) -> None:
        async with simulated(name, f"{server_url}/webhooks/{name}") as one:
            told.set_result(one)
            await over.wait()

    async with asyncio.TaskGroup() as group:
        for name, told in zip(names, started, strict=True):
            group.create_task(run(name, told))
        try:
            yield asyncio.gather(*started)
        finally:
            over.set()
