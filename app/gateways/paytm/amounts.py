"""Amounts as Paytm writes them: rupees with two digits after the point, as text."""

from __future__ import annotations

import re
from typing import Final

from app.domain.money import AMOUNT_MINOR_MAX, Money
from app.gateways.contract import GatewayError, GatewayErrorKind
from app.gateways.offers import RUPEES

_WRITTEN: Final = re.compile(r"(?P<rupees>[0-9]{1,12})(?:\.(?P<paise>[0-9]{1,2}))?")


def to_paytm(money: Money) -> str:
    """Return the amount as Paytm takes it, e.g. `499.00`.

    Raises:
        GatewayError: REJECTED when Paytm takes no such amount.
    """
    if money.currency != RUPEES:
        raise GatewayError(
            GatewayErrorKind.REJECTED,
            f"Paytm takes no {money.currency}.",
            code="currency_not_supported",
        )
    return f"{money.minor // 100}.{money.minor % 100:02}"


def from_paytm(text: str) -> Money:
    """Return an amount that Paytm names; some of its samples leave out the paise.

    Raises:
        ValueError: it is none.
    """
    written = _WRITTEN.fullmatch(text)
    if written is None:
        raise ValueError("an amount that is none")
    minor = int(written["rupees"]) * 100 + int((written["paise"] or "0").ljust(2, "0"))
    if minor > AMOUNT_MINOR_MAX:
        raise ValueError("an amount that can't be kept")
    return Money(minor, RUPEES)
