"""What the tests of the sandbox's adapter ask for."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final
from uuid import UUID

from app.domain.money import Money
from app.domain.states import CaptureMethod
from app.gateways import CaptureRequest, CreateRequest, PaymentHandle, RefundRequest

PAYMENT_ID: Final = UUID("0190f5e6-0000-7000-8000-000000000001")
ORDER_ID: Final = UUID("0190f5e6-0000-7000-8000-000000000002")
REFUND_ID: Final = UUID("0190f5e6-0000-7000-8000-000000000003")
PRICE: Final = Money(49900, "INR")

CREATE: Final = CreateRequest(
    payment_id=PAYMENT_ID,
    order_id=ORDER_ID,
    order_number="K7-4F2Q",
    amount=PRICE,
    capture_method=CaptureMethod.AUTOMATIC,
    method=None,
    return_url="http://127.0.0.1:9/orders/7",
    customer_email=None,
    idempotency_key="create-1",
)
CREATE_MANUAL: Final = replace(CREATE, capture_method=CaptureMethod.MANUAL)


def handle(reference: str | None, **changes: Any) -> PaymentHandle:  # noqa: ANN401 - fields of PaymentHandle
    known = PaymentHandle(
        payment_id=PAYMENT_ID, reference=reference, amount=PRICE, capture_method=CaptureMethod.AUTOMATIC
    )
    return replace(known, **changes)


def capture_of(reference: str | None, minor: int, key: str = "capture-1") -> CaptureRequest:
    return CaptureRequest(payment=handle(reference), amount=Money(minor, "INR"), idempotency_key=key)


def refund_of(reference: str | None, minor: int, key: str = "refund-1") -> RefundRequest:
    return RefundRequest(
        payment=handle(reference),
        refund_id=REFUND_ID,
        amount=Money(minor, "INR"),
        reason="size",
        idempotency_key=key,
    )
