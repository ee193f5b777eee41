"""Which orders and payments a caller may touch. What is somebody else's looks exactly like what is missing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.domain.errors import DomainError, ErrorCode
from app.domain.states import EventSource
from app.scopes import Scope
from db import reads

if TYPE_CHECKING:
    from uuid import UUID

    from app.auth import Caller
    from app.domain.order import Order, Payment
    from db.pool import Reader


async def order_for(
    reader: Reader, caller: Caller, order_id: UUID | None, field: str, scope: Scope = Scope.READ
) -> Order:
    """Return the order of that id, for what the scope names; its owner needs no scope.

    Raises:
        DomainError: NOT_FOUND when there is none, or it is somebody else's; FORBIDDEN when they may only see it.
    """
    found = await reads.orders(reader, [order_id]) if order_id is not None else {}
    order = found.get(order_id) if order_id is not None else None
    if order is None or not caller.may_see(order):
        raise DomainError(ErrorCode.NOT_FOUND, "There is no such order, or it is not yours.", (field,))
    _check_change(caller, order, scope)
    return order


async def payment_for(
    reader: Reader, caller: Caller, payment_id: UUID | None, field: str, scope: Scope = Scope.PAYMENTS
) -> tuple[Payment, Order]:
    """Return the payment of that id and its order, for what the scope names; the order's owner needs no scope.

    Raises:
        DomainError: NOT_FOUND when there is none, or it is somebody else's; FORBIDDEN when they may only see it.
    """
    found = await reads.payments(reader, [payment_id]) if payment_id is not None else {}
    payment = found.get(payment_id) if payment_id is not None else None
    # What is missing has no order either, and takes as many statements to say so.
    owner_id = payment.order_id if payment is not None else payment_id
    orders = await reads.orders(reader, [owner_id]) if owner_id is not None else {}
    order = orders.get(owner_id) if payment is not None and owner_id is not None else None
    if payment is None or order is None or not caller.may_see(order):
        raise DomainError(ErrorCode.NOT_FOUND, "There is no such payment, or it is not yours.", (field,))
    _check_change(caller, order, scope)
    return payment, order


def require(caller: Caller, scope: Scope) -> None:
    """Refuse callers who haven't a scope.

    Raises:
        DomainError: FORBIDDEN.
    """
    if not caller.has(scope):
        raise _forbidden(scope)


def _check_change(caller: Caller, order: Order, scope: Scope) -> None:
    if not caller.may_change(order, scope):
        raise _forbidden(scope)


def _forbidden(scope: Scope) -> DomainError:
    return DomainError(ErrorCode.FORBIDDEN, f"Only staff may do this. Send a key of the scope {scope}.")


def source_of(caller: Caller) -> EventSource:
    """Return who the timeline says did it."""
    return EventSource.STAFF if caller.is_staff else EventSource.API
