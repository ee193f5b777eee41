"""Which orders and payments a caller may touch. What is somebody else's looks exactly like what is missing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.domain.errors import DomainError, ErrorCode
from app.domain.states import EventSource
from db import reads

if TYPE_CHECKING:
    from uuid import UUID

    from app.auth import Caller
    from app.domain.order import Order, Payment
    from db.pool import Reader


async def order_for(reader: Reader, caller: Caller, order_id: UUID | None, field: str) -> Order:
    """Return the caller's order of that id.

    Raises:
        DomainError: NOT_FOUND when there is none, or it is somebody else's.
    """
    found = await reads.orders(reader, [order_id]) if order_id is not None else {}
    order = found.get(order_id) if order_id is not None else None
    if order is None or not caller.may_see(order):
        raise DomainError(ErrorCode.NOT_FOUND, "There is no such order, or it is not yours.", (field,))
    return order


async def payment_for(
    reader: Reader, caller: Caller, payment_id: UUID | None, field: str
) -> tuple[Payment, Order]:
    """Return the payment of that id and its order, when the order is the caller's.

    Raises:
        DomainError: NOT_FOUND when there is none, or it is somebody else's.
    """
    missing = DomainError(ErrorCode.NOT_FOUND, "There is no such payment, or it is not yours.", (field,))
    found = await reads.payments(reader, [payment_id]) if payment_id is not None else {}
    payment = found.get(payment_id) if payment_id is not None else None
    if payment is None:
        raise missing
    orders = await reads.orders(reader, [payment.order_id])
    order = orders[payment.order_id]
    if not caller.may_see(order):
        raise missing
    return payment, order


def require_staff(caller: Caller) -> None:
    """Refuse callers who aren't staff.

    Raises:
        DomainError: FORBIDDEN.
    """
    if not caller.is_staff:
        raise DomainError(ErrorCode.FORBIDDEN, "Only staff may do this. Send a staff key.")


def source_of(caller: Caller) -> EventSource:
    """Return who the timeline says did it."""
    return EventSource.STAFF if caller.is_staff else EventSource.API
