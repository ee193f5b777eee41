"""What the tracking page is told is one moment's truth, whatever is committed while it is read."""

from __future__ import annotations

from dataclasses import replace

from app.domain.events import OrderEvent
from app.domain.states import EventSource, OrderEventType
from app.tracking import tracked_order
from schema.cursors import encode_version
from tests.making import an_order


def an_event(version: int) -> OrderEvent:
    order = an_order()
    return OrderEvent(
        order_id=order.id,
        version=version,
        type=OrderEventType.PAYMENT_PROCESSING,
        source=EventSource.WEBHOOK,
        status=order.status,
        payment_status=order.payment_status,
        fulfillment_status=order.fulfillment_status,
        payment_id=None,
        amount=None,
        message=None,
        occurred_at=order.created_at,
        reported_at=None,
    )


def test_events_committed_after_the_order_was_read_are_left_to_the_live_part() -> None:
    read_before = replace(an_order(), version=2)
    read_after = [an_event(version) for version in (1, 2, 3, 4)]

    tracked = tracked_order(read_before, [], read_after)

    assert [event.version for event in tracked.events] == [1, 2]
    assert tracked.events[-1].cursor == encode_version(2)
    assert tracked.version == 2
