"""What Razorpay is sent, from what the product asks for."""

from __future__ import annotations

import re
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

from app.domain.states import CaptureMethod
from app.gateways.razorpay.amounts import to_razorpay

if TYPE_CHECKING:
    from uuid import UUID

    from app.gateways.contract import CreateRequest, RefundRequest
    from app.gateways.razorpay.options import RazorpaySettings
    from app.gateways.razorpay.wire import WireOrder

EXPIRY_MINUTES_MAX: Final = 7200
"""Five days, the longest. Source: razorpay.com/docs/payments/payments/capture-settings/api, read in November 2026."""
_NOTE_CHARS_MAX: Final = 256
_REFUND_KEY: Final = re.compile(r"[A-Za-z0-9_-]{10,64}")
"""Source: razorpay.com/docs/api/refunds/normal-refunds-idempotent; the longest key is not documented."""


def receipt_of(payment_id: UUID) -> str:
    """Return what an order of a payment is found by: 36 characters of the 40 that Razorpay takes."""
    return str(payment_id)


def order_parameters(request: CreateRequest) -> dict[str, Any]:
    """Return an order that is captured as asked.

    Automatic capture lasts as long as the bank may still say yes, so that late authorisations are captured too.
    """
    options: dict[str, Any] = {"manual_expiry_period": EXPIRY_MINUTES_MAX, "refund_speed": "normal"}
    automatic = request.capture_method is CaptureMethod.AUTOMATIC
    if automatic:
        options["automatic_expiry_period"] = EXPIRY_MINUTES_MAX
    return {
        "amount": to_razorpay(request.amount),
        "currency": request.amount.currency,
        "receipt": receipt_of(request.payment_id),
        "notes": _notes(request),
        "payment": {"capture": "automatic" if automatic else "manual", "capture_options": options},
    }


def qr_parameters(request: CreateRequest) -> dict[str, Any]:
    """Return a code for one payment of this amount. Without `close_by`, it is closed after two hours.

    Source: razorpay.com/docs/api/qr-codes/entity, read in November 2026.
    """
    return {
        "type": "upi_qr",
        "usage": "single_use",
        "fixed_amount": True,
        "payment_amount": to_razorpay(request.amount),
        "description": f"Order {request.order_number}",
        "notes": _notes(request),
    }


def intent_parameters(order: WireOrder, request: CreateRequest, settings: RazorpaySettings) -> dict[str, Any]:
    """Return a payment that a UPI app is opened for.

    Source: razorpay.com/docs/payments/payment-gateway/s2s-integration/payment-methods/upi/intent, November 2026.
    """
    return {
        "amount": order.amount,
        "currency": order.currency,
        "order_id": order.id,
        "email": request.customer_email or settings.email,
        "contact": settings.contact,
        "method": "upi",
        "description": f"Order {request.order_number}",
        "notes": _notes(request),
        "upi": {"flow": "intent"},
    }


def refund_parameters(request: RefundRequest) -> dict[str, Any]:
    """Return a refund; the same for every repetition, since another body under its key is refused."""
    notes = {"refund_id": str(request.refund_id), "payment_id": str(request.payment.payment_id)}
    if request.reason:
        notes["reason"] = request.reason[:_NOTE_CHARS_MAX]
    return {
        "amount": to_razorpay(request.amount),
        "speed": "normal",
        "receipt": str(request.refund_id),
        "notes": notes,
    }


def refund_key(key: str) -> str:
    """Return the key as `X-Refund-Idempotency` takes it."""
    return key if _REFUND_KEY.fullmatch(key) else sha256(key.encode()).hexdigest()


def _notes(request: CreateRequest) -> dict[str, str]:
    return {
        "payment_id": str(request.payment_id),
        "order_id": str(request.order_id),
        "order_number": request.order_number[:_NOTE_CHARS_MAX],
    }
