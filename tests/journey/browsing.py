"""A shopper's browser: several tabs that share their storage, and a list of everything that should not happen."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Self
from urllib.parse import urlsplit

from playwright.async_api import expect

from tests.journey.doors import DEADLINE_SECONDS
from tests.web.packages import WEB

if TYPE_CHECKING:
    from playwright.async_api import Browser, BrowserContext, Page

    from tests.journey.doors import Doors, Placed

AXE: Final = WEB / "node_modules/axe-core/axe.min.js"
EXPIRY: Final = "12 / 40"
CVC: Final = "123"
_NOTE_VIOLATIONS: Final = """
    addEventListener('securitypolicyviolation', (event) =>
        console.error(`POLICY ${event.violatedDirective} ${event.blockedURI}`));
"""
_NOTE_HEADLINES: Final = """() => {
    window.headlines = [];
    new MutationObserver(() => {
        const said = document.getElementById('headline').textContent;
        if (window.headlines.at(-1)?.said !== said) window.headlines.push({ said, at: Date.now() });
    }).observe(document.getElementById('headline'), { childList: true, characterData: true, subtree: true });
}"""


@dataclass
class Window:
    """One browser window. `problems` stays empty as long as all is well."""

    context: BrowserContext
    shop: Doors
    problems: list[str] = field(default_factory=list)

    @classmethod
    async def open(cls, browser: Browser, shop: Doors, **options: object) -> Self:
        """Open a window without cookies or storage."""
        context = await browser.new_context(locale="en-IN", timezone_id="Asia/Kolkata", **options)  # type: ignore[arg-type] # Playwright's own options
        context.set_default_timeout(DEADLINE_SECONDS * 1000)
        await context.add_init_script(_NOTE_VIOLATIONS)
        window = cls(context, shop)
        window._listen()
        return window

    async def tab(self, path: str) -> Page:
        """Open one more tab on an address of the shop."""
        page = await self.context.new_page()
        await page.goto(self.shop.url + path)
        return page

    async def track(self, path: str) -> Page:
        """Open a tracking page in one more tab, wait until it is live, and let it note what it says from now on."""
        page = await self.tab(path)
        await expect(page.locator("#connection")).to_have_text("Live: this page changes by itself")
        await page.evaluate(_NOTE_HEADLINES)
        return page

    async def fill_basket_and_check_out(self) -> Page:
        """Go through the shop to the gateway's page, and return the tab that stands there."""
        page = await self.tab("/")
        await page.get_by_role("button", name="Add Assam breakfast tea").click()
        await page.get_by_role("button", name="Check out").click()
        await pay_in_the_sandbox(page)
        await page.wait_for_url(f"{self.shop.sandbox_url}/checkout/*")
        return page

    async def pay_at_the_gateway(self, order: Placed) -> Page:
        """Follow the tracking page's button to the gateway's page, and return the tab that stands there."""
        page = await self.tab(order.path)
        await page.locator("#pay").click()
        await pay_in_the_sandbox(page)
        await page.wait_for_url(f"{self.shop.sandbox_url}/checkout/*")
        return page

    async def has_noted(self, problem: str) -> bool:
        """Whether something like it is among the problems."""
        return any(problem in noted for noted in self.problems)

    def _listen(self) -> None:
        self.context.on("weberror", lambda error: self.problems.append(f"script: {error.error}"))
        self.context.on(
            "console",
            lambda message: (
                self.problems.append(f"console: {message.text}") if message.type == "error" else None
            ),
        )
        self.context.on("request", lambda request: self._note_address(request.url))
        self.context.on(
            "page",
            lambda page: page.on("websocket", lambda opened: self._note_address(opened.url)),
        )

    def _note_address(self, url: str) -> None:
        parts = urlsplit(url.removeprefix("blob:"))
        # The gateways of a demo are servers on this machine, too.
        if parts.scheme != "data" and parts.hostname != urlsplit(self.shop.url).hostname:
            self.problems.append(f"outside: {url}")


async def pay_in_the_sandbox(page: Page) -> None:
    """Choose the sandbox among the ways to pay, and go there."""
    await page.get_by_role("radio", name="Sandbox").check()
    await page.get_by_role("button", name="Pay ₹").click()


async def type_card(page: Page, number: str) -> None:
    """Fill in the gateway's form as a shopper does, and press the button."""
    await page.get_by_label("Card number").fill(number)
    await page.get_by_label("Expiry").fill(EXPIRY)
    await page.get_by_label("Security code").fill(CVC)
    await page.locator("button.pay").click()


async def headlines(page: Page) -> list[str]:
    """Return what a tracking page has said, one after the other, since `track`; a reload would have lost it."""
    said: list[str] = await page.evaluate("window.headlines.map(({ said }) => said)")
    return said


async def violations(page: Page) -> list[str]:
    """Return what axe complains of."""
    await page.evaluate(AXE.read_text("utf-8"))
    found: dict[str, Any] = await page.evaluate("axe.run({ resultTypes: ['violations'] })")
    return [f"{each['id']}: {[node['html'] for node in each['nodes']]}" for each in found["violations"]]
