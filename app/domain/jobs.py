"""Work that a decision owes: written in its transaction, done later, and safe to do twice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from app.domain.states import PaymentStatus, RefundStatus

if TYPE_CHECKING:
    from uuid import UUID

    from app.domain.states import GatewayName, JobKind

PAYMENT_FINAL: Final = (PaymentStatus.SUCCEEDED, PaymentStatus.CANCELED)
"""Where a payment's gateway has nothing more to say that is not told of refunds or disputes."""
REFUND_FINAL: Final = (RefundStatus.SUCCEEDED, RefundStatus.FAILED, RefundStatus.CANCELED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One piece of work. There is at most one of a kind for a subject; owed again, the earlier time holds."""

    kind: JobKind
    subject_id: UUID
    """The payment, refund, order, delivery or suspense item that it is about."""
    gateway: GatewayName | None
    """Who will be asked."""
    delay_seconds: float = 0.0
    """From the commit on."""
