"""Razorpay's objects, and how each is shown. Source: the entity pages under razorpay.com/docs/api, November 2026."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


def _notes(notes: dict[str, str]) -> dict[str, str] | list[str]:
    """Show notes: an empty list where there are none, as PHP writes it."""
    return notes or []


@dataclass(slots=True, kw_only=True)
class Order:
    """What a merchant wants to be paid. `captures` says whether an authorisation is captured at once."""

    id: str
    amount: int
    currency: str
    receipt: str | None
    notes: dict[str, str]
    captures: bool
    created_at: int
    status: str = "created"
    attempts: int = 0
    amount_paid: int = 0

    def shown(self) -> dict[str, Any]:
        """Return the entity."""
        return {
            "id": self.id,
            "entity": "order",
            "amount": self.amount,
            "amount_paid": self.amount_paid,
            "amount_due": self.amount - self.amount_paid,
            "currency": self.currency,
            "receipt": self.receipt,
            "offer_id": None,
            "status": self.status,
            "attempts": self.attempts,
            "notes": _notes(self.notes),
            "created_at": self.created_at,
        }


@dataclass(slots=True, kw_only=True)
class QrCode:
    """A code for one payment."""

    id: str
    amount: int
    description: str | None
    notes: dict[str, str]
    image_url: str
    image_content: str
    close_by: int
    created_at: int
    status: str = "active"
    closed_at: int | None = None
    close_reason: str | None = None
    received: int = 0

    def shown(self) -> dict[str, Any]:
        """Return the entity."""
        return {
            "id": self.id,
            "entity": "qr_code",
            "created_at": self.created_at,
            "name": None,
            "usage": "single_use",
            "type": "upi_qr",
            "image_url": self.image_url,
            "image_content": self.image_content,
            "payment_amount": self.amount,
            "status": self.status,
            "description": self.description,
            "fixed_amount": True,
            "payments_amount_received": self.received * self.amount,
            "payments_count_received": self.received,
            "notes": _notes(self.notes),
            "customer_id": None,
            "close_by": self.close_by,
            "closed_at": self.closed_at,
            "close_reason": self.close_reason,
        }


@dataclass(slots=True, kw_only=True)
class Payment:
    """One try. `vpa` is the shopper's address, where there is one."""

    id: str
    order_id: str | None
    code_id: str | None
    amount: int
    currency: str
    method: str
    notes: dict[str, str]
    created_at: int
    email: str | None = None
    contact: str | None = None
    vpa: str | None = None
    flow: str | None = None
    status: str = "created"
    captured: bool = False
    refunded: int = 0
    error: tuple[str, str, str] | None = None
    """Class, description and reason of a failure."""

    @property
    def refund_status(self) -> str | None:
        """How much of it was given back."""
        if not self.refunded:
            return None
        return "full" if self.refunded == self.amount else "partial"

    def shown(self) -> dict[str, Any]:
        """Return the entity. A card's number is in none."""
        code, description, reason = self.error or (None, None, None)
        card = {"entity": "card", "last4": "1111", "network": "Visa", "type": "credit"}
        upi: dict[str, Any] = {"vpa": self.vpa, "payer_account_type": "bank_account"}
        if self.flow:
            upi["flow"] = self.flow
        return {
            "id": self.id,
            "entity": "payment",
            "amount": self.amount,
            "currency": self.currency,
            "status": self.status,
            "order_id": self.order_id,
            "invoice_id": None,
            "international": False,
            "method": self.method,
            "amount_refunded": self.refunded,
            "refund_status": self.refund_status,
            "captured": self.captured,
            "description": None if self.code_id is None else "QRv2 Payment",
            "card_id": "card_DESp9fNnu0RoNc" if self.method == "card" else None,
            "bank": "HDFC" if self.method == "netbanking" else None,
            "wallet": "payzapp" if self.method == "wallet" else None,
            "vpa": self.vpa,
            "email": self.email,
            "contact": self.contact,
            "notes": _notes(self.notes),
            "fee": self.amount // 50 if self.captured else None,
            "tax": 0 if self.captured else None,
            "error_code": code,
            "error_description": description,
            "error_source": "bank" if code else None,
            "error_step": "payment_authorization" if code else None,
            "error_reason": reason,
            "acquirer_data": {"rrn": None},
            "created_at": self.created_at,
            **({"card": card} if self.method == "card" else {}),
            **({"upi": upi} if self.method == "upi" else {}),
        }


@dataclass(slots=True, kw_only=True)
class Refund:
    """Money on its way back. `counts` is false for what was never captured and went back by itself."""

    id: str
    payment_id: str
    amount: int
    currency: str
    receipt: str | None
    notes: dict[str, str]
    created_at: int
    status: str = "pending"
    counts: bool = True

    def shown(self) -> dict[str, Any]:
        """Return the entity."""
        return {
            "id": self.id,
            "entity": "refund",
            "amount": self.amount,
            "currency": self.currency,
            "payment_id": self.payment_id,
            "notes": _notes(self.notes),
            "receipt": self.receipt,
            "acquirer_data": {"arn": None},
            "created_at": self.created_at,
            "batch_id": None,
            "status": self.status,
            "speed_processed": "normal",
            "speed_requested": "normal",
        }


@dataclass(slots=True, kw_only=True)
class Dispute:
    """A contested payment."""

    id: str
    payment_id: str
    amount: int
    currency: str
    respond_by: int
    created_at: int
    status: str = "open"
    reason_code: str = "goods_or_services_not_received_or_partially_received"

    def shown(self) -> dict[str, Any]:
        """Return the entity."""
        return {
            "id": self.id,
            "entity": "dispute",
            "payment_id": self.payment_id,
            "amount": self.amount,
            "currency": self.currency,
            "amount_deducted": self.amount if self.status == "lost" else 0,
            "reason_code": self.reason_code,
            "respond_by": self.respond_by,
            "status": self.status,
            "evidence": {"amount": self.amount, "submitted_at": None},
            "phase": "chargeback",
            "created_at": self.created_at,
        }


Entity = Order | QrCode | Payment | Refund | Dispute
