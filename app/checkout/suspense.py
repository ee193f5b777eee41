"""Giving money that is in suspense its place, on a person's word: back, onto an order, or written off."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from uuid import uuid5

from app.batch import Command
from app.checkout.access import order_for, require
from app.checkout.catalog import check_text
from app.domain.changes import OpenPayment, ResolveSuspense
from app.domain.errors import DomainError, ErrorCode
from app.domain.order import Payment
from app.domain.states import CaptureMethod, EventSource, PaymentStatus, SuspenseResolution
from app.idempotency import Answer, Idempotency
from app.scopes import Scope
from db import suspense as store
from db.pool import is_conflict

if TYPE_CHECKING:
    from uuid import UUID

    from app.auth import Caller
    from app.domain.changes import Change
    from app.domain.order import Order
    from app.domain.suspense import SuspenseItem
    from app.settle import Settler
    from db.pool import Database

MESSAGE_LENGTH_MAX: Final = 500


class Suspense:
    """The use cases around money in suspense."""

    def __init__(self, *, database: Database, settler: Settler) -> None:
        self._database = database
        self._settler = settler
        self._keys = Idempotency(database)

    async def resolve(
        self,
        caller: Caller,
        item_id: UUID | None,
        resolution: SuspenseResolution,
        order_id: UUID | None,
        message: str | None,
        key: str,
    ) -> Answer:
        """Give an item's money its place. `order_id` is for money of an unknown order: where it belongs.

        Raises:
            DomainError: FORBIDDEN, NOT_FOUND, INVALID, INVALID_STATE (resolved before, or the order can't take
                it), CURRENCY_MISMATCH, or an idempotency error.
        """

        async def work(key_id: UUID) -> Answer:
            answer = Answer(suspense_id=item.id)
            if item.order_id is not None:
                change = ResolveSuspense(
                    item_id=item.id,
                    resolution=resolution,
                    message=message,
                    refund_id=key_id,
                    source=EventSource.STAFF,
                )
                await self._settle(item.order_id, change, key_id, answer)
            elif resolution is SuspenseResolution.APPLY_TO_ORDER:
                await self._adopt(item, await self._order(caller, item, order_id), key_id, answer)
            elif not await store.resolve_unknown(
                self._database, item, resolution, message, key_id, answer.to_json()
            ):
                raise _settled_before()
            return answer

        require(caller, Scope.SUSPENSE)
        if message is not None:
            check_text(message, MESSAGE_LENGTH_MAX, "message")
        item = await self._item(item_id)
        _check_order(item, resolution, order_id)
        asked = {"item": item.id, "resolution": resolution, "order": order_id, "message": message}
        return await self._keys.once(f"{caller.subject}:suspenseResolve", key, asked, work)

    async def _item(self, item_id: UUID | None) -> SuspenseItem:
        found = await store.items(self._database, [item_id]) if item_id is not None else {}
        if item_id is None or item_id not in found:
            raise DomainError(ErrorCode.NOT_FOUND, "There is no such suspense item.", ("id",))
        return found[item_id]

    async def _order(self, caller: Caller, item: SuspenseItem, order_id: UUID | None) -> Order:
        order = await order_for(self._database, caller, order_id, "orderId")
        if order.currency != item.amount.currency:
            raise DomainError(
                ErrorCode.CURRENCY_MISMATCH,
                f"The order is in {order.currency}, the money in {item.amount.currency}.",
                ("orderId",),
            )
        return order

    async def _adopt(self, item: SuspenseItem, order: Order, key_id: UUID, answer: Answer) -> None:
        """Make the money a payment of the order; its commit makes the deliveries due that told of it."""
        if not item.is_open:
            raise _settled_before()
        payment_id = uuid5(item.id, "payment")
        change = OpenPayment(
            payment=_payment_of(item, order, payment_id), amount=item.amount, source=EventSource.STAFF
        )
        try:
            await self._settle(order.id, change, key_id, answer)
        except Exception as error:  # whatever it is, it goes on, but for one that says who was first
            if is_conflict(error):  # another order has it by now
                raise _settled_before() from error
            raise

    async def _settle(self, order_id: UUID, change: Change, key_id: UUID, answer: Answer) -> None:
        await self._settler.submit(
            Command(order_id=order_id, change=change, key_id=key_id, answer=answer.to_json())
        )


def _check_order(item: SuspenseItem, resolution: SuspenseResolution, order_id: UUID | None) -> None:
    if item.order_id is not None and order_id not in (None, item.order_id):
        raise DomainError(
            ErrorCode.INVALID, "This money came for an order of its own: leave orderId out.", ("orderId",)
        )
    unknown = item.order_id is None and resolution is SuspenseResolution.APPLY_TO_ORDER
    if unknown and order_id is None:
        raise DomainError(ErrorCode.INVALID, "Say which order the money belongs to.", ("orderId",))


def _settled_before() -> DomainError:
    return DomainError(ErrorCode.INVALID_STATE, "This money has its place already.", ("id",))


def _payment_of(item: SuspenseItem, order: Order, payment_id: UUID) -> Payment:
    return Payment(
        id=payment_id,
        order_id=order.id,
        gateway=item.gateway,
        method=None,
        status=PaymentStatus.REQUIRES_PAYMENT_METHOD,
        capture_method=CaptureMethod.AUTOMATIC,
        currency=item.amount.currency,
        amount_minor=item.amount.minor,
        authorized_minor=0,
        captured_minor=0,
        refunded_minor=0,
        reference=item.reference,
        next_action=None,
        last_error=None,
        late_authorized=False,
        created_at=order.created_at,
        updated_at=order.updated_at,
    )
