"""The simulator of Stripe as a browser meets it: what Stripe.js may call, and the pages that stand in for it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.simulators.stripe_world import INTENTS, PUBLISHABLE_KEY, RETURN_URL, Stripe, stripe_serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import httpx2


@pytest.fixture
async def stripe() -> AsyncIterator[Stripe]:
    """Run a simulator."""
    async with stripe_serving() as stripe:
        yield stripe


def page_of(intent: dict[str, Any], **more: str) -> dict[str, str]:
    """Return what the page is asked for."""
    return {
        "client_secret": intent["client_secret"],
        "key": PUBLISHABLE_KEY,
        "return_url": RETURN_URL,
        **more,
    }


async def pressed(stripe: Stripe, path: str, page: httpx2.Response, **more: str) -> httpx2.Response:
    """Send the form of a page."""
    fields = dict(re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)">', page.text))
    return await stripe.browser.post(
        path, data={name: value.replace("&amp;", "&") for name, value in fields.items()} | more
    )


def came_back(answer: httpx2.Response) -> dict[str, list[str]]:
    """Return what the shop's page was called with."""
    assert answer.status_code == 303
    assert answer.headers["location"].startswith(RETURN_URL)
    return parse_qs(urlsplit(answer.headers["location"]).query)


async def test_stripe_js_pays_with_the_publishable_key_and_the_client_secret(stripe: Stripe) -> None:
    opened = await stripe.intent(metadata__order="7")
    form = {
        "client_secret": opened["client_secret"],
        "payment_method_data[type]": "card",
        "payment_method_data[card][number]": "4242 4242 4242 4242",
        "payment_method_data[card][exp_month]": "12",
        "payment_method_data[card][exp_year]": "2034",
        "payment_method_data[card][cvc]": "123",
        "use_stripe_sdk": "true",
    }

    paid = await stripe.browser.post(f"{INTENTS}/{opened['id']}/confirm", data=form)
    seen = await stripe.browser.get(
        f"{INTENTS}/{opened['id']}", params={"client_secret": opened["client_secret"]}
    )

    assert (paid.status_code, paid.json()["status"]) == (200, "succeeded")
    assert seen.json() == paid.json()
    assert not {"metadata", "latest_charge", "amount_received"} & set(seen.json())


async def test_the_key_may_stand_in_the_form(stripe: Stripe) -> None:
    form = {"key": PUBLISHABLE_KEY, "type": "card", "card[token]": "tok_visa"}

    answer = await stripe.browser.post("/v1/payment_methods", data=form, headers={"Authorization": ""})

    assert (answer.status_code, answer.json()["card"]["last4"]) == (200, "4242")


async def test_stripe_js_sees_to_a_challenge_by_itself(stripe: Stripe) -> None:
    opened = await stripe.intent()
    form = {
        "client_secret": opened["client_secret"],
        "payment_method": "pm_card_authenticationRequired",
        "use_stripe_sdk": "true",
        "return_url": RETURN_URL,
    }

    asked = await stripe.browser.post(f"{INTENTS}/{opened['id']}/confirm", data=form)

    assert asked.json()["next_action"]["type"] == "use_stripe_sdk"


@pytest.mark.parametrize("secret", ["", "pi_x_secret_y"])
async def test_without_the_client_secret_a_browser_sees_nothing(stripe: Stripe, secret: str) -> None:
    opened = await stripe.intent()
    path = f"{INTENTS}/{opened['id']}"

    seen = await stripe.browser.get(path, params={"client_secret": secret} if secret else {})
    confirmed = await stripe.browser.post(
        f"{path}/confirm", data={"client_secret": secret, "payment_method": "pm_card_visa"}
    )

    assert (seen.status_code, confirmed.status_code) == (400, 400)
    assert (await stripe.truth())[0]["captured_minor"] == 0


@pytest.mark.parametrize("path", ["cancel", "capture", ""])
async def test_a_browser_may_do_no_more(stripe: Stripe, path: str) -> None:
    opened = await stripe.intent()

    answer = await stripe.browser.post(f"{INTENTS}/{opened['id']}/{path}".rstrip("/"))

    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "secret_key_required")


async def test_a_shopper_pays_on_the_page_and_goes_back(stripe: Stripe) -> None:
    opened = await stripe.intent()
    path = f"/_js/pay/{opened['id']}"

    page = await stripe.browser.get(path, params=page_of(opened))
    back = came_back(await pressed(stripe, path, page, **{"with": "pm_card_visa"}))

    assert "<script" not in page.text
    assert back == {
        "order": ["7"],
        "payment_intent": [opened["id"]],
        "payment_intent_client_secret": [opened["client_secret"]],
        "redirect_status": ["succeeded"],
    }
    assert (await stripe.truth())[0]["captured_minor"] == 49900


@pytest.mark.parametrize(
    ("paid_with", "outcome", "status", "redirect_status"),
    [
        ("pm_card_authenticationRequired", "complete", "succeeded", "succeeded"),
        ("pm_card_authenticationRequired", "fail", "requires_payment_method", "failed"),
        ("upi", "complete", "succeeded", "succeeded"),
    ],
)
async def test_the_bank_asks_on_a_page_of_its_own(
    stripe: Stripe, paid_with: str, outcome: str, status: str, redirect_status: str
) -> None:
    opened = await stripe.intent()
    path = f"/_js/pay/{opened['id']}"
    page = await stripe.browser.get(path, params=page_of(opened))

    sent_on = await pressed(stripe, path, page, **{"with": paid_with})
    asking = await stripe.browser.get(sent_on.headers["location"])
    bank = urlsplit(sent_on.headers["location"]).path
    back = came_back(await pressed(stripe, bank, asking, outcome=outcome))

    assert back["redirect_status"] == [redirect_status]
    assert (await stripe.get(f"{INTENTS}/{opened['id']}"))["status"] == status
    assert (await pressed(stripe, bank, asking, outcome=outcome)).status_code == 409


async def test_a_decline_is_told_on_the_page(stripe: Stripe) -> None:
    opened = await stripe.intent()
    path = f"/_js/pay/{opened['id']}"
    page = await stripe.browser.get(path, params=page_of(opened))

    declined = await pressed(stripe, path, page, **{"with": "pm_card_visa_chargeDeclined"})

    assert "Your card was declined." in declined.text
    assert "redirect_status=failed" in declined.text


@pytest.mark.parametrize(
    "wrong", [{"key": "pk_test_x"}, {"client_secret": "x"}, {"return_url": "javascript:alert(1)"}]
)
async def test_the_page_is_shown_to_nobody_else(stripe: Stripe, wrong: dict[str, str]) -> None:
    opened = await stripe.intent()

    page = await stripe.browser.get(f"/_js/pay/{opened['id']}", params=page_of(opened, **wrong))
    paid = await stripe.browser.post(
        f"/_js/pay/{opened['id']}", data=page_of(opened, **wrong, **{"with": "pm_card_visa"})
    )

    assert 400 <= page.status_code < 500
    assert 400 <= paid.status_code < 500
    assert (await stripe.truth())[0]["captured_minor"] == 0
