"""Payments, and what is known about each, as rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from app.domain.facts import Fact, FactKind
from app.domain.money import Money
from app.domain.order import Payment
from app.domain.payment import PaymentAttempt
from app.domain.refunds import Dispute, Refund
from app.domain.states import (
    CaptureMethod,
    DisputeStatus,
    GatewayName,
    PaymentAttemptStatus,
    PaymentMethodType,
    PaymentStatus,
    RefundInitiator,
    RefundStatus,
)
from db.rows.columns import failure_from, money_from

if TYPE_CHECKING:
    from uuid import UUID

    from db.rows.columns import Columns, Row


PAYMENT_COLUMNS: Final = (
    "id, order_id, gateway, method, status, capture_method, currency, amount_minor, "
    "authorized_minor, captured_minor, refunded_minor, reference, next_action, last_error, "
    "late_authorized, created_at, updated_at, disputed_minor, suspended_minor"
)


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


FACT_COLUMNS: Final = (
    "gateway, object_id, kind, payment_id, amount_minor, currency, attempt_id, own_id, method, failure, "
    "initiator, detail, respond_by, reported_at, recorded_at"
)


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


ATTEMPT_COLUMNS: Final = "payment_id, reference, status, method, failure, failed, created_at"


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


REFUND_COLUMNS: Final = (
    "id, payment_id, reference, status, amount_minor, currency, initiated_by, reason, created_at"
)


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


DISPUTE_COLUMNS: Final = (
    "id, payment_id, reference, status, amount_minor, currency, reason, respond_by, created_at"
)


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
