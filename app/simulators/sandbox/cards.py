"""The test cards: Stripe's well-known numbers, which developers know by heart, and what each does here.

Source: docs.stripe.com/testing, 2026-11.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

_DIGITS: Final = re.compile(r"[0-9]{12,19}")
_SPACING: Final = re.compile(r"[ \-]")
_EXPIRY: Final = re.compile(r"(0[1-9]|1[0-2]) ?/ ?(?:20)?([0-9]{2})")
_CVC: Final = re.compile(r"[0-9]{3,4}")
_BRANDS: Final = (
    ("amex", re.compile(r"3[47]")),
    ("mastercard", re.compile(r"5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720")),
    ("rupay", re.compile(r"508|60(?!11)|652|81|82")),
    ("discover", re.compile(r"6011|64[4-9]|65")),
    ("jcb", re.compile(r"35")),
    ("visa", re.compile(r"4")),
)


class Behavior(StrEnum):
    """What the bank of a card that says yes does later."""

    DISPUTED = "disputed"
    REFUND_FAILS = "refund_fails"


@dataclass(frozen=True, slots=True, kw_only=True)
class Decline:
    """Why a bank says no."""

    code: str
    message: str
    decline_code: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TestCard:
    """One number and what it does: `decline` None means yes, at once or after `authenticate`."""

    number: str
    label: str
    decline: Decline | None = None
    authenticate: bool = False
    behavior: Behavior | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CardUse:
    """All that is kept of the card of one try: never its number."""

    brand: str
    last4: str
    decline: Decline | None
    authenticate: bool
    behavior: Behavior | None


AUTHENTICATION_FAILED: Final = Decline(
    code="authentication_failed",
    message="The bank could not confirm that it was you. Try again or use another card.",
)
UNKNOWN_CARD: Final = Decline(
    code="card_declined",
    decline_code="test_card_unknown",
    message="This is a sandbox: it takes test cards only. Choose one from the list.",
)
TEST_CARDS: Final = (
    TestCard(number="4242424242424242", label="Succeeds"),
    TestCard(number="4000002500003155", label="Asks for 3-D Secure", authenticate=True),
    TestCard(
        number="4000000000000002",
        label="Declined",
        decline=Decline(
            code="card_declined",
            decline_code="generic_decline",
            message="Your bank declined the card. Use another one.",
        ),
    ),
    TestCard(
        number="4000000000009995",
        label="Insufficient funds",
        decline=Decline(
            code="card_declined",
            decline_code="insufficient_funds",
            message="There is not enough money on the card. Use another one.",
        ),
    ),
    TestCard(
        number="4000000000000069",
        label="Expired card",
        decline=Decline(
            code="expired_card", decline_code="expired_card", message="The card has expired. Use another one."
        ),
    ),
    TestCard(
        number="4000000000000127",
        label="Incorrect CVC",
        decline=Decline(
            code="incorrect_cvc",
            decline_code="incorrect_cvc",
            message="The security code is wrong. Check it and try again.",
        ),
    ),
    TestCard(
        number="4000000000000119",
        label="Processing error",
        decline=Decline(
            code="processing_error",
            decline_code="processing_error",
            message="Something went wrong at the bank. Try again in a moment.",
        ),
    ),
    TestCard(number="4000000000007726", label="Refund fails later", behavior=Behavior.REFUND_FAILS),
    TestCard(number="4000000000000259", label="Disputed later", behavior=Behavior.DISPUTED),
)
_BY_NUMBER: Final = {card.number: card for card in TEST_CARDS}


def use_card(number: str) -> CardUse | None:
    """Return what a typed number does, or None when it is no card number (wrong length or check digit)."""
    digits = _SPACING.sub("", number)
    if not _DIGITS.fullmatch(digits) or not passes_luhn(digits):
        return None
    known = _BY_NUMBER.get(digits)
    return CardUse(
        brand=next((brand for brand, prefix in _BRANDS if prefix.match(digits)), "unknown"),
        last4=digits[-4:],
        decline=known.decline if known else UNKNOWN_CARD,
        authenticate=known is not None and known.authenticate,
        behavior=known.behavior if known else None,
    )


def passes_luhn(digits: str) -> bool:
    """Whether the last digit is the check digit of the others. Source: ISO/IEC 7812-1, annex B."""
    total = 0
    for position, char in enumerate(reversed(digits)):
        value = int(char) * (1 + position % 2)
        total += value - 9 if value > 9 else value  # noqa: PLR2004 - the sum of two digits
    return total % 10 == 0


def read_expiry(text: str) -> tuple[int, int] | None:
    """Return the year and month of `MM/YY` or `MM/YYYY`, or None when it is neither."""
    match = _EXPIRY.fullmatch(text.strip())
    return (2000 + int(match[2]), int(match[1])) if match else None


def is_cvc(text: str) -> bool:
    """Whether it has the shape of a security code."""
    return _CVC.fullmatch(text.strip()) is not None
