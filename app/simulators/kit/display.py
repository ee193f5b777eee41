"""Amounts as people read them: ₹1,49,999.00, $1,499.00, ¥1,499."""

from __future__ import annotations

from typing import Final

from app.domain.money import CURRENCY_EXPONENTS

_SYMBOLS: Final = {
    "AUD": "A$",
    "CAD": "CA$",
    "EUR": "€",
    "GBP": "£",
    "INR": "₹",
    "JPY": "¥",
    "KRW": "₩",
    "NZD": "NZ$",
    "USD": "$",
}
_LAKH_GROUPED: Final = frozenset({"INR", "NPR", "PKR", "BDT", "LKR"})
_NO_BREAK_SPACE: Final = "\u00a0"


def show_amount(minor: int, currency: str) -> str:
    """Return an amount with its symbol, or its code where that has none, and digits grouped as at home."""
    exponent = CURRENCY_EXPONENTS[currency]
    digits = str(minor).rjust(exponent + 1, "0")
    whole, cents = (digits[:-exponent], digits[-exponent:]) if exponent else (digits, "")
    grouped = _group(whole, 2 if currency in _LAKH_GROUPED else 3)
    number = f"{grouped}.{cents}" if cents else grouped
    symbol = _SYMBOLS.get(currency)
    return f"{symbol}{number}" if symbol else f"{currency}{_NO_BREAK_SPACE}{number}"


def _group(digits: str, size: int) -> str:
    """Put commas before the last three digits and every `size` before those."""
    groups = [digits[-3:]]
    rest = digits[:-3]
    while rest:
        groups.append(rest[-size:])
        rest = rest[:-size]
    return ",".join(reversed(groups))
