"""Gateways to test adapters against: a running sandbox, and a merchant whose webhooks it sends."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from app.gateways.sandbox import SandboxGateway, SandboxSettings, build
from tests.simulators.sandbox_world import (
    SECRET_KEY,
    WEBHOOK_SECRET,
    Merchant,
    Sandbox,
    merchant_serving,
    sandbox_serving,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest.fixture
async def sandbox_merchant() -> AsyncIterator[Merchant]:
    """Run a merchant that takes the sandbox's webhooks."""
    async with merchant_serving() as merchant:
        yield merchant


@pytest.fixture
async def sandbox(sandbox_merchant: Merchant) -> AsyncIterator[Sandbox]:
    """Run a sandbox that tells the merchant."""
    async with sandbox_serving(sandbox_merchant.url) as sandbox:
        yield sandbox


@pytest.fixture
async def sandbox_gateway(sandbox: Sandbox) -> AsyncIterator[SandboxGateway]:
    """Speak to the sandbox by its adapter."""
    gateway = build(
        SandboxSettings(api_base=sandbox.url, secret_key=SECRET_KEY, webhook_secrets=(WEBHOOK_SECRET,))
    )
    yield gateway
    await gateway.aclose()
