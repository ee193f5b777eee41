"""What Razorpay's adapter refuses by itself, before anything is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.gateways.contract import GatewayError, GatewayErrorKind

if TYPE_CHECKING:
    from app.gateways.contract import CreateRequest
    from app.gateways.razorpay.reading import Found


def check_unpaid(found: Found) -> None:
    """Refuse to give up what was paid."""
    if found.captured:
        raise rejected("The money was taken already: give it back instead.", "already_captured")
    if found.authorized:
        raise rejected(
            "Razorpay can't release an authorisation; it lapses by itself if it is not captured.",
            "lapses_by_itself",
        )


def check_same(request: CreateRequest, known: int | None, amount: int, currency: str) -> None:
    """Refuse to open a payment again for another amount."""
    if (known, currency) != (amount, request.amount.currency):
        raise rejected("This payment was opened for another amount.", "amount_differs")


def rejected(message: str, code: str) -> GatewayError:
    """Return a refusal of our own."""
    return GatewayError(GatewayErrorKind.REJECTED, message, code=code)
