"""The operator's console in a real browser, in front of the demo with its worker."""

from __future__ import annotations

import contextlib
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
from playwright.async_api import expect

from app.auth import hash_secret, new_api_key
from app.identity import new_id
from db.credentials import insert_api_key
from db.embedded import EmbeddedPostgres
from db.pool import Database
from tests.chromium import close_window
from tests.journey.browsing import AXE, Window, violations
from tests.journey.demo_process import Demo
from tests.journey.doors import Doors, Placed, eventually

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from playwright.async_api import APIResponse, Browser, Locator, Page, Route, WebSocketRoute

SPOILT: Final = """
  CREATE FUNCTION spoil() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'The books are spoilt.'; END $$;
  CREATE TRIGGER spoil BEFORE INSERT ON facts FOR EACH ROW EXECUTE FUNCTION spoil()
"""
MENDED: Final = "DROP TRIGGER spoil ON facts; DROP FUNCTION spoil"
LATER: Final = "UPDATE jobs SET due_at = now() + interval '1 hour' WHERE kind = ANY($1)"
"""Nobody but the operator is to find it."""
LOOKS: Final[dict[str, dict[str, Any]]] = {
    "light": {"color_scheme": "light"},
    "dark on a phone": {"color_scheme": "dark", "viewport": {"width": 390, "height": 844}, "has_touch": True},
}


@pytest.fixture(scope="module")
async def demo() -> AsyncIterator[Demo]:
    """Run a demo that does owed work, too."""
    with tempfile.TemporaryDirectory(prefix="orderpulse-console-") as folder:
        async with Demo.running(Path(folder) / "data", worker=True) as demo:
            yield demo


@pytest.fixture(scope="module")
def shop(demo: Demo) -> Doors:
    """Return the ways into it."""
    return demo.doors


@pytest.fixture(scope="module")
async def database(demo: Demo) -> AsyncIterator[Database]:
    """Look into its database."""
    async with EmbeddedPostgres(demo.data_dir / "postgres") as server, Database(server.dsn, size=1) as pool:
        yield pool


@dataclass
class Desk:
    """An operator's tab, signed in."""

    page: Page
    shop: Doors

    async def go(self, path: str) -> None:
        """Open a page of the console."""
        await self.page.evaluate("path => { location.hash = path }", path)

    async def open_order(self, order: Placed) -> None:
        """Find an order by what its shopper reads out."""
        await self.page.keyboard.press("/")
        await self.page.keyboard.type(order.number.lower())
        await self.page.keyboard.press("Enter")
        await expect(self.page.get_by_role("heading", name=f"Order {order.number}")).to_be_visible()

    def figure(self, name: str) -> Locator:
        """Return one of the figures at the top."""
        return self.page.locator(".figures > div").filter(has_text=re.compile(f"^{name}")).locator("dd")

    @property
    def timeline(self) -> Locator:
        """What happened to the order that is open, newest first."""
        return self.page.locator(".timeline li .state")


@pytest.fixture
async def desk(window: Window, shop: Doors) -> Desk:
    """Sign in as the demo's staff."""
    return await signed_in(window, shop)


async def signed_in(window: Window, shop: Doors) -> Desk:
    page = await window.tab("/console")
    await page.get_by_role("button", name="Use the demo's staff key").click()
    await expect(page.locator(".connection")).to_have_text("Live")
    return Desk(page, shop)


async def paid_order(shop: Doors) -> tuple[Placed, str]:
    order = await shop.place_order()
    payment = await shop.pay(order)
    await eventually(lambda: shop.is_confirmed(order))
    return order, str(payment["id"])


async def refunds_of(shop: Doors, order: Placed) -> list[str]:
    """Return the amounts of an order's refunds."""
    query = "query ($id: ID!) { order(id: $id) { payments { refunds { amount { amount } } } } }"
    found = await shop.ask(query, {"id": order.id}, key=shop.staff_key)
    return [refund["amount"]["amount"] for payment in found["payments"] for refund in payment["refunds"]]


async def test_nothing_is_shown_before_a_good_key_is_given_and_after_signing_out(
    window: Window, shop: Doors
) -> None:
    order = await shop.place_order()
    page = await window.tab("/console")

    for wrong in ("not-a-key", order.token):
        await page.get_by_label("Key or token").fill(wrong)
        await page.get_by_role("button", name="Sign in").click()
        await expect(page.get_by_role("alert")).to_contain_text("opens n")
        assert await page.evaluate("sessionStorage.getItem('orderpulse:console-key')") is None
    await page.get_by_label("Key or token").fill(shop.staff_key)
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_role("heading", name="Live")).to_be_visible()
    await page.reload()
    await expect(page.get_by_role("link", name=order.number)).to_be_visible()
    await page.get_by_role("button", name="Sign out").click()

    await expect(page.get_by_role("heading", name="Orderpulse console")).to_be_visible()
    assert order.number not in await page.content()
    assert await page.evaluate("sessionStorage.getItem('orderpulse:console-key')") is None
    assert [problem for problem in window.problems if "401" not in problem] == []
    window.problems.clear()


async def test_what_a_key_may_not_do_is_shown_with_the_reason(
    window: Window, shop: Doors, database: Database
) -> None:
    order, _ = await paid_order(shop)
    key = new_api_key()
    await insert_api_key(
        database, new_id(), hash_secret(key), name="reader", scopes=("orders:read",), ttl=None
    )
    page = await window.tab(f"/console#/orders/{order.id}")
    await page.get_by_label("Key or token").fill(key)
    await page.get_by_role("button", name="Sign in").click()

    for name, scope in (("Refund", "refunds:write"), ("Cancel order", "orders:write")):
        button = page.get_by_role("button", name=name)
        await expect(button).to_have_attribute("aria-disabled", "true")
        await expect(button).to_have_attribute("title", f"Your key lacks the scope {scope}.")
        await button.click(force=True)
    await expect(page.get_by_role("dialog")).to_have_count(0)
    await expect(page.get_by_text("Your key lacks the scope books:read.")).to_be_visible()
    for path, scope in (("inbox", "inbox"), ("suspense", "suspense"), ("integrity", "books:read")):
        await page.evaluate("path => { location.hash = `#/${path}` }", path)
        await expect(page.get_by_role("alert")).to_contain_text(
            f"FORBIDDEN Your key lacks the scope {scope}."
        )


async def test_a_refund_changes_the_order_and_the_shoppers_page(
    desk: Desk, window: Window, shop: Doors
) -> None:
    order, _ = await paid_order(shop)
    tracking = await window.track(order.path)
    await desk.page.bring_to_front()
    await desk.open_order(order)

    await desk.page.get_by_role("button", name="Refund").click()
    asking = desk.page.get_by_role("dialog")
    confirm = asking.locator("button[type=submit]")
    for wrong, why in (
        ("449.01", "At most ₹449.00 can be given back."),
        ("10.005", "at most 2 decimals"),
        ("1,000", "Write digits"),
        ("0", "More than nothing."),
    ):
        await asking.get_by_label("Amount").fill(wrong)
        await expect(asking.locator(".fault")).to_contain_text(why)
        await expect(confirm).to_be_disabled()
    await asking.get_by_label("Amount").fill("100.5")
    await asking.get_by_label("Reason").fill("A cup was broken")
    await expect(asking).to_contain_text("₹348.50 of this payment stay")
    await expect(confirm).to_have_text("Refund ₹100.50")
    await confirm.click()

    await expect(asking).to_have_count(0)
    await expect(desk.timeline.first).to_have_text("Refund sent")
    await expect(desk.figure("Refunded")).to_have_text("₹100.50")
    await expect(desk.page.locator(".states")).to_contain_text("Partially refunded")
    await expect(desk.page.get_by_label("Payment through Sandbox")).to_contain_text(
        "by staff: A cup was broken"
    )
    await expect(desk.page.locator(".ledger .state")).to_have_text(["Balanced", "Balanced"])
    await expect(tracking.locator("#refunded")).to_have_text("₹100.50")
    assert await refunds_of(shop, order) == ["100.50"]


async def test_the_keyboard_alone_refunds(desk: Desk, shop: Doors) -> None:
    order, _ = await paid_order(shop)
    page = desk.page

    await page.keyboard.press("?")
    await expect(page.get_by_role("dialog")).to_contain_text("Next and previous row")
    await page.keyboard.press("Escape")
    await page.keyboard.press("g")
    await page.keyboard.press("o")
    await expect(page.get_by_role("heading", name="Orders")).to_be_visible()
    await expect(page.get_by_role("link", name=order.number)).to_be_visible()
    await page.keyboard.press("j")
    await expect(page.get_by_role("link", name=order.number)).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("button", name="Refund")).to_be_visible()
    await page.keyboard.press("r")
    await expect(page.get_by_label("Amount")).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("dialog")).to_have_count(0)
    await page.keyboard.press("r")
    await expect(page.get_by_label("Amount")).to_be_focused()
    await page.keyboard.type("449")
    await page.keyboard.press("Enter")

    await expect(desk.timeline.first).to_have_text("Refund sent")
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("heading", name="Orders")).to_be_visible()
    assert await refunds_of(shop, order) == ["449.00"]


async def test_a_refund_whose_answer_was_lost_is_asked_for_again_and_done_once(
    desk: Desk, window: Window, shop: Doors
) -> None:
    order, _ = await paid_order(shop)
    await desk.open_order(order)
    lost: list[APIResponse] = []

    async def lose_the_first_answer(route: Route) -> None:
        if "refundCreate" in (route.request.post_data or "") and not lost:
            lost.append(await route.fetch())
            await route.abort()
        else:
            await route.continue_()

    await desk.page.route("**/graphql", lose_the_first_answer)
    await desk.page.get_by_role("button", name="Refund").click()
    asking = desk.page.get_by_role("dialog")
    await asking.get_by_role("button", name="Refund ₹449.00").click()
    await expect(asking.get_by_role("alert")).to_contain_text("UNREACHABLE The server did not answer.")
    await asking.get_by_role("button", name="Try again: Refund ₹449.00").click()

    await expect(asking).to_have_count(0)
    await expect(desk.timeline.first).to_have_text("Refund sent")
    assert await refunds_of(shop, order) == ["449.00"]
    assert [problem for problem in window.problems if "ERR_FAILED" not in problem] == []
    window.problems.clear()


async def test_a_capture_and_a_cancel_say_what_they_do_and_do_it(desk: Desk, shop: Doors) -> None:
    order = await shop.place_order()
    await shop.pay(order, "MANUAL")
    await eventually(lambda: shop.is_confirmed(order))
    await desk.open_order(order)

    await desk.page.get_by_role("button", name="Capture").click()
    await desk.page.get_by_role("button", name="Capture ₹449.00").click()
    await expect(desk.figure("Paid")).to_have_text("₹449.00")
    await desk.page.get_by_role("button", name="Cancel order").click()
    asking = desk.page.get_by_role("dialog")
    await expect(asking).to_contain_text("₹449.00 that were paid are sent back to the shopper.")
    await asking.get_by_role("button", name="Cancel the order").click()

    await expect(desk.figure("Refunded")).to_have_text("₹449.00")
    await expect(desk.page.locator(".states")).to_contain_text("Canceled")
    assert (await shop.history(order.token))["status"] == "CANCELED"


async def test_a_failed_delivery_is_replayed_and_pays_its_order(
    desk: Desk, shop: Doors, database: Database
) -> None:
    order = await shop.place_order()
    async with spoilt(database):
        await shop.pay(order)
        await eventually(lambda: has_delivery(database, "FAILED"))
        await database.fetch(LATER, ["INBOX_REPLAY", "PAYMENT_POLL"])
        await desk.go("#/inbox?status=FAILED")
        row = desk.page.get_by_role("link", name="payment.succeeded")
        await expect(row).to_have_count(1)
        await row.click()
        await expect(desk.page.locator(".failure")).to_contain_text("The books are spoilt.")
        await expect(desk.page.locator(".body")).to_contain_text('"type": "payment.succeeded"')
    assert (await shop.history(order.token))["status"] == "PENDING"

    await desk.page.get_by_role("button", name="Replay").click()

    await expect(desk.page.locator(".toast")).to_have_text("Replayed, and applied.")
    await expect(desk.page.locator(".states")).to_have_text("Applied")
    await expect(desk.page.get_by_role("button", name="Replay")).to_have_attribute("aria-disabled", "true")
    assert (await shop.history(order.token))["paymentStatus"] == "PAID"


async def test_money_of_an_unknown_order_is_given_its_place(
    desk: Desk, shop: Doors, database: Database
) -> None:
    order = await shop.place_order()
    reference = await shop.stray_money(44_900)
    await eventually(lambda: has_delivery(database, "UNMATCHED"))
    await desk.go("#/suspense")
    row = desk.page.get_by_role("row").filter(has_text=reference)
    await expect(row).to_contain_text("No order is known for it")

    await row.get_by_role("button", name="Resolve").click()
    asking = desk.page.get_by_role("dialog")
    await expect(asking.get_by_role("button", name="Resolve")).to_be_disabled()
    await asking.get_by_text("Take it for the order").click()
    await asking.get_by_label("Order its number or id").fill("NONE0-00000")
    await asking.locator("button[type=submit]").click()
    await expect(asking.get_by_role("alert")).to_contain_text("NOT_FOUND No order is known by “NONE0-00000”.")
    await asking.get_by_label("Order its number or id").fill(order.number)
    await asking.locator("button[type=submit]").click()

    await expect(asking).to_have_count(0)
    await expect(row).to_have_count(0)
    assert (await shop.history(order.token))["paymentStatus"] == "PAID"
    await desk.go("#/suspense?show=resolved")
    await expect(row).to_contain_text("Taken for an order")


async def test_a_stuck_payment_is_asked_after(desk: Desk, shop: Doors, database: Database) -> None:
    order = await shop.place_order()
    async with shop.chaos(drop=1.0):
        payment = await shop.pay(order)
        await eventually(lambda: shop.success_is("lost", payment["reference"]))
    await database.fetch(LATER, ["PAYMENT_POLL", "GATEWAY_BACKFILL"])
    await desk.go("#/stuck?over=0")
    row = desk.page.get_by_role("row").filter(has_text=payment["reference"])
    await expect(row).to_contain_text(order.number)

    await row.get_by_role("button", name="Ask the gateway").click()

    await expect(desk.page.locator(".toast")).to_have_text("Sandbox says: succeeded.")
    await expect(row).to_have_count(0)
    assert (await shop.told(order.token))[-1] == ("ORDER_CONFIRMED", "POLL")


async def test_the_feed_catches_up_after_a_cut_and_keeps_still_while_it_is_paused(
    window: Window, shop: Doors
) -> None:
    page = await window.context.new_page()
    wires: list[WebSocketRoute] = []
    cut = False

    async def wire(opened: WebSocketRoute) -> None:
        if cut:
            await opened.close(code=1012)
        else:
            opened.connect_to_server()
            wires.append(opened)

    await page.route_web_socket("**/graphql", wire)
    await page.goto(f"{shop.url}/console")
    await page.get_by_role("button", name="Use the demo's staff key").click()
    await expect(page.locator(".connection")).to_have_text("Live")
    before = await shop.place_order()
    numbers = page.locator(".feed tbody a")
    await expect(numbers.first).to_have_text(before.number)

    cut = True
    for opened in wires:
        await opened.close(code=1012)
    await expect(page.locator(".connection")).to_have_text("No connection; trying again")
    missed, _ = await paid_order(shop)
    await expect(numbers.first).to_have_text(before.number)
    cut = False

    told = page.get_by_role("row").filter(has_text=missed.number).locator(".state")
    await expect(told).to_have_text(
        ["Order confirmed", "Payment succeeded", "Payment opened", "Order placed"]
    )
    await page.get_by_role("button", name="Pause").click()
    unseen = await shop.place_order()
    await expect(page.get_by_text("Paused; 1 new event")).to_be_visible()
    await expect(page.get_by_role("link", name=unseen.number)).to_have_count(0)
    await page.keyboard.press("Space")
    await expect(numbers.first).to_have_text(unseen.number)


async def test_charts_have_tables_of_the_same_figures_and_the_books_are_held_to_account(
    desk: Desk, shop: Doors, database: Database
) -> None:
    order, _ = await paid_order(shop)
    page = desk.page
    await page.reload()
    await expect(page.locator(".plot canvas").first).to_be_visible()
    await page.get_by_role("button", name="Show tables").click()
    await expect(page.locator(".plot")).to_have_count(0)
    rate = page.get_by_role("region", name="Success by gateway")
    await expect(rate.get_by_role("columnheader", name="Sandbox")).to_be_visible()
    await expect(rate.locator("tbody td").first).to_have_text(re.compile(r"\d+ %"))
    await page.get_by_role("button", name="Show charts").click()

    await desk.go("#/integrity")
    await expect(page.locator(".verdict")).to_contain_text("Every rule holds")
    await database.fetch("UPDATE orders SET paid_minor = 1 WHERE number = $1", order.number)
    await page.get_by_role("button", name="Check again").click()
    await expect(page.locator(".verdict")).to_contain_text("1 row broken")
    await expect(page.get_by_role("link", name=order.id)).to_be_visible()
    await database.fetch("UPDATE orders SET paid_minor = 44900 WHERE number = $1", order.number)

    await desk.go("#/health")
    await expect(page.locator(".lamps .state")).to_have_text(["Good", "Good", "Good"])
    await expect(page.get_by_role("row").filter(has_text="Razorpay")).to_contain_text("Are sent")
    await expect(page.locator(".measured")).to_contain_text("Given up, and waiting for people")


@pytest.mark.parametrize("look", LOOKS)
async def test_every_page_is_accessible(browser: Browser, shop: Doors, look: str) -> None:
    if not AXE.is_file():
        pytest.skip("axe-core is not installed: npm ci --prefix web")
    order, _ = await paid_order(shop)
    window = await Window.open(browser, shop, reduced_motion="reduce", **LOOKS[look])
    door = await window.tab("/console")
    await expect(door.get_by_label("Key or token")).to_be_visible()
    problems = {"door": await violations(door)}
    await door.close()
    desk = await signed_in(window, shop)
    page = desk.page

    async def show(path: str, there: str) -> None:
        await desk.go(path)
        await expect(page.locator(there).first).to_be_visible()
        await expect(page.locator(".loading")).to_have_count(0)
        problems[path] = await violations(page)

    for path, there in {
        "#/live": ".plot canvas, .chart-empty",
        "#/orders": "[data-row]",
        f"#/orders/{order.id}": ".ledger",
        "#/inbox": "[data-row]",
        "#/suspense": ".scroll, .empty",
        "#/stuck?over=0": ".scroll, .empty",
        "#/integrity": ".verdict",
        "#/health": ".measured",
    }.items():
        await show(path, there)
    await desk.go("#/inbox")
    await page.locator("[data-row]").first.click()
    await expect(page.locator(".body")).to_be_visible()
    problems["delivery"] = await violations(page)
    await desk.go(f"#/orders/{order.id}")
    await page.get_by_role("button", name="Refund").click()
    problems["refund"] = await violations(page)
    await page.keyboard.press("Escape")
    await page.keyboard.press("?")
    problems["shortcuts"] = await violations(page)
    await close_window(window.context)

    assert len(problems) == 12
    assert {where: found for where, found in problems.items() if found} == {}
    assert window.problems == []


@contextlib.asynccontextmanager
async def spoilt(database: Database) -> AsyncIterator[None]:
    """Let nothing be written into the facts while the block lasts."""
    await run(database, SPOILT)
    try:
        yield
    finally:
        await run(database, MENDED)


async def run(database: Database, statements: str) -> None:
    async with database.connection() as connection:
        await connection.execute(statements)


async def has_delivery(database: Database, status: str) -> bool:
    """Whether a delivery of success stands like this."""
    found = await database.fetch(
        "SELECT 1 FROM inbox_events WHERE type = 'payment.succeeded' AND status = $1", status
    )
    return bool(found)
