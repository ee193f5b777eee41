"""Stripe's objects, and how each is shown.

Source: the types of Stripe's library 16.1 and its published examples, read in November 2026.

Fields that are null for every payment of this simulator are left out, but for those that clients look for.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from app.simulators.stripe.cards import Card, Decline

HOLD_SECONDS: Final = 7 * 24 * 3600
"""How long a card's authorisation lasts. Source: docs.stripe.com/payments/capture-later, read in November 2026."""
ACTIVE: Final = ("requires_payment_method", "requires_confirmation", "requires_action")


@dataclass(slots=True, kw_only=True)
class PaymentMethod:
    """What a shopper pays with. `plan` is what it does; no number is kept."""

    id: str
    kind: str
    plan: Card
    created: int
    metadata: dict[str, str] = field(default_factory=dict)

    def shown(self) -> dict[str, Any]:
        """Return the object."""
        return {
            "id": self.id,
            "object": "payment_method",
            "allow_redisplay": "unspecified",
            "billing_details": {"address": None, "email": None, "name": None, "phone": None},
            self.kind: self._details(),
            "created": self.created,
            "customer": None,
            "livemode": False,
            "metadata": dict(self.metadata),
            "type": self.kind,
        }

    def _details(self) -> dict[str, Any]:
        if self.kind != "card":
            return {}
        plan = self.plan
        return {
            "brand": plan.brand,
            "country": plan.country,
            "exp_month": 12,
            "exp_year": 2034,
            "funding": plan.funding,
            "last4": plan.last4,
        }


@dataclass(slots=True, kw_only=True)
class Intent:
    """A payment intent. `methods` are the types that it takes; `several` is whether several captures were asked for."""

    id: str
    amount: int
    currency: str
    created: int
    client_secret: str
    capture_method: str
    confirmation_method: str
    methods: list[str]
    automatic: dict[str, Any] | None
    several: bool
    metadata: dict[str, str]
    description: str | None = None
    receipt_email: str | None = None
    statement_descriptor_suffix: str | None = None
    shipping: dict[str, Any] | None = None
    status: str = "requires_payment_method"
    amount_capturable: int = 0
    amount_received: int = 0
    payment_method: str | None = None
    latest_charge: str | None = None
    last_error: dict[str, Any] | None = None
    next_action: dict[str, Any] | None = None
    canceled_at: int | None = None
    cancellation_reason: str | None = None
    return_url: str | None = None

    def shown(self) -> dict[str, Any]:
        """Return the object."""
        several = {"request_multicapture": "if_available"} if self.several else {}
        return {
            "id": self.id,
            "object": "payment_intent",
            "amount": self.amount,
            "amount_capturable": self.amount_capturable,
            "amount_received": self.amount_received,
            "automatic_payment_methods": self.automatic,
            "canceled_at": self.canceled_at,
            "cancellation_reason": self.cancellation_reason,
            "capture_method": self.capture_method,
            "client_secret": self.client_secret,
            "confirmation_method": self.confirmation_method,
            "created": self.created,
            "currency": self.currency,
            "customer": None,
            "description": self.description,
            "last_payment_error": self.last_error,
            "latest_charge": self.latest_charge,
            "livemode": False,
            "metadata": dict(self.metadata),
            "next_action": self.next_action,
            "payment_method": self.payment_method,
            "payment_method_options": {"card": several} if "card" in self.methods else {},
            "payment_method_types": list(self.methods),
            "processing": {"type": "card"} if self.status == "processing" else None,
            "receipt_email": self.receipt_email,
            "shipping": self.shipping,
            "statement_descriptor_suffix": self.statement_descriptor_suffix,
            "status": self.status,
        }


@dataclass(slots=True, kw_only=True)
class Charge:
    """One try at a payment intent. `several` is whether it can be captured more than once."""

    id: str
    intent: str
    amount: int
    currency: str
    created: int
    payment_method: str
    kind: str
    plan: Card
    metadata: dict[str, str]
    held: bool
    several: bool
    status: str = "pending"
    captured: bool = False
    amount_captured: int = 0
    amount_refunded: int = 0
    disputed: bool = False
    decline: Decline | None = None
    description: str | None = None
    receipt_email: str | None = None

    @property
    def refundable(self) -> int:
        """What can still be given back."""
        return self.amount_captured - self.amount_refunded

    def shown(self) -> dict[str, Any]:
        """Return the object."""
        return {
            "id": self.id,
            "object": "charge",
            "amount": self.amount,
            "amount_captured": self.amount_captured,
            "amount_refunded": self.amount_refunded,
            "balance_transaction": None,
            "captured": self.captured,
            "created": self.created,
            "currency": self.currency,
            "customer": None,
            "description": self.description,
            "disputed": self.disputed,
            "failure_code": self.decline.code if self.decline else None,
            "failure_message": self.decline.message if self.decline else None,
            "livemode": False,
            "metadata": dict(self.metadata),
            "outcome": self._outcome(),
            "paid": self.status == "succeeded",
            "payment_intent": self.intent,
            "payment_method": self.payment_method,
            "payment_method_details": self._details(),
            "receipt_email": self.receipt_email,
            "refunded": self.captured and 0 < self.amount_captured == self.amount_refunded,
            "status": self.status,
        }

    def _outcome(self) -> dict[str, Any] | None:
        if self.status == "pending":
            return None
        reason = self.decline.decline_code or self.decline.code if self.decline else None
        return {
            "network_status": "declined_by_network" if self.decline else "approved_by_network",
            "reason": reason,
            "type": "issuer_declined" if self.decline else "authorized",
        }

    def _details(self) -> dict[str, Any]:
        if self.kind != "card":
            return {"type": self.kind, self.kind: {}}
        plan = self.plan
        card: dict[str, Any] = {
            "brand": plan.brand,
            "country": plan.country,
            "exp_month": 12,
            "exp_year": 2034,
            "funding": plan.funding,
            "last4": plan.last4,
            "multicapture": {"status": "available" if self.several else "unavailable"},
            "network": plan.brand,
        }
        if self.held:
            card["capture_before"] = self.created + HOLD_SECONDS
        return {"type": "card", "card": card}


@dataclass(slots=True, kw_only=True)
class Refund:
    """Money on its way back."""

    id: str
    charge: str
    intent: str
    amount: int
    currency: str
    created: int
    reason: str | None
    metadata: dict[str, str]
    status: str = "succeeded"
    failure_reason: str | None = None

    def shown(self) -> dict[str, Any]:
        """Return the object."""
        failed = {"failure_reason": self.failure_reason} if self.failure_reason else {}
        pending = {"pending_reason": "processing"} if self.status == "pending" else {}
        return {
            "id": self.id,
            "object": "refund",
            "amount": self.amount,
            "balance_transaction": None,
            "charge": self.charge,
            "created": self.created,
            "currency": self.currency,
            "metadata": dict(self.metadata),
            "payment_intent": self.intent,
            "reason": self.reason,
            "status": self.status,
            **failed,
            **pending,
        }


@dataclass(slots=True, kw_only=True)
class Dispute:
    """A charge that its shopper disputes. An inquiry takes no money until it becomes more."""

    id: str
    charge: str
    intent: str
    amount: int
    currency: str
    created: int
    due_by: int
    reason: str
    status: str
    metadata: dict[str, str] = field(default_factory=dict)
    evidence: dict[str, str] = field(default_factory=dict)
    moved: list[int] = field(default_factory=list)
    """What was withdrawn and put back."""

    @property
    def is_open(self) -> bool:
        """Whether the bank has yet to decide."""
        return self.status not in ("won", "lost", "warning_closed")

    def shown(self) -> dict[str, Any]:
        """Return the object."""
        return {
            "id": self.id,
            "object": "dispute",
            "amount": self.amount,
            "balance_transactions": [
                {"object": "balance_transaction", "amount": amount, "currency": self.currency}
                for amount in self.moved
            ],
            "charge": self.charge,
            "created": self.created,
            "currency": self.currency,
            "evidence": dict(self.evidence),
            "evidence_details": {
                "due_by": self.due_by,
                "has_evidence": bool(self.evidence),
                "past_due": False,
                "submission_count": 0,
            },
            "is_charge_refundable": self.status.startswith("warning"),
            "livemode": False,
            "metadata": dict(self.metadata),
            "payment_intent": self.intent,
            "reason": self.reason,
            "status": self.status,
        }


Entity = PaymentMethod | Intent | Charge | Refund | Dispute
