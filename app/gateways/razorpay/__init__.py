"""The Razorpay gateway: orders, UPI and captures over its REST API, and its signed webhooks.

A package, because an adapter is several thoughts: the wire format, amounts, facts, calls and their failures, the
signatures, and the reading of what a payment has come to.
"""

from __future__ import annotations

from app.gateways.razorpay.adapter import RazorpayGateway
from app.gateways.razorpay.options import RazorpaySettings

__all__ = ["RazorpayGateway", "RazorpaySettings", "build"]


def build(settings: RazorpaySettings) -> RazorpayGateway:
    """Return the gateway; it connects when it is first called."""
    return RazorpayGateway(settings)
