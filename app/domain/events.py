"""Order events: the numbered log of what changed. One event is one version of its order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from app.domain.money import Money
    from app.domain.states import (
        EventSource,
        FulfillmentStatus,
        OrderEventType,
        OrderPaymentStatus,
        OrderStatus,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderEvent:
    """One committed change of one order. Immutable."""

    order_id: UUID
    version: int
    type: OrderEventType
    source: EventSource
    status: OrderStatus
    payment_status: OrderPaymentStatus
    fulfillment_status: FulfillmentStatus
    payment_id: UUID | None
    amount: Money | None
    message: str | None
    occurred_at: datetime
    reported_at: datetime | None
