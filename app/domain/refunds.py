"""Refunds and disputes of a payment. They stand beside it, each by its own id, and never lower its status."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from uuid import UUID, uuid5

from app.domain.facts import Fact, FactKind
from app.domain.money import Money
from app.domain.states import DisputeStatus, RefundInitiator, RefundStatus
from app.domain.turnaround import turnaround_due_at

if TYPE_CHECKING:
    from datetime import datetime

    from app.domain.facts import FactsByKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Refund:
    """One refund. `reference` is the gateway's id, unknown until the gateway has answered."""

    id: UUID
    reference: str | None
    status: RefundStatus
    amount: Money
    initiated_by: RefundInitiator
    reason: str | None
    created_at: datetime

    @property
    def turnaround_due_at(self) -> datetime | None:
        """When the money must be back, where a rule says so."""
        return turnaround_due_at(self.amount.currency, self.created_at)

    def is_overdue(self, now: datetime) -> bool:
        """Whether the money should be back and isn't."""
        due_at = self.turnaround_due_at
        return self.status is RefundStatus.PENDING and due_at is not None and now >= due_at


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispute:
    """One dispute. `reference` is the gateway's id."""

    id: UUID
    reference: str
    status: DisputeStatus
    amount: Money
    reason: str | None
    respond_by: datetime | None
    created_at: datetime


_NAMESPACE: Final = UUID("6f726465-7270-556c-9365-000000000001")
"""For the ids of what gateways made without us: the same object has the same id in every process."""

_REFUND_STATUS: Final = {
    FactKind.REFUND_REQUESTED: RefundStatus.PENDING,
    FactKind.REFUND_PENDING: RefundStatus.PENDING,
    FactKind.REFUND_SUCCEEDED: RefundStatus.SUCCEEDED,
    FactKind.REFUND_CANCELED: RefundStatus.CANCELED,
    FactKind.REFUND_FAILED: RefundStatus.FAILED,
}
"""In rising rank: `refund.failed` may follow `refund.succeeded`, so the sum of refunds can fall again."""
_REFUND_RANK: Final = {kind: rank for rank, kind in enumerate(_REFUND_STATUS)}

_DISPUTE_STATUS: Final = {
    FactKind.DISPUTE_OPENED: DisputeStatus.NEEDS_RESPONSE,
    FactKind.DISPUTE_UNDER_REVIEW: DisputeStatus.UNDER_REVIEW,
    FactKind.DISPUTE_LOST: DisputeStatus.LOST,
    FactKind.DISPUTE_WON: DisputeStatus.WON,
}
_DISPUTE_RANK: Final = {kind: rank for rank, kind in enumerate(_DISPUTE_STATUS)}


def refunds_of(told: FactsByKind, currency: str) -> tuple[Refund, ...]:
    """Return the refunds that the facts tell of, in the order of their ids."""
    facts = [fact for kind in _REFUND_STATUS for fact in told.get(kind, ())]
    # By kind, so that an object which ever named two has the same one in every order of tellings.
    own_ids = {fact.object_id: fact.own_id for fact in facts if fact.own_id is not None}
    groups: dict[UUID, list[Fact]] = {}
    for fact in facts:
        refund_id = own_ids.get(fact.object_id) or _id_of(fact)
        groups.setdefault(refund_id, []).append(fact)
    return tuple(_refund(refund_id, groups[refund_id], currency) for refund_id in sorted(groups))


def _refund(refund_id: UUID, told: list[Fact], currency: str) -> Refund:
    # That the gateway has none was found out by asking, while another try may have been on its way: its word counts.
    by_gateway = [fact for fact in told if fact.object_id != str(refund_id)]
    last = max(by_gateway or told, key=lambda fact: _REFUND_RANK[fact.kind])
    initiators = [fact.initiator for fact in told if fact.initiator is not None]
    return Refund(
        id=refund_id,
        reference=min((fact.object_id for fact in by_gateway), default=None),
        status=_REFUND_STATUS[last.kind],
        amount=_amount(told, currency),
        initiated_by=max(initiators, default=RefundInitiator.GATEWAY),
        reason=max((fact.detail for fact in told if fact.detail), default=None),
        created_at=min(fact.recorded_at or fact.happened_at for fact in told),
    )


def disputes_of(told: FactsByKind, currency: str) -> tuple[Dispute, ...]:
    """Return the disputes that the facts tell of, in the order of their gateway ids."""
    groups: dict[str, list[Fact]] = {}
    for kind in _DISPUTE_STATUS:
        for fact in told.get(kind, ()):
            groups.setdefault(fact.object_id, []).append(fact)
    return tuple(_dispute(reference, groups[reference], currency) for reference in sorted(groups))


def _dispute(reference: str, told: list[Fact], currency: str) -> Dispute:
    last = max(told, key=lambda fact: _DISPUTE_RANK[fact.kind])
    return Dispute(
        id=_id_of(last),
        reference=reference,
        status=_DISPUTE_STATUS[last.kind],
        amount=_claimed(told, currency),
        reason=max((fact.detail for fact in told if fact.detail), default=None),
        respond_by=max((fact.respond_by for fact in told if fact.respond_by), default=None),
        created_at=min(fact.recorded_at or fact.happened_at for fact in told),
    )


def _claimed(told: list[Fact], currency: str) -> Money:
    """Return what the furthest step says that the dispute is about: it may be lost for less than was claimed."""
    for fact in sorted(told, key=lambda fact: -_DISPUTE_RANK[fact.kind]):
        if fact.amount is not None and fact.amount.currency == currency:
            return fact.amount
    return _amount(told, currency)


def _id_of(fact: Fact) -> UUID:
    return uuid5(_NAMESPACE, f"{fact.gateway}:{fact.object_id}")


def _amount(told: list[Fact], currency: str) -> Money:
    """Return the largest amount told, in the payment's currency before any other."""
    amounts = [fact.amount for fact in told if fact.amount]
    own = max((amount.minor for amount in amounts if amount.currency == currency), default=None)
    if own is None and amounts:
        return max(amounts, key=lambda amount: (amount.minor, amount.currency))
    return Money(own or 0, currency)
