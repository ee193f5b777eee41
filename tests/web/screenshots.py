"""`make screenshots`: the demo's pages as people see them, written into `docs/screenshots`.

The demo runs, a browser walks through it, and each state is kept light and dark, on a desk and on a phone.
"""

from __future__ import annotations

import asyncio
import signal
import tempfile
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from playwright.async_api import Page, expect

from tests.chromium import chromium
from tests.journey.demo_process import Demo
from tests.web import console_screenshots, terminal

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from playwright.async_api import Browser

FOLDER: Final = Path(__file__).parents[2] / "docs/screenshots"
DESK: Final[dict[str, Any]] = {"viewport": {"width": 1280, "height": 860}}
PHONE: Final[dict[str, Any]] = {
    "viewport": {"width": 390, "height": 844},
    "screen": {"width": 390, "height": 844},
    "has_touch": True,
    "is_mobile": True,
}
LIGHT_DESK: Final = {**DESK, "color_scheme": "light"}
DARK_DESK: Final = {**DESK, "color_scheme": "dark"}
LIGHT_PHONE: Final = {**PHONE, "color_scheme": "light"}
DARK_PHONE: Final = {**PHONE, "color_scheme": "dark"}
CONTEXTS: Final = {
    "desk": LIGHT_DESK,
    "desk-dark": DARK_DESK,
    "phone": LIGHT_PHONE,
    "phone-dark": DARK_PHONE,
}
CONSOLE_CONTEXTS: Final = ("desk", "desk-dark", "phone")


async def main() -> None:
    """Write all pictures anew."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for old in FOLDER.glob("*.png"):
        old.unlink()
    await asyncio.to_thread(terminal.draw, FOLDER / "terminal.svg")
    with tempfile.TemporaryDirectory(prefix="orderpulse-screenshots-") as folder:
        async with Demo.running(Path(folder) / "data", worker=True) as demo, chromium() as browser:
            for name, options in CONTEXTS.items():
                await _walk(browser, demo.doors.url, name, options)
            order_id = await console_screenshots.fill(demo.doors)
            for name in CONSOLE_CONTEXTS:
                async with _opened(browser, CONTEXTS[name]) as page:
                    await console_screenshots.walk(page, demo.doors.url, order_id, name, _keep)
            await demo.stop(signal.SIGINT)


async def _walk(browser: Browser, url: str, name: str, options: dict[str, Any]) -> None:
    async with _opened(browser, options) as page:
        await page.goto(url)
        await page.get_by_role("button", name="Add Assam breakfast tea").click()
        await page.get_by_role("button", name="Add Enamel kettle").click()
        await _keep(page, f"shop-{name}")
        await page.get_by_role("button", name="Check out").click()
        await expect(page.get_by_role("button", name="Pay ₹")).to_be_visible()
        await _keep(page, f"checkout-{name}")
        await page.get_by_role("radio", name="Razorpay").first.check()
        await page.get_by_role("button", name="Pay ₹").click()
        await expect(page.get_by_text("Waiting for your")).to_be_visible()
        await _keep(page, f"checkout-upi-{name}")
        played = page.get_by_role("link", name="Play the phone")
        tracking = await page.get_by_role("link", name="Track this order").get_attribute("href")
        watching = await page.context.new_page()
        await watching.goto(f"{url}{tracking}")
        await expect(watching.locator("#connection")).to_contain_text("Live")
        await _keep(watching, f"tracking-waiting-{name}")
        await page.goto(str(await played.get_attribute("href")))
        await _keep(page, f"simulator-{name}")
        await page.get_by_role("button", name="Pay", exact=True).click()
        await expect(watching.locator("#headline")).to_have_text("Paid and confirmed")
        await _keep(watching, f"tracking-paid-{name}")
        await watching.close()
        await _decline(page, url, name)


async def _decline(page: Page, url: str, name: str) -> None:
    """Buy in euros through Stripe, and have the card declined."""
    await page.goto(url)
    await page.get_by_text("€ Europe").click()
    await page.get_by_role("button", name="Add Kulhad clay cups").click()
    await _keep(page, f"shop-europe-{name}")
    await page.get_by_role("button", name="Check out").click()
    await page.get_by_role("radio", name="Stripe").check()
    await _keep(page, f"checkout-europe-{name}")
    await page.get_by_role("button", name="Pay €").click()
    await expect(page.get_by_text("own form stands here")).to_be_visible()
    await _keep(page, f"checkout-card-{name}")
    await page.get_by_role("link", name="Go on in the simulator").click()
    await page.get_by_role("button", name="Have it declined").click()
    await expect(page.locator("#headline")).to_have_text("That payment did not go through")
    await _keep(page, f"tracking-declined-{name}")


@asynccontextmanager
async def _opened(browser: Browser, options: dict[str, Any]) -> AsyncIterator[Page]:
    context = await browser.new_context(
        locale="en-IN", timezone_id="Asia/Kolkata", reduced_motion="reduce", **options
    )
    yield await context.new_page()
    await context.close()


async def _keep(page: Page, name: str, *, whole: bool = True) -> None:
    """Keep a page as it is while nobody points at anything: what sticks to the window is at the page's own edge."""
    await page.evaluate("document.fonts.ready")
    await page.mouse.move(0, 0)
    await page.evaluate(
        "scrollTo(0, document.querySelector('.to-basket')?.checkVisibility() ? document.body.scrollHeight : 0)"
    )
    await page.screenshot(path=FOLDER / f"{name}.png", full_page=whole, animations="disabled")


if __name__ == "__main__":
    asyncio.run(main())
