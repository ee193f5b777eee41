"""The Paytm gateway: one Paytm order for each payment, asked after before a paisa moves.

A package, because an adapter is several thoughts: the checksum, the wire format, results, facts, calls, what a browser
does next, and webhooks.
"""

from __future__ import annotations

from app.gateways.paytm.adapter import PaytmGateway
from app.gateways.paytm.options import PaytmSettings

__all__ = ["PaytmGateway", "PaytmSettings", "build"]


def build(settings: PaytmSettings) -> PaytmGateway:
    """Return the gateway; it connects when it is first called."""
    return PaytmGateway(settings)
