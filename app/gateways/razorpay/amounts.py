"""Amounts as Razorpay counts them: integers of the currency's smallest unit, by its own table of exponents."""

from __future__ import annotations

from typing import Final

from app.domain.money import AMOUNT_MINOR_MAX, CURRENCY_EXPONENTS, Money
from app.gateways.contract import GatewayError, GatewayErrorKind
from app.gateways.offers import NO_LIMITS, Limits

_ZERO_DECIMALS: Final = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF"
_THREE_DECIMALS: Final = "BHD IQD JOD KWD OMR TND"
_TWO_DECIMALS: Final = (
    "AED ALL AMD AUD AWG AZN BAM BBD BDT BMD BND BOB BRL BSD BTN BWP BZD CAD CHF CNY COP CRC CUP CVE CZK DKK DOP"
    " DZD EGP ETB EUR FJD GBP GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR JMD KES KGS KHR KYD KZT LAK LKR LRD"
    " LSL MAD MDL MGA MKD MMK MNT MOP MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD PEN PGK PHP PKR PLN QAR RON"
    " RSD RUB SAR SCR SEK SGD SOS SVC SZL THB TRY TTD TWD TZS UAH USD UYU UZS XCD YER ZAR ZMW"
)
_EXPONENTS: Final[dict[str, int]] = {
    **dict.fromkeys(_ZERO_DECIMALS.split(), 0),
    **dict.fromkeys(_TWO_DECIMALS.split(), 2),
    **dict.fromkeys(_THREE_DECIMALS.split(), 3),
}
"""Source: razorpay.com/docs/payments/international-payments, "Supported currencies", read in November 2026. The
retired codes in that list (BGN, HRK, SLL) are left out."""
CURRENCIES: Final = frozenset(_EXPONENTS)
LIMITS: Final = {"INR": Limits(smallest_minor=100)}
"""Source: razorpay.com/docs/api/orders/create, "The amount must be at least INR 1.00"; of others it says nothing."""
_LONG_EXPONENT: Final = 3


def to_razorpay(money: Money) -> int:
    """Return the amount as Razorpay takes it.

    Raises:
        GatewayError: REJECTED when Razorpay can't express it exactly, or takes no such amount.
    """
    exponent = _EXPONENTS.get(money.currency)
    if exponent is None:
        raise _rejected(f"Razorpay takes no {money.currency}.", "currency_not_supported")
    amount, rest = _rescaled(money.minor, CURRENCY_EXPONENTS[money.currency], exponent)
    # The last of three digits must be 0. Source: razorpay.com/docs/api/orders/create, `amount`.
    if rest or (exponent == _LONG_EXPONENT and amount % 10):
        raise _rejected(f"Razorpay takes no such fraction: {money}.", "amount_not_expressible")
    if amount > AMOUNT_MINOR_MAX or not LIMITS.get(money.currency, NO_LIMITS).allow(money.minor):
        raise _rejected(f"Razorpay takes no such amount: {money}.", "amount_out_of_range")
    return amount


def from_razorpay(amount: int, currency: str) -> Money:
    """Return an amount that Razorpay names.

    Raises:
        ValueError: the currency is unknown, or the amount has digits that the currency has not.
    """
    exponent = _EXPONENTS.get(currency)
    if exponent is None:
        raise ValueError("Razorpay's object has a currency that is not known.")
    minor, rest = _rescaled(amount, exponent, CURRENCY_EXPONENTS[currency])
    if rest or abs(minor) > AMOUNT_MINOR_MAX:
        raise ValueError(f"{amount} is no amount of {currency} that can be kept.")
    return Money(minor, currency)


def _rescaled(amount: int, digits: int, new_digits: int) -> tuple[int, int]:
    """Return the amount with another number of digits, and what that leaves over."""
    if new_digits >= digits:
        return amount * int(10 ** (new_digits - digits)), 0
    return divmod(amount, int(10 ** (digits - new_digits)))


def _rejected(message: str, code: str) -> GatewayError:
    return GatewayError(GatewayErrorKind.REJECTED, message, code=code)
