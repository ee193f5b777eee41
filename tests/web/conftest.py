"""A real server on a free port, and the system's Chromium looking at it."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TYPE_CHECKING

import pytest
from starlette.applications import Starlette

from app.web.assets import Assets
from app.web.routes import error_pages, pages
from tests.chromium import chromium, close_window
from tests.web.packages import WEB, run
from tests.web.serving import Visit, served
from tests.web.tiny_shop import TinyShop

if TYPE_CHECKING:
    from playwright.async_api import Browser
    from starlette.routing import BaseRoute

OpenVisit = Callable[..., Awaitable[Visit]]


@pytest.fixture(scope="session")
def npm() -> str:
    """Return npm with the locked packages in place; only outside of CI may it be missing."""
    found = shutil.which("npm")
    if found is None:
        reason = "building the pages needs node 20 and npm, which are not on this PATH"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    if not (WEB / "node_modules").is_dir():
        run([found, "ci"], WEB)
    return found


@pytest.fixture(scope="session")
def assets() -> Assets:
    """Return the committed built files."""
    return Assets.load()


@pytest.fixture
def shop() -> TinyShop:
    """Return a shop with one fresh order."""
    return TinyShop()


def make_app(assets: Assets, shop: TinyShop, routes: list[BaseRoute], **options: object) -> Starlette:
    """Return the pages over the shop, with `routes` as their API."""
    storefront = bool(options.get("storefront", True))
    own = pages(assets=assets, load_order=shop.load_order, test_mode=True, **options)  # type: ignore[arg-type] # options are pages()'s own
    handlers = error_pages(assets=assets, test_mode=True, storefront=storefront)
    return Starlette(routes=[*own, *routes], exception_handlers=handlers)


@pytest.fixture
async def base_url(assets: Assets, shop: TinyShop) -> AsyncIterator[str]:
    """Serve the pages and the shop's API."""
    async with served(make_app(assets, shop, shop.transport.routes())) as url:
        yield url


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    """Start the system's Chromium once."""
    async with chromium() as launched:
        yield launched


@pytest.fixture
async def visit(browser: Browser) -> AsyncIterator[OpenVisit]:
    """Open pages that note every violated policy, outside request and script error."""
    opened: list[Visit] = []

    async def open_visit(base_url: str, path: str, **context_options: object) -> Visit:
        one = await Visit.open(browser, base_url, path, **context_options)
        opened.append(one)
        return one

    yield open_visit
    for one in opened:
        await close_window(one.page.context)
