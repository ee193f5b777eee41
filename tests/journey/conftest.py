"""The product as a user starts it, and a real browser in front of it."""

from __future__ import annotations

import signal
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.async_api import Browser, expect
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

from tests.chromium import chromium, close_window
from tests.journey.browsing import Window
from tests.journey.demo_process import Demo
from tests.journey.doors import DEADLINE_SECONDS
from tests.web.serving import served

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.journey.doors import Doors


@dataclass(frozen=True, slots=True, kw_only=True)
class Elsewhere:
    """A web server of another origin. What is put into `folder` is its pages."""

    url: str
    folder: Path


@pytest.fixture(scope="session")
async def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Elsewhere]:
    """Serve a shop's own pages, which the demo knows the origin of."""
    folder = tmp_path_factory.mktemp("elsewhere")
    async with served(Starlette(routes=[Mount("/", StaticFiles(directory=folder, html=True))])) as url:
        yield Elsewhere(url=url, folder=folder)


@pytest.fixture(scope="session")
async def demo(elsewhere: Elsewhere) -> AsyncIterator[Demo]:
    """Run the demo for all journeys; Ctrl-C ends it, and leaves nothing running."""
    with tempfile.TemporaryDirectory(prefix="orderpulse-journey-") as folder:
        async with Demo.running(Path(folder) / "data", origins=(elsewhere.url,)) as demo:
            yield demo
            code = await demo.stop(signal.SIGINT)
        assert code == 0, demo.output
        assert "Stopped. This run: " in "\n".join(demo.output[-2:])  # with large figures it takes two lines
        assert demo.processes() == []


@pytest.fixture(scope="session")
def shop(demo: Demo) -> Doors:
    """Return the ways into the running demo."""
    return demo.doors


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    """Start the system's Chromium once."""
    expect.set_options(timeout=DEADLINE_SECONDS * 1000)
    async with chromium() as launched:
        yield launched


@pytest.fixture
async def window(browser: Browser, shop: Doors) -> AsyncIterator[Window]:
    """Open a browser window in which nothing may go wrong: no error, no violated policy, no foreign address."""
    window = await Window.open(browser, shop)
    yield window
    await close_window(window.context)
    assert window.problems == []
