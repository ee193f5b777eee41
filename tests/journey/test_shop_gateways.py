"""The demo's shop takes payments through every gateway: what shoppers see, and what was paid in the end."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import pytest
from playwright.async_api import expect

from tests.chromium import close_window
from tests.journey.browsing import AXE, Window, violations
from tests.journey.demo_process import Demo

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from playwright.async_api import Browser, Page

    from tests.journey.doors import Doors

PHONE: Final[dict[str, Any]] = {
    "viewport": {"width": 390, "height": 844},
    "screen": {"width": 390, "height": 844},
    "has_touch": True,
    "is_mobile": True,
}
LOOKS: Final[dict[str, dict[str, Any]]] = {
    "light": {"color_scheme": "light"},
    "dark": {"color_scheme": "dark"},
    "phone": {**PHONE, "color_scheme": "light"},
    "phone-dark": {**PHONE, "color_scheme": "dark"},
}
PAID: Final = "Paid and confirmed"
FAILED: Final = "That payment did not go through"


@pytest.fixture(scope="module")
async def shop() -> AsyncIterator[Doors]:
    """Run a demo with its worker, as people do: Paytm's news is only a reason to ask."""
    with tempfile.TemporaryDirectory(prefix="orderpulse-journey-") as folder:
        async with Demo.running(Path(folder) / "data", worker=True) as demo:
            yield demo.doors


@pytest.fixture
async def phone(browser: Browser, shop: Doors) -> AsyncIterator[Window]:
    """Open a phone's browser in which nothing may go wrong."""
    window = await Window.open(browser, shop, **PHONE)
    yield window
    await close_window(window.context)
    assert window.problems == []


async def at_the_till(window: Window, market: str = "₹ India", product: str = "Assam breakfast tea") -> Page:
    """Order one thing and return the tab that stands at the till."""
    page = await window.tab("/")
    await page.get_by_text(market, exact=True).click()
    await page.get_by_role("button", name=f"Add {product}").click()
    await page.get_by_role("button", name="Check out").click()
    await expect(page.get_by_role("button", name="Pay ")).to_be_visible()
    return page


async def choose(page: Page, group: str, gateway: str) -> None:
    """Choose a way to pay and go on."""
    await page.get_by_role("group", name=group).get_by_role("radio", name=gateway).check()
    await page.get_by_role("button", name="Pay ").click()


async def ways(page: Page) -> list[str]:
    await expect(page.locator(".choice").first).to_be_visible()
    return [text.strip() for text in await page.locator(".choice b").all_inner_texts()]


async def history(shop: Doors, page: Page) -> dict[str, Any]:
    """Return the order of a tracking page."""
    return await shop.history(urlsplit(page.url).path.rpartition("/")[2])


async def test_what_is_offered_follows_the_currency_and_upi_comes_first_in_india(window: Window) -> None:
    indian = await at_the_till(window)
    american = await at_the_till(window, "$ America")
    european = await at_the_till(window, "€ Europe")

    assert await ways(indian) == ["Paytm", "Razorpay", "Paytm", "Razorpay", "Sandbox", "Stripe"]
    assert await indian.locator("legend").all_inner_texts() == ["UPI", "Card and more"]
    assert await ways(american) == await ways(european) == ["Sandbox", "Stripe", "PayPal"]
    await expect(indian.get_by_role("radio").first).to_be_checked()
    await expect(european.get_by_role("button", name="Pay €9.50")).to_be_visible()


async def test_a_code_on_a_desk_is_paid_by_a_phone_and_the_page_goes_on_by_itself(
    shop: Doors, window: Window
) -> None:
    page = await at_the_till(window)
    await choose(page, "UPI", "Razorpay")
    code = page.get_by_role("img", name="UPI payment code")
    await expect(code).to_be_visible()
    await expect(page.get_by_role("list", name="Progress of the payment")).to_have_text(
        "Payment startedWaiting for your phone"
    )
    in_app = await page.get_by_role("link", name="Open this code in a UPI app").get_attribute("href")

    await play_the_phone(window, page, "Pay")

    await page.wait_for_url(f"{shop.url}/track/*")
    await expect(page.locator("#headline")).to_have_text(PAID)
    assert str(in_app).startswith("upi://pay?")
    order = await history(shop, page)
    assert [(each["status"], order["paid"]["amount"]) for each in order["payments"]] == [
        ("SUCCEEDED", "449.00")
    ]


async def test_a_reload_shows_the_same_code_again_and_opens_no_second_payment(
    shop: Doors, window: Window
) -> None:
    page = await at_the_till(window)
    await choose(page, "UPI", "Razorpay")
    code = page.get_by_role("img", name="UPI payment code")
    shown = await code.get_attribute("src")

    await page.reload()

    await expect(code).to_have_attribute("src", str(shown))
    token = urlsplit(page.url).fragment.removeprefix("pay=")
    assert len((await shop.history(token))["payments"]) == 1


async def test_a_phone_gets_a_link_into_its_upi_app_and_a_code_on_demand(shop: Doors, phone: Window) -> None:
    page = await at_the_till(phone)
    await choose(page, "UPI", "Paytm")
    link = page.get_by_role("link", name="Open your UPI app")
    address = str(await link.get_attribute("href"))

    await page.get_by_role("link", name="Play the phone").click()
    await page.get_by_role("button", name="Pay", exact=True).click()

    assert address.startswith("upi://pay?")
    await page.wait_for_url(f"{shop.url}/track/*")
    await expect(page.locator("#headline")).to_have_text(PAID)

    second = await at_the_till(phone)
    await choose(second, "UPI", "Razorpay")
    await second.get_by_role("button", name="show a code").click()
    await expect(second.get_by_role("img", name="UPI payment code")).to_be_visible()


async def test_paypal_is_approved_on_its_own_page(shop: Doors, window: Window) -> None:
    page = await at_the_till(window, "€ Europe")
    await choose(page, "PayPal", "PayPal")
    await expect(page.get_by_role("heading", name="The shop asks for")).to_be_visible()
    await expect(page.locator(".amount")).to_have_text("€9.50")

    await page.get_by_role("button", name="Pay now").click()

    await page.wait_for_url(f"{shop.url}/track/*")
    await expect(page.locator("#headline")).to_have_text(PAID)
    assert (await history(shop, page))["paid"]["amount"] == "9.50"


@pytest.mark.parametrize("answer", ["Yes, it is me", "No"])
async def test_stripes_card_is_confirmed_at_the_bank(shop: Doors, window: Window, answer: str) -> None:
    page = await at_the_till(window, "€ Europe")
    await choose(page, "Card and more", "Stripe")
    await page.get_by_text("What your page gets for").click()
    await expect(page.locator(".parameters pre")).to_contain_text("clientSecret")

    await page.get_by_role("link", name="Go on in the simulator").click()
    await page.get_by_role("button", name="Pay, and have the bank ask first").click()
    await page.get_by_role("button", name=answer).click()

    await page.wait_for_url(f"{shop.url}/track/*")
    await expect(page.locator("#headline")).to_have_text(PAID if answer.startswith("Yes") else FAILED)


@pytest.mark.parametrize(("group", "gateway"), [("UPI", "Paytm"), ("Card and more", "Razorpay")])
async def test_after_a_decline_the_order_is_paid_once_by_another_way(
    shop: Doors, window: Window, group: str, gateway: str
) -> None:
    page = await at_the_till(window)
    await choose(page, group, gateway)
    if group == "UPI":
        await play_the_phone(window, page, "Have it declined")
    else:
        await page.get_by_role("link", name="Go on in the simulator").click()
        await page.get_by_role("button", name="Have it declined").click()
        await expect(page.locator("#headline")).to_have_text(FAILED)
        await page.locator("#pay").click()

    if group == "UPI":
        await expect(page.get_by_role("alert")).not_to_be_empty()
    await choose(page, "UPI", "Razorpay")
    await play_the_phone(window, page, "Pay")

    await page.wait_for_url(f"{shop.url}/track/*")
    await expect(page.locator("#headline")).to_have_text(PAID)
    order = await history(shop, page)
    assert sorted(each["status"] for each in order["payments"]) == ["FAILED", "SUCCEEDED"]
    assert order["paid"]["amount"] == "449.00"


@pytest.mark.parametrize("look", LOOKS)
async def test_every_page_of_a_shopper_and_every_error_is_accessible(
    browser: Browser, shop: Doors, look: str
) -> None:
    if not AXE.is_file():
        pytest.skip("axe-core is not installed: npm ci --prefix web")
    window = await Window.open(browser, shop, reduced_motion="reduce", **LOOKS[look])
    page = await at_the_till(window)
    problems = {"till": await violations(page)}
    await choose(page, "UPI", "Razorpay")
    await expect(page.get_by_text("Waiting for your")).to_be_visible()
    problems["payment"] = await violations(page)
    await page.get_by_role("link", name="Track this order").click()
    await expect(page.locator("#connection")).to_contain_text("Live")
    problems["tracking"] = await violations(page)
    await page.goto(f"{shop.url}/")
    await page.get_by_role("button", name="Add Kulhad clay cups").click()
    problems["shelf"] = await violations(page)
    await choose_card(page)
    problems["form"] = await violations(page)
    await page.get_by_role("link", name="Go on in the simulator").click()
    problems["simulator"] = await violations(page)
    for path in ("/errors/", "/errors/PAYMENT_IN_PROGRESS", "/nowhere", "/track/nothing"):
        await page.goto(f"{shop.url}{path}")
        problems[path] = await violations(page)
    await close_window(window.context)

    assert len(problems) == 10
    assert {where: found for where, found in problems.items() if found} == {}
    missing = "console: Failed to load resource: the server responded with a status of 404 (Not Found)"
    assert window.problems == [missing, missing], "two of the pages are none"


async def choose_card(page: Page) -> None:
    await page.get_by_role("button", name="Check out").click()
    await choose(page, "Card and more", "Stripe")
    await expect(page.get_by_role("link", name="Go on in the simulator")).to_be_visible()


async def play_the_phone(window: Window, page: Page, button: str) -> None:
    """Press a button on the page that stands in for the shopper's phone."""
    async with window.context.expect_page() as opening:
        await page.get_by_role("link", name="Play the phone").click()
    played = await opening.value
    await played.get_by_role("button", name=button, exact=True).click()
    await expect(played.get_by_role("heading")).to_have_text("Paid" if button == "Pay" else "Declined")
    await played.close()
