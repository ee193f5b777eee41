"""Card numbers: nobody should send one here, none is kept, and none is logged.

What has 13 to 19 digits, spaces and dashes between them or not, and a check digit that fits, is taken for one; where
other groups of digits stand beside it, what has 15 or 16. A number inside a word, an id or a decimal fraction isn't.
Source: ISO/IEC 7812-1, for length and check digit; PCI DSS 4.0, requirement 3, for why.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CANDIDATES_MAX: Final = 1_000
_DIGITS_MIN: Final = 13
_DIGITS: Final = re.compile(r"(?<![\w.-])(?:\d[ -]?){12,18}\d(?![\w.-])")
_GROUPS: Final = re.compile(r"\d+")
_GROUPS_MAX: Final = 8
_USUAL_DIGITS: Final = frozenset({15, 16})
_USUAL_BEGINNINGS: Final = frozenset("23456")
_DOUBLED: Final = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)
"""What each digit counts that is to be doubled: the sum of its double's digits."""


def holds_card_number(value: object) -> bool:
    """Whether a text, or any text or number in a JSON value, could be a card number.

    What has more long numbers than anybody means to send counts as if it did.
    """
    for number, digits in enumerate(_candidates(value)):
        if number >= CANDIDATES_MAX or _place(digits) is not None:
            return True
    return False


def without_card_numbers(text: str, mask: Callable[[str], str]) -> str:
    """Return a text in which each of them is masked."""

    def masked(match: re.Match[str]) -> str:
        digits = match.group()
        place = _place(digits)
        if place is None:
            return digits
        return digits[: place.start] + mask(digits[place]) + digits[place.stop :]

    return _DIGITS.sub(masked, text)


def _candidates(value: object) -> Iterator[str]:
    """Yield what is as long as a card number."""
    waiting = [value]
    while waiting:
        part = waiting.pop()
        if isinstance(part, str):
            if len(part) >= _DIGITS_MIN:
                yield from _DIGITS.findall(part)
        elif isinstance(part, dict):
            waiting.extend(part)
            waiting.extend(part.values())
        elif isinstance(part, list):
            waiting.extend(part)
        elif isinstance(part, int) and not isinstance(part, bool):
            waiting.append(str(part))


def _place(digits: str) -> slice | None:
    """Return where among digits a number is that fits: all of them, or whole groups beside others."""
    if _fits(digits):
        return slice(0, len(digits))
    groups = [match.span() for match in _GROUPS.finditer(digits)]
    if len(groups) > _GROUPS_MAX:
        return None
    for first, (start, _) in enumerate(groups):
        if digits[start] in _USUAL_BEGINNINGS:
            for last in range(first, len(groups)):
                end = groups[last][1]
                if end - start - (last - first) in _USUAL_DIGITS and _fits(digits[start:end]):
                    return slice(start, end)
    return None


def _fits(number: str) -> bool:
    """Whether the check digit fits: Luhn's formula."""
    digits = list(map(int, number.replace(" ", "").replace("-", "")))
    return (sum(digits[-1::-2]) + sum(map(_DOUBLED.__getitem__, digits[-2::-2]))) % 10 == 0
