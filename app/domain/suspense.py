"""Suspense: money that is held and that no order may keep yet, until a rule or a person gives it a place."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final
from uuid import UUID, uuid5

from app.domain.states import PaymentStatus, SuspenseReason, SuspenseResolution

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from app.domain.changes import PaymentRecord
    from app.domain.facts import Fact
    from app.domain.money import Money
    from app.domain.states import GatewayName


@dataclass(frozen=True, slots=True, kw_only=True)
class SuspenseItem:
    """An amount that is held, or was. Of an unknown order neither the order nor the payment is known."""

    id: UUID
    reason: SuspenseReason
    gateway: GatewayName
    reference: str
    amount: Money
    order_id: UUID | None
    payment_id: UUID | None
    resolution: SuspenseResolution | None
    message: str | None
    created_at: datetime
    resolved_at: datetime | None

    @property
    def is_open(self) -> bool:
        """Whether nobody has given the money a place yet."""
        return self.resolution is None


CONFLICTS: Final = frozenset({SuspenseReason.AMOUNT_MISMATCH, SuspenseReason.CURRENCY_MISMATCH})
_NAMESPACE: Final = UUID("6f726465-7270-556c-9365-000000000002")


def item_id(payment_id: UUID, reason: SuspenseReason, number: int = 0) -> UUID:
    """Return the id of a payment's item: one for what is wrong with it, one for being late, one for being too much.

    `number` counts those that were written off before: their money has its place for good.
    """
    name = "CONFLICT" if reason in CONFLICTS else str(reason)
    return uuid5(payment_id, f"{name}:{number}" if number else name)


def unknown_id(gateway: GatewayName, reference: str) -> UUID:
    """Return the id of the item for money of an unknown order: the same in every process and for every delivery."""
    return uuid5(_NAMESPACE, f"{gateway}:{reference}")


def unknown_money(
    gateway: GatewayName, reference: str | None, facts: Iterable[Fact], now: datetime
) -> SuspenseItem | None:
    """Return the item for captured money that a delivery tells of and that belongs to no payment here."""
    taken = [fact for fact in facts if fact.kind == "CAPTURED" and fact.amount and fact.amount.minor > 0]
    amounts = [fact.amount for fact in taken if fact.amount]
    if not amounts:
        return None
    name = reference or taken[0].object_id
    largest = max(amounts, key=lambda amount: (amount.minor, amount.currency))
    return SuspenseItem(
        id=unknown_id(gateway, name),
        reason=SuspenseReason.UNKNOWN_ORDER,
        gateway=gateway,
        reference=name,
        amount=largest,
        order_id=None,
        payment_id=None,
        resolution=None,
        message=None,
        created_at=now,
        resolved_at=None,
    )


def open_amounts(items: Mapping[UUID, SuspenseItem], record: PaymentRecord) -> dict[str, int]:
    """Return how much of a payment's captured money is in suspense, by currency."""
    if not items:
        return {}
    sums: dict[str, int] = {}
    for item in items.values():
        if item.payment_id == record.payment.id and item.is_open:
            sums[item.amount.currency] = sums.get(item.amount.currency, 0) + item.amount.minor
    state = record.state
    there = {state.captured.currency: state.captured.minor - state.refunded.minor}
    if state.foreign is not None:
        there[state.foreign.currency] = state.foreign.minor - state.foreign_refunded
    # What is only authorised is in nobody's books yet.
    held = {code: min(minor, max(there.get(code, 0), 0)) for code, minor in sums.items()}
    return {code: minor for code, minor in held.items() if minor}


def parked(items: Mapping[UUID, SuspenseItem], record: PaymentRecord) -> int:
    """Return how much of a payment's money has a place outside its order: held, or written off."""
    if not items:
        return 0
    kept = sum(
        item.amount.minor
        for item in items.values()
        if item.payment_id == record.payment.id
        and item.reason not in CONFLICTS
        and item.resolution in (None, SuspenseResolution.WRITE_OFF)
    )
    return min(kept, max(record.state.refundable.minor, 0))


def conflict_of(record: PaymentRecord) -> tuple[SuspenseReason, Money] | None:
    """Return why a payment's money can't count and how much of it is there; None where nothing is (any more)."""
    state = record.state
    if state.status is not PaymentStatus.CONFLICTED:
        return None
    reason = SuspenseReason.AMOUNT_MISMATCH
    if state.foreign is not None:
        reason = SuspenseReason.CURRENCY_MISMATCH
    if state.foreign is not None or state.captured.minor > 0:
        return (reason, state.held) if state.held.minor > 0 else None
    if state.given_up:
        return None
    held = state.authorized if state.authorized.minor > 0 else record.payment.amount
    return reason, held


def with_amount(item: SuspenseItem, amount: Money) -> SuspenseItem:
    """Return the item, open, with another amount."""
    return replace(item, amount=amount, resolution=None, resolved_at=None)
