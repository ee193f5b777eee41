"""What the tracking page is told of an order, found by its guest's token."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from app.domain.ids import IdPrefix, encode_id
from app.domain.money import Money
from app.web.tracked import TrackedEvent, TrackedLine, TrackedOrder
from schema.cursors import encode_version

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.domain.events import OrderEvent
    from app.domain.order import Order, OrderLine
    from app.views import Views

EVENTS_MAX: Final = 500
"""The page shows the first so many; the live part goes on from there."""


class Tracking:
    """Reads orders for the tracking page."""

    def __init__(self, views: Views) -> None:
        self._views = views

    async def load(self, token: str) -> TrackedOrder | None:
        """Return the order that a token opens now."""
        order = await self._views.order_by_token(token)
        if order is None:
            return None
        lines = (await self._views.lines_of([order.id])).get(order.id, [])
        events = (await self._views.events(order.id, 0, EVENTS_MAX)).items
        return tracked_order(order, lines, events)


def tracked_order(order: Order, lines: Sequence[OrderLine], events: Sequence[OrderEvent]) -> TrackedOrder:
    """Put together what was read, the order first.

    What was committed between the reads is left out: the page would stand at the old state, and wait behind the
    events that had changed it.
    """
    return TrackedOrder(
        id=encode_id(IdPrefix.ORDER, order.id),
        number=order.number,
        status=order.status,
        payment_status=order.payment_status,
        fulfillment_status=order.fulfillment_status,
        version=order.version,
        total=Money(order.total_minor, order.currency),
        paid=Money(order.paid_minor, order.currency),
        refunded=Money(order.refunded_minor, order.currency),
        balance=order.balance,
        payment_in_progress=order.payment_in_progress,
        lines=tuple(TrackedLine(name=line.name, quantity=line.quantity, total=line.total) for line in lines),
        events=tuple(
            TrackedEvent(
                version=event.version,
                cursor=encode_version(event.version),
                type=event.type,
                occurred_at=event.occurred_at,
                message=event.message,
                amount=event.amount,
            )
            for event in events
            if event.version <= order.version
        ),
    )
