"""Translation of disputes. PayPal names the captured money that is disputed, not the order."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from app.domain.facts import Fact, FactKind
from app.domain.states import GatewayName
from app.gateways.paypal.fields import Json, listed, moment, money, part, required_text, status_of, text

if TYPE_CHECKING:
    from collections.abc import Iterator

_WON: Final = frozenset({"RESOLVED_SELLER_FAVOUR", "CANCELED_BY_BUYER", "DENIED"})
_LOST: Final = frozenset({"RESOLVED_BUYER_FAVOUR", "ACCEPTED", "RESOLVED_WITH_PAYOUT"})
_OPEN: Final = frozenset({"OPEN", "WAITING_FOR_SELLER_RESPONSE"})
_UNDER_REVIEW: Final = frozenset({"WAITING_FOR_BUYER_RESPONSE", "UNDER_REVIEW", "OTHER"})
"""Source: developer.paypal.com/docs/api/customer-disputes/v1, `status` and `outcome_code`.
RESOLVED_WITH_PAYOUT is paid by PayPal, yet counted as lost until the order says otherwise: too little is never refunded
twice."""


def dispute_facts(dispute: Json) -> Iterator[Fact]:
    """Yield that a dispute was opened, and how far it came since.

    One about a single capture names it, so that what PayPal gives back of that capture isn't counted beside it. One
    that is lost may be lost for less than was claimed.
    """
    kind = _kind(dispute)
    if kind is None:
        return
    captures = disputed_captures(dispute)
    opened = Fact(
        gateway=GatewayName.PAYPAL,
        object_id=required_text(dispute, "dispute_id"),
        kind=FactKind.DISPUTE_OPENED,
        amount=money(dispute, "dispute_amount"),
        attempt_id=captures[0] if len(captures) == 1 else None,
        detail=text(dispute, "reason"),
        respond_by=moment(dispute, "seller_response_due_date"),
        reported_at=moment(dispute, "create_time"),
    )
    yield opened
    if kind is FactKind.DISPUTE_OPENED:
        return
    lost = (
        money(part(dispute, "dispute_outcome"), "amount_refunded") if kind is FactKind.DISPUTE_LOST else None
    )
    yield replace(opened, kind=kind, amount=lost or opened.amount, reported_at=None)


def disputed_captures(dispute: Json) -> tuple[str, ...]:
    """Return the ids of the captures that are disputed."""
    named = (text(entry, "seller_transaction_id") for entry in listed(dispute, "disputed_transactions"))
    return tuple(dict.fromkeys(capture_id for capture_id in named if capture_id))


def _kind(dispute: Json) -> FactKind | None:
    status = status_of(dispute)
    if status in _OPEN:
        return FactKind.DISPUTE_OPENED
    if status in _UNDER_REVIEW:
        return FactKind.DISPUTE_UNDER_REVIEW
    if status != "RESOLVED":
        return None
    outcome = text(part(dispute, "dispute_outcome"), "outcome_code") or ""
    if outcome in _WON:
        return FactKind.DISPUTE_WON
    return FactKind.DISPUTE_LOST if outcome in _LOST else None
