"""What a shopper's browser does next."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from app.gateways.contract import GatewayError, GatewayErrorKind
from app.gateways.qr import qr_svg
from app.gateways.razorpay.facts import moment

if TYPE_CHECKING:
    from app.gateways.contract import CreateRequest
    from app.gateways.razorpay.options import RazorpaySettings
    from app.gateways.razorpay.wire import WireOrder, WireQrCode, WireUpiPayment

SDK: Final = "razorpay"
_LINK_CHARS_MAX: Final = 2048


def checkout_action(order: WireOrder, request: CreateRequest, settings: RazorpaySettings) -> dict[str, Any]:
    """Return what Razorpay's checkout.js is opened with.

    Source: razorpay.com/docs/payments/payment-gateway/web-integration/standard/integration-steps, "Checkout options",
    read in November 2026. What the page adds as `notes` comes from the browser, so nothing is read from it.
    """
    parameters: dict[str, Any] = {
        "key": settings.key_id,
        "order_id": order.id,
        "amount": order.amount,
        "currency": order.currency,
        "description": f"Order {request.order_number}",
    }
    if settings.business_name:
        parameters["name"] = settings.business_name
    if request.customer_email:
        parameters["prefill"] = {"email": request.customer_email}
    if request.return_url:
        parameters["callback_url"] = request.return_url
    return {"type": "ClientSdkAction", "sdk": SDK, "parameters": parameters}


def intent_action(payment: WireUpiPayment) -> dict[str, Any]:
    """Return the link that opens a UPI app, unchanged. Razorpay names no end of it."""
    if not payment.link.startswith("upi://") or len(payment.link) > _LINK_CHARS_MAX:
        raise GatewayError(GatewayErrorKind.UNKNOWN, "Razorpay's UPI link is none.", code="unreadable_answer")
    return {"type": "UpiIntentAction", "uri": payment.link, "expires_at": None}


def qr_action(code: WireQrCode) -> dict[str, Any] | None:
    """Return the code to show; None when it takes no money any more.

    What it says is an on-demand feature of an account; without it, Razorpay's picture of the code is shown.
    Source: razorpay.com/docs/api/qr-codes/image-content, read in November 2026.
    """
    if code.status != "active":
        return None
    if code.image_content and len(code.image_content) <= _LINK_CHARS_MAX:
        return {
            "type": "QrCodeAction",
            "payload": code.image_content,
            "image_svg": qr_svg(code.image_content),
            "expires_at": moment(code.close_by).isoformat() if code.close_by else None,
        }
    if code.image_url and code.image_url.startswith("https://"):
        return {"type": "RedirectAction", "url": code.image_url}
    raise GatewayError(
        GatewayErrorKind.UNKNOWN, "Razorpay's QR code can't be shown.", code="unreadable_answer"
    )
