"""Money: an integer of minor units and an ISO 4217 currency. No float and no bare amount anywhere."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from app.domain.errors import DomainError, ErrorCode

AMOUNT_MINOR_MAX: Final = 2**53 - 1
"""The largest amount that JSON and JavaScript keep exact (`BigInt` in the contract)."""

_PLAIN: Final = re.compile(r"-?[0-9]{1,40}(?:\.[0-9]{1,40})?")
"""What `Decimal` also reads, such as `1_000`, ` 1`, `1e3` or `٣`, is more likely a mistake than an amount."""
_DIGITS_MAX: Final = 28
"""What Python's decimal arithmetic keeps exact by default; beyond it, it would round without a word."""

_ZERO_DECIMALS: Final = frozenset(
    [
        "BIF",
        "CLP",
        "DJF",
        "GNF",
        "ISK",
        "JPY",
        "KMF",
        "KRW",
        "PYG",
        "RWF",
        "UGX",
        "VND",
        "VUV",
        "XAF",
        "XOF",
        "XPF",
    ]
)
_THREE_DECIMALS: Final = frozenset(["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"])
_TWO_DECIMALS: Final = frozenset(
    [
        "AED",
        "AFN",
        "ALL",
        "AMD",
        "AOA",
        "ARS",
        "AUD",
        "AWG",
        "AZN",
        "BAM",
        "BBD",
        "BDT",
        "BMD",
        "BND",
        "BOB",
        "BRL",
        "BSD",
        "BTN",
        "BWP",
        "BYN",
        "BZD",
        "CAD",
        "CDF",
        "CHF",
        "CNY",
        "COP",
        "CRC",
        "CUP",
        "CVE",
        "CZK",
        "DKK",
        "DOP",
        "DZD",
        "EGP",
        "ERN",
        "ETB",
        "EUR",
        "FJD",
        "FKP",
        "GBP",
        "GEL",
        "GHS",
        "GIP",
        "GMD",
        "GTQ",
        "GYD",
        "HKD",
        "HNL",
        "HTG",
        "HUF",
        "IDR",
        "ILS",
        "INR",
        "IRR",
        "JMD",
        "KES",
        "KGS",
        "KHR",
        "KPW",
        "KYD",
        "KZT",
        "LAK",
        "LBP",
        "LKR",
        "LRD",
        "LSL",
        "MAD",
        "MDL",
        "MGA",
        "MKD",
        "MMK",
        "MNT",
        "MOP",
        "MRU",
        "MUR",
        "MVR",
        "MWK",
        "MXN",
        "MYR",
        "MZN",
        "NAD",
        "NGN",
        "NIO",
        "NOK",
        "NPR",
        "NZD",
        "PAB",
        "PEN",
        "PGK",
        "PHP",
        "PKR",
        "PLN",
        "QAR",
        "RON",
        "RSD",
        "RUB",
        "SAR",
        "SBD",
        "SCR",
        "SDG",
        "SEK",
        "SGD",
        "SHP",
        "SLE",
        "SOS",
        "SRD",
        "SSP",
        "STN",
        "SVC",
        "SYP",
        "SZL",
        "THB",
        "TJS",
        "TMT",
        "TOP",
        "TRY",
        "TTD",
        "TWD",
        "TZS",
        "UAH",
        "USD",
        "UYU",
        "UZS",
        "VED",
        "VES",
        "WST",
        "XCD",
        "XCG",
        "YER",
        "ZAR",
        "ZMW",
        "ZWG",
    ]
)

CURRENCY_EXPONENTS: Final[dict[str, int]] = {
    **dict.fromkeys(sorted(_ZERO_DECIMALS), 0),
    **dict.fromkeys(sorted(_TWO_DECIMALS), 2),
    **dict.fromkeys(sorted(_THREE_DECIMALS), 3),
}
"""Digits after the decimal point. Source: ISO 4217, active national currencies (funds and metals left out)."""


def currency_exponent(currency: str) -> int:
    """Return the number of minor-unit digits of an ISO 4217 alphabetic code.

    Raises:
        DomainError: INVALID when the code is not an active ISO 4217 currency.
    """
    try:
        return CURRENCY_EXPONENTS[currency]
    except KeyError:
        raise DomainError(ErrorCode.INVALID, f"{currency!r} is not an ISO 4217 currency code.") from None


@dataclass(frozen=True, slots=True, order=False)
class Money:
    """An exact amount: `minor` in the currency's minor unit (paise, cents), which may be negative."""

    minor: int
    currency: str

    @classmethod
    def zero(cls, currency: str) -> Money:
        """Return nothing, in `currency`."""
        return cls(0, currency)

    @classmethod
    def from_decimal(cls, amount: str | Decimal, currency: str) -> Money:
        """Read an exact decimal in the major unit, in plain notation: `"499.00"`.

        Raises:
            DomainError: INVALID when it is no finite decimal in ASCII digits or has more decimals than the
                currency; AMOUNT_TOO_LARGE beyond ±2^53 minor units.
        """
        exponent = currency_exponent(currency)
        if isinstance(amount, str) and not _PLAIN.fullmatch(amount):
            raise DomainError(ErrorCode.INVALID, f"{amount[:50]!r} is not a decimal number such as 499.00.")
        value = Decimal(amount)
        if not value.is_finite():
            raise DomainError(ErrorCode.INVALID, f"{amount!s:.50} is not a finite amount.")
        if value.adjusted() > len(str(AMOUNT_MINOR_MAX)):
            raise _too_large()
        if len(value.as_tuple().digits) > _DIGITS_MAX:
            raise DomainError(ErrorCode.INVALID, f"{amount!s:.50} has too many digits.")
        minor = value.scaleb(exponent)
        if minor != minor.to_integral_value():
            raise DomainError(
                ErrorCode.INVALID, f"{amount!s:.50} has more decimals than {currency} allows ({exponent})."
            )
        return cls._bounded(int(minor), currency)

    @classmethod
    def _bounded(cls, minor: int, currency: str) -> Money:
        if abs(minor) > AMOUNT_MINOR_MAX:
            raise _too_large()
        return cls(minor, currency)

    def to_decimal(self) -> Decimal:
        """Return the amount in the major unit with exactly the currency's number of digits."""
        return Decimal(self.minor).scaleb(-currency_exponent(self.currency))

    def __str__(self) -> str:
        return f"{self.to_decimal():f} {self.currency}"

    def __add__(self, other: Money) -> Money:
        return Money(self.minor + self._same(other), self.currency)

    def __sub__(self, other: Money) -> Money:
        return Money(self.minor - self._same(other), self.currency)

    def __mul__(self, quantity: int) -> Money:
        return Money._bounded(self.minor * quantity, self.currency)

    def __lt__(self, other: Money) -> bool:
        return self.minor < self._same(other)

    def __le__(self, other: Money) -> bool:
        return self.minor <= self._same(other)

    def __gt__(self, other: Money) -> bool:
        return self.minor > self._same(other)

    def __ge__(self, other: Money) -> bool:
        return self.minor >= self._same(other)

    def _same(self, other: Money) -> int:
        if other.currency != self.currency:
            raise DomainError(
                ErrorCode.CURRENCY_MISMATCH, f"{other.currency} cannot be reckoned with {self.currency}."
            )
        return other.minor


def _too_large() -> DomainError:
    return DomainError(ErrorCode.AMOUNT_TOO_LARGE, f"The amount exceeds {AMOUNT_MINOR_MAX} minor units.")
