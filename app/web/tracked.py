"""What the tracking page knows of an order: less than the order itself, and nothing about the shopper."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from app.domain.money import Money
    from app.domain.states import FulfillmentStatus, OrderEventType, OrderPaymentStatus, OrderStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackedLine:
    """One line of what was ordered."""

    name: str
    quantity: int
    total: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackedEvent:
    """One committed change. `cursor` is the public one, to resume `orderEvents(after:)` from."""

    version: int
    cursor: str
    type: OrderEventType
    occurred_at: datetime
    message: str | None
    amount: Money | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackedOrder:
    """An order as its guest sees it. `id` is the public, global one; `events` are oldest first."""

    id: str
    number: str
    status: OrderStatus
    payment_status: OrderPaymentStatus
    fulfillment_status: FulfillmentStatus
    version: int
    total: Money
    paid: Money
    refunded: Money
    balance: Money
    payment_in_progress: bool
    lines: tuple[TrackedLine, ...]
    events: tuple[TrackedEvent, ...]


LoadOrder = Callable[[str], Awaitable[TrackedOrder | None]]
"""Opens an order by its access token; None for a token that is unknown, expired or revoked."""
