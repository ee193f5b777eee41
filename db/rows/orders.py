"""Orders, their lines and their events as rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from app.domain.events import OrderEvent
from app.domain.money import Money
from app.domain.order import Order, OrderAdjustment, OrderLine
from app.domain.states import (
    EventSource,
    FulfillmentStatus,
    LatePaymentPolicy,
    OrderAdjustmentKind,
    OrderEventType,
    OrderPaymentStatus,
    OrderStatus,
)
from db.rows.columns import money_from

if TYPE_CHECKING:
    from db.rows.columns import Columns, Row


ORDER_COLUMNS: Final = (
    "id, number, status, payment_status, fulfillment_status, version, currency, total_minor, "
    "paid_minor, refunded_minor, payment_in_progress, customer_id, customer_email, "
    "late_payment_policy, expires_at, metadata, created_at, updated_at, has_suspense, called_off"
)


def order_from(row: Columns) -> Order:
    """Return the order of a row of `orders`."""
    return Order(
        id=row["id"],
        number=row["number"],
        status=OrderStatus(row["status"]),
        payment_status=OrderPaymentStatus(row["payment_status"]),
        fulfillment_status=FulfillmentStatus(row["fulfillment_status"]),
        version=row["version"],
        currency=row["currency"],
        total_minor=row["total_minor"],
        paid_minor=row["paid_minor"],
        refunded_minor=row["refunded_minor"],
        payment_in_progress=row["payment_in_progress"],
        customer_id=row["customer_id"],
        customer_email=row["customer_email"],
        late_payment_policy=LatePaymentPolicy(row["late_payment_policy"]),
        expires_at=row["expires_at"],
        metadata=row["metadata"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        has_suspense=row["has_suspense"],
        called_off=row["called_off"],
    )


def order_row(order: Order) -> Row:
    """Return the row of an order."""
    return {
        "id": order.id,
        "number": order.number,
        "status": order.status,
        "payment_status": order.payment_status,
        "fulfillment_status": order.fulfillment_status,
        "version": order.version,
        "currency": order.currency,
        "total_minor": order.total_minor,
        "paid_minor": order.paid_minor,
        "refunded_minor": order.refunded_minor,
        "payment_in_progress": order.payment_in_progress,
        "customer_id": order.customer_id,
        "customer_email": order.customer_email,
        "late_payment_policy": order.late_payment_policy,
        "expires_at": order.expires_at,
        "metadata": order.metadata,
        "created_at": order.created_at,
        "updated_at": order.updated_at,
        "has_suspense": order.has_suspense,
        "called_off": order.called_off,
    }


LINE_COLUMNS: Final = "order_id, position, sku, name, quantity, unit_price_minor, currency"


def line_from(row: Columns) -> OrderLine:
    """Return the line of a row of `order_lines`."""
    return OrderLine(
        position=row["position"],
        sku=row["sku"],
        name=row["name"],
        quantity=row["quantity"],
        unit_price=Money(row["unit_price_minor"], row["currency"]),
    )


ADJUSTMENT_COLUMNS: Final = "order_id, position, kind, label, amount_minor, currency"


def adjustment_from(row: Columns) -> OrderAdjustment:
    """Return the adjustment of a row of `order_adjustments`."""
    return OrderAdjustment(
        position=row["position"],
        kind=OrderAdjustmentKind(row["kind"]),
        label=row["label"],
        amount=Money(row["amount_minor"], row["currency"]),
    )


EVENT_COLUMNS: Final = (
    "order_id, version, type, source, status, payment_status, fulfillment_status, payment_id, "
    "amount_minor, currency, message, occurred_at, reported_at"
)


def event_from(row: Columns) -> OrderEvent:
    """Return the event of a row of `order_events`."""
    return OrderEvent(
        order_id=row["order_id"],
        version=row["version"],
        type=OrderEventType(row["type"]),
        source=EventSource(row["source"]),
        status=OrderStatus(row["status"]),
        payment_status=OrderPaymentStatus(row["payment_status"]),
        fulfillment_status=FulfillmentStatus(row["fulfillment_status"]),
        payment_id=row["payment_id"],
        amount=money_from(row),
        message=row["message"],
        occurred_at=row["occurred_at"],
        reported_at=row["reported_at"],
    )


def event_row(event: OrderEvent) -> Row:
    """Return the row of an event; the database adds its transaction's id."""
    return {
        "order_id": event.order_id,
        "version": event.version,
        "type": event.type,
        "source": event.source,
        "status": event.status,
        "payment_status": event.payment_status,
        "fulfillment_status": event.fulfillment_status,
        "payment_id": event.payment_id,
        "amount_minor": event.amount.minor if event.amount else None,
        "currency": event.amount.currency if event.amount else None,
        "message": event.message,
        "occurred_at": event.occurred_at,
        "reported_at": event.reported_at,
    }
