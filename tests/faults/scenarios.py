"""The scenarios: small stories and troubles that together reach every point of the money path."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tests.faults import labouring, reconciling, stories, troubles

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from tests.faults.run import Run

SCENARIOS: Final[Mapping[str, Callable[[Run], Awaitable[None]]]] = {
    each.__name__: each
    for each in (
        stories.paid,
        stories.late_failure,
        stories.captured,
        stories.refunded,
        stories.payment_canceled,
        stories.order_canceled,
        stories.held_for_nothing,
        stories.several_payments,
        stories.surplus,
        stories.looked_up,
        stories.keys,
        reconciling.polled,
        reconciling.poll_of_nothing,
        reconciling.called_off,
        reconciling.refund_left_alone,
        reconciling.refund_refused,
        reconciling.backfilled,
        reconciling.held,
        reconciling.expired,
        reconciling.released,
        reconciling.replayed,
        reconciling.owed_for_nothing,
        reconciling.expiry_meets_money,
        reconciling.refund_in_doubt,
        reconciling.unknown_money,
        reconciling.replayed_in_vain,
        reconciling.poll_fails,
        reconciling.missing_gateway,
        troubles.cancel_meets_money,
        troubles.never_opened,
        troubles.in_doubt,
        stories.refund_fails,
        stories.disputed,
        troubles.gateway_trouble,
        troubles.refused_and_away,
        troubles.connections_cut,
        troubles.odd_deliveries,
        troubles.a_crowd,
        troubles.mishaps,
        troubles.restarted,
        troubles.database_away,
        labouring.gateway_rests,
        labouring.broken_work,
        labouring.held_up,
        labouring.too_much,
        labouring.taken_over,
        labouring.stopped_at_work,
        labouring.database_away_from_work,
    )
}
"""By name, cheap ones first."""
