"""Payments: what was asked of a gateway, how far it came, and what belongs to it."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Self

import strawberry

from app.domain import order as domain
from app.domain import payment as domain_payment
from app.domain.facts import Failure
from app.domain.ids import IdPrefix, encode_id
from schema.actions import NextAction, next_action_of
from schema.context import Info
from schema.enums import CaptureMethod, Gateway, PaymentAttemptStatus, PaymentMethodType, PaymentStatus
from schema.fields import field
from schema.money import Money
from schema.node import Node
from schema.refunds import Dispute, Refund
from schema.scalars import JSON, CurrencyCode

if TYPE_CHECKING:
    from schema.orders import Order


@strawberry.type(description="Why a try failed.")
class PaymentFailure:
    """A gateway's word on a failed try."""

    code: str = strawberry.field(description="The gateway's own code, to look it up in its documentation.")
    message: str = strawberry.field(description="What the shopper may be shown.")
    decline_code: str | None = strawberry.field(description="The bank's reason, where the gateway tells it.")
    retryable: bool = strawberry.field(description="Whether another try may work.")

    @classmethod
    def of(cls, failure: Failure) -> Self:
        """Return the API's form of a failure."""
        return cls(
            code=failure.code,
            message=failure.message,
            decline_code=failure.decline_code,
            retryable=failure.retryable,
        )


@strawberry.type(description="One try of the shopper. Its furthest step counts.")
class PaymentAttempt:
    """One try."""

    reference: str = strawberry.field(description="The gateway's own id of the try.")
    status: PaymentAttemptStatus
    method: PaymentMethodType | None
    failure: PaymentFailure | None
    created_at: datetime

    @classmethod
    def of(cls, attempt: domain_payment.PaymentAttempt) -> Self:
        """Return the API's form of a try."""
        return cls(
            reference=attempt.reference,
            status=attempt.status,
            method=attempt.method,
            failure=PaymentFailure.of(attempt.failure) if attempt.failure else None,
            created_at=attempt.created_at,
        )


@strawberry.type(description="What was asked of a gateway for an order, and how far it came.")
class Payment(Node):
    """One payment. `details` and `snapshot` are there when they came with the change; else they are read."""

    gateway: Gateway
    method: PaymentMethodType | None
    status: PaymentStatus
    capture_method: CaptureMethod
    amount: Money = strawberry.field(description="What was asked.")
    authorized: Money = strawberry.field(description="What the bank has agreed to, captured or not.")
    captured: Money
    refunded: Money
    reference: str | None = strawberry.field(
        description="The gateway's own id, to look it up in the gateway's dashboard."
    )
    last_error: PaymentFailure | None
    late_authorized: bool = strawberry.field(
        description="The bank said yes after we had stopped expecting it."
    )
    created_at: datetime
    updated_at: datetime
    row: strawberry.Private[domain.Payment]
    details: strawberry.Private[domain.PaymentDetails | None] = None
    snapshot: strawberry.Private[domain.OrderSnapshot | None] = None

    @classmethod
    def of(cls, payment: domain.Payment) -> Self:
        """Return the API's form of a payment; what belongs to it is read when it is asked for."""
        return cls._of(payment, None, None)

    @classmethod
    def of_details(cls, details: domain.PaymentDetails, snapshot: domain.OrderSnapshot) -> Self:
        """Return the API's form of a payment with everything that belongs to it: nothing is read."""
        return cls._of(details.payment, details, snapshot)

    @classmethod
    def _of(
        cls,
        row: domain.Payment,
        details: domain.PaymentDetails | None,
        snapshot: domain.OrderSnapshot | None,
    ) -> Self:
        return cls(
            id=strawberry.ID(encode_id(IdPrefix.PAYMENT, row.id)),
            gateway=row.gateway,
            method=row.method,
            status=row.status,
            capture_method=row.capture_method,
            amount=Money.of(row.amount),
            authorized=Money.of_minor(row.authorized_minor, row.currency),
            captured=Money.of_minor(row.captured_minor, row.currency),
            refunded=Money.of_minor(row.refunded_minor, row.currency),
            reference=row.reference,
            last_error=PaymentFailure.of(row.last_error) if row.last_error else None,
            late_authorized=row.late_authorized,
            created_at=row.created_at,
            updated_at=row.updated_at,
            row=row,
            details=details,
            snapshot=snapshot,
        )

    @strawberry.field
    async def order(self, info: Info) -> Annotated["Order", strawberry.lazy("schema.orders")]:
        """Return the order that this pays for."""
        from schema.orders import Order  # noqa: PLC0415 - an order holds payments, a payment its order

        if self.snapshot is not None:
            return Order.of_snapshot(self.snapshot)
        order = await info.context.loaders.orders.load(self.row.order_id)
        assert order is not None, "a payment's order is never deleted"  # noqa: S101 - a foreign key holds it
        return Order.of(order)

    @field("What the shopper's browser does next, while there is something to do.")
    def next_action(self) -> NextAction | None:
        """Return the action that the gateway asked for last."""
        return next_action_of(self.row.next_action) if self.row.next_action else None

    @field("The shopper's tries, oldest first.")
    async def attempts(self, info: Info) -> list[PaymentAttempt]:
        """Return the tries."""
        found = (
            self.details.attempts if self.details else await info.context.loaders.attempts.load(self.row.id)
        )
        return [PaymentAttempt.of(attempt) for attempt in found]

    @strawberry.field
    async def refunds(self, info: Info) -> list[Refund]:
        """Return the refunds."""
        found = self.details.refunds if self.details else await info.context.loaders.refunds.load(self.row.id)
        return [Refund.of(refund) for refund in found]

    @strawberry.field
    async def disputes(self, info: Info) -> list[Dispute]:
        """Return the disputes."""
        found = (
            self.details.disputes if self.details else await info.context.loaders.disputes.load(self.row.id)
        )
        return [Dispute.of(dispute) for dispute in found]


@strawberry.type(description="A gateway that can take an order's money.")
class PaymentGatewayOption:
    """A choice for the shopper."""

    gateway: Gateway
    methods: list[PaymentMethodType]
    currencies: list[CurrencyCode] = strawberry.field(
        description="What it takes; empty when it takes any currency."
    )
    public_config: JSON = strawberry.field(
        description="What a browser needs to load the gateway's SDK: publishable keys, never secrets."
    )
