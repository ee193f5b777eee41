"""PayPal: its wallet through Orders v2.

`facts` translates PayPal's objects, `events` its webhooks, `calls` carries requests out, `adapter` joins them.
"""

from __future__ import annotations

from app.gateways.paypal.adapter import PayPalGateway
from app.gateways.paypal.options import PayPalSettings, WebhookCheck

__all__ = ["PayPalGateway", "PayPalSettings", "WebhookCheck", "build"]


def build(settings: PayPalSettings) -> PayPalGateway:
    """Return the gateway for one PayPal account."""
    return PayPalGateway(settings)
