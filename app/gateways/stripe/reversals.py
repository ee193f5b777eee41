"""Translation of money that goes back: refunds and disputes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from app.domain.facts import Fact, FactKind, Failure
from app.domain.states import GatewayName
from app.gateways.stripe.fields import (
    Json,
    id_of,
    moment,
    own_id,
    part,
    required_money,
    required_text,
    text,
)
from app.gateways.words import warn_of_unknown

if TYPE_CHECKING:
    from collections.abc import Iterator

_REFUND_KINDS: Final = {
    "pending": FactKind.REFUND_PENDING,
    "requires_action": FactKind.REFUND_PENDING,
    "succeeded": FactKind.REFUND_SUCCEEDED,
    "failed": FactKind.REFUND_FAILED,
    "canceled": FactKind.REFUND_CANCELED,
}
_ENDED: Final = frozenset({FactKind.REFUND_FAILED, FactKind.REFUND_CANCELED})

_DISPUTE_KINDS: Final = {
    "warning_needs_response": FactKind.DISPUTE_OPENED,
    "warning_under_review": FactKind.DISPUTE_UNDER_REVIEW,
    "warning_closed": FactKind.DISPUTE_WON,
    "needs_response": FactKind.DISPUTE_OPENED,
    "under_review": FactKind.DISPUTE_UNDER_REVIEW,
    "appeal_needs_response": FactKind.DISPUTE_UNDER_REVIEW,
    "appeal_under_review": FactKind.DISPUTE_UNDER_REVIEW,
    "charge_refunded": FactKind.DISPUTE_WON,
    "prevented": FactKind.DISPUTE_LOST,
    "won": FactKind.DISPUTE_WON,
    "lost": FactKind.DISPUTE_LOST,
}
"""Source: docs.stripe.com/api/disputes/object, `status`; `charge_refunded` is of older versions. An appeal follows
a loss, which stands until it is won."""
_MONEY_MOVED: Final = frozenset({"needs_response", "under_review", "lost", "won"})
"""An inquiry (`warning_…`) takes nothing until it becomes one of these, under the same id."""


def refund_facts(refund: Json, *, before_basil: bool) -> Iterator[Fact]:
    """Yield how far a refund came, or what was released where an older version writes that as a refund."""
    amount = required_money(refund, "amount")
    charge_id = id_of(refund, "charge")
    ours = own_id(refund, "refund_id")
    if text(refund, "reason") == "expired_uncaptured_charge":
        if charge_id:
            yield _fact(charge_id, FactKind.RELEASED, refund)
        return
    if before_basil and ours is None:
        return  # a release or somebody's refund: these versions don't tell, so asking has to
    kind = _REFUND_KINDS.get(text(refund, "status") or "")
    if kind is None:
        warn_of_unknown(GatewayName.STRIPE, "refund status", text(refund, "status"))
        return
    yield Fact(
        gateway=GatewayName.STRIPE,
        object_id=required_text(refund, "id"),
        kind=kind,
        amount=amount,
        own_id=ours,
        failure=_refund_failure(refund) if kind is FactKind.REFUND_FAILED else None,
        detail=text(part(refund, "metadata"), "reason") or text(refund, "reason"),
        reported_at=None if kind in _ENDED else moment(refund, "created"),
    )


def dispute_facts(dispute: Json) -> Iterator[Fact]:
    """Yield how far a dispute came. Without an amount while, or because, it takes no money."""
    status = text(dispute, "status") or ""
    kind = _DISPUTE_KINDS.get(status)
    if kind is None:
        warn_of_unknown(GatewayName.STRIPE, "dispute status", status)
        return
    taken = status in _MONEY_MOVED or bool(dispute.get("balance_transactions"))
    yield Fact(
        gateway=GatewayName.STRIPE,
        object_id=required_text(dispute, "id"),
        kind=kind,
        amount=required_money(dispute, "amount") if taken else None,
        detail=text(dispute, "reason"),
        respond_by=moment(part(dispute, "evidence_details"), "due_by"),
        reported_at=moment(dispute, "created") if kind is FactKind.DISPUTE_OPENED else None,
    )


def _fact(object_id: str, kind: FactKind, refund: Json) -> Fact:
    return Fact(
        gateway=GatewayName.STRIPE, object_id=object_id, kind=kind, amount=required_money(refund, "amount")
    )


def _refund_failure(refund: Json) -> Failure:
    reason = text(refund, "failure_reason") or "refund_failed"
    return Failure(code=reason, message=f"Stripe could not refund: {reason}.", retryable=False)
