"""Which capture a refund is taken from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.gateways.paypal.facts import NOT_GIVEN_BACK, TAKEN, inside, refunded_capture
from app.gateways.paypal.fields import Json, required_money, required_text, status_of
from app.gateways.paypal.requests import rejected

if TYPE_CHECKING:
    from collections.abc import Mapping

    from app.domain.money import Money


def capture_to_refund(order: Json, amount: Money) -> str:
    """Return the id of the first capture that has as much left.

    Raises:
        GatewayError: REJECTED when nothing was captured, when no capture has as much left, or only several together.
        ValueError: the order is not of the documented shape.
    """
    left = _left(order, amount.currency)
    if not left:
        raise rejected("PayPal has captured nothing of this payment.", "nothing_captured")
    for capture_id, minor in left.items():
        if minor >= amount.minor:
            return capture_id
    if sum(left.values()) >= amount.minor:
        raise rejected(
            "No capture has that much left; refund each of them by itself.", "refund_spans_captures"
        )
    raise rejected("PayPal has not that much left to refund.", "REFUND_AMOUNT_EXCEEDED")


def _left(order: Json, currency: str) -> Mapping[str, int]:
    captures = inside(order, "captures")
    left: dict[str, int] = {}
    for capture in captures:
        if status_of(capture) in TAKEN:
            taken = required_money(capture, "amount")
            left[required_text(capture, "id")] = taken.minor if taken.currency == currency else 0
    for refund in inside(order, "refunds"):
        capture_id = refunded_capture(refund)
        if capture_id is None and len(left) == 1:
            capture_id = next(iter(left))
        if capture_id in left and status_of(refund) not in NOT_GIVEN_BACK:
            left[capture_id] -= required_money(refund, "amount").minor
    return left
