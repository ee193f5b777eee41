"""Refunds and disputes: they stand beside the payment and never lower its status."""

from datetime import UTC, datetime
from typing import Self

import strawberry

from app.domain import refunds
from app.domain.ids import IdPrefix, encode_id
from schema.enums import DisputeStatus, RefundInitiator, RefundStatus
from schema.money import Money
from schema.node import Node


@strawberry.type(
    description="Captured money on its way back. Kept by its own id; more than one may stand beside a payment."
)
class Refund(Node):
    """One refund."""

    status: RefundStatus
    amount: Money
    reason: str | None
    initiated_by: RefundInitiator
    reference: str | None = strawberry.field(
        description="The gateway's own id; null until the gateway has answered."
    )
    turnaround_due_at: datetime | None = strawberry.field(
        description=(
            "When the rules of the payment's country say the money must be back, where they do (RBI T+n)."
        ),
    )
    overdue: bool = strawberry.field(
        description="Whether `turnaroundDueAt` has passed and the money is not back."
    )
    created_at: datetime

    @classmethod
    def of(cls, refund: refunds.Refund) -> Self:
        """Return the API's form of a refund."""
        return cls(
            id=strawberry.ID(encode_id(IdPrefix.REFUND, refund.id)),
            status=refund.status,
            amount=Money.of(refund.amount),
            reason=refund.reason,
            initiated_by=refund.initiated_by,
            reference=refund.reference,
            turnaround_due_at=refund.turnaround_due_at,
            overdue=refund.is_overdue(datetime.now(UTC)),
            created_at=refund.created_at,
        )


@strawberry.type(description="The shopper's bank asks for the money back.")
class Dispute(Node):
    """One dispute."""

    status: DisputeStatus
    amount: Money
    reason: str | None
    respond_by: datetime | None = strawberry.field(description="Until when the gateway takes evidence.")
    created_at: datetime

    @classmethod
    def of(cls, dispute: refunds.Dispute) -> Self:
        """Return the API's form of a dispute."""
        return cls(
            id=strawberry.ID(encode_id(IdPrefix.DISPUTE, dispute.id)),
            status=dispute.status,
            amount=Money.of(dispute.amount),
            reason=dispute.reason,
            respond_by=dispute.respond_by,
            created_at=dispute.created_at,
        )
