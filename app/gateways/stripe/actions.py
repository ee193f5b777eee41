"""What a shopper's browser does next about a payment intent."""

from __future__ import annotations

from typing import Any, Final

from app.gateways.stripe.fields import Json, part, required_text, text

_WAITS_FOR_SHOPPER: Final = frozenset({"requires_action", "requires_confirmation", "requires_payment_method"})


def next_action(intent: Json, publishable_key: str) -> dict[str, Any] | None:
    """Return a RedirectAction for a redirect, else what Stripe.js needs; None when the shopper has no part in it.

    Source: docs.stripe.com/api/payment_intents/object, `next_action`: redirect_to_url, else left to the SDK.
    """
    status = text(intent, "status")
    if status not in _WAITS_FOR_SHOPPER:
        return None
    url = text(part(part(intent, "next_action"), "redirect_to_url"), "url")
    if status == "requires_action" and url and url.startswith("https://"):
        return {"type": "RedirectAction", "url": url}
    secret = text(intent, "client_secret")
    if secret is None:
        return None
    parameters = {
        "clientSecret": secret,
        "publishableKey": publishable_key,
        "paymentIntentId": required_text(intent, "id"),
    }
    return {"type": "ClientSdkAction", "sdk": "stripe.js", "parameters": parameters}
