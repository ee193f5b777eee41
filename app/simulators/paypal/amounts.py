"""Amounts as PayPal wants them: strict decimal texts, none with decimals where the currency has none."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any, Final

from app.domain.money import Money
from app.simulators.paypal.errors import ApiError

_WHOLE: Final = ("HUF", "JPY", "TWD")
_KNOWN: Final = frozenset(
    "AUD BRL CAD CNY CZK DKK EUR HKD HUF ILS JPY MYR MXN TWD NZD NOK PHP PLN GBP SGD SEK CHF THB USD".split()
)


def read_amount(body: Any, field: str = "/amount") -> Money:  # noqa: ANN401 - JSON
    """Read `{currency_code, value}`."""
    if not isinstance(body, dict):
        raise ApiError(400, "MISSING_REQUIRED_PARAMETER", field=field)
    currency, value = body.get("currency_code"), body.get("value")
    if not isinstance(currency, str) or not isinstance(value, str):
        raise ApiError(400, "INVALID_PARAMETER_SYNTAX", field=field)
    if currency not in _KNOWN:
        raise ApiError(422, "CURRENCY_NOT_SUPPORTED", field=f"{field}/currency_code")
    if not re.fullmatch(r"[0-9]{1,12}(\.[0-9]+)?", value):
        raise ApiError(400, "INVALID_PARAMETER_SYNTAX", field=f"{field}/value")
    decimals = len(value.partition(".")[2])
    if decimals > (0 if currency in _WHOLE else 2):
        raise ApiError(422, "DECIMAL_PRECISION", field=f"{field}/value")
    money = Money.from_decimal(value, currency)
    if money.minor <= 0:
        raise ApiError(422, "CANNOT_BE_ZERO_OR_NEGATIVE", field=f"{field}/value")
    return money


def write_amount(minor: int, currency: str) -> dict[str, str]:
    """Write an amount of minor units of ISO 4217."""
    exact = Money(minor, currency).to_decimal()
    value = exact.quantize(Decimal(1)) if currency in _WHOLE else exact
    return {"currency_code": currency, "value": str(value)}
