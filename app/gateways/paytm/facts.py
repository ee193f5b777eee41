"""From Paytm's objects to facts.

An order is paid once, so its id stands for the try; what was captured has the transaction's id, and a refund Paytm's
own, for that of the shop is only unlike the shop's others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from uuid import UUID

from app.domain.facts import Fact, FactKind, Failure
from app.domain.states import GatewayName, PaymentMethodType
from app.gateways.paytm import results
from app.gateways.words import warn_of_unknown

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from app.gateways.paytm.wire import WireDispute, WireRefund, WireResult, WireStatus

_METHODS: Final = {
    "CC": PaymentMethodType.CARD,
    "DC": PaymentMethodType.CARD,
    "EMI": PaymentMethodType.CARD,
    "EMI_DC": PaymentMethodType.CARD,
    "NB": PaymentMethodType.NETBANKING,
    "PPI": PaymentMethodType.WALLET,
    "BALANCE": PaymentMethodType.WALLET,
    "PAYTM_DIGITAL_CREDIT": PaymentMethodType.OTHER,
}
"""UPI is left out: `paymentMode` doesn't say whether a link or a code was used, and what was asked for does."""
_DISPUTES: Final = {
    "NEW": FactKind.DISPUTE_OPENED,
    "UNDER_REVIEW": FactKind.DISPUTE_UNDER_REVIEW,
    "DEFENDED": FactKind.DISPUTE_UNDER_REVIEW,
    "ACCEPTED": FactKind.DISPUTE_LOST,
    "LOST": FactKind.DISPUTE_LOST,
    "WON": FactKind.DISPUTE_WON,
}
"""Paytm's page on the chargeback webhook shows NEW alone; the others are taken at their word, should they come."""
_GONE_WELL: Final = frozenset({None, *results.SUCCEEDED})
"""No sample of the webhook has a status; should one, it has to be one of these."""
_REFUND_FAILED: Final = "refund_failed"


def status_facts(result: WireResult, status: WireStatus) -> Iterator[Fact]:
    """Yield what became of an order. A try that failed may still be paid: banks tell Paytm late.

    Raises:
        ValueError: money was taken, and not how much or by which transaction.
    """
    if result.status in results.SUCCEEDED:
        if status.amount is None or status.transaction_id is None:
            raise ValueError("a payment without an amount or an id")
        yield _try(FactKind.ATTEMPT_STARTED, status)
        yield Fact(
            gateway=GatewayName.PAYTM,
            object_id=status.transaction_id,
            kind=FactKind.CAPTURED,
            amount=status.amount,
            attempt_id=status.order_id,
            method=_method(status),
            reported_at=status.at,
        )
    elif result.status == results.PENDING or results.is_system_error(result):
        yield _try(FactKind.ATTEMPT_STARTED, status)
        yield _try(FactKind.PROCESSING, status)
    elif result.status == results.FAILED:
        yield _try(FactKind.ATTEMPT_STARTED, status)
        yield _try(FactKind.FAILED, status, failure_of(result))
    else:
        warn_of_unknown(GatewayName.PAYTM, "order status", result.status)


def refund_facts(result: WireResult, refund: WireRefund) -> Iterator[Fact]:
    """Yield how far a refund came, where that is known.

    Raises:
        ValueError: it doesn't say which refund, or of how much.
    """
    if result.status in results.SUCCEEDED:
        kinds = [FactKind.REFUND_PENDING, FactKind.REFUND_SUCCEEDED]
    elif result.status == results.PENDING or results.is_system_error(result):
        kinds = [FactKind.REFUND_PENDING]
    elif result.status == results.FAILED:
        kinds = [FactKind.REFUND_FAILED]
    else:
        warn_of_unknown(GatewayName.PAYTM, "refund status", result.status)
        return
    failure = Failure(code=result.code or _REFUND_FAILED, message=results.message_of(result), retryable=False)
    yield from (_refund_fact(kind, refund, failure) for kind in kinds)


def told_refund_facts(refund: WireRefund) -> Iterator[Fact]:
    """Yield what a refund's webhook tells: that Paytm has it, and that it sent the money on its way.

    Raises:
        ValueError: it doesn't say which refund, or of how much.
    """
    yield _refund_fact(FactKind.REFUND_PENDING, refund, None)
    if refund.credited_at is not None and _GONE_WELL.issuperset((refund.status, refund.credit)):
        yield _refund_fact(FactKind.REFUND_SUCCEEDED, refund, None)


def dispute_facts(dispute: WireDispute) -> Iterator[Fact]:
    """Yield how far a dispute came."""
    kind = _DISPUTES.get(dispute.status)
    if kind is None:
        warn_of_unknown(GatewayName.PAYTM, "dispute status", dispute.status)
        return
    yield Fact(
        gateway=GatewayName.PAYTM,
        object_id=dispute.id,
        kind=kind,
        amount=dispute.amount,
        detail=dispute.reason,
        respond_by=dispute.respond_by,
        reported_at=dispute.created_at if kind is FactKind.DISPUTE_OPENED else None,
    )


def failure_of(result: WireResult) -> Failure:
    """Return why a try failed; by another payment, every one may go well."""
    return Failure(code=result.code or "payment_failed", message=results.message_of(result))


def as_uuid(text: str | None) -> UUID | None:
    """Return one of our ids, where a text is one as we write it."""
    try:
        found = UUID(text or "")
    except ValueError:
        return None
    return found if str(found) == text else None


def _try(kind: FactKind, status: WireStatus, failure: Failure | None = None) -> Fact:
    return Fact(
        gateway=GatewayName.PAYTM,
        object_id=status.order_id,
        kind=kind,
        method=_method(status),
        failure=failure,
        reported_at=status.at if kind is FactKind.ATTEMPT_STARTED else None,
    )


def _method(status: WireStatus) -> PaymentMethodType | None:
    return _METHODS.get(status.mode or "")


def _refund_fact(kind: FactKind, refund: WireRefund, failure: Failure | None) -> Fact:
    if refund.id is None or refund.amount is None:
        raise ValueError("a refund without an id or an amount")
    return Fact(
        gateway=GatewayName.PAYTM,
        object_id=refund.id,
        kind=kind,
        amount=refund.amount,
        own_id=as_uuid(refund.reference),
        failure=failure if kind is FactKind.REFUND_FAILED else None,
        reported_at=_refund_time(kind, refund),
    )


def _refund_time(kind: FactKind, refund: WireRefund) -> datetime | None:
    times = {FactKind.REFUND_PENDING: refund.at, FactKind.REFUND_SUCCEEDED: refund.credited_at}
    return times.get(kind)
