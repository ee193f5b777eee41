"""What one account holds: orders, and the authorisations, captures, refunds and disputes in them."""

from __future__ import annotations

import secrets
import string
from dataclasses import dataclass, field
from datetime import UTC, datetime

_ALPHABET = string.ascii_uppercase + string.digits


def new_id() -> str:
    """Return an id as PayPal makes them."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(17))


def now() -> datetime:
    """Return the time that objects carry."""
    return datetime.now(UTC)


@dataclass(slots=True, kw_only=True)
class Refund:
    """Money given back of a capture."""

    amount: int
    custom_id: str | None
    invoice_id: str | None
    note: str | None
    status: str = "COMPLETED"
    id: str = field(default_factory=new_id)
    created: datetime = field(default_factory=now)


@dataclass(slots=True, kw_only=True)
class Capture:
    """Money taken, at once or of an authorisation."""

    amount: int
    status: str
    authorization_id: str | None = None
    final: bool = True
    refunds: list[Refund] = field(default_factory=list)
    id: str = field(default_factory=new_id)
    created: datetime = field(default_factory=now)

    @property
    def refunded(self) -> int:
        """What was given back, or is about to be."""
        return sum(refund.amount for refund in self.refunds if refund.status in ("COMPLETED", "PENDING"))

    @property
    def shown_status(self) -> str:
        """The status, which tells of refunds too."""
        if self.status != "COMPLETED" or not self.refunded:
            return self.status
        return "REFUNDED" if self.refunded >= self.amount else "PARTIALLY_REFUNDED"


@dataclass(slots=True, kw_only=True)
class Authorization:
    """Money held."""

    amount: int
    status: str = "CREATED"
    id: str = field(default_factory=new_id)
    created: datetime = field(default_factory=now)


@dataclass(slots=True, kw_only=True)
class Dispute:
    """A shopper's claim on a capture."""

    capture_id: str
    amount: int
    status: str = "WAITING_FOR_SELLER_RESPONSE"
    outcome: str | None = None
    id: str = field(default_factory=lambda: f"PP-R-{new_id()[:3]}-{secrets.randbelow(10**8):08d}")
    created: datetime = field(default_factory=now)


@dataclass(slots=True, kw_only=True)
class Order:
    """One order with one purchase unit. `plan` is how the next capture goes."""

    intent: str
    amount: int
    currency: str
    custom_id: str | None
    invoice_id: str | None
    return_url: str | None
    cancel_url: str | None
    status: str
    plan: str = "SUCCEEDS"
    takes: int | None = None
    """What is captured instead of the amount."""
    id: str = field(default_factory=new_id)
    created: datetime = field(default_factory=now)
    updated: datetime = field(default_factory=now)
    authorizations: list[Authorization] = field(default_factory=list)
    captures: list[Capture] = field(default_factory=list)
    disputes: list[Dispute] = field(default_factory=list)

    def captured_of(self, authorization: Authorization) -> int:
        """Return what was taken of an authorisation, or is about to be."""
        return sum(
            capture.amount
            for capture in self.captures
            if capture.authorization_id == authorization.id and capture.status in ("COMPLETED", "PENDING")
        )
