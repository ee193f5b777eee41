"""A person's word on money in suspense: give it back, apply it to its order, or write it off."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, assert_never

from app.domain.changes import Decision, OrderRecord, PaymentRecord, RequestRefund, ResolveSuspense
from app.domain.draft import Draft
from app.domain.errors import DomainError, ErrorCode
from app.domain.jobs import Job
from app.domain.placing import place_money, resolve_item
from app.domain.requests import ask_refund
from app.domain.states import (
    EventSource,
    JobKind,
    OrderEventType,
    OrderStatus,
    RefundInitiator,
    SuspenseReason,
    SuspenseResolution,
)

if TYPE_CHECKING:
    from datetime import datetime

    from app.domain.suspense import SuspenseItem


def resolve_suspense(record: OrderRecord, change: ResolveSuspense, now: datetime) -> Decision:
    """Give held money a place.

    Raises:
        DomainError: NOT_FOUND; INVALID_STATE when the item was resolved before, or the order can't take the money.
    """
    item = record.suspense.get(change.item_id)
    if item is None:
        raise DomainError(ErrorCode.NOT_FOUND, "There is no such suspense item.", ("id",))
    if item.resolution is not None:
        raise DomainError(
            ErrorCode.INVALID_STATE, f"This money has its place already: {item.resolution}.", ("id",)
        )
    assert item.payment_id is not None, "an order's item has a payment"  # noqa: S101 - the table's CHECK
    draft = Draft(record, change.source, now)
    known = record.payments[item.payment_id]
    match change.resolution:
        case SuspenseResolution.REFUND:
            _give_back(draft, known, item, change)
        case SuspenseResolution.APPLY_TO_ORDER:
            _apply(draft, known, item)
        case SuspenseResolution.WRITE_OFF:
            resolve_item(draft, item, change.resolution, change.message, change.source)
        case _:
            assert_never(change.resolution)
    place_money(draft)
    return draft.decision()


def _give_back(draft: Draft, known: PaymentRecord, item: SuspenseItem, change: ResolveSuspense) -> None:
    if known.state.held.minor <= 0:  # only authorised, so there is nothing to refund but something to let go
        job = Job(kind=JobKind.PAYMENT_CANCEL, subject_id=known.payment.id, gateway=known.payment.gateway)
        draft.owe(job)
        return
    resolve_item(draft, item, SuspenseResolution.REFUND, change.message, change.source)
    wish = RequestRefund(
        payment_id=known.payment.id,
        refund_id=change.refund_id,
        amount=item.amount,
        reason=change.message,
        initiator=RefundInitiator.STAFF,
        source=EventSource.STAFF,
    )
    ask_refund(draft, known, wish, item.amount, caller_refunds=False)
    draft.follow_money()


def _apply(draft: Draft, known: PaymentRecord, item: SuspenseItem) -> None:
    match item.reason:
        case SuspenseReason.AMOUNT_MISMATCH:
            _accept_amount(draft, known)
        case SuspenseReason.CURRENCY_MISMATCH:
            raise DomainError(
                ErrorCode.CURRENCY_MISMATCH,
                f"The order is in {draft.order.currency}, the money in {item.amount.currency}.",
                ("resolution",),
            )
        case SuspenseReason.LATE_PAYMENT | SuspenseReason.SURPLUS:
            _reopen(draft)
        case SuspenseReason.UNKNOWN_ORDER:
            raise AssertionError("money of an unknown order is on no order")
        case _:
            assert_never(item.reason)


def _accept_amount(draft: Draft, known: PaymentRecord) -> None:
    """Take what came for what was asked."""
    if not draft.order.is_open or known.state.captured.minor == 0:
        raise DomainError(
            ErrorCode.INVALID_STATE,
            f"The order is {draft.order.status} and nothing was captured that it could take."
            if known.state.captured.minor == 0
            else f"The order is {draft.order.status} and takes no money.",
            ("resolution",),
        )
    payment = replace(known.payment, amount_minor=known.state.captured.minor, updated_at=draft.now)
    accepted = PaymentRecord.of(payment, known.facts)
    if accepted.state.conflict is not None:
        raise DomainError(
            ErrorCode.INVALID_STATE,
            f"Something else differs, too: {accepted.state.conflict}.",
            ("resolution",),
        )
    state = accepted.state
    settled = replace(payment, status=state.status, late_authorized=state.late_authorized)
    draft.put(replace(accepted, payment=settled))
    draft.note(OrderEventType.PAYMENT_SUCCEEDED, payment_id=payment.id, amount=payment.amount)
    draft.follow_money()


def _reopen(draft: Draft) -> None:
    """Promise the goods after all, now that the money is there."""
    order = draft.order
    if order.is_open:
        raise DomainError(
            ErrorCode.INVALID_STATE, "The order is paid: it has no room for more.", ("resolution",)
        )
    if order.paid_minor - order.refunded_minor < order.total_minor:
        raise DomainError(
            ErrorCode.INVALID_STATE, "What was paid does not cover the order's total.", ("resolution",)
        )
    draft.order = replace(order, status=OrderStatus.CONFIRMED, called_off=False)
    draft.note(OrderEventType.ORDER_REOPENED)
