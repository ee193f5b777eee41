"""What callers and the clock want of the order itself: called off, run out of time, delivered."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from app.domain.changes import CancelOrder, Decision, ExpireOrder, FulfillOrder, OrderRecord
from app.domain.draft import Draft
from app.domain.errors import DomainError, ErrorCode
from app.domain.machines import FULFILLMENT_MACHINE
from app.domain.placing import place_money
from app.domain.states import OrderEventType, OrderStatus

if TYPE_CHECKING:
    from datetime import datetime

    from app.domain.order import Order


def cancel(record: OrderRecord, change: CancelOrder, now: datetime) -> Decision:
    """Call an order off. What was paid on it is owed back.

    Raises:
        DomainError: VERSION_CONFLICT, INVALID_STATE or PAYMENT_IN_PROGRESS.
    """
    order = record.order
    if order.status is OrderStatus.CANCELED:
        return Decision(record=record)
    _expect_version(order, change.expected_version)
    allowed = {OrderStatus.PENDING, OrderStatus.CONFIRMED} if change.confirmed_too else {OrderStatus.PENDING}
    if order.status not in allowed:
        raise DomainError(ErrorCode.INVALID_STATE, f"The order is {order.status} and can't be canceled.")
    if order.payment_in_progress:
        raise DomainError(
            ErrorCode.PAYMENT_IN_PROGRESS,
            "A payment for this order is under way. Wait for its outcome, or cancel it first.",
        )
    draft = Draft(record, change.source, now)
    called_off = order.status is OrderStatus.CONFIRMED or order.paid_minor > 0
    draft.order = replace(order, status=OrderStatus.CANCELED, called_off=called_off)
    draft.note(OrderEventType.ORDER_CANCELED, message=change.reason)
    place_money(draft, owed_back=True)
    return draft.decision()


def expire(record: OrderRecord, change: ExpireOrder, now: datetime) -> Decision:
    """Give up an order whose time to pay ran out; one that is paid, under way or not due yet stays as it is."""
    order = record.order
    due = order.expires_at is not None and order.expires_at <= now
    if order.status is not OrderStatus.PENDING or order.payment_in_progress or not due:
        return Decision(record=record)
    draft = Draft(record, change.source, now)
    draft.order = replace(order, status=OrderStatus.EXPIRED)
    draft.note(OrderEventType.ORDER_EXPIRED)
    place_money(draft)
    return draft.decision()


def fulfill(record: OrderRecord, change: FulfillOrder, now: datetime) -> Decision:
    """Say where the goods are.

    Raises:
        DomainError: VERSION_CONFLICT or INVALID_STATE.
    """
    order = record.order
    if order.fulfillment_status is change.status:
        return Decision(record=record)
    _expect_version(order, change.expected_version)
    if order.status not in (OrderStatus.CONFIRMED, OrderStatus.COMPLETED):
        raise DomainError(
            ErrorCode.INVALID_STATE, f"The order is {order.status}: there is nothing to deliver."
        )
    if not FULFILLMENT_MACHINE.allows(order.fulfillment_status, change.status):
        raise DomainError(
            ErrorCode.INVALID_STATE,
            f"Goods that are {order.fulfillment_status} can't become {change.status}.",
            ("status",),
        )
    draft = Draft(record, change.source, now)
    draft.order = replace(order, fulfillment_status=change.status)
    draft.note(OrderEventType.FULFILLMENT_CHANGED, message=change.message)
    return draft.decision()


def _expect_version(order: Order, expected: int | None) -> None:
    if expected is not None and expected != order.version:
        raise DomainError(
            ErrorCode.VERSION_CONFLICT,
            f"The order is at version {order.version}, not {expected}. Read it again.",
            ("expectedVersion",),
        )
