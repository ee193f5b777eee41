"""What goes to Stripe and how its answers and failures are told, over real HTTP to a server that misbehaves."""

from __future__ import annotations

import socket
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import pytest

from app.domain.facts import FactKind, Failure
from app.domain.money import Money
from app.domain.states import CaptureMethod, PaymentMethodType
from app.gateways.contract import (
    CaptureRequest,
    CreateRequest,
    Gateway,
    GatewayError,
    GatewayErrorKind,
    PaymentHandle,
    RefundRequest,
)
from app.gateways.stripe import StripeGateway, StripeSettings, build
from app.gateways.stripe.calls import idempotency_key
from tests.gateways.scripted_http import Answer, ScriptedServer
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

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.gateways.scripted_http import Behaviour
    from tests.gateways.stripe_objects import Object

HANDLE: Final = PaymentHandle(
    payment_id=PAYMENT_ID,
    reference=INTENT,
    amount=Money(1000, "EUR"),
    capture_method=CaptureMethod.AUTOMATIC,
)
CREATE: Final = CreateRequest(
    payment_id=PAYMENT_ID,
    order_id=ORDER_ID,
    order_number="1001",
    amount=Money(1000, "EUR"),
    capture_method=CaptureMethod.AUTOMATIC,
    method=None,
    return_url=None,
    customer_email="a@example.com",
    idempotency_key="key-1",
)
CAPTURE: Final = CaptureRequest(payment=HANDLE, amount=Money(400, "EUR"), idempotency_key="key-2")
REFUND: Final = RefundRequest(
    payment=HANDLE, refund_id=REFUND_ID, amount=Money(400, "EUR"), reason=None, idempotency_key="key-3"
)
SUCCEEDED: Final = intent("succeeded", amount_received=1000, payment_method="pm_1", latest_charge=charge())


def gateway_at(url: str, **changes: Any) -> StripeGateway:  # noqa: ANN401 - settings of any type
    quick: dict[str, Any] = {"timeout_seconds": 0.3, "max_network_retries": 0, "retry_delay_seconds": 0.001}
    return build(replace(SETTINGS, api_base=url, **{**quick, **changes}))


async def played(
    script: list[Behaviour],
    call: Callable[[StripeGateway], Awaitable[object]],
    **changes: Any,  # noqa: ANN401 - settings of any type
) -> tuple[Any, ScriptedServer]:
    """Return what a call gave or raised, and the server that saw it."""
    async with ScriptedServer(script).running() as server:
        gateway = gateway_at(server.url, **changes)
        try:
            return await call(gateway), server
        except GatewayError as error:
            return error, server
        finally:
            await gateway.aclose()


def error_answer(status: int, headers: tuple[tuple[str, str], ...] = (), **error: object) -> Answer:
    return Answer({"error": error}, status, headers)


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
    assert [(fact.object_id, fact.kind) for fact in answer.facts] == [("pm_1", FactKind.ACTION_REQUIRED)]
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
    assert [(fact.object_id, fact.kind) for fact in error.answer.facts] == [("pm_1", FactKind.FAILED)]
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


@pytest.mark.parametrize(("reason", "sent"), [("abandoned", "abandoned"), ("too late", None), (None, None)])
async def test_a_cancellation_says_why_in_stripes_words_or_not_at_all(
    reason: str | None, sent: str | None
) -> None:
    answer, server = await played([Answer(intent("canceled"))], lambda g: g.cancel(HANDLE, reason, "key-5"))

    (request,) = server.requests
    assert request.target == "/v1/payment_intents/pi_1/cancel"
    assert request.form.get("cancellation_reason") == sent
    assert request.headers["idempotency-key"] == "cancel:key-5"
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


@pytest.mark.parametrize(
    ("behaviour", "kind", "code"),
    [
        ("hang", GatewayErrorKind.UNKNOWN, "no_answer"),
        ("reset", GatewayErrorKind.UNKNOWN, "no_answer"),
        ("close", GatewayErrorKind.UNKNOWN, "no_answer"),
        ("cut", GatewayErrorKind.UNKNOWN, "no_answer"),
        (Answer(b"<html>hello</html>"), GatewayErrorKind.UNKNOWN, "unreadable_answer"),
        (Answer(b"\xff"), GatewayErrorKind.UNKNOWN, "unreadable_answer"),
        (Answer([]), GatewayErrorKind.UNKNOWN, "unreadable_answer"),
        (Answer(None), GatewayErrorKind.UNKNOWN, "unreadable_answer"),
        (Answer({}), GatewayErrorKind.UNKNOWN, "unreadable_answer"),
        (Answer(charge()), GatewayErrorKind.UNKNOWN, "unreadable_answer"),
        (Answer(intent("succeeded", id=None)), GatewayErrorKind.UNKNOWN, "unreadable_answer"),
        (Answer(intent("succeeded", amount="x")), GatewayErrorKind.UNKNOWN, "unreadable_answer"),
        (Answer(b"<html>oops</html>", 502), GatewayErrorKind.UNKNOWN, "unreadable_answer"),
        (Answer({"error": "x"}, 500), GatewayErrorKind.UNKNOWN, "unreadable_answer"),
        (Answer({"error": []}, 400), GatewayErrorKind.UNKNOWN, "unreadable_answer"),
        (error_answer(500, type="api_error", message="x"), GatewayErrorKind.UNKNOWN, "api_error"),
        (error_answer(503, type="api_error", message="x"), GatewayErrorKind.UNKNOWN, "api_error"),
        (error_answer(402, code=[], message={}), GatewayErrorKind.DECLINED, "unreadable_answer"),
        (
            error_answer(409, type="idempotency_error", code="idempotency_key_in_use", message="x"),
            GatewayErrorKind.UNKNOWN,
            "idempotency_key_in_use",
        ),
        (
            error_answer(400, type="idempotency_error", message="Keys for idempotent requests …"),
            GatewayErrorKind.REJECTED,
            "idempotency_error",
        ),
        (
            error_answer(400, type="invalid_request_error", code="amount_too_small", message="x"),
            GatewayErrorKind.REJECTED,
            "amount_too_small",
        ),
        (
            error_answer(401, type="invalid_request_error", message="x"),
            GatewayErrorKind.REJECTED,
            "invalid_request_error",
        ),
        (
            error_answer(403, type="invalid_request_error", message="x"),
            GatewayErrorKind.REJECTED,
            "invalid_request_error",
        ),
        (
            error_answer(404, type="invalid_request_error", code="resource_missing", message="x"),
            GatewayErrorKind.NOT_FOUND,
            "resource_missing",
        ),
        (
            error_answer(429, type="invalid_request_error", code="rate_limit", message="x"),
            GatewayErrorKind.UNAVAILABLE,
            "rate_limit",
        ),
    ],
)
async def test_each_failure_is_told_by_what_it_leaves_certain(
    behaviour: Behaviour, kind: GatewayErrorKind, code: str
) -> None:
    error, _ = await played([behaviour], lambda g: g.capture(CAPTURE))

    assert (error.kind, error.code) == (kind, code)
    assert error.answer is None


async def test_a_gateway_that_is_not_there_was_not_asked() -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # bound, so that nobody else is there either, but not listening
        gateway = gateway_at(f"http://127.0.0.1:{nobody.getsockname()[1]}")

        with pytest.raises(GatewayError) as raised:
            await gateway.create(CREATE)

        await gateway.aclose()
    assert (raised.value.kind, raised.value.code) == (GatewayErrorKind.UNAVAILABLE, "not_sent")


@pytest.mark.parametrize(
    ("header", "seconds"), [("7", 7.0), ("0", 0.0), ("99999999", 3600.0), ("soon", None), ("²", None)]
)
async def test_stripe_says_when_to_come_back(header: str, seconds: float | None) -> None:
    limited = error_answer(429, (("Retry-After", header),), type="invalid_request_error", message="x")

    error, server = await played([limited], lambda g: g.create(CREATE), max_network_retries=2)

    assert (error.kind, error.retry_after_seconds) == (GatewayErrorKind.UNAVAILABLE, seconds)
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "trouble",
    [
        "hang",
        "reset",
        "cut",
        Answer(b"garbage"),
        error_answer(500, type="api_error", message="x"),
        error_answer(409, type="idempotency_error", code="idempotency_key_in_use", message="x"),
        error_answer(429, (("Stripe-Should-Retry", "true"),), type="invalid_request_error", message="x"),
    ],
)
async def test_a_passing_trouble_is_overcome_with_the_same_key_and_the_same_words(
    trouble: Behaviour,
) -> None:
    answer, server = await played(
        [trouble, trouble, Answer(SUCCEEDED)], lambda g: g.capture(CAPTURE), max_network_retries=2
    )

    assert [fact.kind for fact in answer.facts] == [FactKind.CAPTURED]
    assert [request.headers["idempotency-key"] for request in server.requests] == ["capture:key-2"] * 3
    assert server.requests[0].form == server.requests[1].form == server.requests[2].form


@pytest.mark.parametrize(
    ("script", "requests"),
    [
        (["reset"], 3),
        ([error_answer(500, (("Stripe-Should-Retry", "false"),), type="api_error", message="x")], 1),
        (["reset", error_answer(429, type="invalid_request_error", code="rate_limit", message="x")], 2),
    ],
)
async def test_what_may_have_happened_stays_unknown_whatever_the_later_tries_met(
    script: list[Behaviour], requests: int
) -> None:
    error, server = await played(list(script), lambda g: g.capture(CAPTURE), max_network_retries=2)

    assert (error.kind, len(server.requests)) == (GatewayErrorKind.UNKNOWN, requests)


async def test_no_secret_is_repeated() -> None:
    quoted = "No such key: sk_live_51Abc, whsec_abc, rk_test_9, pi_1_secret_2; pi_1 and sk_test_****1234 too."
    refused = error_answer(401, type="invalid_request_error", message=quoted)

    error, _ = await played([refused], lambda g: g.create(CREATE))
    garbage, _ = await played([Answer(b"<sk_test_of_tests>" + b"x" * 9999)], lambda g: g.create(CREATE))

    assert error.message == "No such key: sk_…, whsec_…, rk_…, pi_1_secret_…; pi_1 and sk_… too."
    assert "of_tests" not in garbage.message
    assert len(garbage.message) == 500
    assert not [word for word in ("sk_test", "whsec") if word in repr(SETTINGS)]


def test_a_long_key_is_shortened_to_what_stripe_takes_and_stays_its_own() -> None:
    keys = [idempotency_key("create", "k" * length) for length in (247, 248, 249, 300)]

    assert [len(key) for key in keys] == [254, 255, 71, 71]
    assert len(set(keys)) == 4


async def test_each_write_has_a_key_of_its_own_though_ours_is_the_same() -> None:
    keys = {
        idempotency_key(step, "k") for step in ("create", "attach", "confirm", "capture", "cancel", "refund")
    }

    assert len(keys) == 6


@pytest.mark.parametrize(
    "changes",
    [
        {"secret_key": "pk_test_of_tests"},
        {"publishable_key": "sk_test_of_tests"},
        {"api_base": "http://api.example.com"},
        {"api_base": "ftp://127.0.0.1"},
        {"secret_key": "sk_live_of_tests", "minimal_parameters": True},
        {"timeout_seconds": 0},
        {"max_network_retries": -1},
    ],
)
def test_settings_that_endanger_are_refused_without_repeating_them(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="Stripe") as raised:
        replace(SETTINGS, **changes)

    assert "of_tests" not in str(raised.value)


def test_a_live_key_is_known_as_one() -> None:
    live = StripeSettings(secret_key="rk_live_of_tests", publishable_key="pk_live_of_tests")

    assert (live.live, SETTINGS.live) == (True, False)


def _without_method(error: Object) -> Object:
    return {name: value for name, value in error.items() if name not in ("type", "payment_method")}
