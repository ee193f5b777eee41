"""Reading for callers: what they may see, and nothing about what they may not."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import TYPE_CHECKING

from app.checkout.access import order_for, require
from app.gateways import offer
from app.pages import PAGE_MAX, Page
from app.scopes import Scope
from app.staff import StaffViews
from db import orders as store
from db import reads
from db.orders import Product
from db.reads import LogPosition, OrderCriteria

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence
    from uuid import UUID

    from app.auth import Authenticator, Caller
    from app.domain.events import OrderEvent
    from app.domain.order import Order, OrderAdjustment, OrderLine, Payment
    from app.domain.payment import PaymentAttempt
    from app.domain.refunds import Dispute, Refund
    from app.domain.states import PaymentMethodType
    from app.gateways import Gateway, GatewayRegistry
    from db.pool import Database, Moment, Reader

__all__ = ["PAGE_MAX", "LogPosition", "OrderCriteria", "Page", "Product", "Views"]


class Views:
    """The read side. What takes a caller checks; what takes many ids is for what hangs on checked things."""

    def __init__(self, database: Database, authenticator: Authenticator, gateways: GatewayRegistry) -> None:
        self._database = database
        self._reader: Reader = database
        self._authenticator = authenticator
        self._gateways = gateways

    @contextlib.asynccontextmanager
    async def at_one_moment(self) -> AsyncIterator[MomentaryViews]:
        """Lend views that all see one moment: an order, its payments and its events then agree."""
        async with self._database.moment() as moment:
            yield MomentaryViews(moment, self)

    @property
    def staff(self) -> StaffViews:
        """What only staff see."""
        return StaffViews(self._reader)

    async def order(self, caller: Caller, order_id: UUID) -> Order | None:
        """Return an order that the caller may see."""
        order = (await reads.orders(self._reader, [order_id])).get(order_id)
        return order if order is not None and caller.may_see(order) else None

    async def order_by_token(self, token: str) -> Order | None:
        """Return the order that a guest's token opens now."""
        order_id = await self._authenticator.order_of(token)
        return (await reads.orders(self._reader, [order_id])).get(order_id) if order_id else None

    async def payment(self, caller: Caller, payment_id: UUID) -> Payment | None:
        """Return a payment of an order that the caller may see."""
        payment = (await reads.payments(self._reader, [payment_id])).get(payment_id)
        # What is missing has no order either, and takes as many statements to say so.
        order = await self.order(caller, payment.order_id if payment is not None else payment_id)
        return payment if order is not None else None

    async def refund(self, caller: Caller, refund_id: UUID) -> Refund | None:
        """Return a refund of an order that the caller may see."""
        payment_id = await reads.refund_owner(self._reader, refund_id) or refund_id  # as above
        if await self.payment(caller, payment_id) is None:
            return None
        found = await reads.refunds_of(self._reader, [payment_id])
        return next((refund for refund in found.get(payment_id, ()) if refund.id == refund_id), None)

    async def dispute(self, caller: Caller, dispute_id: UUID) -> Dispute | None:
        """Return a dispute of an order that the caller may see."""
        payment_id = await reads.dispute_owner(self._reader, dispute_id) or dispute_id  # as above
        if await self.payment(caller, payment_id) is None:
            return None
        found = await reads.disputes_of(self._reader, [payment_id])
        return next((dispute for dispute in found.get(payment_id, ()) if dispute.id == dispute_id), None)

    async def product(self, caller: Caller, product_id: UUID) -> Product | None:
        """Return a product; one that is no longer sold only to staff."""
        product = (await store.products(self._reader, [product_id])).get(product_id)
        return product if product is not None and (product.active or caller.has(Scope.CATALOG)) else None

    async def products(self, caller: Caller, after: UUID | None, first: int) -> Page[Product]:
        """Return a page of the catalogue; what is no longer sold only to staff."""
        found = await store.products_page(
            self._reader, after, first + 1, active_only=not caller.has(Scope.CATALOG)
        )
        return Page(items=found[:first], has_more=len(found) > first)

    async def orders(self, caller: Caller, criteria: OrderCriteria, first: int) -> Page[Order]:
        """Return a page of the caller's own orders, or to staff of all."""
        if not caller.has(Scope.READ):
            if caller.customer_id is None:
                order = await self.order(caller, caller.order_id) if caller.order_id else None
                return Page(items=[order] if order and criteria.after is None else [], has_more=False)
            criteria = replace(criteria, customer_id=caller.customer_id)
        found = await reads.orders_page(self._reader, criteria, first + 1)
        return Page(items=found[:first], has_more=len(found) > first)

    async def events(self, order_id: UUID, after_version: int, first: int) -> Page[OrderEvent]:
        """Return a page of a checked order's events, oldest first."""
        return (await self.events_of({order_id: after_version}, first))[order_id]

    async def events_of(self, after: Mapping[UUID, int], first: int) -> dict[UUID, Page[OrderEvent]]:
        """Return a page of each order's events beyond a version, oldest first (1 statement)."""
        found = await reads.events_of(self._reader, after, first + 1)
        return {
            order_id: Page(items=events[:first], has_more=len(events) > first)
            for order_id, events in found.items()
        }

    async def log(self, after: LogPosition | None, limit: int) -> list[tuple[LogPosition, OrderEvent]]:
        """Return every order's events in commit order, only those that no earlier one can still join."""
        return await reads.log(self._reader, after, limit)

    async def log_end(self) -> LogPosition:
        """Return the position from which on everything is new."""
        return await reads.log_end(self._reader)

    async def payment_options(
        self, caller: Caller, order_id: UUID | None, country: str | None = None
    ) -> list[tuple[Gateway, tuple[PaymentMethodType, ...]]]:
        """Return the gateways that can take now what a caller's order has left to pay, each with its methods.

        `country` is where the shopper is, as ISO 3166-1 alpha-2.

        Raises:
            DomainError: NOT_FOUND.
        """
        order = await order_for(self._reader, caller, order_id, "orderId")
        choices = (
            (gateway, offer(gateway, order.balance, country))
            for gateway in self._gateways
            if gateway.available
        )
        return [(gateway, methods) for gateway, methods in choices if methods]

    def gateways(self, caller: Caller) -> list[Gateway]:
        """Return the gateways that are set up, for those who look after them.

        Raises:
            DomainError: FORBIDDEN.
        """
        require(caller, Scope.BOOKS)
        return list(self._gateways)

    async def orders_of(self, ids: Sequence[UUID]) -> dict[UUID, Order]:
        """Return orders by id (1 statement)."""
        return await reads.orders(self._reader, ids)

    async def payments_by_id(self, ids: Sequence[UUID]) -> dict[UUID, Payment]:
        """Return payments by id (1 statement)."""
        return await reads.payments(self._reader, ids)

    async def lines_of(self, order_ids: Sequence[UUID]) -> dict[UUID, list[OrderLine]]:
        """Return the lines of orders (1 statement)."""
        return await reads.lines(self._reader, order_ids)

    async def adjustments_of(self, order_ids: Sequence[UUID]) -> dict[UUID, list[OrderAdjustment]]:
        """Return the adjustments of orders (1 statement)."""
        return await reads.adjustments(self._reader, order_ids)

    async def payments_of(self, order_ids: Sequence[UUID]) -> dict[UUID, list[Payment]]:
        """Return the payments of orders, oldest first (1 statement)."""
        return await reads.payments_of(self._reader, order_ids)

    async def attempts_of(self, payment_ids: Sequence[UUID]) -> dict[UUID, list[PaymentAttempt]]:
        """Return the attempts of payments, oldest first (1 statement)."""
        return await reads.attempts_of(self._reader, payment_ids)

    async def refunds_of(self, payment_ids: Sequence[UUID]) -> dict[UUID, list[Refund]]:
        """Return the refunds of payments (1 statement)."""
        return await reads.refunds_of(self._reader, payment_ids)

    async def disputes_of(self, payment_ids: Sequence[UUID]) -> dict[UUID, list[Dispute]]:
        """Return the disputes of payments (1 statement)."""
        return await reads.disputes_of(self._reader, payment_ids)


class MomentaryViews(Views):
    """The same, as of one moment."""

    def __init__(self, moment: Moment, views: Views) -> None:
        super().__init__(views._database, views._authenticator, views._gateways)  # noqa: SLF001 - of one class
        self._reader = moment
        self._moment = moment

    def renew(self) -> None:
        """Let the next read see what was committed meanwhile."""
        self._moment.renew()
