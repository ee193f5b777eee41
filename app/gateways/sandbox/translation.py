"""From the sandbox's objects to facts: the same for answers and webhooks, and by the object, never the event's type.

Every object carries the steps that it took with their times, so whichever is read last adds up to the same facts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from app.domain.facts import Fact, FactKind, Failure
from app.domain.money import Money
from app.domain.states import GatewayName, PaymentMethodType
from app.gateways.contract import GatewayAnswer, Notification

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from app.gateways.sandbox.wire import (
        WireAttempt,
        WireCharge,
        WireDispute,
        WireEvent,
        WireFailure,
        WirePayment,
        WireRefund,
    )


def answer(payment: WirePayment) -> GatewayAnswer:
    """Return what a call learned from a payment."""
    return GatewayAnswer(
        facts=tuple(_facts(payment)), reference=payment.id, next_action=_next_action(payment)
    )


def notification(event: WireEvent) -> Notification:
    """Return a webhook's content; the payment in it says all that the sandbox knew when it happened."""
    payment = event.data.object
    return Notification(
        external_id=event.id,
        type=event.type,
        payment_id=_uuid(payment.metadata.get("payment_id")),
        reference=payment.id,
        facts=tuple(_facts(payment)),
        next_action=_next_action(payment),
        occurred_at=event.created,
    )


def refund_facts(refund: WireRefund) -> Iterator[Fact]:
    """Yield what a refund tells; our own id comes back in its metadata."""
    steps = (
        (FactKind.REFUND_PENDING, refund.created),
        (FactKind.REFUND_SUCCEEDED, refund.succeeded_at),
        (FactKind.REFUND_FAILED, refund.failed_at),
    )
    for kind, at in steps:
        if at:
            yield _fact(
                refund.id,
                kind,
                at,
                amount=Money(refund.amount, refund.currency),
                own_id=_uuid(refund.metadata.get("refund_id")),
                detail=refund.reason,
            )


def read_failure(failure: WireFailure) -> Failure:
    """Return why a try failed; with another card, or later, every one may go well."""
    return Failure(code=failure.code, message=failure.message, decline_code=failure.decline_code)


def _next_action(payment: WirePayment) -> Mapping[str, Any] | None:
    if payment.status not in ("requires_payment_method", "requires_action"):
        return None
    return {"type": "RedirectAction", "url": payment.checkout_url}


def _facts(payment: WirePayment) -> Iterator[Fact]:
    for attempt in payment.attempts:
        yield from _attempt_facts(attempt)
    for charge in payment.charges:
        yield from _charge_facts(charge, payment.currency)
    if payment.canceled_at:
        yield _fact(payment.id, FactKind.CANCELED, payment.canceled_at)
    for refund in payment.refunds:
        yield from refund_facts(refund)
    for dispute in payment.disputes:
        yield from _dispute_facts(dispute, payment.currency)


def _attempt_facts(attempt: WireAttempt) -> Iterator[Fact]:
    steps = (
        (FactKind.ATTEMPT_STARTED, attempt.created),
        (FactKind.ACTION_REQUIRED, attempt.action_required_at),
        (FactKind.PROCESSING, attempt.processing_at),
    )
    for kind, at in steps:
        if at:
            yield _fact(attempt.id, kind, at, method=PaymentMethodType.CARD)
    if attempt.failed_at:
        failure = read_failure(attempt.failure) if attempt.failure else None
        yield _fact(
            attempt.id, FactKind.FAILED, attempt.failed_at, method=PaymentMethodType.CARD, failure=failure
        )


def _charge_facts(charge: WireCharge, currency: str) -> Iterator[Fact]:
    steps = (
        (FactKind.AUTHORIZED, charge.authorized_at, charge.amount),
        (FactKind.CAPTURED, charge.captured_at, charge.amount_captured),
        (FactKind.RELEASED, charge.released_at, charge.amount_released),
    )
    for kind, at, minor in steps:
        if at:
            yield _fact(
                charge.id,
                kind,
                at,
                amount=Money(minor, currency),
                attempt_id=charge.attempt,
                method=PaymentMethodType.CARD,
            )


def _dispute_facts(dispute: WireDispute, currency: str) -> Iterator[Fact]:
    steps = (
        (FactKind.DISPUTE_OPENED, dispute.created),
        (FactKind.DISPUTE_WON, dispute.won_at),
        (FactKind.DISPUTE_LOST, dispute.lost_at),
    )
    for kind, at in steps:
        if at:
            yield _fact(
                dispute.id,
                kind,
                at,
                amount=Money(dispute.amount, currency),
                detail=dispute.reason,
                respond_by=dispute.respond_by,
            )


def _fact(object_id: str, kind: FactKind, reported_at: datetime, **more: Any) -> Fact:  # noqa: ANN401 - fields of Fact
    return Fact(gateway=GatewayName.SANDBOX, object_id=object_id, kind=kind, reported_at=reported_at, **more)


def _uuid(text: str | None) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        return None
