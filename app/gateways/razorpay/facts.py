"""From Razorpay's objects to facts: the same for answers and webhooks, by the object and never by an event's type.

An object is a snapshot: `payment.authorized` may bring a payment that is captured already.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from app.domain.facts import Fact, FactKind, Failure
from app.domain.states import GatewayName, PaymentMethodType
from app.gateways.razorpay.amounts import from_razorpay
from app.gateways.razorpay.failures import failure_of
from app.gateways.razorpay.wire import as_uuid, own_id
from app.gateways.words import warn_of_unknown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from app.gateways.razorpay.wire import WireDispute, WirePayment, WireQrCode, WireRefund

_METHODS: Final = {
    "card": PaymentMethodType.CARD,
    "emi": PaymentMethodType.CARD,
    "netbanking": PaymentMethodType.NETBANKING,
    "wallet": PaymentMethodType.WALLET,
}
_REFUND_KINDS: Final = {
    "pending": (FactKind.REFUND_PENDING,),
    "processed": (FactKind.REFUND_PENDING, FactKind.REFUND_SUCCEEDED),
    "failed": (FactKind.REFUND_FAILED,),
}
_DISPUTE_KINDS: Final = {
    "open": FactKind.DISPUTE_OPENED,
    "under_review": FactKind.DISPUTE_UNDER_REVIEW,
    "won": FactKind.DISPUTE_WON,
    "lost": FactKind.DISPUTE_LOST,
}
"""Source: razorpay.com/docs/payments/disputes, "Dispute states", read in November 2026. A closed one was about fraud:
it is lost where money was deducted, and has taken nothing where the shop refunded or explained."""
_KNOWN_PAYMENT_STATUSES: Final = frozenset({"created", "authorized", "captured", "refunded", "failed"})


def payment_facts(payment: WirePayment) -> Iterator[Fact]:
    """Yield how far a try came.

    A payment names no time but that of its start, so that the others are left to when we first learn of them. It fails
    ten minutes after the bank fell silent and may still be authorised for days.
    Source: razorpay.com/docs/payments/payments/late-authorisation, read in November 2026.
    """
    if payment.status not in _KNOWN_PAYMENT_STATUSES:
        warn_of_unknown(GatewayName.RAZORPAY, "payment status", payment.status)
        return
    yield _try_fact(payment, FactKind.ATTEMPT_STARTED, reported_at=moment(payment.created_at))
    if payment.status == "failed":
        yield _try_fact(payment, FactKind.FAILED, failure=failure_of(payment))
    if is_authorized(payment) or is_captured(payment) or is_returned(payment):
        yield _money_fact(payment, FactKind.AUTHORIZED)
    if is_captured(payment):
        yield _money_fact(payment, FactKind.CAPTURED)
    if is_returned(payment):
        yield _money_fact(payment, FactKind.RELEASED)


def is_authorized(payment: WirePayment) -> bool:
    """Whether money is held and waits to be captured."""
    return payment.status == "authorized" and not payment.captured


def is_captured(payment: WirePayment) -> bool:
    """Whether money was taken; it may have been given back since."""
    return payment.status == "captured" or payment.captured


def is_returned(payment: WirePayment) -> bool:
    """Whether what was never captured went back by itself, which Razorpay calls a refund."""
    return payment.status == "refunded" and not payment.captured


def refund_facts(refund: WireRefund, payment: WirePayment | None = None) -> Iterator[Fact]:
    """Yield how far a refund came. That of a payment which was never captured is its release, and told there."""
    if payment is not None and not is_captured(payment):
        return
    kinds = _REFUND_KINDS.get(refund.status)
    if kinds is None:
        warn_of_unknown(GatewayName.RAZORPAY, "refund status", refund.status)
        return
    reason = refund.notes.get("reason")
    for kind in kinds:
        yield Fact(
            gateway=GatewayName.RAZORPAY,
            object_id=refund.id,
            kind=kind,
            amount=from_razorpay(refund.amount, refund.currency),
            own_id=own_id(refund.notes, "refund_id") or as_uuid(refund.receipt),
            failure=_REFUND_FAILED if kind is FactKind.REFUND_FAILED else None,
            detail=reason if isinstance(reason, str) and reason else None,
            reported_at=None if kind is FactKind.REFUND_FAILED else moment(refund.created_at),
        )


_REFUND_FAILED: Final = Failure(
    code="refund_failed", message="Razorpay could not refund.", decline_code=None, retryable=False
)


def dispute_facts(dispute: WireDispute) -> Iterator[Fact]:
    """Yield how far a dispute came."""
    deducted = dispute.amount_deducted or 0
    kind = _DISPUTE_KINDS.get(dispute.status)
    if dispute.status == "closed":
        kind = FactKind.DISPUTE_LOST if deducted else FactKind.DISPUTE_WON
    if kind is None:
        warn_of_unknown(GatewayName.RAZORPAY, "dispute status", dispute.status)
        return
    yield Fact(
        gateway=GatewayName.RAZORPAY,
        object_id=dispute.id,
        kind=kind,
        amount=from_razorpay(dispute.amount, dispute.currency),
        detail=dispute.reason_code or None,
        respond_by=moment(dispute.respond_by) if dispute.respond_by else None,
        reported_at=moment(dispute.created_at) if kind is FactKind.DISPUTE_OPENED else None,
    )


def qr_code_facts(code: WireQrCode) -> Iterator[Fact]:
    """Yield that a code which nobody paid takes no new payment: closed by the shop, or by its time."""
    if code.status != "closed" or code.close_reason == "paid":
        return
    yield Fact(
        gateway=GatewayName.RAZORPAY,
        object_id=code.id,
        kind=FactKind.LAPSED,
        reported_at=moment(code.closed_at) if code.closed_at else None,
    )


def moment(seconds: int) -> datetime:
    """Return a time, which Razorpay gives in whole seconds since 1970."""
    return datetime.fromtimestamp(seconds, UTC)


def _method(payment: WirePayment) -> PaymentMethodType | None:
    """Return what a shopper paid with. Only payments of QR codes have no order."""
    if payment.method is None:
        return None
    if payment.method != "upi":
        return _METHODS.get(payment.method, PaymentMethodType.OTHER)
    if payment.upi is not None and payment.upi.flow == "collect":
        return PaymentMethodType.OTHER
    return PaymentMethodType.UPI_INTENT if payment.order_id else PaymentMethodType.UPI_QR


def _try_fact(payment: WirePayment, kind: FactKind, **more: Any) -> Fact:  # noqa: ANN401 - fields of Fact
    return Fact(
        gateway=GatewayName.RAZORPAY, object_id=payment.id, kind=kind, method=_method(payment), **more
    )


def _money_fact(payment: WirePayment, kind: FactKind) -> Fact:
    return _try_fact(
        payment, kind, amount=from_razorpay(payment.amount, payment.currency), attempt_id=payment.id
    )
