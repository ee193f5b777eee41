"""PayPal: its wallet through Orders v2.

`facts` translates PayPal's objects, `events` its webhooks, `calls` carries requests out, `adapter` joins them.
"""

from __future__ import annotations

from app.gateways.paypal.adapter import PayPalGateway
from app.gateways.paypal.options import LIVE_BASE, PayPalSettings, WebhookCheck

__all__ = ["LIVE_BASE", "PayPalGateway", "PayPalSettings", "WebhookCheck", "build"]


def build(settings: PayPalSettings) -> PayPalGateway:
    """Return the gateway for one PayPal account."""
    return PayPalGateway(settings)
