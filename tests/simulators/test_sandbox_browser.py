"""The checkout in a real browser: pays by clicking, runs no script, and keeps its policy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.async_api import expect

from tests.chromium import chromium, close_window
from tests.simulators.sandbox_world import sandbox_serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from playwright.async_api import Browser, Page

    from tests.simulators.sandbox_world import Sandbox


@pytest.fixture(scope="module")
async def browser() -> AsyncIterator[Browser]:
    """Start the system's Chromium."""
    async with chromium() as launched:
        yield launched


@pytest.fixture
async def page(browser: Browser) -> AsyncIterator[Page]:
    """Open a page that fails on anything the console complains of but the 422 of a slip."""
    context = await browser.new_context(viewport={"width": 390, "height": 844})
    page = await context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield page
    await close_window(context)
    assert [complaint for complaint in complaints if "422" not in complaint] == []


@pytest.fixture
async def shop() -> AsyncIterator[str]:
    """Serve a page of another origin to come back to."""
    async with sandbox_serving() as other:
        yield (await other.create())["checkout_url"]


async def test_a_shopper_is_declined_slips_authenticates_and_comes_back(sandbox: Sandbox, page: Page) -> None:
    home = (await sandbox.create())["checkout_url"]
    payment = await sandbox.create(return_url=home)

    await page.goto(payment["checkout_url"])
    await page.get_by_role("button", name="Insufficient funds").click()
    await expect(page.get_by_role("alert")).to_contain_text("not enough money")
    await page.get_by_label("Card number").fill("4000002500003156")
    await page.get_by_label("Expiry").fill("12/40")
    await page.get_by_label("Security code").fill("123")
    await page.get_by_label("Security code").press("Enter")
    await expect(page.get_by_label("Card number")).to_be_focused()
    await page.get_by_role("button", name="3-D Secure").click()
    await page.get_by_role("button", name="Complete authentication").click()

    await page.wait_for_url(f"{home}?payment={payment['id']}")
    now = await sandbox.payment(payment)
    assert [attempt["status"] for attempt in now["attempts"]] == ["failed", "succeeded"]


async def test_one_click_pays_and_leads_to_another_origin(sandbox: Sandbox, shop: str, page: Page) -> None:
    payment = await sandbox.create(return_url=shop)

    await page.goto(payment["checkout_url"])
    await page.get_by_role("button", name="Succeeds").click()

    await page.wait_for_url(f"{shop}?payment={payment['id']}")
    assert (await sandbox.payment(payment))["amount_captured"] == 49900


@pytest.mark.parametrize("width", [320, 390, 1280])
async def test_the_page_never_scrolls_sideways(sandbox: Sandbox, page: Page, width: int) -> None:
    payment = await sandbox.create(amount=2**53 - 1, metadata={"order_number": "X" * 200})
    await page.set_viewport_size({"width": width, "height": 700})

    await page.goto(payment["checkout_url"])

    assert await page.evaluate("document.documentElement.scrollWidth") <= width
