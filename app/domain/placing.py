"""Giving money a place: what an order may not keep is refunded or held, in the very decision in which it arises."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from uuid import uuid5

from app.domain.facts import LONG_AGO, Fact, FactKind
from app.domain.jobs import Job
from app.domain.money import Money
from app.domain.states import (
    EventSource,
    JobKind,
    LatePaymentPolicy,
    OrderEventType,
    PaymentStatus,
    RefundInitiator,
    RefundStatus,
    SuspenseReason,
    SuspenseResolution,
)
from app.domain.suspense import CONFLICTS, SuspenseItem, conflict_of, item_id, parked, with_amount

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from app.domain.changes import PaymentRecord
    from app.domain.draft import Draft

_BY_RULE = (RefundInitiator.LATE_PAYMENT, RefundInitiator.SURPLUS, RefundInitiator.STAFF)


def place_money(draft: Draft, *, owed_back: bool = False) -> None:
    """Place what no order may keep. `owed_back`: the shop itself called a paid order off, so it gives all back."""
    if _is_plain(draft):
        return
    _place_conflicts(draft)
    if draft.suspense:
        _shrink_to_payments(draft)
    excess = _excess(draft)
    if excess > 0:
        _place_excess(draft, excess, owed_back=owed_back)
    elif excess < 0 and draft.suspense:
        _make_room(draft, -excess)
    _give_up_authorizations(draft)


def _is_plain(draft: Draft) -> bool:
    """Whether the order keeps all that there is, as nearly all do: one payment, as asked, up to an open total."""
    if len(draft.payments) != 1 or draft.suspense or not draft.order.is_open:
        return False
    (record,) = draft.payments.values()
    state = record.state
    return state.status is not PaymentStatus.CONFLICTED and state.authorized.minor <= draft.order.total_minor


def _counted(draft: Draft) -> list[PaymentRecord]:
    return [r for r in draft.payments.values() if r.state.status is not PaymentStatus.CONFLICTED]


def _excess(draft: Draft) -> int:
    """Return what is held beyond what the order may keep and beyond what has a place; below zero for room left."""
    keeps = draft.order.total_minor if draft.order.is_open else 0
    held = sum(max(r.state.refundable.minor, 0) - parked(draft.suspense, r) for r in _counted(draft))
    return held - keeps


def _place_conflicts(draft: Draft) -> None:
    """Hold the money of payments whose amount or currency is not what was asked, and let it go when it is."""
    for payment_id, record in draft.payments.items():
        found = conflict_of(record)
        if found is None and not draft.suspense:
            continue
        if record.state.status is PaymentStatus.CONFLICTED:  # all of it is in question now, or gone
            for other in _open_items(draft, record):
                moved = SuspenseResolution.APPLY_TO_ORDER if found else SuspenseResolution.REFUND
                _resolve(draft, other, moved)
        item = draft.suspense.get(item_id(payment_id, SuspenseReason.AMOUNT_MISMATCH))
        if found is not None:
            reason, amount = found
            if item is None or not _settled(item, amount):
                _hold(draft, record, item_id(payment_id, reason), reason, amount)
        elif item is not None and item.is_open:
            right = record.state.status is not PaymentStatus.CONFLICTED
            _resolve(draft, item, SuspenseResolution.APPLY_TO_ORDER if right else SuspenseResolution.REFUND)


def _settled(item: SuspenseItem, amount: Money) -> bool:
    """Whether an item already says all that there is to say about an amount."""
    return item.amount == amount and (item.is_open or item.resolution is SuspenseResolution.WRITE_OFF)


def _shrink_to_payments(draft: Draft) -> None:
    """What was given back, or taken back by the bank, is held no longer."""
    for record in _counted(draft):
        left = max(record.state.refundable.minor, 0)
        for item in _open_items(draft, record):
            if item.amount.minor > left:
                _lower(draft, item, item.amount.minor - left, SuspenseResolution.REFUND)
            left -= min(item.amount.minor, left)


def _open_items(draft: Draft, record: PaymentRecord) -> list[SuspenseItem]:
    return [
        item
        for item in draft.suspense.values()
        if item.payment_id == record.payment.id and item.is_open and item.reason not in CONFLICTS
    ]


def _make_room(draft: Draft, room: int) -> None:
    """Let held money take the place that the order has for it now."""
    for record in sorted(_counted(draft), key=_came_in):
        for item in _open_items(draft, record):
            taken = min(item.amount.minor, room)
            if taken:
                _lower(draft, item, taken, SuspenseResolution.APPLY_TO_ORDER)
                room -= taken


def _place_excess(draft: Draft, excess: int, *, owed_back: bool) -> None:
    """Refund or hold what is too much, of the newest payments first: whoever paid first has the order."""
    for record in sorted(_counted(draft), key=_came_in, reverse=True):
        free = max(record.state.refundable.minor, 0) - parked(draft.suspense, record)
        part = Money(min(free, excess), record.payment.currency)
        if part.minor <= 0:
            continue
        excess -= part.minor
        if _refunds(draft, record, owed_back=owed_back):
            _refund(draft, record, part, owed_back=owed_back)
        else:
            late = not draft.order.is_open
            _add(draft, record, SuspenseReason.LATE_PAYMENT if late else SuspenseReason.SURPLUS, part)


def _came_in(record: PaymentRecord) -> tuple[datetime, str]:
    """Return when we learned of a payment's first captured money; the order of our commits, not of clocks."""
    times = [fact.recorded_at or LONG_AGO for fact in record.facts.values() if fact.kind is FactKind.CAPTURED]
    return min(times, default=LONG_AGO), str(record.payment.id)


def _refunds(draft: Draft, record: PaymentRecord, *, owed_back: bool) -> bool:
    """Whether this money is sent back, for it is owed or by the policy; where that failed before, a person looks."""
    failed = {r.id for r in record.state.refunds if r.status in (RefundStatus.FAILED, RefundStatus.CANCELED)}
    if failed and not failed.isdisjoint(_rule_ids(record)):
        return False
    if owed_back:
        return True
    order = draft.order
    match order.late_payment_policy:
        case LatePaymentPolicy.REFUND:
            return True
        case LatePaymentPolicy.HOLD:
            return False
        case LatePaymentPolicy.HONOR:
            # Late money waits for the rest of it; what is beyond the total nobody can honour.
            return order.is_open


def _refund(draft: Draft, record: PaymentRecord, amount: Money, *, owed_back: bool) -> None:
    initiator = RefundInitiator.SURPLUS if draft.order.is_open else RefundInitiator.LATE_PAYMENT
    if owed_back:
        initiator = RefundInitiator.STAFF
    known = {refund.id for refund in record.state.refunds}
    refund_id = next(id_ for id_ in _ids(record, initiator) if id_ not in known)
    asked = Fact(
        gateway=record.payment.gateway,
        object_id=str(refund_id),
        kind=FactKind.REFUND_REQUESTED,
        amount=amount,
        own_id=refund_id,
        initiator=initiator,
    )
    draft.learn(record.payment.id, (asked,), source=EventSource.SYSTEM, caller_refunds=False)


def _rule_ids(record: PaymentRecord) -> set[UUID]:
    """Return the ids of the refunds that rules asked for, of this payment."""
    return {id_ for initiator in _BY_RULE for id_ in _ids(record, initiator)}


def _ids(record: PaymentRecord, initiator: RefundInitiator) -> list[UUID]:
    """Return the ids that refunds by rule of this payment have and the next one gets: the same in every process."""
    return [
        uuid5(record.payment.id, f"{initiator}:{number}") for number in range(len(record.state.refunds) + 1)
    ]


def _add(draft: Draft, record: PaymentRecord, reason: SuspenseReason, amount: Money) -> None:
    """Hold more of a payment; what was written off before is not touched again."""
    number = 0
    while (known := draft.suspense.get(item_id(record.payment.id, reason, number))) is not None:
        if known.resolution is not SuspenseResolution.WRITE_OFF:
            break
        number += 1
    held = known.amount + amount if known is not None and known.is_open else amount
    _hold(draft, record, item_id(record.payment.id, reason, number), reason, held)


def _hold(draft: Draft, record: PaymentRecord, id_: UUID, reason: SuspenseReason, amount: Money) -> None:
    payment = record.payment
    known = draft.suspense.get(id_)
    if known is not None:
        draft.hold(replace(with_amount(known, amount), reason=reason))
    else:
        draft.hold(
            SuspenseItem(
                id=id_,
                reason=reason,
                gateway=payment.gateway,
                reference=payment.reference or str(payment.id),
                amount=amount,
                order_id=payment.order_id,
                payment_id=payment.id,
                resolution=None,
                message=record.state.conflict if reason in CONFLICTS else None,
                created_at=draft.now,
                resolved_at=None,
            )
        )
    draft.note(
        OrderEventType.SUSPENSE_OPENED,
        payment_id=payment.id,
        amount=amount,
        message=reason,
        source=EventSource.SYSTEM,
    )


def _lower(draft: Draft, item: SuspenseItem, minor: int, resolution: SuspenseResolution) -> None:
    """Take an amount out of suspense; an item of which nothing is left is resolved."""
    if minor >= item.amount.minor:
        _resolve(draft, item, resolution)
        return
    draft.hold(with_amount(item, Money(item.amount.minor - minor, item.amount.currency)))
    draft.note(
        OrderEventType.SUSPENSE_RESOLVED,
        payment_id=item.payment_id,
        amount=Money(minor, item.amount.currency),
        message=resolution,
        source=EventSource.SYSTEM,
    )


def _resolve(draft: Draft, item: SuspenseItem, resolution: SuspenseResolution) -> None:
    resolve_item(draft, item, resolution, item.message, EventSource.SYSTEM)


def resolve_item(
    draft: Draft,
    item: SuspenseItem,
    resolution: SuspenseResolution,
    message: str | None,
    source: EventSource,
) -> None:
    """Close an item, and show it."""
    draft.hold(replace(item, resolution=resolution, resolved_at=draft.now, message=message))
    draft.note(
        OrderEventType.SUSPENSE_RESOLVED,
        payment_id=item.payment_id,
        amount=item.amount,
        message=resolution,
        source=source,
    )


def _give_up_authorizations(draft: Draft) -> None:
    """Leave authorisations to be canceled that no order may capture: late ones, and those beyond the total."""
    if draft.order.late_payment_policy is not LatePaymentPolicy.REFUND and not draft.order.is_open:
        return
    keeps = draft.order.total_minor if draft.order.is_open else 0
    room = keeps - sum(max(r.state.refundable.minor, 0) for r in _counted(draft))
    for record in sorted(_counted(draft), key=lambda r: (r.payment.created_at, str(r.payment.id))):
        capturable = record.state.capturable.minor
        if capturable <= 0 or record.state.status is PaymentStatus.CANCELED:
            continue
        room -= capturable
        news = record is not draft.before.payments.get(record.payment.id)
        closed = draft.order.status is not draft.before.order.status
        if room < 0 and (news or closed):
            draft.owe(
                Job(
                    kind=JobKind.PAYMENT_CANCEL,
                    subject_id=record.payment.id,
                    gateway=record.payment.gateway,
                )
            )
