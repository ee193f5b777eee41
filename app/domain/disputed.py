"""How much of a payment is disputed: what its disputes claim, less what the gateway gave back for them by itself.

Some gateways pay a lost dispute by a refund of the capture, and some merchants by one in the gateway's dashboard. That
money is gone once. A gateway whose facts name the capture, as `attempt_id` of disputes and refunds, has the two
matched; where none is named, nothing is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.domain.states import DisputeStatus, RefundStatus

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from app.domain.facts import Fact, FactsByKind
    from app.domain.refunds import Dispute, Refund


def disputed_minor(
    told: FactsByKind, disputes: Iterable[Dispute], refunds: Iterable[Refund], currency: str
) -> int:
    """Return what is disputed and neither won nor given back, in minor units of the payment's currency.

    What counts as given back for a capture's disputes is each of its refunds that we didn't ask for, made no earlier
    than the first of them was opened, by the gateway's clock.
    """
    claimed = {
        dispute.reference: dispute.amount.minor
        for dispute in disputes
        if dispute.status is not DisputeStatus.WON and dispute.amount.currency == currency
    }
    if not claimed:
        return 0
    claims = _by_capture(fact for fact in _all(told, "DISPUTE_") if claimed.get(fact.object_id))
    returned = {
        refund.reference: refund.amount.minor
        for refund in refunds
        if refund.status in (RefundStatus.PENDING, RefundStatus.SUCCEEDED)
        and refund.amount.currency == currency
    }
    ours = {fact.object_id for fact in _all(told, "REFUND_") if fact.own_id is not None}
    refunded = _by_capture(
        fact for fact in _all(told, "REFUND_") if fact.object_id in returned and fact.object_id not in ours
    )
    total = sum(claimed.values())
    for capture_id, opened in claims.items():
        first = min(opened.values())
        back = sum(
            returned[reference]
            for reference, made_at in refunded.get(capture_id, {}).items()
            if made_at >= first
        )
        total -= min(back, sum(claimed[reference] for reference in opened))
    return total


def _all(told: FactsByKind, prefix: str) -> Iterable[Fact]:
    return (fact for kind, facts in told.items() if kind.startswith(prefix) for fact in facts)


def _by_capture(facts: Iterable[Fact]) -> dict[str, dict[str, datetime]]:
    """Return when each object came to be, by the capture it is about; those that don't tell both are left out."""
    captures: dict[str, str] = {}
    times: dict[str, datetime] = {}
    for fact in facts:
        object_id = fact.object_id
        if fact.attempt_id is not None:
            captures[object_id] = max(captures.get(object_id, ""), fact.attempt_id)
        if fact.reported_at is not None:
            times[object_id] = min(times.get(object_id, fact.reported_at), fact.reported_at)
    found: dict[str, dict[str, datetime]] = {}
    for object_id, capture_id in captures.items():
        if object_id in times:
            found.setdefault(capture_id, {})[object_id] = times[object_id]
    return found
