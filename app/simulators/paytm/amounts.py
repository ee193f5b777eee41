"""Amounts as the API writes and reads them: rupees as text."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Final

from app.simulators.paytm.errors import RefusedError

_LARGEST: Final = Decimal(10_000_000)
INVALID: Final = "2007"


def read_amount(value: object) -> int:
    """Return paise."""
    try:
        rupees = Decimal(value) if isinstance(value, str) else Decimal("NaN")
    except InvalidOperation:
        rupees = Decimal("NaN")
    if not rupees.is_finite() or not 0 < rupees <= _LARGEST or rupees * 100 != int(rupees * 100):
        raise RefusedError("F", INVALID, "Txn amount is invalid")
    return int(rupees * 100)


def write_amount(paise: int) -> str:
    """Return rupees."""
    return f"{Decimal(paise) / 100:.2f}"
