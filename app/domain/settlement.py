"""The decision: an order as it is and a change that is asked of it → the order as it becomes, and what to write.

Pure: no I/O, the clock is an argument. `app.settle` calls it under the order's lock.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from app.domain.changes import (
    CancelOrder,
    Change,
    Decision,
    ExpireOrder,
    FulfillOrder,
    OpenPayment,
    OrderRecord,
    Report,
    RequestRefund,
    ResolveSuspense,
)
from app.domain.draft import Draft
from app.domain.orders import cancel, expire, fulfill
from app.domain.placing import place_money
from app.domain.requests import open_payment, request_refund
from app.domain.resolving import resolve_suspense
from app.domain.states import PaymentStatus

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from app.domain.facts import Fact
    from app.domain.order import Payment


def decide(record: OrderRecord, change: Change, now: datetime) -> Decision:  # noqa: PLR0911 - a table
    """Decide what a change comes to.

    Raises:
        DomainError: the change is refused, and nothing is to be written.
    """
    match change:
        case Report():
            return _report(record, change, now)
        case OpenPayment():
            return open_payment(record, change, now)
        case RequestRefund():
            return request_refund(record, change, now)
        case ResolveSuspense():
            return resolve_suspense(record, change, now)
        case CancelOrder():
            return cancel(record, change, now)
        case ExpireOrder():
            return expire(record, change, now)
        case FulfillOrder():
            return fulfill(record, change, now)
        case _:
            assert_never(change)


def _standing(payment: Payment, report: Report) -> Sequence[Fact]:
    """Return the facts without our own conclusion, should the payment have got its gateway's reference meanwhile."""
    if not report.concluded or payment.reference == report.reference:
        return report.facts
    return [fact for fact in report.facts if fact.object_id != str(payment.id)]


def _is_there_after_all(payment: Payment, report: Report) -> bool:
    """Whether a payment is at its gateway that was given up since the gateway had none: there it is open still."""
    return (
        payment.status is PaymentStatus.CANCELED
        and payment.reference is None
        and report.reference is not None
    )


def _report(record: OrderRecord, report: Report, now: datetime) -> Decision:
    draft = Draft(record, report.source, now)
    known = record.payments[report.payment_id].payment
    facts = _standing(known, report)
    draft.learn(report.payment_id, facts, reference=report.reference, next_action=report.next_action)
    if report.asks or _is_there_after_all(known, report):
        draft.ask(report.payment_id)
    if draft.payments is not record.payments:
        draft.follow_money()
        place_money(draft)
    return draft.decision()
