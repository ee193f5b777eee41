"""Amounts as Paytm writes them: rupees with two digits after the point, as text."""

from __future__ import annotations

import re
from typing import Final

from app.domain.money import AMOUNT_MINOR_MAX, Money
from app.gateways.contract import GatewayError, GatewayErrorKind
from app.gateways.offers import RUPEES, Limits

LIMITS: Final = {RUPEES: Limits(smallest_minor=100)}
"""Paytm takes a rupee at least. Source: paytmpayments.com/docs/api/initiate-transaction-api, `txnAmount`."""
_WRITTEN: Final = re.compile(r"(?P<rupees>[0-9]{1,12})(?:\.(?P<paise>[0-9]{1,2}))?")


def to_paytm(money: Money) -> str:
    """Return the amount as Paytm takes it, e.g. `499.00`.

    Raises:
        GatewayError: REJECTED when Paytm takes no such amount.
    """
    if money.currency != RUPEES:
        raise _rejected(f"Paytm takes no {money.currency}.", "currency_not_supported")
    if not LIMITS[RUPEES].allow(money.minor):
        raise _rejected(f"Paytm takes no such amount: {money}.", "amount_out_of_range")
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


def _rejected(message: str, code: str) -> GatewayError:
    return GatewayError(GatewayErrorKind.REJECTED, message, code=code)
