"""The bodies of deliveries as staff see them: JSON as it came, or the text, without what people pay with.

Of UPI's virtual payment addresses two characters and the bank stay. Gateways send no card numbers; one that turns up
all the same (a shopper typed it into some free text) must not be shown or copied on.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final

from app.domain.masking import mask_vpas
from schema.scalars import JSON

if TYPE_CHECKING:
    from collections.abc import Callable

DEPTH_MAX: Final = 64
"""What is nested deeper is shown as text: no reader, and not our writer, goes on for ever."""
_INT_MAX: Final = 2**53 - 1
_DIGITS: Final = re.compile(r"(?<![0-9])[2-6][0-9]{12,18}(?![0-9])")
"""The lengths of ISO/IEC 7812 numbers, and the first digits that cards have: times in milliseconds begin with 1."""


def shown_body(body: bytes) -> JSON:
    """Return a delivery's body: JSON where it is JSON, else its text, with card numbers and VPAs masked."""
    text = body.decode("utf-8", "replace")
    try:
        parsed = json.loads(text, parse_int=_parse_int, parse_constant=str)
        shown = _shown(parsed, 0)
    except (ValueError, RecursionError):
        shown = _masked(text)
    return JSON(shown)


def _parse_int(digits: str) -> int | str:
    """Return a number that JavaScript keeps exact, or its digits. The longest would take long to convert."""
    if len(digits) > len(str(_INT_MAX)) + 1 or abs(int(digits)) > _INT_MAX:
        return digits
    return int(digits)


def _shown(value: object, depth: int) -> object:
    if depth > DEPTH_MAX:
        raise ValueError("nested too deep")
    match value:
        case str():
            return _masked(value)
        case bool() | None | float():
            return value
        case int():
            digits = str(value)
            masked = _masked(digits)
            return value if masked == digits else masked
        case list():
            return [_shown(item, depth + 1) for item in value]
        case dict():
            return {_masked(str(key)): _shown(item, depth + 1) for key, item in value.items()}
        case _:
            raise TypeError(f"{type(value).__name__} is nothing that JSON holds")


def _masked(text: str) -> str:
    """Return the text with card numbers and VPAs starred, in UTF-8 that can be written."""
    shown = mask_vpas(_DIGITS.sub(_mask, text))
    return shown.encode("utf-8", "replace").decode()


def _mask(found: re.Match[str]) -> str:
    digits = found.group()
    if not passes_luhn(digits):
        return digits
    return digits[:6] + "*" * (len(digits) - 10) + digits[-4:]


def passes_luhn(digits: str) -> bool:
    """Whether the last digit is the check digit of the others. Source: ISO/IEC 7812-1, annex B."""
    double: Callable[[int], int] = lambda digit: digit * 2 - 9 if digit > 4 else digit * 2  # noqa: E731, PLR2004
    numbers = [int(digit) for digit in reversed(digits)]
    return (sum(numbers[::2]) + sum(double(digit) for digit in numbers[1::2])) % 10 == 0
