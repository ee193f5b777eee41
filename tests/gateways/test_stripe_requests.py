"""What goes to Stripe and how its answers are told, over real HTTP."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from app.domain.facts import FactKind, Failure
from app.domain.money import Money
from app.domain.states import CaptureMethod, PaymentMethodType
from app.gateways.contract import (
    Gateway,
    GatewayErrorKind,
)
from app.gateways.stripe import build
from tests.gateways.scripted_http import Answer
from tests.gateways.stripe_objects import (
    INTENT,
    ORDER_ID,
    PAYMENT_ID,
    REFUND_ID,
    SETTINGS,
    charge,
    declined,
    dispute,
    failed_charge,
    held_charge,
    intent,
    refund,
)
from tests.gateways.stripe_requests import (
    CAPTURE,
    CREATE,
    HANDLE,
    REFUND,
    SUCCEEDED,
    error_answer,
    played,
)

if TYPE_CHECKING:
    from app.gateways.stripe import StripeGateway
    from tests.gateways.scripted_http import Behaviour
    from tests.gateways.stripe_objects import Object


def test_the_adapter_is_a_gateway() -> None:
    gateway: Gateway = build(SETTINGS)

    assert gateway.name == "STRIPE"
    assert gateway.public_config() == {"publishableKey": "pk_test_of_tests"}


async def test_a_payment_is_opened_with_our_ids_our_key_and_what_stripe_js_needs() -> None:
    opened = intent("requires_payment_method")

    answer, server = await played(
        [Answer(opened)], lambda g: g.create(CREATE), statement_descriptor_suffix="SHOP", email_receipts=True
    )

    (request,) = server.requests
    assert (request.method, request.target) == ("POST", "/v1/payment_intents")
    assert request.form == {
        "amount": "1000",
        "currency": "eur",
        "capture_method": "automatic",
        "automatic_payment_methods[enabled]": "true",
        "metadata[order_id]": str(ORDER_ID),
        "metadata[payment_id]": str(PAYMENT_ID),
        "metadata[order_number]": "1001",
        "description": "Order 1001",
        "statement_descriptor_suffix": "SHOP",
        "receipt_email": "a@example.com",
        "expand[0]": "latest_charge",
    }
    assert request.headers["idempotency-key"] == "create:key-1"
    assert request.headers["authorization"] == "Bearer sk_test_of_tests"
    assert request.headers["stripe-version"] == "2026-10-28.endive"
    assert "telemetry" not in str(request.headers)
    assert (answer.facts, answer.reference) == ((), INTENT)
    assert answer.next_action == {
        "type": "ClientSdkAction",
        "sdk": "stripe.js",
        "parameters": {
            "clientSecret": "pi_1_secret_2",
            "publishableKey": "pk_test_of_tests",
            "paymentIntentId": INTENT,
        },
    }


async def test_a_card_and_a_hold_are_asked_for_by_name() -> None:
    asked = replace(CREATE, method=PaymentMethodType.CARD, capture_method=CaptureMethod.MANUAL)

    _, server = await played([Answer(intent("requires_payment_method"))], lambda g: g.create(asked))

    form = server.requests[0].form
    assert (form["allowed_payment_method_types[0]"], form["capture_method"]) == ("card", "manual")
    assert not [name for name in form if name.startswith(("automatic", "payment_method_types"))]
    assert "receipt_email" not in form


async def test_the_minimal_parameters_are_minimal() -> None:
    _, server = await played(
        [Answer(intent("requires_payment_method"))], lambda g: g.create(CREATE), minimal_parameters=True
    )

    names = {name.partition("[")[0] for name in server.requests[0].form}
    assert names == {"amount", "currency", "capture_method", "metadata", "expand"}


async def test_an_amount_that_stripe_cannot_express_is_not_sent() -> None:
    error, server = await played([Answer({})], lambda g: g.create(replace(CREATE, amount=Money(501, "MGA"))))

    assert (error.kind, server.requests) == (GatewayErrorKind.REJECTED, [])


async def test_a_confirmation_looks_up_what_the_browser_did() -> None:
    answer, server = await played([Answer(SUCCEEDED)], lambda g: g.confirm(HANDLE, {}, "key-4"))

    (request,) = server.requests
    assert (request.method, request.target) == (
        "GET",
        "/v1/payment_intents/pi_1?expand[0]=latest_charge",
    )
    assert [fact.kind for fact in answer.facts] == [FactKind.CAPTURED]
    assert answer.next_action is None


@pytest.mark.parametrize(
    "data",
    [
        {"paymentIntent": "pi_2"},
        {"payment_intent": "pi_2"},
        {"paymentIntent": 1},
        {"paymentMethod": "pm_1/../x"},
        {"paymentMethod": 1},
        {"paymentMethod": "tok_visa"},
    ],
)
async def test_a_confirmation_of_something_else_is_refused_unsent(data: Object) -> None:
    error, server = await played([Answer(SUCCEEDED)], lambda g: g.confirm(HANDLE, data, "key-4"))

    assert (error.kind, server.requests) == (GatewayErrorKind.REJECTED, [])


async def test_a_confirmation_with_a_payment_method_may_need_a_redirect() -> None:
    url = "https://hooks.stripe.com/3d_secure_2/1"
    waiting = intent(
        "requires_action",
        payment_method="pm_1",
        next_action={"type": "redirect_to_url", "redirect_to_url": {"url": url}},
    )
    data = {"paymentIntent": INTENT, "paymentMethod": "pm_1", "returnUrl": "https://shop.example/back"}

    answer, server = await played([Answer(waiting)], lambda g: g.confirm(HANDLE, data, "key-4"))

    (request,) = server.requests
    assert request.target == "/v1/payment_intents/pi_1/confirm"
    assert request.form == {
        "payment_method": "pm_1",
        "return_url": "https://shop.example/back",
        "expand[0]": "latest_charge",
    }
    assert request.headers["idempotency-key"] == "confirm:key-4"
    assert [(fact.object_id, fact.kind) for fact in answer.facts] == [
        (f"{INTENT}:pm_1", FactKind.ACTION_REQUIRED)
    ]
    assert answer.next_action == {"type": "RedirectAction", "url": url}


async def test_a_redirect_comes_back_to_the_shop_when_the_front_end_names_no_place() -> None:
    _, server = await played(
        [Answer(SUCCEEDED)],
        lambda g: g.confirm(HANDLE, {"paymentMethod": "pm_1"}, "key-4"),
        return_url="https://shop.example/order",
    )

    assert server.requests[0].form["return_url"] == "https://shop.example/order"


async def test_a_decline_tells_its_facts_and_why() -> None:
    told = intent("requires_payment_method", last_payment_error=declined(), latest_charge="ch_1")
    script = [error_answer(402, type="card_error", payment_intent=told, **_without_method(declined()))]

    error, server = await played(
        list(script),
        lambda g: g.confirm(HANDLE, {"paymentMethod": "pm_1"}, "key-4"),
        max_network_retries=2,
    )

    assert len(server.requests) == 1
    assert (error.kind, error.code) == (GatewayErrorKind.DECLINED, "card_declined")
    assert error.failure == Failure(
        code="card_declined",
        message="Your card has insufficient funds.",
        decline_code="insufficient_funds",
        retryable=True,
    )
    assert [(fact.object_id, fact.kind) for fact in error.answer.facts] == [
        (f"{INTENT}:pm_1", FactKind.FAILED)
    ]
    assert error.answer.reference == INTENT


async def test_a_decline_that_tells_nothing_is_looked_up() -> None:
    failed = intent("requires_payment_method", last_payment_error=declined(), latest_charge=failed_charge())
    script = [error_answer(402, message="No.", code="card_declined"), Answer(failed)]

    error, server = await played(
        list(script), lambda g: g.confirm(HANDLE, {"paymentMethod": "pm_1"}, "key-4")
    )

    assert [request.method for request in server.requests] == ["POST", "GET"]
    assert error.kind is GatewayErrorKind.DECLINED
    assert [fact.kind for fact in error.answer.facts] == [FactKind.FAILED]


async def test_a_decline_stays_one_though_its_look_up_fails() -> None:
    script: list[Behaviour] = [error_answer(402, message="No.", code="card_declined"), "reset"]

    error, _ = await played(script, lambda g: g.confirm(HANDLE, {"paymentMethod": "pm_1"}, "key-4"))

    assert (error.kind, error.answer) == (GatewayErrorKind.DECLINED, None)


async def test_a_capture_takes_a_part_and_releases_the_rest() -> None:
    taken = intent(
        "succeeded",
        amount_received=400,
        capture_method="manual",
        latest_charge=held_charge(captured=True, amount_captured=400),
    )

    answer, server = await played([Answer(taken)], lambda g: g.capture(CAPTURE))

    (request,) = server.requests
    assert request.target == "/v1/payment_intents/pi_1/capture"
    assert request.form == {"amount_to_capture": "400", "expand[0]": "latest_charge"}
    assert request.headers["idempotency-key"] == "capture:key-2"
    assert [(fact.kind, fact.amount) for fact in answer.facts] == [
        (FactKind.CAPTURED, Money(400, "EUR")),
        (FactKind.RELEASED, Money(600, "EUR")),
    ]


async def test_a_cancellation_keeps_its_key_while_it_is_repeated_and_has_another_the_next_time() -> None:
    answers: list[Behaviour] = ["reset", Answer(intent("canceled")), Answer(intent("canceled"))]

    async def twice(gateway: StripeGateway) -> None:
        for _ in range(2):
            await gateway.cancel(HANDLE, None, "key-5")

    _, server = await played(answers, twice, max_network_retries=1)

    first, again, other = (request.headers["idempotency-key"] for request in server.requests)
    assert first == again
    assert first != other


@pytest.mark.parametrize(("reason", "sent"), [("abandoned", "abandoned"), ("too late", None), (None, None)])
async def test_a_cancellation_says_why_in_stripes_words_or_not_at_all(
    reason: str | None, sent: str | None
) -> None:
    answer, server = await played([Answer(intent("canceled"))], lambda g: g.cancel(HANDLE, reason, "key-5"))

    (request,) = server.requests
    assert request.target == "/v1/payment_intents/pi_1/cancel"
    assert request.form.get("cancellation_reason") == sent
    assert request.headers["idempotency-key"].startswith("cancel:key-5:")
    assert [fact.kind for fact in answer.facts] == [FactKind.CANCELED]


async def test_what_can_no_longer_be_canceled_is_rejected_with_what_it_is() -> None:
    script = [
        error_answer(
            400,
            type="invalid_request_error",
            code="payment_intent_unexpected_state",
            message="You cannot cancel this PaymentIntent.",
            payment_intent=intent("succeeded", amount_received=1000, latest_charge="ch_1"),
        )
    ]

    error, _ = await played(list(script), lambda g: g.cancel(HANDLE, None, "key-5"))

    assert (error.kind, error.code) == (GatewayErrorKind.REJECTED, "payment_intent_unexpected_state")
    assert [fact.kind for fact in error.answer.facts] == [FactKind.CAPTURED]


@pytest.mark.parametrize(
    ("reason", "sent"),
    [
        (None, {}),
        ("duplicate", {"reason": "duplicate"}),
        ("broken glass", {"metadata[reason]": "broken glass"}),
    ],
)
async def test_a_refund_carries_our_id_and_the_reason(reason: str | None, sent: dict[str, str]) -> None:
    answer, server = await played([Answer(refund())], lambda g: g.refund(replace(REFUND, reason=reason)))

    (request,) = server.requests
    assert request.target == "/v1/refunds"
    assert request.form == {
        "payment_intent": INTENT,
        "amount": "400",
        "metadata[refund_id]": str(REFUND_ID),
        "metadata[payment_id]": str(PAYMENT_ID),
        **sent,
    }
    assert request.headers["idempotency-key"] == "refund:key-3"
    assert [(fact.kind, fact.own_id) for fact in answer.facts] == [(FactKind.REFUND_SUCCEEDED, REFUND_ID)]
    assert answer.reference == INTENT


async def test_a_look_up_asks_for_every_refund_and_for_disputes_where_there_are_some() -> None:
    disputed = {**SUCCEEDED, "latest_charge": charge(disputed=True)}
    first = {"object": "list", "has_more": True, "data": [refund(), refund(id="re_2")]}
    second = {"object": "list", "has_more": False, "data": [refund(id="re_3", amount=1)]}
    disputes = {"object": "list", "has_more": False, "data": [dispute("needs_response")]}

    answer, server = await played(
        [Answer(disputed), Answer(first), Answer(second), Answer(disputes)], lambda g: g.fetch(HANDLE)
    )

    assert [request.target for request in server.requests] == [
        "/v1/payment_intents/pi_1?expand[0]=latest_charge",
        "/v1/refunds?payment_intent=pi_1&limit=100",
        "/v1/refunds?payment_intent=pi_1&limit=100&starting_after=re_2",
        "/v1/disputes?payment_intent=pi_1&limit=100",
    ]
    assert [(fact.object_id, fact.kind) for fact in answer.facts] == [
        ("ch_1", FactKind.CAPTURED),
        ("re_1", FactKind.REFUND_SUCCEEDED),
        ("re_2", FactKind.REFUND_SUCCEEDED),
        ("re_3", FactKind.REFUND_SUCCEEDED),
        ("du_1", FactKind.DISPUTE_OPENED),
    ]


async def test_a_look_up_that_never_ends_is_given_up() -> None:
    endless = {"object": "list", "has_more": True, "data": [refund()]}

    answer, server = await played([Answer(SUCCEEDED), Answer(endless)], lambda g: g.fetch(HANDLE))

    assert (len(server.requests), len(answer.facts)) == (11, 2)


async def test_a_payment_without_a_charge_is_looked_up_at_once() -> None:
    _, server = await played([Answer(intent("requires_payment_method"))], lambda g: g.fetch(HANDLE))

    assert len(server.requests) == 1


async def test_a_payment_that_stripe_never_named_is_unknown_and_nothing_is_asked() -> None:
    nameless = replace(HANDLE, reference=None)

    fetched, asked = await played([Answer({})], lambda g: g.fetch(nameless))
    canceled, _ = await played([Answer({})], lambda g: g.cancel(nameless, None, "key-5"))

    assert (fetched.kind, fetched.code) == (GatewayErrorKind.UNKNOWN, "no_reference")
    assert (canceled.kind, canceled.code) == (GatewayErrorKind.REJECTED, "no_reference")
    assert asked.requests == []


def _without_method(error: Object) -> Object:
    return {name: value for name, value in error.items() if name not in ("type", "payment_method")}
