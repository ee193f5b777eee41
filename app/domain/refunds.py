"""Refunds and disputes of a payment. They stand beside it, each by its own id, and never lower its status."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from app.domain.facts import Fact, FactKind
from app.domain.money import Money
from app.domain.states import DisputeStatus, RefundInitiator, RefundStatus

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime
    from uuid import UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundState:
    """One refund. `own_id` is ours, `reference` the gateway's; one of the two may be unknown yet."""

    own_id: UUID | None
    reference: str | None
    status: RefundStatus
    amount: Money
    initiated_by: RefundInitiator
    reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DisputeState:
    """One dispute, by the gateway's id."""

    reference: str
    status: DisputeStatus
    amount: Money
    reason: str | None
    respond_by: datetime | None


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


def refunds_of(facts: Iterable[Fact], currency: str) -> tuple[RefundState, ...]:
    """Return the refunds that the facts tell of, in the order of their ids."""
    told = [fact for fact in facts if fact.kind in _REFUND_STATUS]
    own_ids = {fact.object_id: fact.own_id for fact in told if fact.own_id is not None}
    groups: dict[str, list[Fact]] = {}
    for fact in told:
        own_id = own_ids.get(fact.object_id)
        groups.setdefault(str(own_id or fact.object_id), []).append(fact)
    return tuple(_refund(groups[key], currency) for key in sorted(groups))


def _refund(told: list[Fact], currency: str) -> RefundState:
    last = max(told, key=lambda fact: _REFUND_RANK[fact.kind])
    by_gateway = sorted(fact.object_id for fact in told if fact.kind is not FactKind.REFUND_REQUESTED)
    amounts = [fact.amount.minor for fact in told if fact.amount and fact.amount.currency == currency]
    initiators = [fact.initiator for fact in told if fact.initiator is not None]
    return RefundState(
        own_id=max((fact.own_id for fact in told if fact.own_id is not None), default=None),
        reference=by_gateway[0] if by_gateway else None,
        status=_REFUND_STATUS[last.kind],
        amount=Money(max(amounts, default=0), currency),
        initiated_by=max(initiators, default=RefundInitiator.GATEWAY),
        reason=max((fact.detail for fact in told if fact.detail), default=None),
    )


def disputes_of(facts: Iterable[Fact], currency: str) -> tuple[DisputeState, ...]:
    """Return the disputes that the facts tell of, in the order of their ids."""
    groups: dict[str, list[Fact]] = {}
    for fact in facts:
        if fact.kind in _DISPUTE_STATUS:
            groups.setdefault(fact.object_id, []).append(fact)
    return tuple(_dispute(reference, groups[reference], currency) for reference in sorted(groups))


def _dispute(reference: str, told: list[Fact], currency: str) -> DisputeState:
    last = max(told, key=lambda fact: _DISPUTE_RANK[fact.kind])
    amounts = [fact.amount.minor for fact in told if fact.amount and fact.amount.currency == currency]
    return DisputeState(
        reference=reference,
        status=_DISPUTE_STATUS[last.kind],
        amount=Money(max(amounts, default=0), currency),
        reason=max((fact.detail for fact in told if fact.detail), default=None),
        respond_by=max((fact.respond_by for fact in told if fact.respond_by), default=None),
    )
