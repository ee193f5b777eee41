"""Stripe's test cards: what each does when it is charged.

Source: the tables of docs.stripe.com/testing, of which excerpts and published copies were read in November 2026.

A number is looked up and forgotten: what is kept of a card is its brand, its last four digits and what it does.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from app.simulators.stripe.errors import RefusedError


@dataclass(frozen=True, slots=True, kw_only=True)
class Decline:
    """Why a bank says no."""

    code: str
    message: str
    decline_code: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """What a card does. `challenged`: the bank wants to see the shopper; `refund`: how its refunds go."""

    last4: str = "4242"
    brand: str = "visa"
    country: str = "US"
    funding: str = "credit"
    decline: Decline | None = None
    challenged: bool = False
    pends: bool = False
    dispute: str | None = None
    inquiry: bool = False
    refund: str | None = None

    @property
    def multicapture(self) -> bool:
        """Whether its network can capture several times."""
        return self.brand in _SEVERAL_CAPTURES


_SEVERAL_CAPTURES: Final = frozenset("amex visa discover mastercard diners unionpay jcb".split())


def _declined(decline_code: str, message: str = "Your card was declined.") -> Decline:
    return Decline(code="card_declined", message=message, decline_code=decline_code)


GENERIC: Final = _declined("generic_decline")
NO_FUNDS: Final = _declined("insufficient_funds", "Your card has insufficient funds.")
NOT_A_TEST_CARD: Final = _declined(
    "test_mode_live_card",
    "Your card was declined. Your request was in test mode, but used a non test (live) card.",
)
UNAUTHENTICATED: Final = Decline(
    code="payment_intent_authentication_failure",
    message="We are unable to authenticate your payment method. Please choose a different payment method and try"
    " again.",
)
ASKS: Final = Card(last4="3184", challenged=True)
PENDS: Final = Card(pends=True)
SUCCEEDS: Final = Card()
DECLINES: Final = Card(last4="0002", decline=GENERIC)

_PLAYED: Final[dict[str, tuple[str, Card]]] = {
    "4242424242424242": ("visa", Card()),
    "4000056655665556": ("visa_debit", Card(funding="debit")),
    "5555555555554444": ("mastercard", Card(brand="mastercard")),
    "378282246310005": ("amex", Card(brand="amex")),
    "6011111111111117": ("discover", Card(brand="discover")),
    "3056930009020004": ("diners", Card(brand="diners")),
    "3566002020360505": ("jcb", Card(brand="jcb")),
    "6200000000000005": ("unionpay", Card(brand="unionpay")),
    "4000003560000008": ("in", Card(country="IN")),
    "4000002500001001": ("visa_cartesBancaires", Card(country="FR", brand="cartes_bancaires")),
    "4000000000000077": ("bypassPending", Card()),
    "4000000000000002": ("visa_chargeDeclined", DECLINES),
    "4000000000009995": ("visa_chargeDeclinedInsufficientFunds", Card(decline=NO_FUNDS)),
    "4000000000009987": ("visa_chargeDeclinedLostCard", Card(decline=_declined("lost_card"))),
    "4000000000009979": ("visa_chargeDeclinedStolenCard", Card(decline=_declined("stolen_card"))),
    "4000000000000069": (
        "chargeDeclinedExpiredCard",
        Card(decline=Decline(code="expired_card", message="Your card has expired.")),
    ),
    "4000000000000127": (
        "chargeDeclinedIncorrectCvc",
        Card(decline=Decline(code="incorrect_cvc", message="Your card's security code is incorrect.")),
    ),
    "4000000000000119": (
        "chargeDeclinedProcessingError",
        Card(
            decline=Decline(
                code="processing_error",
                message="An error occurred while processing your card. Try again in a little bit.",
            )
        ),
    ),
    "4000000000006975": (
        "visa_chargeDeclinedVelocityLimitExceeded",
        Card(decline=_declined("card_velocity_exceeded")),
    ),
    "4000000000000341": ("chargeCustomerFail", Card(decline=GENERIC)),
    "4100000000000019": ("radarBlock", Card(decline=_declined("fraudulent"))),
    "4000002500003155": ("authenticationRequiredOnSetup", Card(challenged=True)),
    "4000002760003184": ("authenticationRequired", ASKS),
    "4000003800000446": ("authenticationRequiredSetupForOffSession", Card(challenged=True)),
    "4000008260003178": (
        "authenticationRequiredChargeDeclinedInsufficientFunds",
        Card(challenged=True, decline=NO_FUNDS),
    ),
    "4000000000003220": ("threeDSecure2Required", Card(challenged=True)),
    "4000008400001629": (
        "threeDSecureRequiredChargeDeclined",
        Card(challenged=True, decline=GENERIC),
    ),
    "4000000000003055": ("threeDSecureOptional", Card()),
    "4000000000000259": ("createDispute", Card(dispute="fraudulent")),
    "4000000000002685": ("createDisputeProductNotReceived", Card(dispute="product_not_received")),
    "4000000000001976": ("createDisputeInquiry", Card(dispute="fraudulent", inquiry=True)),
    "4000000000007726": ("pendingRefund", Card(refund="pending")),
    "4000000000005126": ("refundFail", Card(refund="fails")),
}
_ALSO: Final = {"chargeDeclined": "4000000000000002", "chargeDeclinedInsufficientFunds": "4000000000009995"}
_NUMBER_CHARS: Final = range(12, 20)


_BY_NUMBER: Final = {number: replace(card, last4=number[-4:]) for number, (_, card) in _PLAYED.items()}
_BY_NAME: Final = {
    **{name: _BY_NUMBER[number] for number, (name, _) in _PLAYED.items()},
    **{name: _BY_NUMBER[number] for name, number in _ALSO.items()},
}


def card_numbered(number: str) -> Card:
    """Return what a card does.

    Raises:
        RefusedError: 402, it is no test card.
    """
    digits = "".join(number.split())
    if not (digits.isascii() and digits.isdigit() and len(digits) in _NUMBER_CHARS and _adds_up(digits)):
        raise RefusedError(
            "Your card number is incorrect.",
            status=402,
            kind="card_error",
            code="incorrect_number",
            param="card[number]",
        )
    if digits not in _BY_NUMBER:
        refused = NOT_A_TEST_CARD
        raise RefusedError(
            refused.message,
            status=402,
            kind="card_error",
            code=refused.code,
            decline_code=refused.decline_code,
        )
    return _BY_NUMBER[digits]


def card_named(payment_method: str) -> Card | None:
    """Return the test card that an id like `pm_card_visa` stands for, or None."""
    return _BY_NAME.get(payment_method.removeprefix("pm_card_")) if is_test_id(payment_method) else None


def is_test_id(payment_method: str) -> bool:
    """Whether an id stands for a test card rather than for an object."""
    return payment_method.startswith("pm_card_")


def _adds_up(digits: str) -> bool:
    """Luhn's check."""
    doubled = [int(digit) * (2 if place % 2 else 1) for place, digit in enumerate(reversed(digits))]
    return sum(value - 9 if value > 9 else value for value in doubled) % 10 == 0  # noqa: PLR2004 - Luhn's nine
