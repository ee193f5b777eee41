"""Card numbers: nobody should send one here, none is kept, and none is logged.

What has 13 to 19 digits, spaces and dashes between them or not, and a check digit that fits, is taken for one. A number
inside a word, an id or a decimal fraction isn't.
Source: ISO/IEC 7812-1, for length and check digit; PCI DSS 4.0, requirement 3, for why.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

_DIGITS: Final = re.compile(r"(?<![\w.-])(?:\d[ -]?){12,18}\d(?![\w.-])")
_DOUBLED_MAX: Final = 4
"""The largest digit of which the double has one digit."""


def holds_card_number(value: object) -> bool:
    """Whether a text, or any text or number in a JSON value, could be a card number."""
    if isinstance(value, str):
        return any(_fits(match.group()) for match in _DIGITS.finditer(value))
    if isinstance(value, dict):
        return any(holds_card_number(key) or holds_card_number(part) for key, part in value.items())
    if isinstance(value, list):
        return any(map(holds_card_number, value))
    return isinstance(value, int) and not isinstance(value, bool) and holds_card_number(str(value))


def without_card_numbers(text: str, mask: Callable[[str], str]) -> str:
    """Return a text in which each of them is masked."""
    return _DIGITS.sub(lambda match: mask(match.group()) if _fits(match.group()) else match.group(), text)


def _fits(number: str) -> bool:
    """Whether the check digit fits: Luhn's formula."""
    digits = [int(char) for char in number if char.isdigit()]
    doubled = [digit * 2 - 9 * (digit > _DOUBLED_MAX) for digit in digits[-2::-2]]
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0
