"""What Stripe takes: amounts by currency, in its own smallest units.

Source: docs.stripe.com/currencies, read in November 2026.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from app.domain.money import CURRENCY_EXPONENTS
from app.simulators.stripe.errors import RefusedError

if TYPE_CHECKING:
    from app.simulators.stripe.parameters import Parameters

LARGEST: Final = 99_999_999
_LARGER: Final = {
    "COP": 9_999_999_999,
    "HUF": 9_999_999_999,
    "IDR": 999_999_999_999,
    "INR": 999_999_999,
    "JPY": 9_999_999_999,
}
_NO_DIGITS: Final = frozenset("BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF".split())
_THREE_DIGITS: Final = frozenset("BHD JOD KWD OMR TND".split())
_ENDS_IN_00: Final = frozenset({"ISK", "UGX"})
_SMALLEST: Final = {"AED": 200, "GBP": 30, "HKD": 400, "JPY": 50, "MXN": 1000, "SEK": 300}
_SMALLEST_ELSE: Final = 50


def currency_of(parameters: Parameters) -> str:
    """Return the currency, in lower case."""
    code = parameters.required("currency")
    if code.upper() not in CURRENCY_EXPONENTS:
        raise RefusedError(f"Invalid currency: {code[:16]}.", param="currency")
    return code.lower()


def amount_of(parameters: Parameters, currency: str, name: str = "amount") -> int:
    """Return how much is to be paid."""
    parameters.required(name)
    amount = parameters.integer(name) or 0
    if amount < 1:
        raise RefusedError(
            "This value must be greater than or equal to 1.", code="parameter_invalid_integer", param=name
        )
    smallest = _SMALLEST.get(currency.upper(), _SMALLEST_ELSE)
    if amount < smallest:
        raise RefusedError(
            f"Amount must be at least {smallest} {currency}", code="amount_too_small", param=name
        )
    largest = _LARGER.get(currency.upper(), LARGEST)
    if amount > largest:
        raise RefusedError(
            f"Amount must be no more than {largest} {currency}", code="amount_too_large", param=name
        )
    code = currency.upper()
    if (code in _THREE_DIGITS and amount % 10) or (code in _ENDS_IN_00 and amount % 100):
        raise RefusedError(f"Invalid amount for {currency}.", param=name)
    return amount


def minor_of(amount: int, currency: str) -> int:
    """Return an amount in ISO 4217's minor units."""
    return _scaled(amount, CURRENCY_EXPONENTS[currency.upper()] - _digits(currency))


def from_minor(minor: int, currency: str) -> int:
    """Return an amount as Stripe writes it."""
    return _scaled(minor, _digits(currency) - CURRENCY_EXPONENTS[currency.upper()])


def _digits(currency: str) -> int:
    code = currency.upper()
    return 0 if code in _NO_DIGITS else 3 if code in _THREE_DIGITS else 2


def _scaled(amount: int, digits: int) -> int:
    return amount * int(10**digits) if digits >= 0 else amount // int(10**-digits)
