"""What is asked for when money is only held, and what the wire to Stripe bears."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.domain.facts import FactKind
from app.domain.states import CaptureMethod
from app.gateways.contract import GatewayErrorKind
from app.gateways.stripe import transport
from tests.gateways.scripted_http import Answer
from tests.gateways.stripe_objects import INTENT, held_charge, intent
from tests.gateways.stripe_requests import CAPTURE, CREATE, error_answer, played

_MULTICAPTURE = "payment_method_options[card][request_multicapture]"


@pytest.mark.parametrize(
    ("method", "minimal", "asked"),
    [
        (CaptureMethod.MANUAL, False, "if_available"),
        (CaptureMethod.AUTOMATIC, False, None),
        (CaptureMethod.MANUAL, True, None),
    ],
)
async def test_several_captures_are_asked_for_when_money_is_held(
    method: CaptureMethod,
    minimal: bool,
    asked: str | None,
) -> None:
    request = replace(CREATE, capture_method=method)

    _, server = await played(
        [Answer(intent("requires_payment_method"))], lambda g: g.create(request), minimal_parameters=minimal
    )

    assert server.requests[0].form.get(_MULTICAPTURE) == asked


async def test_a_shop_may_take_cards_alone() -> None:
    _, server = await played(
        [Answer(intent("requires_payment_method"))],
        lambda g: g.create(CREATE),
        automatic_payment_methods=False,
    )

    form = server.requests[0].form
    assert form["allowed_payment_method_types[0]"] == "card"
    assert "automatic_payment_methods[enabled]" not in form


async def test_an_answer_without_end_is_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "ANSWER_BYTES_MAX", 100)

    error, _ = await played([Answer(intent("requires_payment_method"))], lambda g: g.create(CREATE))

    assert (error.kind, error.code) == (GatewayErrorKind.UNKNOWN, "no_answer")


async def test_no_proxy_of_the_environment_comes_between(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)

    answer, server = await played([Answer(intent("requires_payment_method"))], lambda g: g.create(CREATE))

    assert (answer.reference, len(server.requests)) == (INTENT, 1)


@pytest.mark.parametrize("captured", [False, True])
async def test_a_capture_that_is_not_the_last_releases_nothing(captured: bool) -> None:
    held = intent(
        "requires_capture",
        amount_capturable=600,
        amount_received=400,
        capture_method="manual",
        payment_method="pm_1",
        latest_charge=held_charge(captured=captured, amount_captured=400),
    )

    answer, server = await played([Answer(held)], lambda g: g.capture(replace(CAPTURE, final=False)))

    assert server.requests[0].form["final_capture"] == "false"
    assert [(fact.kind, fact.amount.minor) for fact in answer.facts] == [
        (FactKind.AUTHORIZED, 1000),
        (FactKind.CAPTURED, 400),
    ]


async def test_where_several_captures_are_not_to_be_had_one_that_is_not_the_last_is_rejected() -> None:
    refused = error_answer(400, type="invalid_request_error", code="parameter_unknown", message="x")

    error, server = await played([refused], lambda g: g.capture(replace(CAPTURE, final=False)))

    assert (error.kind, len(server.requests)) == (GatewayErrorKind.REJECTED, 1)
