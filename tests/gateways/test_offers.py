"""What a gateway is offered for: its currencies, its limits, and UPI in rupees alone."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

import pytest

from app.domain.money import Money
from app.domain.states import PaymentMethodType
from app.gateways import Limits, offer
from app.gateways.stripe import StripeSettings
from app.gateways.stripe import build as build_stripe

if TYPE_CHECKING:
    from collections.abc import Mapping

    from app.gateways import Gateway

CARD, UPI, BANK = PaymentMethodType.CARD, PaymentMethodType.UPI_INTENT, PaymentMethodType.NETBANKING


@dataclass
class Terms:
    """As much of a gateway as an offer asks for."""

    methods: tuple[PaymentMethodType, ...] = (CARD, UPI)
    currencies: tuple[str, ...] = ("EUR", "INR")
    limits: Mapping[str, Limits] = field(default_factory=lambda: {"INR": Limits(100, 10_000)})


@pytest.mark.parametrize(
    ("minor", "currency", "methods"),
    [
        (99, "INR", ()),
        (100, "INR", (UPI, CARD)),
        (10_000, "INR", (UPI, CARD)),
        (10_001, "INR", ()),
        (1, "EUR", (CARD,)),
        (100, "USD", ()),
    ],
)
def test_an_offer_keeps_to_currency_and_limits(
    minor: int, currency: str, methods: tuple[PaymentMethodType, ...]
) -> None:
    assert offer(cast("Gateway", Terms()), Money(minor, currency)) == methods


def test_a_gateway_without_a_list_takes_every_currency() -> None:
    assert offer(cast("Gateway", Terms(currencies=())), Money(1, "KWD")) == (CARD,)


@pytest.mark.parametrize(
    ("country", "methods"), [(None, (UPI, CARD, BANK)), ("IN", (UPI, CARD, BANK)), ("DE", (CARD,))]
)
def test_what_nobody_has_in_a_country_is_not_offered_there(
    country: str | None, methods: tuple[PaymentMethodType, ...]
) -> None:
    terms = cast("Gateway", Terms(methods=(CARD, BANK, UPI)))

    assert sorted(offer(terms, Money(100, "INR"), country)) == sorted(methods)
    assert offer(terms, Money(100, "INR"), country)[0] is methods[0]


async def test_stripe_takes_no_less_than_it_publishes() -> None:
    settings = StripeSettings(
        secret_key="sk_test_x", publishable_key="pk_test_x", webhook_secrets=("whsec_x",)
    )
    stripe = build_stripe(settings)

    offers = [
        bool(offer(stripe, Money(minor, currency)))
        for minor, currency in ((49, "USD"), (50, "USD"), (49, "JPY"))
    ]

    await stripe.aclose()
    assert offers == [False, True, False]
