"""Making what tests start from: orders and payments in the database, and what gateways say about them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from app.batch import Command, Webhook
from app.domain.changes import OpenPayment
from app.domain.events import OrderEvent
from app.domain.facts import Fact, FactKind
from app.domain.money import Money
from app.domain.order import Order, OrderLine, Payment
from app.domain.states import (
    CaptureMethod,
    EventSource,
    FulfillmentStatus,
    GatewayName,
    LatePaymentPolicy,
    OrderEventType,
    OrderPaymentStatus,
    OrderStatus,
    PaymentStatus,
)
from app.identity import new_id
from db import orders as store

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from app.settle import Settler
    from db.pool import Database

TOTAL = Money(49_900, "INR")
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


def an_order(*, total: Money = TOTAL, policy: LatePaymentPolicy = LatePaymentPolicy.REFUND) -> Order:
    """Return a new, unpaid order at version 1."""
    order_id = new_id()
    return Order(
        id=order_id,
        number=order_id.hex,
        status=OrderStatus.PENDING,
        payment_status=OrderPaymentStatus.UNPAID,
        fulfillment_status=FulfillmentStatus.UNFULFILLED,
        version=1,
        currency=total.currency,
        total_minor=total.minor,
        paid_minor=0,
        refunded_minor=0,
        payment_in_progress=False,
        customer_id=None,
        customer_email=None,
        late_payment_policy=policy,
        expires_at=None,
        metadata={},
        created_at=LONG_AGO,
        updated_at=LONG_AGO,
    )


def a_payment(order: Order, *, capture_method: CaptureMethod = CaptureMethod.AUTOMATIC) -> Payment:
    """Return a payment of the whole order, of which nothing is known yet."""
    return Payment(
        id=new_id(),
        order_id=order.id,
        gateway=GatewayName.SANDBOX,
        method=None,
        status=PaymentStatus.REQUIRES_PAYMENT_METHOD,
        capture_method=capture_method,
        currency=order.currency,
        amount_minor=order.total_minor,
        authorized_minor=0,
        captured_minor=0,
        refunded_minor=0,
        reference=None,
        next_action=None,
        last_error=None,
        late_authorized=False,
        created_at=LONG_AGO,
        updated_at=LONG_AGO,
    )


async def stored_order(database: Database, order: Order | None = None) -> Order:
    """Write an order of one line as checkout does."""
    order = order or an_order()
    created = OrderEvent(
        order_id=order.id,
        version=1,
        type=OrderEventType.ORDER_CREATED,
        source=EventSource.API,
        status=order.status,
        payment_status=order.payment_status,
        fulfillment_status=order.fulfillment_status,
        payment_id=None,
        amount=Money(order.total_minor, order.currency),
        message=None,
        occurred_at=order.created_at,
        reported_at=None,
    )
    line = OrderLine(
        position=0, sku="TEA", name="Tea", quantity=1, unit_price=Money(order.total_minor, order.currency)
    )
    token = store.NewToken(id=order.id, token_hash=order.id.bytes, ttl_seconds=3600)
    new = store.NewOrder(order=order, lines=(line,), adjustments=(), events=(created,), token=token)
    key_id = new_id()
    await store.claim_key(database, key_id, "test", key_id.hex, b"", 60)
    await store.insert_order(database, new, key_id, {})
    return order


@dataclass(frozen=True, slots=True)
class Opened:
    """An order in the database with one open payment, at version 2."""

    order: Order
    payment: Payment


async def opened_payment(database: Database, settler: Settler, order: Order | None = None) -> Opened:
    """Write an order and open a payment of all of it."""
    order = await stored_order(database, order)
    change = OpenPayment(payment=a_payment(order), amount=None, source=EventSource.API)
    outcome = await settler.submit(Command(order_id=order.id, change=change))
    assert outcome.record is not None
    return Opened(outcome.record.order, outcome.record.payments[change.payment.id].payment)


def captured(payment: Payment, amount: Money | None = None, object_id: str | None = None) -> Fact:
    """Return the fact that a payment, or a part of it, was captured."""
    return Fact(
        gateway=payment.gateway,
        object_id=object_id or f"chg_{payment.id}",
        kind=FactKind.CAPTURED,
        amount=amount or payment.amount,
        attempt_id=f"att_{payment.id}",
        reported_at=LONG_AGO,
    )


def a_webhook(
    payment: Payment,
    *facts: Fact,
    external_id: str | None = None,
    payment_id: UUID | None = None,
    reference: str | None = None,
    next_action: Mapping[str, object] | None = None,
) -> Webhook:
    """Return a verified delivery that names its payment by our id."""
    return Webhook(
        id=new_id(),
        gateway=payment.gateway,
        external_id=external_id or f"evt_{new_id()}",
        type="payment.changed",
        body=b"{}",
        payment_id=payment_id or payment.id,
        reference=reference,
        facts=facts,
        next_action=next_action,
    )
