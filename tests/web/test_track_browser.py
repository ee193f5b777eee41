"""The tracking page in a real browser: live, cut off, caught up, ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.async_api import expect

from app.domain.states import OrderEventType, OrderPaymentStatus, OrderStatus
from tests.web.serving import eventually
from tests.web.tiny_shop import TOKEN, TOTAL, TinyShop

if TYPE_CHECKING:
    from tests.web.conftest import OpenVisit

T = OrderEventType
PATH = f"/track/{TOKEN}"


async def test_changes_appear_as_they_are_committed(shop: TinyShop, base_url: str, visit: OpenVisit) -> None:
    opened = await visit(base_url, PATH)
    page = opened.page
    await expect(page.locator("#connection")).to_have_text("Live: this page changes by itself")
    await expect(page.locator("#headline")).to_have_text("Waiting for your payment")
    await expect(page.locator("#pay")).to_be_visible()

    shop.happen(
        T.PAYMENT_CREATED, amount=TOTAL, payment_status=OrderPaymentStatus.PENDING, payment_in_progress=True
    )
    await expect(page.locator("#headline")).to_have_text("Your payment is under way")
    await expect(page.locator("#pay")).to_be_hidden()
    shop.happen(
        T.PAYMENT_SUCCEEDED,
        amount=TOTAL,
        paid=TOTAL,
        payment_status=OrderPaymentStatus.PAID,
        payment_in_progress=False,
    )
    shop.happen(T.ORDER_CONFIRMED, status=OrderStatus.CONFIRMED)

    await expect(page.locator("#headline")).to_have_text("Paid and confirmed")
    await expect(page.locator("#paid")).to_have_text("₹1,796.00")
    await expect(page.locator("#balance")).to_be_hidden()
    await expect(page.locator("#events .what")).to_have_text(
        ["Order confirmed", "Payment received", "Payment started", "Order placed"]
    )
    await expect(page.locator("#steps li[data-done]")).to_have_count(3)
    await expect(page.locator("#steps li[aria-current=step]")).to_have_text("Shipped: to come")
    assert ("socket", TOKEN) in shop.transport.credentials
    assert opened.problems == []


async def test_the_script_writes_what_the_server_would_have_written(
    shop: TinyShop, base_url: str, visit: OpenVisit
) -> None:
    live = await visit(base_url, PATH)
    await expect(live.page.locator("#connection")).to_have_attribute("data-state", "live")
    for type_, status in (
        (T.PAYMENT_CREATED, OrderPaymentStatus.PENDING),
        (T.PAYMENT_FAILED, OrderPaymentStatus.UNPAID),
    ):
        shop.happen(
            type_,
            amount=TOTAL,
            message="Said the bank",
            payment_status=status,
            payment_in_progress=status is OrderPaymentStatus.PENDING,
        )
    await expect(live.page.locator("#pay")).to_have_text("Try again")

    loaded = await visit(base_url, PATH)

    for place in ("#status", "#steps", "#pay-line", ".lines"):
        from_script = await live.page.locator(place).evaluate("element => element.outerHTML")
        from_server = await loaded.page.locator(place).evaluate("element => element.outerHTML")
        assert from_script == from_server
    timelines = [await one.page.locator("#events").inner_text() for one in (live, loaded)]
    assert timelines[0] == timelines[1]


async def test_a_cut_connection_is_said_and_nothing_is_missed(
    shop: TinyShop, base_url: str, visit: OpenVisit
) -> None:
    opened = await visit(base_url, PATH)
    page = opened.page
    await expect(page.locator("#connection")).to_have_attribute("data-state", "live")
    shop.happen(T.PAYMENT_CREATED, amount=TOTAL)
    await expect(page.locator("#events li")).to_have_count(2)

    shop.transport.open_for_sockets = False
    await shop.transport.cut()
    await expect(page.locator("#connection")).to_have_text("Connection lost. Reconnecting; nothing is missed")
    shop.happen(T.PAYMENT_FAILED, message="Declined")
    shop.happen(T.PAYMENT_CREATED, amount=TOTAL)
    shop.happen(T.PAYMENT_SUCCEEDED, amount=TOTAL, paid=TOTAL, payment_status=OrderPaymentStatus.PAID)
    shop.happen(T.ORDER_CONFIRMED, status=OrderStatus.CONFIRMED)
    shop.transport.open_for_sockets = True

    await expect(page.locator("#connection")).to_have_attribute("data-state", "live")
    await expect(page.locator("#headline")).to_have_text("Paid and confirmed")
    await expect(page.locator("#events .what")).to_have_text(
        [
            "Order confirmed",
            "Payment received",
            "Payment started",
            "Payment did not go through",
            "Payment started",
            "Order placed",
        ]
    )
    resumed = [arguments["after"] for name, arguments in shop.asked if name == "orderEvents"]
    assert resumed == ["c1", "c2"]


async def test_an_event_that_comes_twice_is_shown_once(
    shop: TinyShop, base_url: str, visit: OpenVisit
) -> None:
    opened = await visit(base_url, PATH)
    await expect(opened.page.locator("#connection")).to_have_attribute("data-state", "live")

    shop.happen(T.PAYMENT_CREATED, amount=TOTAL)
    await expect(opened.page.locator("#events li")).to_have_count(2)
    shop.events.append(shop.events[-1])
    shop.happen(T.PAYMENT_PROCESSING)

    await expect(opened.page.locator("#events .what")).to_have_text(
        ["Your bank is working on it", "Payment started", "Order placed"]
    )


@pytest.mark.parametrize("code", [1000, 1012, 4500])
async def test_it_comes_back_after_any_kind_of_close(
    shop: TinyShop, base_url: str, visit: OpenVisit, code: int
) -> None:
    opened = await visit(base_url, PATH)
    await expect(opened.page.locator("#connection")).to_have_attribute("data-state", "live")

    await shop.transport.cut(code=code)
    await eventually(lambda: [name for name, _ in shop.asked].count("orderEvents") == 2)
    shop.happen(T.PAYMENT_CREATED, amount=TOTAL)

    await expect(opened.page.locator("#events li")).to_have_count(2)


async def test_it_subscribes_again_when_the_server_ends_the_stream(
    shop: TinyShop, base_url: str, visit: OpenVisit
) -> None:
    opened = await visit(base_url, PATH)
    await expect(opened.page.locator("#connection")).to_have_attribute("data-state", "live")
    await eventually(lambda: [name for name, _ in shop.asked].count("orderEvents") == 1)

    await shop.transport.complete()
    shop.happen(T.PAYMENT_CREATED, amount=TOTAL)

    await expect(opened.page.locator("#events li")).to_have_count(2)
    await expect(opened.page.locator("#connection")).to_have_attribute("data-state", "live")


async def test_the_network_coming_back_ends_the_waiting(
    shop: TinyShop, base_url: str, visit: OpenVisit
) -> None:
    opened = await visit(base_url, PATH)
    await expect(opened.page.locator("#connection")).to_have_attribute("data-state", "live")

    await opened.page.evaluate("dispatchEvent(new Event('online'))")

    await eventually(lambda: [name for name, _ in shop.asked].count("orderEvents") == 2)
    await expect(opened.page.locator("#connection")).to_have_attribute("data-state", "live")


@pytest.mark.parametrize(("hidden_seconds", "connections"), [(31, 2), (29, 1)])
async def test_a_phone_that_slept_long_does_not_trust_its_socket(
    shop: TinyShop, base_url: str, visit: OpenVisit, hidden_seconds: int, connections: int
) -> None:
    opened = await visit(base_url, PATH)
    await expect(opened.page.locator("#connection")).to_have_attribute("data-state", "live")
    await eventually(lambda: [name for name, _ in shop.asked].count("orderEvents") == 1)

    await opened.page.evaluate(
        """(seconds) => {
            const set = (hidden) => {
                Object.defineProperty(document, 'hidden', { value: hidden, configurable: true });
                document.dispatchEvent(new Event('visibilitychange'));
            };
            set(true);
            const now = Date.now();
            Date.now = () => now + seconds * 1000;
            set(false);
        }""",
        hidden_seconds,
    )
    shop.happen(T.PAYMENT_CREATED, amount=TOTAL)

    await expect(opened.page.locator("#events li")).to_have_count(2)
    assert [name for name, _ in shop.asked].count("orderEvents") == connections


async def test_a_withdrawn_link_ends_the_watching(shop: TinyShop, base_url: str, visit: OpenVisit) -> None:
    opened = await visit(base_url, PATH)
    await expect(opened.page.locator("#connection")).to_have_attribute("data-state", "live")

    shop.token_opens = False
    await shop.transport.cut()

    await expect(opened.page.locator("#connection")).to_have_text(
        "This link no longer opens the order. Ask the shop for a new one"
    )
    await eventually(lambda: not shop.transport.sockets)
    await expect(opened.page.locator("#connection")).to_have_attribute("data-state", "ended")


async def test_what_the_gateway_put_into_the_address_is_handed_over_once(
    shop: TinyShop, base_url: str, visit: OpenVisit
) -> None:
    shop.payments = [
        {"id": "old", "status": "FAILED", "createdAt": "2026-11-22T09:00:00+00:00"},
        {"id": "open", "status": "REQUIRES_ACTION", "createdAt": "2026-11-22T09:10:00+00:00"},
    ]
    shop.transport.failures = 1

    opened = await visit(base_url, f"{PATH}?payment_intent=pi_1&redirect_status=succeeded")
    await eventually(lambda: "paymentConfirm" in [name for name, _ in shop.asked])

    confirmed = [arguments for name, arguments in shop.asked if name == "paymentConfirm"]
    assert [(one["paymentId"], one["gatewayData"]) for one in confirmed] == [
        ("open", {"payment_intent": "pi_1", "redirect_status": "succeeded"})
    ]
    assert opened.page.url == base_url + PATH
    assert ("http", f"Bearer {TOKEN}") in shop.transport.credentials
    assert opened.problems == []


async def test_hostile_names_stay_text_when_they_come_live(
    shop: TinyShop, base_url: str, visit: OpenVisit
) -> None:
    opened = await visit(base_url, PATH)
    await expect(opened.page.locator("#connection")).to_have_attribute("data-state", "live")
    hostile = "<img src=x onerror=alert(1)><script>alert(2)</script>"

    shop.happen(T.PAYMENT_FAILED, message=hostile)

    await expect(opened.page.locator("#events .message")).to_have_text(hostile)
    assert await opened.page.locator("#events img, #events script").count() == 0
    assert opened.problems == []


async def test_without_javascript_the_page_still_says_it(
    shop: TinyShop, base_url: str, visit: OpenVisit
) -> None:
    shop.happen(T.ORDER_EXPIRED, status=OrderStatus.EXPIRED)

    opened = await visit(base_url, PATH, java_script_enabled=False)

    await expect(opened.page.get_by_role("status")).to_contain_text("This order has expired")
    await expect(opened.page.locator("#connection")).to_have_text("Reload this page for news.")
