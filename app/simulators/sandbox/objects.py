"""The sandbox's own objects: a payment with its tries, charges, refunds and disputes, and their JSON.

A payment is a value; a change makes a new one. Its JSON is at once the API's answer, the webhook's body and the
line in the log, and `Payment.from_json` reads it back. Times are RFC 3339 in UTC with microseconds, as text: they
sort as the times do.
"""

from __future__ import annotations

import secrets
from dataclasses import asdict, dataclass, field, fields
from enum import StrEnum
from typing import Any, Literal, TypeVar

CaptureMethod = Literal["automatic", "manual"]


class PaymentStatus(StrEnum):
    """Where a payment stands."""

    REQUIRES_PAYMENT_METHOD = "requires_payment_method"
    REQUIRES_ACTION = "requires_action"
    PROCESSING = "processing"
    AUTHORIZED = "authorized"
    SUCCEEDED = "succeeded"
    CANCELED = "canceled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One try with one card. `submission` names the form that it came from, so that a form counts once."""

    id: str
    created: str
    brand: str
    last4: str
    behavior: str | None = None
    submission: str | None = None
    action_required_at: str | None = None
    processing_at: str | None = None
    succeeded_at: str | None = None
    failed_at: str | None = None
    failure: dict[str, Any] | None = None

    @property
    def status(self) -> str:
        """How far the try came."""
        steps = (
            (self.failed_at, "failed"),
            (self.succeeded_at, "succeeded"),
            (self.processing_at, "processing"),
            (self.action_required_at, "requires_action"),
        )
        return next((status for at, status in steps if at), "started")


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """Money on a card. `authorized_at` is set where it was held first; what is not captured is released."""

    id: str
    attempt: str
    amount: int
    amount_captured: int = 0
    amount_released: int = 0
    created: str
    authorized_at: str | None = None
    captured_at: str | None = None
    released_at: str | None = None

    @property
    def held(self) -> int:
        """What may still be captured."""
        return self.amount - self.amount_captured - self.amount_released


@dataclass(frozen=True, slots=True, kw_only=True)
class Refund:
    """Money on its way back. A failure may follow the success."""

    id: str
    payment: str
    charge: str
    amount: int
    currency: str
    reason: str | None
    metadata: dict[str, str]
    created: str
    succeeded_at: str | None = None
    failed_at: str | None = None
    failure_reason: str | None = None

    @property
    def status(self) -> str:
        """How far the refund came."""
        if self.failed_at:
            return "failed"
        return "succeeded" if self.succeeded_at else "pending"

    def as_json(self) -> dict[str, Any]:
        """Return the API's form."""
        return {"object": "refund", "status": self.status, **asdict(self)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispute:
    """A charge that the card's owner contests."""

    id: str
    charge: str
    amount: int
    reason: str
    respond_by: str
    created: str
    won_at: str | None = None
    lost_at: str | None = None

    @property
    def status(self) -> str:
        """How far the dispute came."""
        if self.won_at:
            return "won"
        return "lost" if self.lost_at else "open"


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment:
    """A payment and everything known about it. Amounts are in the currency's minor unit."""

    id: str
    amount: int
    currency: str
    capture_method: CaptureMethod
    return_url: str | None
    metadata: dict[str, str]
    created: str
    canceled_at: str | None = None
    cancellation_reason: str | None = None
    attempts: tuple[Attempt, ...] = field(default=())
    charges: tuple[Charge, ...] = field(default=())
    refunds: tuple[Refund, ...] = field(default=())
    disputes: tuple[Dispute, ...] = field(default=())

    @property
    def captured(self) -> int:
        """What was captured in all."""
        return sum(charge.amount_captured for charge in self.charges)

    @property
    def held(self) -> int:
        """What may still be captured."""
        return sum(charge.held for charge in self.charges)

    @property
    def refunded(self) -> int:
        """What went back for good."""
        return sum(refund.amount for refund in self.refunds if refund.status == "succeeded")

    @property
    def refundable(self) -> int:
        """What may still be given back; a refund that failed gives its amount free again."""
        return self.captured - sum(refund.amount for refund in self.refunds if refund.status != "failed")

    @property
    def status(self) -> PaymentStatus:
        """Where the payment stands: money first, then the last try."""
        if self.held:
            return PaymentStatus.AUTHORIZED
        if self.captured:
            return PaymentStatus.SUCCEEDED
        if self.canceled_at:
            return PaymentStatus.CANCELED
        last = self.attempts[-1].status if self.attempts else ""
        if last in (PaymentStatus.REQUIRES_ACTION, PaymentStatus.PROCESSING):
            return PaymentStatus(last)
        return PaymentStatus.REQUIRES_PAYMENT_METHOD

    def as_json(self, public_url: str) -> dict[str, Any]:
        """Return the API's form, which carries every try, charge, refund and dispute."""
        own = asdict(self)
        return {
            **own,
            "object": "payment",
            "livemode": False,
            "status": self.status,
            "amount_capturable": self.held,
            "amount_captured": self.captured,
            "amount_refunded": self.refunded,
            "checkout_url": checkout_url(public_url, self.id),
            "attempts": [
                {**row, "status": it.status} for row, it in zip(own["attempts"], self.attempts, strict=True)
            ],
            "refunds": [refund.as_json() for refund in self.refunds],
            "disputes": [
                {**row, "status": it.status} for row, it in zip(own["disputes"], self.disputes, strict=True)
            ],
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Payment:
        """Read back what `as_json` wrote."""
        parts = {
            "attempts": tuple(_read(Attempt, row) for row in data["attempts"]),
            "charges": tuple(_read(Charge, row) for row in data["charges"]),
            "refunds": tuple(_read(Refund, row) for row in data["refunds"]),
            "disputes": tuple(_read(Dispute, row) for row in data["disputes"]),
        }
        return _read(cls, {**data, **parts})


def new_id(kind: Literal["pay", "att", "chg", "ref", "dsp", "evt"]) -> str:
    """Return an id that nobody can guess, for a checkout page is open to whoever knows its payment's id."""
    return f"sbx_{kind}_{secrets.token_hex(12)}"


def checkout_url(public_url: str, payment_id: str) -> str:
    """Return where the shopper pays."""
    return f"{public_url.rstrip('/')}/checkout/{payment_id}"


_Part = TypeVar("_Part", Attempt, Charge, Refund, Dispute, Payment)


def _read(kind: type[_Part], row: dict[str, Any]) -> _Part:
    return kind(**{item.name: row[item.name] for item in fields(kind) if item.name in row})
