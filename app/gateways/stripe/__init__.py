"""Stripe: cards and wallets through payment intents.

`facts` translates Stripe's objects, `events` its webhooks, `reading` and `writing` ask for things by `calls`, and
`adapter` joins them.
"""

from __future__ import annotations

from app.gateways.stripe.adapter import StripeGateway
from app.gateways.stripe.options import StripeSettings

__all__ = ["StripeGateway", "StripeSettings", "build"]


def build(settings: StripeSettings) -> StripeGateway:
    """Return the gateway for one Stripe account."""
    return StripeGateway(settings)
