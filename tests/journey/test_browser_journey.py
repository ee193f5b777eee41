"""A shopper buys in a real browser, and the tracking page that was open all along changes by itself."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Final

import pytest
from playwright.async_api import expect

from tests.journey.browsing import headlines, pay_in_the_sandbox, type_card
from tests.journey.doors import eventually
from tests.web.ide_page import answered, open_tab, run

if TYPE_CHECKING:
    from playwright.async_api import Page

    from tests.journey.browsing import Window
    from tests.journey.doors import Doors

GOOD: Final = "4242 4242 4242 4242"
DECLINED: Final = "4000 0000 0000 0002"
INSUFFICIENT: Final = "4000 0000 0000 9995"
SECURE: Final = "4000 0025 0000 3155"
UNDER_WAY: Final = "Your payment is under way"
WAITING: Final = "Waiting for your payment"
PAID: Final = "Paid and confirmed"
FAILED: Final = "That payment did not go through"


def token_in(page: Page) -> str:
    """Return the access token in a tracking page's address."""
    return page.url.rpartition("/")[2].partition("?")[0]


async def test_the_tracking_page_turns_paid_by_itself_when_the_shopper_pays(
    shop: Doors, window: Window
) -> None:
    buying = await window.fill_basket_and_check_out()
    shelf = await window.tab("/")
    link = shelf.get_by_label("Your orders").get_by_role("link")
    watching = await window.track(str(await link.get_attribute("href")))
    await expect(watching.locator("#headline")).to_have_text(WAITING)

    await type_card(buying, GOOD)

    await expect(watching.locator("#headline")).to_have_text(PAID)
    await expect(watching.locator("#paid")).to_have_text("₹449.00")
    await expect(watching.locator("#events .what").first).to_have_text("Order confirmed")
    assert await headlines(watching) == [PAID]
    await buying.wait_for_url(watching.url)
    await expect(buying.locator("#headline")).to_have_text(PAID)
    order = await shop.history(token_in(watching))
    assert (order["status"], order["paymentStatus"]) == ("CONFIRMED", "PAID")
    assert await shop.told(token_in(watching)) == [
        ("ORDER_CREATED", "API"),
        ("PAYMENT_CREATED", "API"),
        ("PAYMENT_SUCCEEDED", "WEBHOOK"),
        ("ORDER_CONFIRMED", "WEBHOOK"),
    ]
    (settled,) = {event["occurredAt"] for event in order["events"]["nodes"][-2:]}
    changed: float = await watching.evaluate("window.headlines[0].at / 1000")
    # The promise itself: in the same second. A busy machine takes a tenth of that.
    assert changed - datetime.fromisoformat(settled).timestamp() < 1.0


async def test_the_webhook_came_signed_over_http_and_was_answered_once(shop: Doors) -> None:
    order = await shop.place_order()

    payment = await shop.pay(order)

    await eventually(lambda: shop.success_is("delivered", payment["reference"]))
    event = await shop.success_event(payment["reference"])
    assert [(attempt["status"], attempt["duplicate"]) for attempt in event["attempts"]] == [(200, False)]
    assert (await shop.history(order.token))["status"] == "CONFIRMED"


async def test_a_declined_card_is_said_and_the_next_one_pays_once(shop: Doors, window: Window) -> None:
    order = await shop.place_order()
    watching = await window.track(order.path)
    buying = await window.pay_at_the_gateway(order)

    await type_card(buying, DECLINED)
    await expect(buying.get_by_role("alert")).to_have_text(
        "Not paid. Your bank declined the card. Use another one."
    )
    await expect(watching.locator("#headline")).to_have_text(FAILED)
    await expect(watching.locator("#pay")).to_have_text("Try again")
    await type_card(buying, GOOD)

    await expect(watching.locator("#headline")).to_have_text(PAID)
    await expect(watching.locator("#pay")).to_be_hidden()
    assert await headlines(watching) == [FAILED, PAID]
    now = await shop.history(order.token)
    assert now["paid"]["amount"] == "449.00"
    assert [payment["status"] for payment in now["payments"]] == ["SUCCEEDED"]
    assert [attempt["status"] for attempt in now["payments"][0]["attempts"]] == ["FAILED", "SUCCEEDED"]
    assert await shop.charged(order) == [(1, 44900)]


async def test_insufficient_funds_are_told_to_shopper_timeline_and_api(shop: Doors, window: Window) -> None:
    order = await shop.place_order()
    watching = await window.track(order.path)
    buying = await window.pay_at_the_gateway(order)

    await type_card(buying, INSUFFICIENT)

    told = "There is not enough money on the card. Use another one."
    await expect(buying.get_by_role("alert")).to_have_text(f"Not paid. {told}")
    await expect(watching.locator("#events .message").first).to_have_text(told)
    (payment,) = (await shop.history(order.token))["payments"]
    assert payment["lastError"] == {
        "code": "card_declined",
        "declineCode": "insufficient_funds",
        "message": told,
    }


async def test_three_d_secure_is_completed_at_the_bank(shop: Doors, window: Window) -> None:
    order = await shop.place_order()
    watching = await window.track(order.path)
    buying = await window.pay_at_the_gateway(order)

    await type_card(buying, SECURE)
    await expect(watching.locator("#events .what").first).to_have_text("Your bank asks you to confirm")
    await buying.get_by_role("button", name="Complete authentication").click()

    await expect(watching.locator("#headline")).to_have_text(PAID)
    assert await headlines(watching) == [UNDER_WAY, PAID]
    assert ("PAYMENT_ACTION_REQUIRED", "WEBHOOK") in await shop.told(order.token)


async def test_three_d_secure_that_fails_leaves_the_order_to_be_paid_again(
    shop: Doors, window: Window
) -> None:
    order = await shop.place_order()
    watching = await window.track(order.path)
    buying = await window.pay_at_the_gateway(order)
    await type_card(buying, SECURE)

    await buying.get_by_role("button", name="Fail authentication").click()
    await expect(buying.get_by_role("alert")).to_contain_text("The bank could not confirm that it was you.")
    await expect(watching.locator("#headline")).to_have_text(FAILED)
    await watching.locator("#pay").click()
    await pay_in_the_sandbox(watching)
    await watching.wait_for_url(f"{shop.sandbox_url}/checkout/*")
    await type_card(watching, GOOD)

    await watching.wait_for_url(shop.url + order.path)
    await expect(watching.locator("#headline")).to_have_text(PAID)
    assert sorted(await shop.charged(order)) == [(0, 0), (1, 44900)]
    assert (await shop.history(order.token))["paid"]["amount"] == "449.00"


async def test_a_refund_by_staff_appears_on_the_open_page(shop: Doors, window: Window) -> None:
    order = await shop.place_order()
    payment = await shop.pay(order)
    await eventually(lambda: shop.is_confirmed(order))
    watching = await window.track(order.path)
    await expect(watching.locator("#refunded")).to_be_hidden()

    await shop.refund(payment["id"])

    await expect(watching.locator("#headline")).to_have_text("Refunded")
    await expect(watching.locator("#refunded")).to_have_text("₹449.00")
    await expect(watching.locator("#balance")).to_be_hidden()
    await expect(watching.locator("#steps li").last).to_have_text("Refunded: done")
    assert (await headlines(watching))[-1] == "Refunded"


async def test_a_lost_webhook_is_made_up_for_when_it_is_delivered_after_all(
    shop: Doors, window: Window
) -> None:
    order = await shop.place_order()
    watching = await window.track(order.path)
    async with shop.chaos(drop=1.0):
        payment = await shop.pay(order)
        await eventually(lambda: shop.success_is("lost", payment["reference"]))
    await expect(watching.locator("#headline")).to_have_text(WAITING)
    lost = await shop.success_event(payment["reference"])

    await shop.gateway("POST", f"/v1/events/{lost['event']['id']}/_deliver")

    await expect(watching.locator("#headline")).to_have_text(PAID)
    assert await headlines(watching) == [PAID]
    assert (await shop.told(order.token))[-2:] == [
        ("PAYMENT_SUCCEEDED", "WEBHOOK"),
        ("ORDER_CONFIRMED", "WEBHOOK"),
    ]


async def test_asking_the_gateway_brings_what_a_lost_webhook_did_not(shop: Doors, window: Window) -> None:
    order = await shop.place_order()
    watching = await window.track(order.path)
    async with shop.chaos(drop=1.0):
        payment = await shop.pay(order)
        await eventually(lambda: shop.success_is("lost", payment["reference"]))
    await expect(watching.locator("#headline")).to_have_text(WAITING)

    await shop.sync(payment["id"], order.token)

    await expect(watching.locator("#headline")).to_have_text(PAID)
    assert (await shop.told(order.token))[-2:] == [
        ("PAYMENT_SUCCEEDED", "POLL"),
        ("ORDER_CONFIRMED", "POLL"),
    ]


async def test_a_shopper_who_comes_back_is_enough_where_every_webhook_is_lost(
    shop: Doors, window: Window
) -> None:
    order = await shop.place_order()
    watching = await window.track(order.path)
    buying = await window.pay_at_the_gateway(order)

    async with shop.chaos(drop=1.0):
        await type_card(buying, GOOD)
        await expect(watching.locator("#headline")).to_have_text(PAID)

    await expect(buying.locator("#headline")).to_have_text(PAID)
    assert (await shop.told(order.token))[-1] == ("ORDER_CONFIRMED", "API")


async def test_a_webhook_that_comes_four_times_out_of_order_changes_the_page_once(
    shop: Doors, window: Window
) -> None:
    order = await shop.place_order()
    watching = await window.track(order.path)
    async with shop.chaos(duplicate=3, reorder=True, seed=5):
        payment = await shop.pay(order)
        await expect(watching.locator("#headline")).to_have_text(PAID)
        await eventually(lambda: shop.success_is("delivered", payment["reference"], attempts=4))

    shown = await watching.locator("#events .what").all_inner_texts()
    assert shown.count("Payment received") == shown.count("Order confirmed") == 1
    assert (await headlines(watching))[-1] == PAID
    assert (await shop.history(order.token))["paid"]["amount"] == "449.00"


async def test_the_ide_creates_pays_and_receives_the_frames(shop: Doors, window: Window) -> None:
    ide = await window.tab("/graphiql")
    await run(ide)
    await answered(ide, "accessToken")
    await open_tab(ide, 1, "# 2 · Pay")
    async with ide.expect_response(f"{shop.url}/graphql") as answer:
        await run(ide)
    paid = (await (await answer.value).json())["data"]["paymentCreate"]
    await open_tab(ide, 2, "# 3 · Watch it live")
    others = await shop.subscriptions()
    await run(ide)
    await eventually(lambda: shop.has_subscriptions(others + 1))

    gateway = await window.context.new_page()
    await gateway.goto(paid["payment"]["nextAction"]["url"])
    await gateway.get_by_role("button", name="Succeeds").click()

    events = ide.get_by_label("Subscription events").locator("li code")
    await expect(events).to_have_count(2)
    await expect(events.nth(0)).to_contain_text('"type":"ORDER_CONFIRMED"')
    await expect(events.nth(1)).to_contain_text('"type":"PAYMENT_SUCCEEDED"')


@pytest.mark.parametrize(
    ("mishap", "noted"),
    [
        ("console.error('Oh no')", "console: Oh no"),
        ("setTimeout(() => { throw new Error('Broken') })", "script: Broken"),
        ("fetch('http://127.0.0.1:9/').catch(() => {})", "POLICY connect-src"),
        ("open('http://localhost:9/')", "outside: http://localhost:9/"),
    ],
)
async def test_what_may_not_happen_in_a_window_is_noticed(window: Window, mishap: str, noted: str) -> None:
    page = await window.tab("/")

    await page.evaluate(f"() => {{ {mishap} }}")

    await eventually(lambda: window.has_noted(noted))
    window.problems.clear()
