"""How Stripe's failures are told by what they leave certain, over real HTTP to a server that misbehaves."""

from __future__ import annotations

import socket
from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from app.domain.facts import FactKind
from app.gateways.contract import (
    GatewayError,
    GatewayErrorKind,
)
from app.gateways.registry import load_gateways
from app.gateways.stripe import StripeSettings
from app.gateways.stripe.calls import idempotency_key
from tests.gateways.scripted_http import Answer
from tests.gateways.stripe_objects import (
    SETTINGS,
    charge,
    intent,
)
from tests.gateways.stripe_requests import (
    CAPTURE,
    CREATE,
    SUCCEEDED,
    error_answer,
    gateway_at,
    played,
)

if TYPE_CHECKING:
    from tests.gateways.scripted_http import Behaviour


@pytest.mark.parametrize(
    ("behaviour", "kind", "code"),
    [
        ("hang", GatewayErrorKind.UNKNOWN, "no_answer"),
        ("trickle", GatewayErrorKind.UNKNOWN, "no_answer"),
        ("reset", GatewayErrorKind.UNKNOWN, "no_answer"),
        ("close", GatewayErrorKind.UNKNOWN, "no_answer"),
        ("cut", GatewayErrorKind.UNKNOWN, "no_answer"),
        (Answer(b"<html>hello</html>"), GatewayErrorKind.UNKNOWN, "unreadable_answer"),
        (Answer(b"\xff"), GatewayErrorKind.UNKNOWN, "unreadable_answer"),
        (Answer([]), GatewayErrorKind.UNKNOWN, "unreadable_answer"),
        (Answer(b'{"a":' * 500 + b"1" + b"}" * 500), GatewayErrorKind.UNKNOWN, "unreadable_answer"),
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
            GatewayErrorKind.UNKNOWN,
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
        (
            error_answer(429, type="invalid_request_error", code="lock_timeout", message="x"),
            GatewayErrorKind.UNAVAILABLE,
            "lock_timeout",
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
        error_answer(429, type="invalid_request_error", code="lock_timeout", message="x"),
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


@pytest.mark.parametrize(
    "kept",
    [
        error_answer(500, (("Idempotent-Replayed", "true"),), type="api_error", message="x"),
        error_answer(400, type="idempotency_error", message="Keys for idempotent requests …"),
    ],
)
@pytest.mark.parametrize(
    "looked_up",
    [
        Answer(intent("requires_capture")),
        "hang",
        error_answer(404, type="invalid_request_error", code="resource_missing", message="x"),
        error_answer(401, type="invalid_request_error", message="x"),
        error_answer(429, type="invalid_request_error", code="rate_limit", message="x"),
    ],
)
async def test_what_stripe_keeps_under_our_key_is_not_asked_for_again(
    kept: Behaviour, looked_up: Behaviour
) -> None:
    error, server = await played([kept, looked_up], lambda g: g.capture(CAPTURE))

    assert error.kind is GatewayErrorKind.UNKNOWN
    assert error.code in ("api_error", "idempotency_error")
    assert [request.method for request in server.requests] == ["POST", "GET"]


async def test_stripes_wish_to_wait_is_granted_before_a_call_is_repeated(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    waited: list[float] = []

    async def sleep(seconds: float) -> None:
        waited.append(seconds)

    monkeypatch.setattr("app.gateways.stripe.calls.asyncio", SimpleNamespace(sleep=sleep))
    busy = error_answer(503, (("Retry-After", "4"),), type="api_error", message="x")

    answer, _ = await played([busy, Answer(SUCCEEDED)], lambda g: g.capture(CAPTURE), max_network_retries=1)

    assert [fact.kind for fact in answer.facts] == [FactKind.CAPTURED]
    assert waited == [4.0]


async def test_a_wish_to_wait_for_long_is_passed_on() -> None:
    busy = error_answer(503, (("Retry-After", "60"),), type="api_error", message="x")

    error, server = await played([busy], lambda g: g.capture(CAPTURE), max_network_retries=2)

    assert (error.kind, error.retry_after_seconds) == (GatewayErrorKind.UNKNOWN, 60.0)
    assert len(server.requests) == 1


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


async def test_the_registry_finds_the_adapter_by_its_name() -> None:
    registry = load_gateways({"stripe": SETTINGS})

    found = registry.find("stripe")

    await registry.aclose()
    assert found is not None
    assert found.name == "STRIPE"
    assert found.public_config() == {"publishableKey": SETTINGS.publishable_key}


def test_a_live_key_is_known_as_one() -> None:
    live = StripeSettings(secret_key="rk_live_of_tests", publishable_key="pk_live_of_tests")

    assert (live.live, SETTINGS.live) == (True, False)
