"""What is sent with each write, and where an order's answer sends the shopper."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from app.domain.states import CaptureMethod
from app.gateways.contract import GatewayError, GatewayErrorKind
from app.gateways.paypal.amounts import to_paypal
from app.gateways.paypal.fields import Json, link, refund_custom_id, status_of

if TYPE_CHECKING:
    from app.gateways.contract import CaptureRequest, CreateRequest, RefundRequest

_INVOICE_CHARS_MAX: Final = 127
_NOTE_CHARS_MAX: Final = 255
_WAITS_FOR_SHOPPER: Final = frozenset({"CREATED", "SAVED", "PAYER_ACTION_REQUIRED"})
_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})


def create_body(request: CreateRequest) -> dict[str, Any]:
    """Return what opens an order; `custom_id` comes back in its captures, refunds and their events.

    Raises:
        GatewayError: REJECTED when PayPal doesn't take the amount.
    """
    context: dict[str, Any] = {"user_action": "PAY_NOW", "shipping_preference": "NO_SHIPPING"}
    if request.return_url:
        context |= {"return_url": request.return_url, "cancel_url": request.return_url}
    unit = {
        "reference_id": "default",
        "custom_id": str(request.payment_id),
        "invoice_id": f"{request.order_number}-{request.payment_id}"[-_INVOICE_CHARS_MAX:],
        "description": f"Order {request.order_number}"[:_INVOICE_CHARS_MAX],
        "amount": to_paypal(request.amount),
    }
    return {
        "intent": "AUTHORIZE" if request.capture_method is CaptureMethod.MANUAL else "CAPTURE",
        "purchase_units": [unit],
        "payment_source": {"paypal": {"experience_context": context}},
    }


def capture_body(request: CaptureRequest) -> dict[str, Any]:
    """Return what captures an authorisation.

    Raises:
        GatewayError: REJECTED when PayPal doesn't take the amount.
    """
    return {"amount": to_paypal(request.amount), "final_capture": request.final}


def refund_body(request: RefundRequest) -> dict[str, Any]:
    """Return what refunds; our ids travel in `custom_id`, which a refund else has from its capture.

    Raises:
        GatewayError: REJECTED when PayPal doesn't take the amount.
    """
    body: dict[str, Any] = {
        "amount": to_paypal(request.amount),
        "custom_id": refund_custom_id(request.payment.payment_id, request.refund_id),
        "invoice_id": str(request.refund_id),
    }
    if request.reason and not request.reason.isspace():
        # Of one line: its documented pattern is `^.*$`.
        body["note_to_payer"] = " ".join(request.reason.split())[:_NOTE_CHARS_MAX]
    return body


def next_action(order: Json) -> dict[str, Any] | None:
    """Return the RedirectAction to PayPal's page while the shopper has a part to play there."""
    if status_of(order) not in _WAITS_FOR_SHOPPER:
        return None
    return redirect(order, "payer-action", "approve")


def redirect(told: Json, *rels: str) -> dict[str, Any] | None:
    """Return a RedirectAction to the first link of these kinds that a browser may be sent to."""
    url = link(told, *rels)
    if url is None:
        return None
    parts = urlsplit(url)
    if parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK):
        return {"type": "RedirectAction", "url": url}
    return None


def rejected(message: str, code: str) -> GatewayError:
    """Return the error of what is not even asked."""
    return GatewayError(GatewayErrorKind.REJECTED, message, code=code)
