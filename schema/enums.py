"""The domain's words as the API's enums: the very same members, under the contract's names and descriptions.

Registering them is what importing this module is for; the others import them from here.
"""

import enum

import strawberry

from app.domain.errors import ErrorCode
from app.domain.machines import StateMachineKind
from app.domain.states import (
    CaptureMethod,
    DisputeStatus,
    EventSource,
    FulfillmentStatus,
    InboxEventStatus,
    LatePaymentPolicy,
    LedgerAccount,
    OrderAdjustmentKind,
    OrderEventType,
    OrderPaymentStatus,
    OrderStatus,
    PaymentAttemptStatus,
    PaymentMethodType,
    PaymentStatus,
    RefundInitiator,
    RefundStatus,
    SuspenseReason,
    SuspenseResolution,
)
from app.domain.states import GatewayName as Gateway

__all__ = [
    "CaptureMethod",
    "DisputeStatus",
    "ErrorCode",
    "EventSource",
    "FulfillmentStatus",
    "Gateway",
    "InboxEventStatus",
    "LatePaymentPolicy",
    "LedgerAccount",
    "OrderAdjustmentKind",
    "OrderEventType",
    "OrderPaymentStatus",
    "OrderSort",
    "OrderStatus",
    "PaymentAttemptStatus",
    "PaymentMethodType",
    "PaymentStatus",
    "RefundInitiator",
    "RefundStatus",
    "StateMachineKind",
    "SuspenseReason",
    "SuspenseResolution",
]

strawberry.enum(OrderStatus, description="What the shop promised.")
strawberry.enum(
    OrderPaymentStatus,
    description="What the money says. Derived from the payments' facts, never set by hand.",
)
strawberry.enum(FulfillmentStatus, description="Where the goods are.")
strawberry.enum(
    LatePaymentPolicy,
    description="What happens to money that arrives after the order was canceled or expired, or beyond its total.",
)
strawberry.enum(OrderAdjustmentKind, description="What an amount beside the lines is for.")
strawberry.enum(OrderEventType, description="What one committed change of an order was.")
strawberry.enum(EventSource, description="Who told us.")
strawberry.enum(Gateway, name="Gateway", description="Who takes the money.")
strawberry.enum(PaymentMethodType, description="What the shopper pays with.")
strawberry.enum(
    CaptureMethod,
    description="Whether an authorisation is captured at once or by `paymentCapture`.",
)
strawberry.enum(
    PaymentStatus,
    description=(
        "Stripe's words, plus what the others need. A failed try belongs to the try, not to the order."
    ),
)
strawberry.enum(PaymentAttemptStatus, description="How far one try came.")
strawberry.enum(RefundStatus, description="How far a refund came. FAILED may follow SUCCEEDED.")
strawberry.enum(RefundInitiator, description="Who asked for a refund.")
strawberry.enum(DisputeStatus, description="How far a dispute came.")
strawberry.enum(
    InboxEventStatus,
    description=(
        "What became of a delivery. IGNORED says nothing about money, UNMATCHED names no payment that is known here."
    ),
)
strawberry.enum(SuspenseReason, description="Why money is held that no order may keep yet.")
strawberry.enum(SuspenseResolution, description="What became of money that was held.")
strawberry.enum(LedgerAccount, description="The accounts of the ledger.")
strawberry.enum(StateMachineKind, description="What a state machine is of.")
strawberry.enum(
    ErrorCode, description="Why a request was refused. The codes are stable; messages may change."
)


@strawberry.enum(description="In which order a list of orders comes.")
class OrderSort(enum.Enum):
    """How a list of orders is sorted."""

    CREATED_AT_DESC = "CREATED_AT_DESC"
    CREATED_AT_ASC = "CREATED_AT_ASC"
    UPDATED_AT_DESC = "UPDATED_AT_DESC"
