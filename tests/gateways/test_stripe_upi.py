"""UPI at Stripe, where an account has it: for rupees, captured at once, and with a step on the shopper's phone."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from app.domain.facts import FactKind
from app.domain.money import Money
from app.domain.states import CaptureMethod, PaymentMethodType
from app.gateways.contract import GatewayErrorKind
from app.gateways.offers import offer
from app.gateways.stripe import build
from app.gateways.stripe.facts import facts_of
from tests.gateways.scripted_http import Answer
from tests.gateways.stripe_objects import SETTINGS, charge, event, intent, parsed
from tests.gateways.stripe_requests import CREATE, played

if TYPE_CHECKING:
    from app.gateways.contract import CreateRequest

UPI = replace(CREATE, amount=Money(49_900, "INR"), method=PaymentMethodType.UPI_INTENT)
PAGE = "https://payments.stripe.com/upi/instructions/1"


async def test_upi_is_asked_for_by_name() -> None:
    _, server = await played(
        [Answer(intent("requires_payment_method", currency="inr"))], lambda g: g.create(UPI), upi=True
    )

    form = server.requests[0].form
    assert (form["allowed_payment_method_types[0]"], form["currency"]) == ("upi", "inr")
    assert "automatic_payment_methods[enabled]" not in form


@pytest.mark.parametrize(
    ("request_", "upi"),
    [
        (UPI, False),
        (replace(UPI, amount=Money(1000, "EUR")), True),
        (replace(UPI, capture_method=CaptureMethod.MANUAL), True),
    ],
)
async def test_upi_is_refused_unsent_where_stripe_has_none(request_: CreateRequest, upi: bool) -> None:
    error, server = await played([], lambda g: g.create(request_), upi=upi)

    assert (error.kind, error.code) == (GatewayErrorKind.REJECTED, "upi_not_available")
    assert server.requests == []


def test_upi_is_offered_for_rupees_alone_and_only_where_it_is_set() -> None:
    gateway = build(replace(SETTINGS, upi=True))
    upi = {PaymentMethodType.UPI_INTENT, PaymentMethodType.UPI_QR}

    assert upi <= set(offer(gateway, Money(49_900, "INR")))
    assert not upi & set(offer(gateway, Money(49_900, "EUR")))
    assert not upi & set(offer(build(SETTINGS), Money(49_900, "INR")))


def test_upi_is_polled_as_the_banks_bear_it() -> None:
    gateway = build(replace(SETTINGS, upi=True))

    first = gateway.polling.first_wait_seconds(PaymentMethodType.UPI_QR, lambda: 0.0)

    assert first == 90.0


def test_the_shopper_is_sent_to_the_page_with_the_code() -> None:
    kind = "upi_handle_redirect_or_display_qr_code"
    step = {"type": kind, kind: {"hosted_instructions_url": PAGE, "qr_code": {"expires_at": 1}}}
    waiting = intent("requires_action", payment_method="pm_1", next_action=step)

    told = parsed(event("payment_intent.requires_action", waiting))

    assert told.next_action == {"type": "RedirectAction", "url": PAGE}
    assert [fact.kind for fact in told.facts] == [FactKind.ACTION_REQUIRED]


def test_a_charge_by_upi_says_so() -> None:
    (captured,) = facts_of(
        charge(payment_method_details={"type": "upi", "upi": {"vpa": None}}), before_basil=False
    )

    assert captured.method is PaymentMethodType.UPI_INTENT
