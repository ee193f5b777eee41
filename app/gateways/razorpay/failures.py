"""Why a try failed, in Razorpay's words, as far as they may be kept."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from app.domain.facts import Failure
from app.domain.masking import mask_addresses

if TYPE_CHECKING:
    from app.gateways.razorpay.wire import WirePayment

_LONG_NUMBER: Final = re.compile(r"(?<![0-9])[0-9](?:[ -]?[0-9]){9,18}(?![0-9])")
_SECRET: Final = re.compile(r"\brzp_(test|live)_\w+")
_MESSAGE_CHARS_MAX: Final = 500
_READ_CHARS_MAX: Final = 1000
_UNSAID: Final = "The payment failed."


def masked(text: str) -> str:
    """Return a text without what names a person: of a VPA or mail address two characters stay, of numbers none."""
    hidden = _LONG_NUMBER.sub("…", mask_addresses(text[:_READ_CHARS_MAX]))
    return _SECRET.sub(r"rzp_\1_…", hidden)[:_MESSAGE_CHARS_MAX]


def failure_of(payment: WirePayment) -> Failure:
    """Return why a payment failed; by other means, or later, every one may go well.

    Source: razorpay.com/docs/errors/payments: `error_code` is a class, `error_reason` the exact reason.
    """
    return Failure(
        code=payment.error_code or "payment_failed",
        message=masked(payment.error_description or _UNSAID),
        decline_code=payment.error_reason or None,
    )
