"""Amounts as Stripe counts them, which is not ISO 4217's way for every currency."""

from __future__ import annotations

from typing import Final

from app.domain.errors import DomainError
from app.domain.money import AMOUNT_MINOR_MAX, Money, currency_exponent
from app.gateways.contract import GatewayError, GatewayErrorKind
from app.gateways.offers import Limits

_ZERO_DECIMALS: Final = frozenset(
    "BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF".split(),
)
_THREE_DECIMALS: Final = frozenset("BHD JOD KWD OMR TND".split())
_DEFAULT_DECIMALS: Final = 2
"""All others. ISK and UGX have no minor unit in ISO 4217, but two digits here that must be 00; MGA has two in
ISO 4217 and none here. HUF and TWD are charged with two digits; that payouts need 00 is not our concern.

Source: docs.stripe.com/currencies, "Zero-decimal currencies", "Three-decimal currencies" and "Special cases",
read in November 2026.
"""

_LARGEST: Final = 99_999_999
"""Eight digits, in Stripe's units, but for some currencies."""
_LARGER: Final = {"HUF": 9_999_999_999, "INR": 999_999_999, "JPY": 9_999_999_999}
"""The copies differ on HUF and JPY, in digits beyond ten."""
_SMALLEST: Final = {
    **dict.fromkeys("AUD BRL CAD CHF EUR INR NZD SGD USD".split(), 50),
    **dict.fromkeys("AED MYR PLN RON".split(), 200),
    **dict.fromkeys("NOK SEK".split(), 300),
    **dict.fromkeys("MXN THB".split(), 1000),
    "BGN": 100,
    "CZK": 1500,
    "DKK": 250,
    "GBP": 30,
    "HKD": 400,
    "HUF": 17_500,
    "JPY": 50,
}
LIMITS: Final = {
    currency: Limits(smallest, _LARGER.get(currency, _LARGEST)) for currency, smallest in _SMALLEST.items()
}
"""In ISO 4217's minor units, which are Stripe's for all of these.

Source: docs.stripe.com/currencies, "Minimum and maximum charge amounts", read in November 2026; of the maxima two
published copies (arraypress/wp-money and a form of an event manager's), which agree on INR.
"""


def stripe_exponent(currency: str) -> int:
    """Return how many digits after the decimal point Stripe's amounts have in an ISO 4217 currency."""
    if currency in _ZERO_DECIMALS:
        return 0
    return 3 if currency in _THREE_DECIMALS else _DEFAULT_DECIMALS


def to_stripe(money: Money) -> int:
    """Return the amount as Stripe takes it.

    Raises:
        GatewayError: REJECTED when Stripe cannot express it exactly, or takes no such amount.
    """
    ours, theirs = currency_exponent(money.currency), stripe_exponent(money.currency)
    amount, rest = _rescaled(money.minor, ours, theirs)
    # The last of three digits must be 0, for cards know only two.
    if rest or (money.currency in _THREE_DECIMALS and amount % 10):
        raise GatewayError(
            GatewayErrorKind.REJECTED,
            f"Stripe takes no such fraction: {money}.",
            code="amount_not_expressible",
        )
    if not 0 < amount <= AMOUNT_MINOR_MAX:
        raise GatewayError(
            GatewayErrorKind.REJECTED, f"Stripe takes no such amount: {money}.", code="amount_out_of_range"
        )
    return amount


def from_stripe(amount: int, currency: str) -> Money:
    """Return an amount that Stripe names; `currency` is as Stripe writes it, in lower case.

    Raises:
        ValueError: the currency is unknown, or the amount has digits that the currency has not.
    """
    code = currency.upper()
    try:
        ours = currency_exponent(code)
    except DomainError as error:
        raise ValueError(error.message) from None
    minor, rest = _rescaled(amount, stripe_exponent(code), ours)
    if rest or abs(minor) > AMOUNT_MINOR_MAX:
        raise ValueError(f"{amount} is no amount of {code} that can be kept.")
    return Money(minor, code)


def _rescaled(amount: int, digits: int, new_digits: int) -> tuple[int, int]:
    """Return the amount with another number of digits, and what that leaves over."""
    if new_digits >= digits:
        return amount * int(10 ** (new_digits - digits)), 0
    return divmod(amount, int(10 ** (digits - new_digits)))
