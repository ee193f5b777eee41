"""Orders: three axes, never one."""

from datetime import datetime
from typing import Annotated, Self

import strawberry

from app.domain import order as domain
from app.domain.ids import IdPrefix, encode_id
from app.views import Page
from schema.connections import PageInfo, page_info, page_size
from schema.context import Info
from schema.cursors import decode_version, encode_order
from schema.enums import (
    FulfillmentStatus,
    LatePaymentPolicy,
    OrderAdjustmentKind,
    OrderPaymentStatus,
    OrderSort,
    OrderStatus,
)
from schema.events import OrderEventConnection
from schema.fields import field
from schema.loaders import EventsKey
from schema.money import Money
from schema.node import Node
from schema.payments import Payment
from schema.scalars import JSON, Cursor

EVENTS_DEFAULT = 50


@strawberry.type(description="What was ordered. Fixed when the order is created.")
class OrderLine:
    """One line."""

    sku: str
    name: str
    quantity: int
    unit_price: Money
    total: Money

    @classmethod
    def of(cls, line: domain.OrderLine) -> Self:
        """Return the API's form of a line."""
        return cls(
            sku=line.sku,
            name=line.name,
            quantity=line.quantity,
            unit_price=Money.of(line.unit_price),
            total=Money.of(line.total),
        )


@strawberry.type(description="An amount beside the lines. A discount is negative.")
class OrderAdjustment:
    """One adjustment."""

    kind: OrderAdjustmentKind
    label: str
    amount: Money

    @classmethod
    def of(cls, adjustment: domain.OrderAdjustment) -> Self:
        """Return the API's form of an adjustment."""
        return cls(kind=adjustment.kind, label=adjustment.label, amount=Money.of(adjustment.amount))


@strawberry.type(description="What a shopper wants, what was paid for it, and where it is.")
class Order(Node):
    """One order. `snapshot` holds all that belongs to it when it came with the change; else it is read."""

    number: str = strawberry.field(
        description="Short, human, unguessable enough to read out on the phone; not a secret."
    )
    status: OrderStatus
    payment_status: OrderPaymentStatus
    fulfillment_status: FulfillmentStatus
    version: int = strawberry.field(
        description="Rises by exactly one with every committed change: 1, 2, 3 … without a gap."
    )
    customer_id: str | None
    customer_email: str | None
    total: Money = strawberry.field(
        description="Lines and adjustments together; fixed when the order is created."
    )
    paid: Money
    refunded: Money
    balance: Money = strawberry.field(description="total - paid + refunded on open orders, never below zero.")
    surplus: Money = strawberry.field(description="Money held beyond what the order may keep.")
    payment_in_progress: bool = strawberry.field(
        description="True while a shopper's money may be on its way: do not offer to pay again."
    )
    late_payment_policy: LatePaymentPolicy
    expires_at: datetime | None = strawberry.field(description="Until when the order waits to be paid.")
    metadata: JSON = strawberry.field(description="What the shop's back end attached when it made the order.")
    created_at: datetime
    updated_at: datetime
    row: strawberry.Private[domain.Order]
    snapshot: strawberry.Private[domain.OrderSnapshot | None] = None

    @classmethod
    def of(cls, order: domain.Order) -> Self:
        """Return the API's form of an order; what belongs to it is read when it is asked for."""
        return cls._of(order, None)

    @classmethod
    def of_snapshot(cls, snapshot: domain.OrderSnapshot) -> Self:
        """Return the API's form of an order with all that belongs to it: nothing is read but its events."""
        return cls._of(snapshot.order, snapshot)

    @classmethod
    def _of(cls, row: domain.Order, snapshot: domain.OrderSnapshot | None) -> Self:
        return cls(
            id=strawberry.ID(encode_id(IdPrefix.ORDER, row.id)),
            number=row.number,
            status=row.status,
            payment_status=row.payment_status,
            fulfillment_status=row.fulfillment_status,
            version=row.version,
            customer_id=row.customer_id,
            customer_email=row.customer_email,
            total=Money.of_minor(row.total_minor, row.currency),
            paid=Money.of_minor(row.paid_minor, row.currency),
            refunded=Money.of_minor(row.refunded_minor, row.currency),
            balance=Money.of(row.balance),
            surplus=Money.of(row.surplus),
            payment_in_progress=row.payment_in_progress,
            late_payment_policy=row.late_payment_policy,
            expires_at=row.expires_at,
            metadata=JSON(row.metadata),
            created_at=row.created_at,
            updated_at=row.updated_at,
            row=row,
            snapshot=snapshot,
        )

    @strawberry.field
    async def lines(self, info: Info) -> list[OrderLine]:
        """Return the lines, as they were ordered."""
        held = self.snapshot
        found = held.lines if held else await info.context.loaders.lines.load(self.row.id)
        return [OrderLine.of(line) for line in found]

    @strawberry.field
    async def adjustments(self, info: Info) -> list[OrderAdjustment]:
        """Return shipping, taxes and discounts."""
        held = self.snapshot
        found = held.adjustments if held else await info.context.loaders.adjustments.load(self.row.id)
        return [OrderAdjustment.of(adjustment) for adjustment in found]

    @field("All payments that were opened for the order, oldest first.")
    async def payments(self, info: Info) -> list[Payment]:
        """Return the payments."""
        if self.snapshot is not None:
            return [Payment.of_details(details, self.snapshot) for details in self.snapshot.payments]
        return [Payment.of(payment) for payment in await info.context.loaders.payments.load(self.row.id)]

    @field("What happened to the order, oldest first.")
    async def events(
        self,
        info: Info,
        first: int | None = EVENTS_DEFAULT,
        after: Annotated[Cursor | None, strawberry.argument(description="The event before the page.")] = None,
    ) -> OrderEventConnection:
        """Return a page of the order's events."""
        size = page_size(first, EVENTS_DEFAULT)
        version = 0 if after is None else decode_version(after, self.row.id)
        page = await info.context.loaders.events.load(EventsKey(self.row.id, version, size))
        return OrderEventConnection.of(page, self, after=after)


@strawberry.type(description="An order and its place in the list.")
class OrderEdge:
    """An order in a page."""

    node: Order
    cursor: Cursor


@strawberry.type(description="A page of orders.")
class OrderConnection:
    """A page of orders."""

    edges: list[OrderEdge]
    nodes: list[Order]
    page_info: PageInfo

    @classmethod
    def of(cls, page: Page[domain.Order], sort: OrderSort, *, after: str | None) -> Self:
        """Return the API's form of a page of orders."""
        nodes = [Order.of(order) for order in page.items]
        cursors = [encode_order(order, sort) for order in page.items]
        return cls(
            edges=[OrderEdge(node=node, cursor=cursor) for node, cursor in zip(nodes, cursors, strict=True)],
            nodes=nodes,
            page_info=page_info(cursors, has_more=page.has_more, after=after),
        )
