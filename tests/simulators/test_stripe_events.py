"""The simulator of Stripe: events, their list, their signed webhooks, misbehaviour on request, and lists in pages."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import stripe as sdk

from app.simulators.kit import ControlError, SimulatorConfig
from app.simulators.stripe import build
from app.simulators.stripe.events import signature
from tests.simulators.sandbox_world import Merchant, eventually, merchant_serving
from tests.simulators.stripe_world import INTENTS, WEBHOOK_SECRET, Stripe, stripe_serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

PUBLISHED = "4f1cd7feda9826e746b7d482c4badebb657398df1099e1046364f6196a230150"


@pytest.fixture
async def stripe() -> AsyncIterator[Stripe]:
    """Run a simulator."""
    async with stripe_serving() as stripe:
        yield stripe


@pytest.fixture
async def merchant() -> AsyncIterator[Merchant]:
    """Run a merchant that takes webhooks."""
    async with merchant_serving() as merchant:
        yield merchant


@pytest.fixture
async def telling(merchant: Merchant) -> AsyncIterator[Stripe]:
    """Run a simulator that tells the merchant."""
    async with stripe_serving(merchant) as stripe:
        yield stripe


def test_it_signs_as_the_official_library_does() -> None:
    body = b'{\n  "id": "evt_test_webhook",\n  "object": "event"\n}'
    theirs: str = sdk.WebhookSignature.generate_signature_header(
        body.decode(), "whsec_test_secret", 1_700_000_000
    )

    ours = signature(body, "whsec_test_secret", 1_700_000_000)

    assert ours == theirs == f"t=1700000000,v1={PUBLISHED}"


async def test_the_official_library_takes_every_webhook(telling: Stripe, merchant: Merchant) -> None:
    await telling.paid(metadata__payment_id="p")

    await eventually(lambda: len(merchant.received) == 3)

    for received in merchant.received:
        event = sdk.Webhook.construct_event(
            received.body, received.headers["stripe-signature"], WEBHOOK_SECRET
        )
        assert (event["object"], event["livemode"]) == ("event", False)
        with pytest.raises(sdk.SignatureVerificationError):
            sdk.Webhook.construct_event(received.body, received.headers["stripe-signature"], "whsec_x")
    assert sorted(merchant.types()) == [
        "charge.succeeded",
        "payment_intent.created",
        "payment_intent.succeeded",
    ]


async def test_a_webhook_that_is_refused_comes_again(telling: Stripe, merchant: Merchant) -> None:
    merchant.statuses = [500]

    await telling.intent()

    await eventually(lambda: len(merchant.received) == 2)
    first, again = merchant.received
    assert first.body == again.body


async def test_an_event_is_a_snapshot_and_names_its_call(stripe: Stripe) -> None:
    opened = await stripe.send(
        INTENTS, "key-1", amount=100, currency="usd", allowed_payment_method_types__0="card"
    )
    await stripe.post(f"{INTENTS}/{opened.json()['id']}/confirm", payment_method="pm_card_visa")
    await stripe.sim("dispute", reference=opened.json()["id"])

    created, *_, disputed, _ = stripe.bodies()

    assert created["data"]["object"]["status"] == "requires_payment_method"
    assert created["request"] == {"id": opened.headers["request-id"], "idempotency_key": "key-1"}
    assert disputed["request"] == {"id": None, "idempotency_key": None}
    assert await stripe.get(f"/v1/events/{created['id']}") == created


async def test_events_are_listed_newest_first_in_pages(stripe: Stripe) -> None:
    for _ in range(5):
        await stripe.intent()
    ids = [event["id"] for event in reversed(stripe.bodies())]

    async def listed(**params: str | int) -> tuple[list[int], bool]:
        page = await stripe.get("/v1/events", **params)
        return [ids.index(event["id"]) for event in page["data"]], page["has_more"]

    assert await listed() == ([0, 1, 2, 3, 4], False)
    assert await listed(limit=2) == ([0, 1], True)
    assert await listed(limit=2, starting_after=ids[1]) == ([2, 3], True)
    assert await listed(limit=2, starting_after=ids[3]) == ([4], False)
    assert await listed(limit=2, ending_before=ids[3]) == ([1, 2], True)
    assert await listed(limit=2, ending_before=ids[1]) == ([0], False)


async def test_events_are_listed_by_type_and_time(stripe: Stripe) -> None:
    await stripe.paid()
    created = stripe.bodies()[0]["created"]

    async def types(**params: str | int) -> list[str]:
        return [event["type"] for event in (await stripe.get("/v1/events", **params))["data"]]

    everything = ["payment_intent.succeeded", "charge.succeeded", "payment_intent.created"]
    assert await types(type="charge.*") == ["charge.succeeded"]
    assert (
        await types(**{"types[0]": "charge.succeeded", "types[1]": "payment_intent.created"})
        == everything[1:]
    )
    assert await types(**{"created[gte]": created, "created[lt]": 2**53}) == everything
    assert await types(**{"created[lt]": created}) == []
    assert await types(**{"created[gt]": created + 60}) == []
    assert await types(created=created - 60) == []


@pytest.mark.parametrize(
    "params",
    [
        {"limit": 0},
        {"limit": 101},
        {"limit": "x"},
        {"starting_after": "evt_x"},
        {"ending_before": "evt_x"},
        {"starting_after": "evt_x", "ending_before": "evt_y"},
        {"created[around]": 1},
        {"created[gte]": "now"},
        {"type": "a", "types[0]": "b"},
        {f"types[{number}]": "a" for number in range(21)},
        {"delivered": "true"},
        {"expand[0]": "data.request"},
    ],
)
async def test_a_list_that_cannot_be_is_refused(stripe: Stripe, params: dict[str, str | int]) -> None:
    answer = await stripe.api.get("/v1/events", params=params)

    assert (answer.status_code, answer.json()["error"]["type"]) == (400, "invalid_request_error")


async def test_payments_are_listed_and_shown_whole(stripe: Stripe) -> None:
    paid = await stripe.paid()
    await stripe.intent()

    intents = await stripe.api.get(INTENTS, params={"expand[]": "data.latest_charge"})
    charges = await stripe.get("/v1/charges", payment_intent=paid["id"])

    newest, oldest = intents.json()["data"]
    assert (newest["latest_charge"], oldest["latest_charge"]["id"]) == (None, paid["latest_charge"])
    assert [charge["id"] for charge in charges["data"]] == [paid["latest_charge"]]
    assert (await stripe.get(f"/v1/payment_methods/{paid['payment_method']}"))["type"] == "card"


async def test_the_bank_takes_its_time(stripe: Stripe) -> None:
    opened = await stripe.intent()
    await stripe.sim("pay", reference=opened["id"], outcome="PENDS", method="card")
    pending = await stripe.get(f"{INTENTS}/{opened['id']}")
    await stripe.sim("resolve", reference=opened["id"], outcome="SUCCEEDS")

    assert pending["status"] == "processing"
    assert (await stripe.get(f"{INTENTS}/{opened['id']}"))["status"] == "succeeded"
    assert stripe.told() == [
        "payment_intent.created",
        "charge.pending",
        "payment_intent.processing",
        "charge.succeeded",
        "payment_intent.succeeded",
    ]


async def test_nothing_is_decided_that_is_not_open(stripe: Stripe) -> None:
    opened = await stripe.intent()
    reference = opened["id"]

    statuses = [
        await stripe.sim_status("resolve", reference=reference, outcome="SUCCEEDS"),
        await stripe.sim_status("dispute", reference=reference),
        await stripe.sim_status("refund/fail", reference=reference),
        await stripe.sim_status("pay", reference="pi_x", outcome="SUCCEEDS"),
        await stripe.sim_status("pay", reference=reference, outcome="SUCCEEDS", method="barter"),
    ]
    await stripe.sim("pay", reference=reference, outcome="SUCCEEDS", method="upi")

    assert statuses == [409, 409, 409, 404, 400]
    assert await stripe.sim_status("pay", reference=reference, outcome="SUCCEEDS") == 409


async def test_each_fault_that_is_asked_for_comes_in_stripes_words(stripe: Stripe) -> None:
    for status, kind in [(429, "invalid_request_error"), (409, "idempotency_error"), (502, "api_error")]:
        await stripe.chaos(api_fail={"fetch": {"answer": status, "times": 1}})
        answer = await stripe.api.get(f"{INTENTS}/pi_x")
        assert (answer.status_code, answer.json()["error"]["type"]) == (status, kind)
    await stripe.chaos(api_fail={"create": {"answer": "garbage_after", "times": 1}})
    garbage = await stripe.send(INTENTS, amount=100, currency="usd")

    assert "html" in garbage.headers["content-type"]
    assert len(await stripe.truth()) == 1


def test_a_merchant_is_told_what_to_enter() -> None:
    simulator = build(SimulatorConfig(control_key="c"), "http://127.0.0.1:1")

    settings = simulator.merchant_settings()

    assert settings["secret_key"].startswith("sk_test_")
    assert settings["publishable_key"].startswith("pk_test_")
    assert settings["webhook_secrets"].startswith("whsec_")
    assert settings["api_base"] == "http://127.0.0.1:1"
    with pytest.raises(ControlError):
        simulator.fail_refund("pi_x")
