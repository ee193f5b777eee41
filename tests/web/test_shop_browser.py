"""The demonstration shop in a real browser: from the shelf to the gateway, and every way it can go wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from playwright.async_api import expect

from app.domain.states import OrderEventType, OrderStatus
from tests.web.serving import eventually
from tests.web.tiny_shop import TOKEN, TinyShop

if TYPE_CHECKING:
    from playwright.async_api import Page, Request

    from tests.web.conftest import OpenVisit

PAY = f"/#pay={TOKEN}"


def asked_for(shop: TinyShop, name: str) -> list[dict[str, object]]:
    return [arguments for asked, arguments in shop.asked if asked == name]


async def fill_basket(page: Page) -> None:
    await page.get_by_role("button", name="Add Assam breakfast tea").click()
    await page.get_by_role("button", name="Add Kulhad clay cups").click()
    await page.get_by_label("How many: Kulhad clay cups").first.get_by_label("One more").click()


async def test_three_clicks_lead_to_the_gateway(shop: TinyShop, base_url: str, visit: OpenVisit) -> None:
    shop.next_action = {"__typename": "RedirectAction", "url": f"/track/{TOKEN}"}
    opened = await visit(base_url, "/")
    page = opened.page
    await fill_basket(page)
    await expect(page.locator(".basket tfoot .money")).to_have_text("₹1,647.00")

    await page.get_by_role("button", name="Check out").click()

    await page.wait_for_url(f"{base_url}/track/{TOKEN}")
    (order,) = asked_for(shop, "orderCreate")
    (payment,) = asked_for(shop, "paymentCreate")
    assert order["lines"] == [{"sku": "TEA-ASSAM", "quantity": 1}, {"sku": "CUP-KULHAD", "quantity": 2}]
    assert payment["gateway"] == "SANDBOX"
    assert payment["returnUrl"] == f"{base_url}/track/{TOKEN}"
    assert len({str(UUID(str(one["idempotencyKey"]))) for one in (order, payment)}) == 2
    assert opened.problems == []


async def test_the_shopper_finds_the_way_back_to_the_order(
    shop: TinyShop, base_url: str, visit: OpenVisit
) -> None:
    shop.next_action = {"__typename": "RedirectAction", "url": f"/track/{TOKEN}"}
    opened = await visit(base_url, "/")
    await fill_basket(opened.page)
    await opened.page.get_by_role("button", name="Check out").click()
    await opened.page.wait_for_url(f"{base_url}/track/{TOKEN}")

    await opened.page.goto(base_url)

    link = opened.page.get_by_label("Your orders").get_by_role("link", name="K7Q-4MD")
    await expect(link).to_have_attribute("href", f"/track/{TOKEN}")
    await expect(opened.page.get_by_text("Nothing in it yet.")).to_be_visible()
    console = opened.page.get_by_label("Behind the counter").get_by_role("link", name="Console")
    await expect(console).to_have_attribute("href", "/console")


async def test_a_retry_after_no_answer_carries_the_same_key(
    shop: TinyShop, base_url: str, visit: OpenVisit
) -> None:
    shop.next_action = {"__typename": "RedirectAction", "url": f"/track/{TOKEN}"}
    opened = await visit(base_url, PAY)
    pay = opened.page.get_by_role("button", name="Pay ₹1,796.00")
    await expect(pay).to_be_visible()
    keys: list[str] = []

    def note(request: Request) -> None:
        body = request.post_data_json
        if body is not None and "paymentCreate" in body["query"]:
            keys.append(body["variables"]["input"]["idempotencyKey"])

    opened.page.on("request", note)

    shop.transport.failures = 1
    await pay.click()
    await expect(opened.page.get_by_role("alert")).to_contain_text("The shop did not answer")
    await opened.page.get_by_role("button", name="Try again").click()
    await opened.page.wait_for_url(f"{base_url}/track/{TOKEN}")

    assert len(keys) == 2
    assert len(set(keys)) == 1


async def test_after_a_refusal_the_next_try_is_a_new_intent(
    shop: TinyShop, base_url: str, visit: OpenVisit
) -> None:
    shop.payment_errors = [{"code": "PAYMENT_DECLINED", "message": "The bank said no.", "field": None}]
    opened = await visit(base_url, PAY)

    await opened.page.get_by_role("button", name="Pay ₹1,796.00").click()
    await expect(opened.page.get_by_role("alert")).to_contain_text("The bank said no.")
    await opened.page.get_by_role("button", name="Try again").click()
    await eventually(lambda: len(asked_for(shop, "paymentCreate")) == 2)

    assert len({one["idempotencyKey"] for one in asked_for(shop, "paymentCreate")}) == 2


async def test_a_refusal_that_may_pass_keeps_its_key(shop: TinyShop, base_url: str, visit: OpenVisit) -> None:
    shop.payment_errors = [{"code": "GATEWAY_UNAVAILABLE", "message": "The gateway sleeps.", "field": None}]
    opened = await visit(base_url, PAY)

    await opened.page.get_by_role("button", name="Pay ₹1,796.00").click()
    await opened.page.get_by_role("button", name="Try again").click()
    await eventually(lambda: len(asked_for(shop, "paymentCreate")) == 2)

    assert len({one["idempotencyKey"] for one in asked_for(shop, "paymentCreate")}) == 1


async def test_what_the_shop_refuses_is_said_beside_the_basket(
    shop: TinyShop, base_url: str, visit: OpenVisit
) -> None:
    shop.order_errors = [
        {"code": "RATE_LIMITED", "message": "Too many orders; wait a minute.", "field": None}
    ]
    opened = await visit(base_url, "/")
    await fill_basket(opened.page)

    await opened.page.get_by_role("button", name="Check out").click()

    await expect(opened.page.get_by_role("alert")).to_have_text("Too many orders; wait a minute.")
    await expect(opened.page.locator(".basket tfoot .money")).to_have_text("₹1,647.00")


async def test_a_shelf_that_does_not_load_can_be_asked_again(
    shop: TinyShop, base_url: str, visit: OpenVisit
) -> None:
    shop.transport.failures = 1
    opened = await visit(base_url, "/")

    await opened.page.get_by_role("alert").get_by_role("button", name="Try again").click()

    await expect(opened.page.locator(".card")).to_have_count(6)


async def test_with_several_gateways_the_shopper_chooses(
    shop: TinyShop, base_url: str, visit: OpenVisit
) -> None:
    shop.gateways = [
        {"gateway": "SANDBOX", "methods": ["CARD"]},
        {"gateway": "RAZORPAY", "methods": ["UPI_INTENT", "UPI_QR", "NETBANKING"]},
    ]
    shop.next_action = {
        "__typename": "QrCodeAction",
        "payload": "javascript:alert(1)",
        "imageSvg": "<svg onload='alert(1)'/>",
        "expiresAt": None,
    }
    opened = await visit(base_url, PAY)
    names = opened.page.locator(".choice")
    await expect(names).to_have_count(3)
    assert await names.all_inner_texts() == [
        "Razorpay a code for your phone",
        "Sandbox card",
        "Razorpay net banking",
    ]

    await opened.page.get_by_role("button", name="Pay ₹1,796.00").click()

    code = opened.page.get_by_role("img", name="UPI payment code")
    await expect(code).to_have_attribute("src", "data:image/svg+xml,%3Csvg%20onload%3D'alert(1)'%2F%3E")
    await expect(opened.page.get_by_role("link", name="in a UPI app")).to_have_count(0)
    (payment,) = asked_for(shop, "paymentCreate")
    assert (payment["gateway"], payment["method"]) == ("RAZORPAY", "UPI_QR")
    assert opened.problems == []


async def test_on_a_phone_upi_is_a_link_and_a_code_ends_the_payment_before_it_opens_another(
    shop: TinyShop, base_url: str, visit: OpenVisit
) -> None:
    shop.gateways = [{"gateway": "PAYTM", "methods": ["UPI_INTENT", "UPI_QR"]}]
    shop.next_action = {"__typename": "UpiIntentAction", "uri": "upi://pay?pa=shop@upi", "expiresAt": None}
    opened = await visit(
        base_url,
        PAY,
        has_touch=True,
        viewport={"width": 390, "height": 844},
        screen={"width": 390, "height": 844},
    )
    await opened.page.get_by_role("button", name="Pay ₹1,796.00").click()
    link = opened.page.get_by_role("link", name="Open your UPI app")
    await expect(link).to_have_attribute("href", "upi://pay?pa=shop@upi")

    await opened.page.get_by_role("button", name="show a code").click()
    await eventually(lambda: len(asked_for(shop, "paymentCreate")) == 2)

    assert [name for name, _ in shop.asked if name.startswith("payment")] == [
        "paymentCreate",
        "paymentCancel",
        "paymentCreate",
    ]
    assert [one["method"] for one in asked_for(shop, "paymentCreate")] == ["UPI_INTENT", "UPI_QR"]


async def test_progress_is_what_really_happened_and_a_failure_is_said(
    shop: TinyShop, base_url: str, visit: OpenVisit
) -> None:
    shop.gateways = [{"gateway": "RAZORPAY", "methods": ["UPI_QR"]}]
    shop.next_action = {
        "__typename": "QrCodeAction",
        "payload": "upi://pay",
        "imageSvg": "<svg/>",
        "expiresAt": None,
    }
    opened = await visit(base_url, PAY)
    await opened.page.get_by_role("button", name="Pay ₹1,796.00").click()
    steps = opened.page.get_by_role("list", name="Progress of the payment").get_by_role("listitem")
    await expect(steps).to_have_text(["Waiting for your phone"])

    shop.happen(OrderEventType.PAYMENT_CREATED)
    await expect(steps).to_have_text(["Payment started", "Waiting for your phone"])
    await shop.transport.cut()
    await expect(opened.page.get_by_text("Reconnecting; nothing is missed")).to_be_visible()
    shop.happen(OrderEventType.PAYMENT_PROCESSING, message="The bank is slow.")
    await expect(steps.nth(1)).to_have_text("Your bank is working on itThe bank is slow.")
    shop.payments[0]["status"] = "FAILED"
    shop.happen(OrderEventType.PAYMENT_FAILED, message="The bank said no.", payment_id="payment-1")

    await expect(opened.page.get_by_role("alert")).to_have_text("The bank said no.")
    await expect(opened.page.get_by_role("button", name="Pay again: ₹1,796.00")).to_be_enabled()
    assert opened.problems == []


async def test_a_code_in_the_place_of_an_app_is_no_failure(
    shop: TinyShop, base_url: str, visit: OpenVisit
) -> None:
    shop.gateways = [{"gateway": "RAZORPAY", "methods": ["UPI_INTENT", "UPI_QR"]}]
    shop.next_action = {"__typename": "UpiIntentAction", "uri": "upi://pay"}
    opened = await visit(base_url, PAY, has_touch=True, is_mobile=True)
    await opened.page.get_by_role("button", name="Pay ₹1,796.00").click()
    await expect(opened.page.get_by_role("link", name="Open your UPI app")).to_be_visible()
    shop.next_action = {
        "__typename": "QrCodeAction",
        "payload": "upi://pay",
        "imageSvg": "<svg/>",
        "expiresAt": None,
    }

    await opened.page.get_by_role("button", name="show a code").click()

    steps = opened.page.get_by_role("list", name="Progress of the payment").get_by_role("listitem")
    await expect(steps).to_have_text(["Payment canceled", "Waiting for your phone"])
    await expect(opened.page.get_by_role("img", name="UPI payment code")).to_be_visible()
    await expect(opened.page.get_by_role("alert")).to_have_count(0)
    assert opened.problems == []


async def test_a_payment_that_ended_before_it_was_given_up_is_given_up_no_more(
    shop: TinyShop, base_url: str, visit: OpenVisit
) -> None:
    shop.gateways = [{"gateway": "STRIPE", "methods": ["CARD"]}]
    shop.next_action = {"__typename": "ClientSdkAction", "sdk": "stripe.js", "parameters": {}}
    opened = await visit(base_url, PAY)
    await opened.page.get_by_role("button", name="Pay ₹1,796.00").click()
    await expect(opened.page.get_by_role("heading", name="Stripe's own form stands here")).to_be_visible()
    shop.payments[0]["status"] = "FAILED"
    shop.cancel_errors = [{"code": "INVALID_STATE", "field": None, "message": "It has failed."}]

    await opened.page.get_by_role("button", name="Pay another way").click()

    await expect(opened.page.get_by_role("alert")).to_contain_text("It has failed.")
    await expect(opened.page.get_by_role("button", name="Pay ₹1,796.00")).to_be_enabled()


async def test_an_order_that_was_paid_meanwhile_leads_to_its_tracking_page(
    shop: TinyShop, base_url: str, visit: OpenVisit
) -> None:
    opened = await visit(base_url, PAY)
    await expect(opened.page.get_by_role("button", name="Pay ₹1,796.00")).to_be_visible()
    await eventually(lambda: len(asked_for(shop, "orderEvents")) == 1)

    shop.happen(OrderEventType.ORDER_CONFIRMED, status=OrderStatus.CONFIRMED)

    await opened.page.wait_for_url(f"{base_url}/track/{TOKEN}")


async def test_a_form_of_the_gateways_own_is_explained_and_another_way_offered(
    shop: TinyShop, base_url: str, visit: OpenVisit
) -> None:
    shop.gateways = [{"gateway": "STRIPE", "methods": ["CARD"]}, {"gateway": "SANDBOX", "methods": ["CARD"]}]
    parameters = {"clientSecret": "pi_1_secret_<b>2</b>"}
    shop.next_action = {"__typename": "ClientSdkAction", "sdk": "stripe.js", "parameters": parameters}
    opened = await visit(base_url, PAY)
    await opened.page.get_by_role("button", name="Pay ₹1,796.00").click()
    await expect(opened.page.get_by_role("heading", name="Stripe's own form stands here")).to_be_visible()
    await opened.page.get_by_text("What your page gets for stripe.js").click()
    await expect(opened.page.locator("pre")).to_contain_text('"clientSecret": "pi_1_secret_<b>2</b>"')
    await expect(opened.page.get_by_role("link", name="simulator")).to_have_count(0)

    await opened.page.get_by_role("button", name="Pay another way").click()
    await opened.page.get_by_role("radio", name="Sandbox").check()
    shop.next_action = {"__typename": "RedirectAction", "url": f"/track/{TOKEN}"}
    await opened.page.get_by_role("button", name="Pay ₹1,796.00").click()

    await opened.page.wait_for_url(f"{base_url}/track/{TOKEN}")
    assert [name for name, _ in shop.asked if name.startswith("payment")] == [
        "paymentCreate",
        "paymentCancel",
        "paymentCreate",
    ]
    assert opened.problems == []


async def test_an_address_that_is_no_web_page_is_not_followed(
    shop: TinyShop, base_url: str, visit: OpenVisit
) -> None:
    shop.next_action = {"__typename": "RedirectAction", "url": "javascript:alert(1)"}
    opened = await visit(base_url, PAY)

    await opened.page.get_by_role("button", name="Pay ₹1,796.00").click()

    await expect(opened.page.get_by_role("alert")).to_contain_text("an address that is no web page")
    assert opened.problems == []


async def test_an_order_under_way_is_not_paid_again(shop: TinyShop, base_url: str, visit: OpenVisit) -> None:
    shop.payment_in_progress = True

    opened = await visit(base_url, PAY)

    await expect(opened.page.get_by_text("Please do not pay again.")).to_be_visible()
    await expect(opened.page.get_by_role("button", name="Pay")).to_have_count(0)


async def test_a_closed_order_and_a_wrong_link_say_so(
    shop: TinyShop, base_url: str, visit: OpenVisit
) -> None:
    shop.status = OrderStatus.CANCELED

    closed = await visit(base_url, PAY)
    wrong = await visit(base_url, "/#pay=wrong")

    await expect(closed.page.get_by_text("There is nothing to pay on this order.")).to_be_visible()
    await expect(wrong.page.get_by_text("This link opens no order.")).to_be_visible()


async def test_keys_are_made_without_a_secure_context(
    shop: TinyShop, base_url: str, visit: OpenVisit
) -> None:
    opened = await visit(base_url, "/")
    await opened.page.evaluate("delete Crypto.prototype.randomUUID")
    await fill_basket(opened.page)

    await opened.page.get_by_role("button", name="Check out").click()
    await eventually(lambda: len(asked_for(shop, "orderCreate")) == 1)

    key = UUID(str(asked_for(shop, "orderCreate")[0]["idempotencyKey"]))
    assert key.version == 4
