"""Why a try failed, in Stripe's words, as far as a shopper may know them."""

from __future__ import annotations

from typing import Final

from app.domain.facts import Failure
from app.domain.masking import mask_vpas
from app.gateways.stripe.fields import Json, part, text

_NOT_TO_BE_TOLD: Final = frozenset({"fraudulent", "lost_card", "merchant_blacklist", "stolen_card"})
"""A thief who learns that a card is known as stolen learns too much.
Source: docs.stripe.com/declines/codes: present these as generic_decline.
"""
_GENERIC: Final = "generic_decline"
_UNSAID: Final = "The payment failed."


def failure_of_error(error: Json) -> Failure:
    """Read an error: a payment intent's `last_payment_error`, or that of an answer."""
    code = text(error, "code") or text(error, "type") or "payment_failed"
    return _failure(code, text(error, "message"), text(error, "decline_code"))


def failure_of_charge(charge: Json) -> Failure:
    """Read a failed charge. Its outcome's reason is the decline code when it was the issuer that declined."""
    outcome = part(charge, "outcome")
    declined = text(outcome, "type") == "issuer_declined"
    return _failure(
        text(charge, "failure_code") or "payment_failed",
        text(charge, "failure_message"),
        text(outcome, "reason") if declined else None,
    )


def _failure(code: str, message: str | None, decline_code: str | None) -> Failure:
    # Another try may always work: the intent stays open, and the shopper may take another card.
    return Failure(
        code=code,
        message=mask_vpas(message or _UNSAID),
        decline_code=_GENERIC if decline_code in _NOT_TO_BE_TOLD else decline_code,
    )
