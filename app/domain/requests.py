"""What callers want done with money: payments to open and refunds to make, written before a gateway is asked."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from app.domain.changes import Decision, OpenPayment, OrderRecord, PaymentRecord, RequestRefund
from app.domain.draft import Draft
from app.domain.errors import DomainError, ErrorCode
from app.domain.facts import Fact, FactKind
from app.domain.jobs import Job
from app.domain.money import Money
from app.domain.order import order_money
from app.domain.placing import place_money
from app.domain.states import JobKind, OrderEventType, OrderStatus

if TYPE_CHECKING:
    from datetime import datetime


def open_payment(record: OrderRecord, change: OpenPayment, now: datetime) -> Decision:
    """Open a payment; the same one again changes nothing.

    Raises:
        DomainError: CURRENCY_MISMATCH, INVALID_STATE, ALREADY_PAID, PAYMENT_IN_PROGRESS, AMOUNT_TOO_SMALL or
            AMOUNT_TOO_LARGE.
    """
    if change.payment.id in record.payments:
        return Decision(record=record)
    amount = change.amount or amount_due(record)
    if change.payment.reference is None:  # else the money is at the gateway already, whatever the order wants
        _payable(record, amount)
    payment = replace(
        change.payment,
        currency=amount.currency,
        amount_minor=amount.minor,
        created_at=now,
        updated_at=now,
    )
    draft = Draft(record, change.source, now)
    draft.put(PaymentRecord.of(payment, {}))
    draft.note(OrderEventType.PAYMENT_CREATED, payment_id=payment.id, amount=payment.amount)
    draft.owe(
        Job(
            kind=JobKind.PAYMENT_POLL,
            subject_id=payment.id,
            gateway=payment.gateway,
            delay_seconds=change.poll_after_seconds,
        )
    )
    draft.follow_money()
    return draft.decision()


def amount_due(record: OrderRecord) -> Money:
    """Return what is neither paid nor authorised yet."""
    held = order_money(record.states).authorized
    return Money(max(record.order.balance.minor - held, 0), record.order.currency)


def _payable(record: OrderRecord, amount: Money) -> None:
    order = record.order
    if amount.currency != order.currency:
        raise DomainError(
            ErrorCode.CURRENCY_MISMATCH,
            f"The order is in {order.currency}, the payment in {amount.currency}.",
            ("amount", "currency"),
        )
    if not order.is_open or order.status is OrderStatus.COMPLETED:
        raise DomainError(ErrorCode.INVALID_STATE, f"The order is {order.status} and takes no payment.")
    due = amount_due(record)
    if due.minor == 0:
        raise DomainError(ErrorCode.ALREADY_PAID, "Nothing is left to pay on this order.")
    if order.payment_in_progress:
        raise DomainError(
            ErrorCode.PAYMENT_IN_PROGRESS,
            "A payment for this order is under way. Wait for its outcome, or cancel it first.",
        )
    if amount.minor <= 0:
        raise DomainError(ErrorCode.AMOUNT_TOO_SMALL, "The amount must be above zero.", ("amount",))
    if amount > due:
        raise DomainError(ErrorCode.AMOUNT_TOO_LARGE, f"Only {due} is left to pay.", ("amount",))


def request_refund(record: OrderRecord, change: RequestRefund, now: datetime) -> Decision:
    """Write down a refund that is wanted; the same one again changes nothing.

    Raises:
        DomainError: CURRENCY_MISMATCH, INVALID_STATE, AMOUNT_TOO_SMALL or AMOUNT_TOO_LARGE.
    """
    known = record.payments[change.payment_id]
    if any(refund.id == change.refund_id for refund in known.state.refunds):
        return Decision(record=record)
    left = known.state.held
    amount = change.amount or left
    _refundable(known, left, amount)
    draft = Draft(record, change.source, now)
    ask_refund(draft, known, change, amount)
    draft.follow_money()
    place_money(draft)
    return draft.decision()


def ask_refund(
    draft: Draft, known: PaymentRecord, change: RequestRefund, amount: Money, *, caller_refunds: bool = True
) -> None:
    """Add the fact that a refund was asked for."""
    asked = Fact(
        gateway=known.payment.gateway,
        object_id=str(change.refund_id),
        kind=FactKind.REFUND_REQUESTED,
        amount=amount,
        own_id=change.refund_id,
        initiator=change.initiator,
        detail=change.reason,
    )
    draft.learn(known.payment.id, (asked,), caller_refunds=caller_refunds)


def _refundable(known: PaymentRecord, left: Money, amount: Money) -> None:
    if amount.currency != left.currency:
        raise DomainError(
            ErrorCode.CURRENCY_MISMATCH,
            f"The payment is in {left.currency}, the refund in {amount.currency}.",
            ("amount", "currency"),
        )
    if known.state.captured.minor == 0 and known.state.foreign is None:
        raise DomainError(ErrorCode.INVALID_STATE, "Nothing of this payment was captured.")
    if left.minor <= 0:
        raise DomainError(ErrorCode.INVALID_STATE, "All of this payment was refunded or disputed already.")
    if amount.minor <= 0:
        raise DomainError(ErrorCode.AMOUNT_TOO_SMALL, "The amount must be above zero.", ("amount",))
    if amount > left:
        raise DomainError(ErrorCode.AMOUNT_TOO_LARGE, f"Only {left} can still be refunded.", ("amount",))
