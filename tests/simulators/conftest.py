"""A sandbox, its merchant, and a browser."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.simulators.sandbox_world import Merchant, Sandbox, merchant_serving, sandbox_serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest.fixture
async def merchant() -> AsyncIterator[Merchant]:
    """Run a merchant that takes webhooks."""
    async with merchant_serving() as merchant:
        yield merchant


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    """Run a sandbox without webhooks."""
    async with sandbox_serving() as sandbox:
        yield sandbox


@pytest.fixture
async def telling_sandbox(merchant: Merchant) -> AsyncIterator[Sandbox]:
    """Run a sandbox that tells the merchant."""
    async with sandbox_serving(merchant.url) as sandbox:
        yield sandbox
