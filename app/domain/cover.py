"""Whether the payments ever covered a total: then the shop has promised, however the news of it came in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from app.domain.changes import terms_of
from app.domain.facts import FactKind
from app.domain.order import order_money
from app.domain.payment import payment_state
from app.domain.states import PaymentStatus

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from app.domain.changes import PaymentRecord

_COMES: Final = frozenset({FactKind.AUTHORIZED, FactKind.CAPTURED})


def ever_covered(records: Iterable[PaymentRecord], total_minor: int) -> bool:
    """Whether what was authorised and captured, and not given back yet, reached the total at any time.

    Times are the gateways' where they give them. Money is there from the instant at which it came; what goes back or
    is let go counts from just after its own, and never before the money itself. So the order of tellings makes no
    difference.
    """
    counted = [record for record in records if record.state.status is not PaymentStatus.CONFLICTED]
    instants = {instant for record in counted for instant in _comings(record)}
    return any(sum(_cover(record, at) for record in counted) >= total_minor for at in instants)


def _comings(record: PaymentRecord) -> list[datetime]:
    return [fact.happened_at for fact in record.facts.values() if fact.kind in _COMES]


def _cover(record: PaymentRecord, at: datetime) -> int:
    """Return what of a payment was there at an instant."""
    came = min(_comings(record), default=at)
    known = [
        fact
        for fact in record.facts.values()
        if (fact.happened_at <= at if fact.kind in _COMES else max(fact.happened_at, came) < at)
    ]
    return order_money((payment_state(terms_of(record.payment), known),)).cover
