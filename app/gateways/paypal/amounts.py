"""Amounts as PayPal writes them: decimal texts in the major unit, with its own idea of which currencies have cents."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Final

from app.domain.errors import DomainError
from app.domain.money import Money
from app.gateways.contract import GatewayError, GatewayErrorKind

CURRENCIES: Final = tuple(
    "AUD BRL CAD CHF CZK DKK EUR GBP HKD HUF ILS JPY MXN MYR NOK NZD PHP PLN SEK SGD THB TWD USD".split()
)
"""What orders may be in. BRL and MYR only within their countries; INR is left out, for domestic payments in it ended
in April 2021, and so is CNY, which few accounts can hold.

Source: developer.paypal.com/reference/currency-codes, read in November 2026.
"""
_WITHOUT_DECIMALS: Final = frozenset({"HUF", "JPY", "TWD"})
"""HUF and TWD have two digits in ISO 4217. Source: the same page."""
_VALUE: Final = re.compile(r"[0-9]{1,28}(?:\.[0-9]{1,3})?")
_CHARS_MAX: Final = 32
"""Source: developer.paypal.com/docs/api/orders/v2, `money.value`."""


def to_paypal(money: Money) -> dict[str, str]:
    """Return the amount as PayPal takes it.

    Raises:
        GatewayError: REJECTED when PayPal doesn't take the currency, or can't express the amount in it.
    """
    if money.currency not in CURRENCIES:
        raise _rejected(f"PayPal takes no {money.currency}.", "currency_not_supported")
    if money.minor <= 0:
        raise _rejected(f"PayPal takes no such amount: {money}.", "amount_out_of_range")
    digits = 0 if money.currency in _WITHOUT_DECIMALS else 2
    exact = money.to_decimal()
    value = exact.quantize(Decimal(1).scaleb(-digits))
    if value != exact:
        raise _rejected(f"PayPal takes no such fraction: {money}.", "amount_not_expressible")
    return {"currency_code": money.currency, "value": f"{value:f}"}


def from_paypal(value: str, currency: str) -> Money:
    """Return an amount that PayPal names.

    Raises:
        ValueError: it is no amount, or has digits that the currency has not.
    """
    if len(value) > _CHARS_MAX or not _VALUE.fullmatch(value):
        raise ValueError("PayPal's amount is no plain decimal number.")
    try:
        return Money.from_decimal(value, currency)
    except DomainError as error:
        raise ValueError(error.message) from None


def _rejected(message: str, code: str) -> GatewayError:
    return GatewayError(GatewayErrorKind.REJECTED, message, code=code)
