"""The system's Chromium for tests that look at pages."""

from __future__ import annotations

import asyncio
import os
import shutil
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Final

import pytest
from playwright.async_api import async_playwright

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from playwright.async_api import Browser, BrowserContext

CHROMIUM: Final = os.environ.get("CHROMIUM", "/usr/bin/chromium")
CHROMIUM_ARGUMENTS: Final = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
CLOSE_SECONDS_MAX: Final = 20.0
NO_BROWSER: Final = (
    f"no Chromium at {CHROMIUM}: install one (apt-get install chromium) or name one in CHROMIUM"
)


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """Run Chromium while the block lasts; only outside of CI may there be none."""
    if shutil.which(CHROMIUM) is None:
        if os.environ.get("CI") == "true":
            pytest.fail(NO_BROWSER)
        pytest.skip(NO_BROWSER)
    async with async_playwright() as playwright:
        launched = await playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_ARGUMENTS)
        yield launched
        await launched.close()


async def close_window(context: BrowserContext) -> None:
    """Close a window, or leave it to the end of Chromium: Playwright would wait for ever, and that is not tested."""
    with suppress(TimeoutError):
        async with asyncio.timeout(CLOSE_SECONDS_MAX):
            await context.close()
