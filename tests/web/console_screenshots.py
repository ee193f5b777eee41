"""The console's part of `make screenshots`: orders in every state, and the pages that an operator has open."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Final

from playwright.async_api import expect

from tests.journey.doors import eventually

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from playwright.async_api import Page

    from tests.journey.doors import Doors, Placed

    Keep = Callable[..., Awaitable[None]]
    """Keeps a picture of a page under a name, `whole` or as much as the screen shows."""

GOOD: Final = "4242424242424242"
DECLINED: Final = "4000000000000002"
DISPUTED: Final = "4000000000000259"
CARDS: Final = (GOOD, DECLINED, GOOD, DISPUTED, GOOD, "4000000000009995", GOOD, GOOD)
CUSTOMERS: Final = ("asha@example.com", "jonas@example.de", "meera@example.in", "emily@example.com")
BASKETS: Final = (
    {"TEA-ASSAM": 2},
    {"TEA-ASSAM": 1, "KETTLE-ENAMEL": 1},
    {"CUP-KULHAD": 1, "SPICE-ELAICHI": 2},
)


async def fill(doors: Doors) -> str:
    """Let things happen that an operator looks at; return the id of an order that says most of it."""
    shown = await doors.place_order({"TEA-ASSAM": 300}, CUSTOMERS[0])
    await _pay(doors, shown, DECLINED)
    payment = await doors.pay(shown)
    for place, card in enumerate(CARDS):
        basket, customer = BASKETS[place % len(BASKETS)], CUSTOMERS[place % len(CUSTOMERS)]
        await _pay(doors, await doors.place_order(basket, customer), card)
    await doors.pay(await doors.place_order(BASKETS[1], CUSTOMERS[1]), "MANUAL")
    await doors.open_payment(await doors.place_order(BASKETS[2], CUSTOMERS[2]))
    await doors.stray_money(129_900)
    await eventually(lambda: doors.is_confirmed(shown))
    await doors.refund(payment["id"], "12500.50", "Two boxes were crushed")
    return shown.id


async def walk(page: Page, url: str, order_id: str, name: str, keep: Keep) -> None:
    """Draw the console's pages."""
    await page.goto(f"{url}/console")
    await expect(page.get_by_label("Key or token")).to_be_visible()
    if name == "desk":
        await keep(page, "console-door-desk")
    await page.get_by_role("button", name="Use the demo's staff key").click()
    await expect(page.locator(".plot canvas").first).to_be_visible()
    await expect(page.locator(".feed [data-row]").first).to_be_visible()
    await keep(page, f"console-live-{name}", whole=False)
    for path, there in (
        ("orders", "[data-row]"),
        (f"orders/{order_id}", ".ledger"),
        ("suspense", "[data-row]"),
        ("health", ".measured"),
    ):
        await page.evaluate("path => { location.hash = `#/${path}` }", path)
        await expect(page.locator(there).first).to_be_visible()
        await keep(page, f"console-{'order' if order_id in path else path}-{name}")
    if name == "desk":
        await _questions(page, order_id, keep)


async def _questions(page: Page, order_id: str, keep: Keep) -> None:
    await page.evaluate("path => { location.hash = `#/orders/${path}` }", order_id)
    await expect(page.locator(".ledger")).to_be_visible()
    await page.keyboard.press("r")
    await keep(page, "console-refund-desk", whole=False)
    await page.keyboard.press("Escape")
    await page.evaluate("location.hash = '#/inbox?status=UNMATCHED'")
    await page.locator("[data-row]").first.click()
    await expect(page.locator(".body")).to_be_visible()
    await keep(page, "console-inbox-desk")
    await page.evaluate("location.hash = '#/integrity'")
    await expect(page.locator(".verdict")).to_be_visible()
    await keep(page, "console-integrity-desk", whole=False)


async def _pay(doors: Doors, order: Placed, card: str) -> None:
    payment = await doors.open_payment(order)
    with contextlib.suppress(AssertionError):  # a card that is declined
        await doors.gateway("POST", f"/v1/payments/{payment['reference']}/_pay", {"card": card})
