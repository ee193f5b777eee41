"""The simulator of Stripe: payment intents from opening to capture, the test cards, and strict parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.simulators.stripe_world import INTENTS, RETURN_URL, Stripe, stripe_serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

OPEN: dict[str, str | int] = {"amount": 49900, "currency": "inr"}


@pytest.fixture
async def stripe() -> AsyncIterator[Stripe]:
    """Run a simulator."""
    async with stripe_serving() as stripe:
        yield stripe


async def test_an_intent_is_opened_as_it_was_asked_for(stripe: Stripe) -> None:
    intent = await stripe.intent(
        metadata__order="7",
        description="Tea",
        receipt_email="a@example.com",
        shipping__name="A",
        shipping__address__line1="B",
    )

    assert (intent["object"], intent["status"]) == ("payment_intent", "requires_payment_method")
    assert intent["client_secret"].startswith(f"{intent['id']}_secret_")
    assert (intent["metadata"], intent["description"]) == ({"order": "7"}, "Tea")
    assert intent["shipping"]["address"] == {"line1": "B"}
    assert intent["payment_method_types"] == ["card", "link", "upi"]
    assert await stripe.get(f"{INTENTS}/{intent['id']}") == intent
    assert stripe.told() == ["payment_intent.created"]


async def test_a_card_pays(stripe: Stripe) -> None:
    intent = await stripe.paid(metadata__order="7")

    charge = await stripe.get(f"/v1/charges/{intent['latest_charge']}")

    assert (intent["status"], intent["amount_received"]) == ("succeeded", 49900)
    assert (charge["captured"], charge["amount_captured"], charge["paid"]) == (True, 49900, True)
    assert charge["metadata"] == {"order": "7"}
    assert charge["payment_method_details"]["card"]["last4"] == "4242"
    assert stripe.told() == ["payment_intent.created", "charge.succeeded", "payment_intent.succeeded"]


@pytest.mark.parametrize(
    ("number", "name", "code", "decline_code"),
    [
        ("4000000000000002", "visa_chargeDeclined", "card_declined", "generic_decline"),
        (
            "4000000000009995",
            "visa_chargeDeclinedInsufficientFunds",
            "card_declined",
            "insufficient_funds",
        ),
        ("4000000000009987", "visa_chargeDeclinedLostCard", "card_declined", "lost_card"),
        ("4000000000009979", "visa_chargeDeclinedStolenCard", "card_declined", "stolen_card"),
        ("4000000000000069", "chargeDeclinedExpiredCard", "expired_card", None),
        ("4000000000000127", "chargeDeclinedIncorrectCvc", "incorrect_cvc", None),
        ("4000000000000119", "chargeDeclinedProcessingError", "processing_error", None),
        ("4100000000000019", "radarBlock", "card_declined", "fraudulent"),
    ],
)
async def test_a_card_is_declined_by_its_name_and_by_its_number(
    stripe: Stripe, number: str, name: str, code: str, decline_code: str | None
) -> None:
    opened = await stripe.intent(allowed_payment_method_types__0="card")
    path = f"{INTENTS}/{opened['id']}/confirm"
    method = await stripe.post(
        "/v1/payment_methods",
        type="card",
        card__number=number,
        card__exp_month=12,
        card__exp_year=2034,
        card__cvc=123,
    )

    for given in (f"pm_card_{name}", method["id"]):
        status, error = await stripe.refusal(path, payment_method=given)
        assert (status, error["type"], error["code"]) == (402, "card_error", code)
        assert error.get("decline_code") == decline_code
        assert error["payment_intent"]["status"] == "requires_payment_method"
        assert error["payment_intent"]["last_payment_error"]["code"] == code
        assert error["charge"] == error["payment_intent"]["latest_charge"]
    assert method["card"]["last4"] == number[-4:]
    assert number not in str([stripe.bodies(), method])
    assert stripe.told().count("payment_intent.payment_failed") == 2


@pytest.mark.parametrize(
    ("number", "status", "code"),
    [
        ("4242424242424241", 402, "incorrect_number"),
        ("4111111111111111", 402, "card_declined"),
        ("x", 402, "incorrect_number"),
    ],
)
async def test_a_number_that_is_no_test_cards_is_refused(
    stripe: Stripe, number: str, status: int, code: str
) -> None:
    answered, error = await stripe.refusal(
        "/v1/payment_methods", type="card", card__number=number, card__exp_month=1, card__exp_year=2034
    )

    assert (answered, error["type"], error["code"]) == (status, "card_error", code)
    assert number not in error["message"]


@pytest.mark.parametrize(
    ("card", "code"),
    [
        ({"exp_month": 13, "exp_year": 2034}, "invalid_expiry_month"),
        ({"exp_month": 1, "exp_year": 2020}, "invalid_expiry_year"),
        ({"exp_month": 1, "exp_year": 2034, "cvc": "1"}, "invalid_cvc"),
    ],
)
async def test_a_card_that_cannot_be_is_refused(stripe: Stripe, card: dict[str, int], code: str) -> None:
    form: dict[str, str | int] = {f"card__{name}": value for name, value in card.items()}

    status, error = await stripe.refusal(
        "/v1/payment_methods", type="card", card__number="4242424242424242", **form
    )

    assert (status, error["code"]) == (402, code)


async def test_a_challenge_waits_for_the_shopper_and_is_met(stripe: Stripe) -> None:
    opened = await stripe.intent(allowed_payment_method_types__0="card")
    path = f"{INTENTS}/{opened['id']}"
    asked = await stripe.post(
        f"{path}/confirm", payment_method="pm_card_authenticationRequired", return_url=RETURN_URL
    )
    await stripe.sim("resolve", reference=opened["id"], outcome="SUCCEEDS")

    done = await stripe.get(path)

    assert (asked["status"], asked["next_action"]["type"]) == ("requires_action", "redirect_to_url")
    assert asked["next_action"]["redirect_to_url"]["return_url"] == RETURN_URL
    assert (done["status"], done["next_action"]) == ("succeeded", None)
    assert stripe.told()[1:3] == ["payment_intent.requires_action", "charge.succeeded"]


async def test_a_challenge_that_is_not_met_leaves_the_intent_open(stripe: Stripe) -> None:
    opened = await stripe.intent(allowed_payment_method_types__0="card")
    await stripe.post(f"{INTENTS}/{opened['id']}/confirm", payment_method="pm_card_threeDSecure2Required")
    await stripe.sim("resolve", reference=opened["id"], outcome="DECLINED")

    failed = await stripe.get(f"{INTENTS}/{opened['id']}")

    assert (failed["status"], failed["latest_charge"]) == ("requires_payment_method", None)
    assert failed["last_payment_error"]["code"] == "payment_intent_authentication_failure"


async def test_a_hold_is_captured_in_part_and_the_rest_released(stripe: Stripe) -> None:
    held = await stripe.held()

    captured = await stripe.post(f"{INTENTS}/{held['id']}/capture", amount_to_capture=12000)

    assert (held["status"], held["amount_capturable"]) == ("requires_capture", 49900)
    assert (captured["status"], captured["amount_received"]) == ("succeeded", 12000)
    (truth,) = await stripe.truth()
    assert (truth["held_minor"], truth["captured_minor"]) == (0, 12000)
    assert stripe.told()[-2:] == ["charge.captured", "payment_intent.succeeded"]


async def test_several_captures_are_taken_where_they_were_asked_for(stripe: Stripe) -> None:
    held = await stripe.held(payment_method_options__card__request_multicapture="if_available")
    path = f"{INTENTS}/{held['id']}/capture"

    before = len(stripe.told())
    first = await stripe.post(path, amount_to_capture=10000, final_capture="false")
    between = stripe.bodies()[before:]
    last = await stripe.post(path, amount_to_capture=5000, expand__0="latest_charge")
    after = stripe.bodies()[before + len(between) :]

    assert (first["status"], first["amount_capturable"]) == ("requires_capture", 39900)
    assert (last["status"], last["amount_received"]) == ("succeeded", 15000)
    assert last["latest_charge"]["payment_method_details"]["card"]["multicapture"] == {"status": "available"}
    told = [(body["type"], body["data"]["object"].get("captured")) for body in (*between, *after)]
    assert told == [
        ("charge.updated", False),
        ("payment_intent.amount_capturable_updated", None),
        ("charge.updated", False),
        ("payment_intent.amount_capturable_updated", None),
        ("charge.captured", True),
        ("payment_intent.succeeded", None),
    ]


async def test_the_rest_of_a_hold_is_released_by_capturing_nothing_more(stripe: Stripe) -> None:
    held = await stripe.held(payment_method_options__card__request_multicapture="if_available")
    path = f"{INTENTS}/{held['id']}"

    at_first = await stripe.refusal(f"{path}/capture", amount_to_capture=0)
    await stripe.post(f"{path}/capture", amount_to_capture=10_000, final_capture="false")
    still_held = await stripe.refusal(f"{path}/capture", amount_to_capture=0, final_capture="false")
    canceled = await stripe.refusal(f"{path}/cancel")
    released = await stripe.post(f"{path}/capture", amount_to_capture=0)

    assert [refused[1]["code"] for refused in (at_first, still_held, canceled)] == [
        "amount_too_large",
        "amount_too_large",
        "payment_intent_unexpected_state",
    ]
    assert [released[name] for name in ("status", "amount_received", "amount_capturable")] == [
        "succeeded",
        10_000,
        0,
    ]


@pytest.mark.parametrize(
    ("card", "asked"),
    [("pm_card_visa", "never"), ("pm_card_visa_cartesBancaires", "if_available")],
)
async def test_a_capture_that_is_not_final_is_refused_where_there_is_but_one(
    stripe: Stripe, card: str, asked: str
) -> None:
    held = await stripe.paid(
        card,
        capture_method="manual",
        payment_method_options__card__request_multicapture=asked,
    )

    status, error = await stripe.refusal(
        f"{INTENTS}/{held['id']}/capture", amount_to_capture=1, final_capture="false"
    )

    assert (status, error["param"]) == (400, "final_capture")
    assert (await stripe.truth())[0]["captured_minor"] == 0


async def test_a_hold_runs_out(stripe: Stripe) -> None:
    held = await stripe.held()
    await stripe.sim("resolve", reference=held["id"], outcome="DECLINED")

    lapsed = await stripe.get(f"{INTENTS}/{held['id']}")

    assert (lapsed["status"], lapsed["cancellation_reason"]) == ("canceled", "automatic")
    assert stripe.told()[-2:] == ["charge.expired", "payment_intent.canceled"]


async def test_what_is_paid_is_neither_canceled_nor_captured_nor_confirmed(stripe: Stripe) -> None:
    paid = await stripe.paid()

    refusals = [
        await stripe.refusal(f"{INTENTS}/{paid['id']}/{verb}") for verb in ("cancel", "capture", "confirm")
    ]

    for status, error in refusals:
        assert (status, error["code"]) == (400, "payment_intent_unexpected_state")
        assert error["payment_intent"]["status"] == "succeeded"


async def test_what_is_open_is_canceled_for_a_reason_that_stripe_knows(stripe: Stripe) -> None:
    opened = await stripe.intent()
    path = f"{INTENTS}/{opened['id']}/cancel"

    refused = await stripe.refusal(path, cancellation_reason="bored")
    canceled = await stripe.post(path, cancellation_reason="abandoned")

    assert refused[0] == 400
    assert (canceled["status"], canceled["cancellation_reason"]) == ("canceled", "abandoned")
    assert stripe.told()[-1] == "payment_intent.canceled"


async def test_an_intent_is_changed_while_it_is_open(stripe: Stripe) -> None:
    opened = await stripe.intent(metadata__a="1", metadata__b="2")

    changed = await stripe.post(
        f"{INTENTS}/{opened['id']}", amount=100, metadata__a="", metadata__c="3", description="x"
    )

    assert (changed["amount"], changed["metadata"]) == (100, {"b": "2", "c": "3"})
    paid = await stripe.paid()
    assert (await stripe.refusal(f"{INTENTS}/{paid['id']}", amount=100))[0] == 400


@pytest.mark.parametrize(
    ("form", "code", "param"),
    [
        ({"amont": 1}, "parameter_unknown", "amont"),
        ({"automatic_payment_methods__on": "true"}, "parameter_unknown", "automatic_payment_methods[on]"),
        ({"amount": ""}, "parameter_missing", "amount"),
        ({"amount": "12.5"}, "parameter_invalid_integer", "amount"),
        ({"amount": 49}, "amount_too_small", "amount"),
        ({"amount": 1_000_000_000}, "amount_too_large", "amount"),
        ({"amount": 100_000_000, "currency": "eur"}, "amount_too_large", "amount"),
        ({"currency": "xxx"}, None, "currency"),
        ({"currency": "kwd", "amount": 1231}, None, "amount"),
        ({"capture_method": "later"}, None, "capture_method"),
        ({"confirm": "yes"}, None, "confirm"),
        ({"metadata": "x"}, None, "metadata"),
        ({"metadata__" + "k" * 41: "x"}, None, "metadata"),
        ({"metadata__k": "v" * 501}, None, "metadata[k]"),
        ({"expand__0": "customer"}, None, "expand"),
        ({"payment_method": "pm_card_unheard_of"}, "resource_missing", "payment_method"),
        (
            {"payment_method_types__0": "card"},
            "payment_method_types_no_longer_supported",
            "payment_method_types",
        ),
        ({"allowed_payment_method_types__0": "sepa_debit"}, None, "allowed_payment_method_types"),
        ({"receipt_email": "nobody"}, "email_invalid", "receipt_email"),
        ({"transfer_group": "x"}, None, "transfer_group"),
        ({"amount__x": 1}, None, "amount"),
    ],
)
async def test_what_the_api_does_not_take_is_refused_by_name(
    stripe: Stripe, form: dict[str, str | int], code: str | None, param: str
) -> None:
    status, error = await stripe.refusal(INTENTS, **{**OPEN, **form})

    assert (status, error["type"], error.get("code"), error["param"]) == (
        400,
        "invalid_request_error",
        code,
        param,
    )
    assert stripe.told() == []


async def test_ways_of_choosing_methods_exclude_each_other(stripe: Stripe) -> None:
    status, _ = await stripe.refusal(
        INTENTS, **OPEN, allowed_payment_method_types__0="card", automatic_payment_methods__enabled="true"
    )

    assert status == 400


async def test_a_method_that_the_intent_does_not_take_is_refused(stripe: Stripe) -> None:
    upi = await stripe.post("/v1/payment_methods", type="upi")
    opened = await stripe.intent(allowed_payment_method_types__0="card")

    _, error = await stripe.refusal(f"{INTENTS}/{opened['id']}/confirm", payment_method=upi["id"])

    assert error["code"] == "payment_intent_incompatible_payment_method"


async def test_where_a_redirect_may_come_a_return_url_is_wanted(stripe: Stripe) -> None:
    opened = await stripe.intent()
    path = f"{INTENTS}/{opened['id']}/confirm"

    _, error = await stripe.refusal(path, payment_method="pm_card_visa")
    paid = await stripe.post(path, payment_method="pm_card_visa", return_url=RETURN_URL)

    assert (error["param"], paid["status"]) == ("return_url", "succeeded")


async def test_an_intent_is_opened_and_confirmed_at_once(stripe: Stripe) -> None:
    paid = await stripe.intent(
        confirm="true",
        payment_method="pm_card_visa",
        allowed_payment_method_types__0="card",
        expand__0="latest_charge",
    )

    assert (paid["status"], paid["latest_charge"]["object"]) == ("succeeded", "charge")


async def test_amounts_are_told_in_minor_units_of_iso_4217(stripe: Stripe) -> None:
    await stripe.intent(amount=500, currency="isk")
    await stripe.intent(amount=500, currency="jpy")

    assert [truth["amount_minor"] for truth in await stripe.truth()] == [5, 500]
