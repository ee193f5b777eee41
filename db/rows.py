"""Rows to the domain's objects and back: the one place that knows both."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from app.domain.events import OrderEvent
from app.domain.facts import Fact, FactKind, Failure
from app.domain.money import Money
from app.domain.order import Order, OrderAdjustment, OrderLine, Payment
from app.domain.payment import PaymentAttempt
from app.domain.refunds import Dispute, Refund
from app.domain.states import (
    CaptureMethod,
    DisputeStatus,
    EventSource,
    FulfillmentStatus,
    GatewayName,
    LatePaymentPolicy,
    OrderAdjustmentKind,
    OrderEventType,
    OrderPaymentStatus,
    OrderStatus,
    PaymentAttemptStatus,
    PaymentMethodType,
    PaymentStatus,
    RefundInitiator,
    RefundStatus,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from app.domain.jobs import Job
    from app.domain.ledger import Posting

Row = dict[str, Any]


class Columns(Protocol):
    """A row as it comes: a record of the driver, or a mapping."""

    def __getitem__(self, column: str, /) -> Any:  # noqa: ANN401 - a column may hold anything
        """Return a column's value."""


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
    }


def payment_from(row: Columns) -> Payment:
    """Return the payment of a row of `payments`."""
    method = row["method"]
    return Payment(
        id=row["id"],
        order_id=row["order_id"],
        gateway=GatewayName(row["gateway"]),
        method=PaymentMethodType(method) if method else None,
        status=PaymentStatus(row["status"]),
        capture_method=CaptureMethod(row["capture_method"]),
        currency=row["currency"],
        amount_minor=row["amount_minor"],
        authorized_minor=row["authorized_minor"],
        captured_minor=row["captured_minor"],
        refunded_minor=row["refunded_minor"],
        reference=row["reference"],
        next_action=row["next_action"],
        last_error=failure_from(row["last_error"]),
        late_authorized=row["late_authorized"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        disputed_minor=row["disputed_minor"],
        suspended_minor=row["suspended_minor"],
    )


def payment_row(payment: Payment) -> Row:
    """Return the row of a payment."""
    return {
        "id": payment.id,
        "order_id": payment.order_id,
        "gateway": payment.gateway,
        "method": payment.method,
        "status": payment.status,
        "capture_method": payment.capture_method,
        "currency": payment.currency,
        "amount_minor": payment.amount_minor,
        "authorized_minor": payment.authorized_minor,
        "captured_minor": payment.captured_minor,
        "refunded_minor": payment.refunded_minor,
        "reference": payment.reference,
        "next_action": payment.next_action,
        "last_error": payment.last_error,
        "late_authorized": payment.late_authorized,
        "created_at": payment.created_at,
        "updated_at": payment.updated_at,
        "disputed_minor": payment.disputed_minor,
        "suspended_minor": payment.suspended_minor,
    }


def failure_from(value: Mapping[str, Any] | None) -> Failure | None:
    """Return the failure that a JSON column holds."""
    return Failure(**value) if value else None


def fact_from(row: Columns) -> Fact:
    """Return the fact of a row of `facts`."""
    method, initiator = row["method"], row["initiator"]
    return Fact(
        gateway=GatewayName(row["gateway"]),
        object_id=row["object_id"],
        kind=FactKind(row["kind"]),
        amount=money_from(row),
        attempt_id=row["attempt_id"],
        own_id=row["own_id"],
        method=PaymentMethodType(method) if method else None,
        failure=failure_from(row["failure"]),
        initiator=RefundInitiator(initiator) if initiator else None,
        detail=row["detail"],
        respond_by=row["respond_by"],
        reported_at=row["reported_at"],
        recorded_at=row["recorded_at"],
    )


def fact_row(payment_id: UUID, fact: Fact) -> Row:
    """Return the row of a fact."""
    return {
        "gateway": fact.gateway,
        "object_id": fact.object_id,
        "kind": fact.kind,
        "payment_id": payment_id,
        "amount_minor": fact.amount.minor if fact.amount else None,
        "currency": fact.amount.currency if fact.amount else None,
        "attempt_id": fact.attempt_id,
        "own_id": fact.own_id,
        "method": fact.method,
        "failure": fact.failure,
        "initiator": fact.initiator,
        "detail": fact.detail,
        "respond_by": fact.respond_by,
        "reported_at": fact.reported_at,
        "recorded_at": fact.recorded_at,
    }


def attempt_from(row: Columns) -> PaymentAttempt:
    """Return the attempt of a row of `payment_attempts`."""
    method = row["method"]
    return PaymentAttempt(
        reference=row["reference"],
        status=PaymentAttemptStatus(row["status"]),
        method=PaymentMethodType(method) if method else None,
        failure=failure_from(row["failure"]),
        failed=row["failed"],
        created_at=row["created_at"],
    )


def attempt_row(payment_id: UUID, attempt: PaymentAttempt) -> Row:
    """Return the row of an attempt."""
    return {
        "payment_id": payment_id,
        "reference": attempt.reference,
        "status": attempt.status,
        "method": attempt.method,
        "failure": attempt.failure,
        "failed": attempt.failed,
        "created_at": attempt.created_at,
    }


def refund_from(row: Columns) -> Refund:
    """Return the refund of a row of `refunds`."""
    return Refund(
        id=row["id"],
        reference=row["reference"],
        status=RefundStatus(row["status"]),
        amount=Money(row["amount_minor"], row["currency"]),
        initiated_by=RefundInitiator(row["initiated_by"]),
        reason=row["reason"],
        created_at=row["created_at"],
    )


def refund_row(payment_id: UUID, refund: Refund) -> Row:
    """Return the row of a refund."""
    return {
        "id": refund.id,
        "payment_id": payment_id,
        "reference": refund.reference,
        "status": refund.status,
        "amount_minor": refund.amount.minor,
        "currency": refund.amount.currency,
        "initiated_by": refund.initiated_by,
        "reason": refund.reason,
        "created_at": refund.created_at,
    }


def dispute_from(row: Columns) -> Dispute:
    """Return the dispute of a row of `disputes`."""
    return Dispute(
        id=row["id"],
        reference=row["reference"],
        status=DisputeStatus(row["status"]),
        amount=Money(row["amount_minor"], row["currency"]),
        reason=row["reason"],
        respond_by=row["respond_by"],
        created_at=row["created_at"],
    )


def dispute_row(payment_id: UUID, dispute: Dispute) -> Row:
    """Return the row of a dispute."""
    return {
        "id": dispute.id,
        "payment_id": payment_id,
        "reference": dispute.reference,
        "status": dispute.status,
        "amount_minor": dispute.amount.minor,
        "currency": dispute.amount.currency,
        "reason": dispute.reason,
        "respond_by": dispute.respond_by,
        "created_at": dispute.created_at,
    }


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


def line_from(row: Columns) -> OrderLine:
    """Return the line of a row of `order_lines`."""
    return OrderLine(
        position=row["position"],
        sku=row["sku"],
        name=row["name"],
        quantity=row["quantity"],
        unit_price=Money(row["unit_price_minor"], row["currency"]),
    )


def adjustment_from(row: Columns) -> OrderAdjustment:
    """Return the adjustment of a row of `order_adjustments`."""
    return OrderAdjustment(
        position=row["position"],
        kind=OrderAdjustmentKind(row["kind"]),
        label=row["label"],
        amount=Money(row["amount_minor"], row["currency"]),
    )


def posting_rows(transaction_id: UUID, order_id: UUID, payment: Payment, given: list[Posting]) -> list[Row]:
    """Return the rows of one ledger transaction; `created_at` is the database's."""
    return [
        {
            "transaction_id": transaction_id,
            "position": position,
            "order_id": order_id,
            "payment_id": payment.id,
            "account": posting.account,
            "amount_minor": posting.amount_minor,
            "currency": payment.currency,
            "description": posting.description,
        }
        for position, posting in enumerate(given)
    ]


def job_row(job_id: UUID, job: Job) -> Row:
    """Return the row of a new job; its times are the database's."""
    return {
        "id": job_id,
        "kind": job.kind,
        "subject_id": job.subject_id,
        "gateway": job.gateway,
        "delay_seconds": job.delay_seconds,
    }


def money_from(row: Columns) -> Money | None:
    """Return the amount of a row that may have none."""
    minor = row["amount_minor"]
    return None if minor is None else Money(minor, row["currency"])
