"""Order events: the numbered log of what changed, as pages and as streams show it."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Self

import strawberry

from app.domain import events as domain
from app.domain.ids import IdPrefix, encode_id
from app.views import Page
from schema.connections import PageInfo, page_info
from schema.context import Info
from schema.cursors import encode_version
from schema.enums import EventSource, FulfillmentStatus, OrderEventType, OrderPaymentStatus, OrderStatus
from schema.fields import field
from schema.money import Money
from schema.scalars import Cursor

if TYPE_CHECKING:
    from schema.orders import Order


@strawberry.type(description="One committed change of one order. Immutable.")
class OrderEvent:
    """One event. `holder` is its order, where it came with the event."""

    cursor: Cursor = strawberry.field(description="Resume from here: `orderEvents(after:)`.")
    order_id: strawberry.ID
    version: int = strawberry.field(description="Which of the order's versions this event made.")
    type: OrderEventType
    source: EventSource
    status: OrderStatus = strawberry.field(
        description="The order's status at `version`; likewise the next two."
    )
    payment_status: OrderPaymentStatus
    fulfillment_status: FulfillmentStatus
    payment_id: strawberry.ID | None
    amount: Money | None
    message: str | None
    occurred_at: datetime
    reported_at: datetime | None = strawberry.field(
        description="When the gateway says it happened, where it does."
    )
    event: strawberry.Private[domain.OrderEvent]
    holder: strawberry.Private["Order | None"]

    @classmethod
    def of(
        cls, event: domain.OrderEvent, *, holder: "Order | None" = None, cursor: Cursor | None = None
    ) -> Self:
        """Return the API's form of an event; its cursor is the version unless another is given."""
        return cls(
            cursor=cursor or encode_version(event.version),
            order_id=strawberry.ID(encode_id(IdPrefix.ORDER, event.order_id)),
            version=event.version,
            type=event.type,
            source=event.source,
            status=event.status,
            payment_status=event.payment_status,
            fulfillment_status=event.fulfillment_status,
            payment_id=_payment_id(event),
            amount=Money.of(event.amount) if event.amount else None,
            message=event.message,
            occurred_at=event.occurred_at,
            reported_at=event.reported_at,
            event=event,
            holder=holder,
        )

    @field("The order as it is now (not as it was at `version`).")
    async def order(self, info: Info) -> Annotated["Order", strawberry.lazy("schema.orders")]:
        """Return the order."""
        from schema.orders import Order  # noqa: PLC0415 - an order holds events, an event its order

        if self.holder is not None:
            return self.holder
        order = await info.context.loaders.orders.load(self.event.order_id)
        assert order is not None, "an event's order is never deleted"  # noqa: S101 - a foreign key holds it
        return Order.of(order)


def _payment_id(event: domain.OrderEvent) -> strawberry.ID | None:
    return strawberry.ID(encode_id(IdPrefix.PAYMENT, event.payment_id)) if event.payment_id else None


@strawberry.type(description="An event and its place in the list.")
class OrderEventEdge:
    """An event in a page."""

    node: OrderEvent
    cursor: Cursor


@strawberry.type(description="A page of an order's events, oldest first.")
class OrderEventConnection:
    """A page of events."""

    edges: list[OrderEventEdge]
    nodes: list[OrderEvent]
    page_info: PageInfo

    @classmethod
    def of(cls, page: Page[domain.OrderEvent], holder: "Order", *, after: str | None) -> Self:
        """Return the API's form of a page of one order's events."""
        nodes = [OrderEvent.of(event, holder=holder) for event in page.items]
        return cls(
            edges=[OrderEventEdge(node=node, cursor=node.cursor) for node in nodes],
            nodes=nodes,
            page_info=page_info([node.cursor for node in nodes], has_more=page.has_more, after=after),
        )
