"""From the order to the money and back at a Stripe that nobody here wrote, through the whole running product.

localstripe signs its webhooks and posts them over real HTTP a second after what they tell of. It tells of success and
of failure alone, so everything else that an order shows comes from answers.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode
from uuid import uuid4

import pytest

from tests.system.processes import STRIPE_KEY, STRIPE_WEBHOOK_SECRET, eventually
from tests.system.shop import UPDATED
from tests.system.wire import ask, request

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from db.pool import Database
    from tests.system.conftest import System
    from tests.system.shop import Guest, Shop

GOOD: Final = "4242424242424242"
DECLINED: Final = "4000000000000341"
CHALLENGED: Final = "4000002500003155"
PAID: Final = {"status": "CONFIRMED", "paymentStatus": "PAID", "paymentInProgress": False}


class Browser:
    """What the shopper's browser does at Stripe with Stripe.js."""

    def __init__(self, stripe_url: str) -> None:
        self._port = int(stripe_url.rpartition(":")[2])

    async def post(self, path: str, form: dict[str, str]) -> Any:  # noqa: ANN401 - JSON
        """Send a form and return what comes back."""
        headers = {
            "authorization": f"Bearer {STRIPE_KEY}",
            "content-type": "application/x-www-form-urlencoded",
        }
        answer = await ask(self._port, request("POST", path, urlencode(form).encode(), headers))
        assert answer.status == 200, answer
        return answer.json if answer.body else None

    async def card(self, number: str) -> str:
        """Turn a card into a payment method."""
        form = {"card[number]": number, "card[exp_month]": "12", "card[exp_year]": "2035", "card[cvc]": "123"}
        method: str = (await self.post("/v1/payment_methods", {"type": "card", **form}))["id"]
        return method

    async def confirm(self, reference: str, number: str) -> dict[str, Any]:
        """Pay without a word to the shop's server."""
        path = f"/v1/payment_intents/{reference}"
        await self.post(path, {"payment_method": await self.card(number)})
        intent: dict[str, Any] = await self.post(f"{path}/confirm", {})
        return intent

    async def meet_challenge(self, reference: str, client_secret: str) -> None:
        """Do the 3-D Secure step."""
        form = {"client_secret": client_secret, "success": "true"}
        await self.post(f"/v1/payment_intents/{reference}/_authenticate", form)


@pytest.fixture
def browser(system: System) -> Browser:
    """A browser at the system's Stripe."""
    return Browser(system.stripe_url)


@asynccontextmanager
async def webhooks(system: System, browser: Browser) -> AsyncIterator[None]:
    """Have localstripe deliver to the first server; outside of this it tells nobody anything."""
    hook = f"/_config/webhooks/{uuid4()}"
    target = {
        "url": f"http://127.0.0.1:{system.first.port}/webhooks/stripe",
        "secret": STRIPE_WEBHOOK_SECRET,
    }
    await browser.post(hook, target)
    try:
        yield
    finally:
        await browser.post(hook, {**target, "events[]": "none"})


async def until(shop: Shop, guest: Guest, status: str) -> dict[str, Any]:
    """Look at the order until its payment status is that."""

    async def has_come() -> bool:
        return bool((await shop.state(guest))["paymentStatus"] == status)

    await eventually(has_come)
    return await shop.state(guest)


async def delivered(database: Database, payment: dict[str, Any], *types: str) -> None:
    """Wait until webhooks of these types came for a payment, one of each, and were applied."""

    async def rows() -> list[tuple[object, ...]]:
        statement = """
            SELECT i.type, i.status, i.deliveries FROM inbox_events i JOIN payments p ON p.id = i.payment_id
             WHERE p.reference = $1 ORDER BY i.type"""
        return [tuple(row) for row in await database.fetch(statement, payment["reference"])]

    async def have_come() -> bool:
        return len(await rows()) >= len(types)

    await eventually(have_come)
    assert await rows() == [(kind, "APPLIED", 1) for kind in types]


async def test_a_card_pays_and_the_signed_webhook_reaches_the_subscriber(
    system: System, shop: Shop, browser: Browser
) -> None:
    guest = await shop.order()
    payment = await shop.pay(guest, "STRIPE")

    async with webhooks(system, browser), shop.socket(guest.token) as client:
        await client.subscribe(UPDATED, {"id": guest.order_id})
        frames = [(await client.data())["orderUpdated"]]
        await browser.confirm(payment["reference"], GOOD)
        frames.append((await client.data())["orderUpdated"])

    assert payment["nextAction"]["__typename"] == "ClientSdkAction"
    assert frames == [
        {"version": 2, "status": "PENDING", "paymentStatus": "UNPAID"},
        {"version": 4, "status": "CONFIRMED", "paymentStatus": "PAID"},
    ]
    state = await shop.state(guest)
    assert state.items() >= PAID.items()
    assert (state["paid"], state["balance"]) == ({"amount": "499.00"}, {"amount": "0.00"})
    assert (await shop.timeline(guest))[2:] == [
        (3, "PAYMENT_SUCCEEDED", "WEBHOOK"),
        (4, "ORDER_CONFIRMED", "WEBHOOK"),
    ]


async def test_a_card_confirmed_through_the_api_is_paid_at_once_and_its_webhook_changes_nothing(
    system: System, database: Database, shop: Shop, browser: Browser
) -> None:
    guest = await shop.order()
    payment = await shop.pay(guest, "STRIPE")

    async with webhooks(system, browser):
        confirmed = await shop.confirm(guest, payment["id"], {"paymentMethod": await browser.card(GOOD)})
        at_once = await shop.state(guest)
        await delivered(database, payment, "payment_intent.succeeded")

    assert confirmed["errors"] == []
    assert confirmed["payment"]["status"] == "SUCCEEDED"
    assert at_once.items() >= PAID.items()
    assert await shop.state(guest) == at_once
    assert [version for version, _, _ in await shop.timeline(guest)] == [1, 2, 3, 4]


async def test_a_declined_card_leaves_the_order_unpaid_and_a_second_try_pays_it(
    system: System, database: Database, shop: Shop, browser: Browser
) -> None:
    guest = await shop.order()
    payment = await shop.pay(guest, "STRIPE")

    async with webhooks(system, browser):
        declined = await shop.confirm(guest, payment["id"], {"paymentMethod": await browser.card(DECLINED)})
        unpaid = await shop.state(guest)
        # At Stripe itself the same intent would take a second card; localstripe's takes none after a failure.
        second = await shop.pay(guest, "STRIPE")
        again = await shop.confirm(guest, second["id"], {"paymentMethod": await browser.card(GOOD)})
        await delivered(database, payment, "payment_intent.payment_failed")
        await delivered(database, second, "payment_intent.succeeded")
    paid = await shop.state(guest)

    assert [error["code"] for error in declined["errors"]] == ["PAYMENT_DECLINED"]
    assert (unpaid["status"], unpaid["paymentStatus"]) == ("PENDING", "UNPAID")
    assert unpaid["payments"][0]["status"] == "FAILED"
    assert unpaid["payments"][0]["lastError"]["code"] == "card_declined"
    assert (unpaid["paid"], unpaid["balance"]) == ({"amount": "0.00"}, {"amount": "499.00"})
    assert again["errors"] == []
    assert paid.items() >= PAID.items()
    assert [tried["status"] for tried in paid["payments"]] == ["FAILED", "SUCCEEDED"]
    assert [tried["attempts"] for tried in paid["payments"]] == [
        [{"status": "FAILED", "failure": {"code": "card_declined"}}],
        [{"status": "SUCCEEDED", "failure": None}],
    ]
    assert paid["paid"] == {"amount": "499.00"}


async def test_a_challenge_is_met_in_the_browser_and_told_by_webhook(
    system: System, shop: Shop, browser: Browser
) -> None:
    guest = await shop.order()
    payment = await shop.pay(guest, "STRIPE")

    async with webhooks(system, browser):
        method = await browser.card(CHALLENGED)
        confirmed = await shop.confirm(guest, payment["id"], {"paymentMethod": method})
        waiting = await shop.state(guest)
        secret = confirmed["payment"]["nextAction"]["parameters"]["clientSecret"]
        await browser.meet_challenge(payment["reference"], secret)
        paid = await until(shop, guest, "PAID")

    assert confirmed["errors"] == []
    assert confirmed["payment"]["status"] == "REQUIRES_ACTION"
    assert (waiting["status"], waiting["paymentStatus"]) == ("PENDING", "PENDING")
    assert waiting["paymentInProgress"] is True
    assert paid.items() >= PAID.items()
    assert (await shop.timeline(guest))[2:] == [
        (3, "PAYMENT_ACTION_REQUIRED", "API"),
        (4, "PAYMENT_SUCCEEDED", "WEBHOOK"),
        (5, "ORDER_CONFIRMED", "WEBHOOK"),
    ]


async def test_a_hold_confirms_the_order_and_is_captured_and_given_back_by_staff(
    system: System, database: Database, shop: Shop, browser: Browser
) -> None:
    guest = await shop.order()
    payment = await shop.pay(guest, "STRIPE", captureMethod="MANUAL")

    async with webhooks(system, browser):
        await shop.confirm(guest, payment["id"], {"paymentMethod": await browser.card(GOOD)})
        held = await shop.state(guest)
        captured = await shop.capture(payment["id"])
        paid = await shop.state(guest)
        part = await shop.refund(payment["id"], amount={"amount": "99.00", "currency": "INR"})
        partly = await shop.state(guest)
        rest = await shop.refund(payment["id"])
        await delivered(database, payment, "payment_intent.succeeded")
    refunded = await shop.state(guest)

    assert (held["status"], held["paymentStatus"]) == ("CONFIRMED", "AUTHORIZED")
    assert (held["paid"], held["payments"][0]["authorized"]) == ({"amount": "0.00"}, {"amount": "499.00"})
    assert (captured["errors"], part["errors"], rest["errors"]) == ([], [], [])
    assert paid.items() >= PAID.items()
    assert (partly["paymentStatus"], partly["refunded"]) == ("PARTIALLY_REFUNDED", {"amount": "99.00"})
    assert (refunded["paymentStatus"], refunded["refunded"]) == ("REFUNDED", {"amount": "499.00"})
    assert refunded["payments"][0]["status"] == "SUCCEEDED"
    assert {refund["status"] for refund in refunded["payments"][0]["refunds"]} == {"SUCCEEDED"}


@pytest.mark.parametrize("number", [GOOD, CHALLENGED])
async def test_webhooks_and_polling_come_to_the_same_state(
    system: System, shop: Shop, browser: Browser, number: str
) -> None:
    by_webhook, by_polling = await shop.order(), await shop.order()

    async with webhooks(system, browser):
        await pay_in_the_browser(shop, browser, by_webhook, number)
        pushed = await until(shop, by_webhook, "PAID")
    payment_id = await pay_in_the_browser(shop, browser, by_polling, number)
    untold = await shop.state(by_polling)
    synced = await shop.sync(by_polling, payment_id)
    polled = await shop.state(by_polling)

    assert untold["paymentStatus"] == "UNPAID"
    assert synced["errors"] == []
    assert polled.items() >= PAID.items()
    assert polled == pushed
    types = [
        [(version, kind) for version, kind, _ in await shop.timeline(g)] for g in (by_webhook, by_polling)
    ]
    assert types[0] == types[1]
    assert {source for _, _, source in (await shop.timeline(by_polling))[2:]} == {"POLL"}


async def pay_in_the_browser(shop: Shop, browser: Browser, guest: Guest, number: str) -> str:
    """Pay an order at Stripe without a word to the shop, and return the payment's id."""
    payment = await shop.pay(guest, "STRIPE")
    intent = await browser.confirm(payment["reference"], number)
    if intent["status"] == "requires_action":
        await browser.meet_challenge(payment["reference"], intent["client_secret"])
    payment_id: str = payment["id"]
    return payment_id
