"""Orders made up for tests of the live side: `change` of an order between versions, and snapshots of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from app.domain.events import OrderEvent
from app.domain.money import Money
from app.domain.order import Order, OrderChange, OrderLine, OrderSnapshot
from app.domain.states import (
    EventSource,
    FulfillmentStatus,
    LatePaymentPolicy,
    OrderEventType,
    OrderPaymentStatus,
    OrderStatus,
)

if TYPE_CHECKING:
    from uuid import UUID

START: Final = datetime(2026, 1, 1, tzinfo=UTC)
LINES: Final = (OrderLine(position=1, sku="MUG", name="Mug", quantity=2, unit_price=Money(1250, "EUR")),)


def order(order_id: UUID, version: int) -> Order:
    return Order(
        id=order_id,
        number=f"N-{order_id.hex[:6]}",
        status=OrderStatus.PENDING,
        payment_status=OrderPaymentStatus.UNPAID,
        fulfillment_status=FulfillmentStatus.UNFULFILLED,
        version=version,
        currency="EUR",
        total_minor=2500,
        paid_minor=0,
        refunded_minor=0,
        payment_in_progress=False,
        customer_id=None,
        customer_email=None,
        late_payment_policy=LatePaymentPolicy.REFUND,
        expires_at=None,
        metadata={},
        created_at=START,
        updated_at=START + timedelta(seconds=version),
    )


def event(order_id: UUID, version: int) -> OrderEvent:
    return OrderEvent(
        order_id=order_id,
        version=version,
        type=OrderEventType.ORDER_CREATED if version == 1 else OrderEventType.PAYMENT_PROCESSING,
        source=EventSource.SYSTEM,
        status=OrderStatus.PENDING,
        payment_status=OrderPaymentStatus.UNPAID,
        fulfillment_status=FulfillmentStatus.UNFULFILLED,
        payment_id=None,
        amount=None,
        message=None,
        occurred_at=START + timedelta(seconds=version),
        reported_at=None,
    )


def snapshot(order_id: UUID, version: int) -> OrderSnapshot:
    return OrderSnapshot(order=order(order_id, version), lines=LINES, adjustments=(), payments=())


def change(order_id: UUID, version: int, *, first: int | None = None) -> OrderChange:
    """Return the commit that brought the order from `first - 1` to `version`."""
    versions = range(version if first is None else first, version + 1)
    return OrderChange(
        order=order(order_id, version), payments=(), events=tuple(event(order_id, v) for v in versions)
    )
