"""What a shopper's browser does next about a payment intent."""

from __future__ import annotations

from typing import Any, Final

from app.gateways.stripe.fields import Json, part, required_text, text

_WAITS_FOR_SHOPPER: Final = frozenset({"requires_action", "requires_confirmation", "requires_payment_method"})

_UPI_STEP: Final = "upi_handle_redirect_or_display_qr_code"


def next_action(intent: Json, publishable_key: str) -> dict[str, Any] | None:
    """Return a RedirectAction for a redirect, else what Stripe.js needs; None when the shopper has no part in it.

    UPI's page shows a QR code on a desktop and opens the app on a phone.
    Source: docs.stripe.com/api/payment_intents/object, `next_action`; read in November 2026: redirect_to_url and
    upi_handle_redirect_or_display_qr_code, else left to the SDK.
    """
    status = text(intent, "status")
    if status not in _WAITS_FOR_SHOPPER:
        return None
    step = part(intent, "next_action")
    url = text(part(step, "redirect_to_url"), "url") or text(part(step, _UPI_STEP), "hosted_instructions_url")
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
