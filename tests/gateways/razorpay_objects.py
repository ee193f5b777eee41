"""Razorpay's objects as its documentation shapes them, made here, and what a delivery of them is."""

from __future__ import annotations

import json
from typing import Any, Final
from uuid import UUID

from app.domain.money import Money
from app.domain.states import CaptureMethod, PaymentMethodType
from app.gateways import CaptureRequest, CreateRequest, PaymentHandle, RefundRequest, Verified
from app.gateways.razorpay import RazorpayGateway, RazorpaySettings

Json = dict[str, Any]
PAYMENT_ID: Final = UUID("0190f5e6-0000-7000-8000-000000000001")
ORDER_ID: Final = UUID("0190f5e6-0000-7000-8000-000000000002")
REFUND_ID: Final = UUID("0190f5e6-0000-7000-8000-000000000003")
PRICE: Final = Money(49900, "INR")
STARTED: Final = 1_790_000_000
SETTINGS: Final = RazorpaySettings(
    key_id="rzp_test_1",
    key_secret="key-secret",
    webhook_secrets=("new", "old"),
    api_base="http://127.0.0.1:1",
)


def payment(status: str = "captured", **changes: Any) -> Json:  # noqa: ANN401 - any JSON
    """Return a payment of 499 rupees by card."""
    return {
        "id": "pay_1",
        "entity": "payment",
        "amount": 49900,
        "currency": "INR",
        "status": status,
        "order_id": "order_1",
        "method": "card",
        "captured": status == "captured",
        "amount_refunded": 0,
        "refund_status": None,
        "notes": [],
        "error_code": None,
        "error_description": None,
        "error_reason": None,
        "created_at": STARTED,
        **changes,
    }


def failed(**changes: Any) -> Json:  # noqa: ANN401 - any JSON
    """Return a payment by UPI that failed."""
    return payment(
        "failed",
        **{
            "method": "upi",
            "vpa": "gaurav.kumar@upi",
            "upi": {"vpa": "gaurav.kumar@upi", "flow": "intent"},
            "error_code": "BAD_REQUEST_ERROR",
            "error_description": "Payment by gaurav.kumar@upi was declined",
            "error_reason": "payment_declined",
            **changes,
        },
    )


def order(**changes: Any) -> Json:  # noqa: ANN401 - any JSON
    """Return the order of the payment."""
    return {
        "id": "order_1",
        "entity": "order",
        "amount": 49900,
        "currency": "INR",
        "receipt": str(PAYMENT_ID),
        "status": "paid",
        "notes": {"payment_id": str(PAYMENT_ID), "order_id": str(ORDER_ID)},
        "created_at": STARTED,
        **changes,
    }


def refund(status: str = "processed", **changes: Any) -> Json:  # noqa: ANN401 - any JSON
    """Return a refund of 100 rupees that carries our id of it."""
    return {
        "id": "rfnd_1",
        "entity": "refund",
        "amount": 10000,
        "currency": "INR",
        "payment_id": "pay_1",
        "notes": {"refund_id": str(REFUND_ID), "reason": "size"},
        "receipt": str(REFUND_ID),
        "status": status,
        "created_at": STARTED + 60,
        **changes,
    }


def dispute(status: str = "open", **changes: Any) -> Json:  # noqa: ANN401 - any JSON
    """Return a dispute about all of it."""
    return {
        "id": "disp_1",
        "entity": "dispute",
        "payment_id": "pay_1",
        "amount": 49900,
        "currency": "INR",
        "amount_deducted": 0,
        "reason_code": "goods_not_received",
        "respond_by": STARTED + 86400,
        "status": status,
        "phase": "chargeback",
        "created_at": STARTED + 120,
        **changes,
    }


def qr_code(status: str = "active", **changes: Any) -> Json:  # noqa: ANN401 - any JSON
    """Return a QR code for the payment."""
    return {
        "id": "qr_1",
        "entity": "qr_code",
        "payment_amount": 49900,
        "status": status,
        "image_url": "https://rzp.io/i/1",
        "image_content": "upi://pay?pa=shop@icici&am=499.00",
        "notes": {"payment_id": str(PAYMENT_ID)},
        "close_by": STARTED + 7200,
        "closed_at": None,
        "close_reason": None,
        "created_at": STARTED,
        **changes,
    }


def event(name: str, **objects: Json) -> bytes:
    """Return a webhook's body."""
    return json.dumps(
        {
            "entity": "event",
            "account_id": "acc_1",
            "event": name,
            "contains": list(objects),
            "payload": {kind: {"entity": entity} for kind, entity in objects.items()},
            "created_at": STARTED + 5,
        }
    ).encode()


def verified(body: bytes, headers: dict[str, str] | None = None) -> Verified:
    """Return a delivery after its signature was found good."""
    return Verified.by(lambda _: None, body, headers or {})


def gateway() -> RazorpayGateway:
    """Return a gateway that calls nobody."""
    return RazorpayGateway(SETTINGS)


CREATE: Final = CreateRequest(
    payment_id=PAYMENT_ID,
    order_id=ORDER_ID,
    order_number="K7-4F2Q",
    amount=PRICE,
    capture_method=CaptureMethod.AUTOMATIC,
    method=PaymentMethodType.CARD,
    return_url="http://127.0.0.1:9/orders/7",
    customer_email="shopper@example.com",
    idempotency_key="create-1",
)


def handle(reference: str | None, capture_method: CaptureMethod = CaptureMethod.AUTOMATIC) -> PaymentHandle:
    """Return what the product knows of the payment."""
    return PaymentHandle(
        payment_id=PAYMENT_ID, reference=reference, amount=PRICE, capture_method=capture_method
    )


def capture_of(reference: str | None, minor: int = 49900, *, final: bool = True) -> CaptureRequest:
    """Ask for a capture."""
    return CaptureRequest(
        payment=handle(reference, CaptureMethod.MANUAL),
        amount=Money(minor, "INR"),
        idempotency_key="capture-1",
        final=final,
    )


def refund_of(
    reference: str | None, minor: int = 10000, key: str = "refund-key:1", refund_id: UUID = REFUND_ID
) -> RefundRequest:
    """Ask for a refund."""
    return RefundRequest(
        payment=handle(reference),
        refund_id=refund_id,
        amount=Money(minor, "INR"),
        reason="size",
        idempotency_key=key,
    )
