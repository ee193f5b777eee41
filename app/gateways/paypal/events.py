"""PayPal's events: what a webhook delivers and `GET /v1/notifications/webhooks-events` lists."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from app.domain.facts import Fact, FactKind
from app.domain.states import GatewayName
from app.gateways.contract import Notification
from app.gateways.paypal.disputes import dispute_facts, disputed_captures
from app.gateways.paypal.facts import (
    KNOWN_STATUSES,
    authorization_facts,
    authorization_of,
    capture_facts,
    inside,
    is_untouched,
    joined,
    order_facts,
    order_of,
    refund_facts,
    refunded_capture,
)
from app.gateways.paypal.fields import (
    Json,
    listed,
    moment,
    own_ids,
    part,
    required_text,
    status_of,
    text,
)
from app.gateways.paypal.requests import next_action
from app.gateways.words import warn_of_unknown

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from uuid import UUID

_FAMILIES: Final = (
    "CHECKOUT.ORDER.",
    "CHECKOUT.PAYMENT-APPROVAL.",
    "PAYMENT.AUTHORIZATION.",
    "PAYMENT.CAPTURE.",
    "PAYMENT.REFUND.",
    "CUSTOMER.DISPUTE.",
)
_APPROVAL_REVERSED: Final = "CHECKOUT.PAYMENT-APPROVAL.REVERSED"
_CAPTURE_REVERSED: Final = "PAYMENT.CAPTURE.REVERSED"


def tells_of_money(event: Json) -> bool:
    """Whether an event is of a kind that this adapter translates."""
    return (text(event, "event_type") or "").startswith(_FAMILIES)


def read_event(event: Json) -> Notification:
    """Translate an event by what its resource is. Types that say nothing about money have no facts.

    Raises:
        ValueError: it is not of the documented shape.
    """
    bare = Notification(
        external_id=required_text(event, "id"),
        type=required_text(event, "event_type"),
        payment_id=None,
        reference=None,
        occurred_at=moment(event, "create_time"),
    )
    if not tells_of_money(event):
        return bare
    resource = part(event, "resource")
    if not resource:
        raise ValueError(f"PayPal's event of type {bare.type[:64]} has no resource.")
    if bare.type == _APPROVAL_REVERSED:
        return _approval_reversed(bare, resource)
    kind = (text(event, "resource_type") or "").lower()
    translate = _BY_RESOURCE.get(kind)
    if translate is None:
        warn_of_unknown(GatewayName.PAYPAL, f"resource of {bare.type}", kind)
        return bare
    return translate(bare, resource)


def warn_unknown(kind: str, obj: Json) -> None:
    """Warn, once each, of a status that the documentation doesn't have; it changes nothing."""
    status = status_of(obj)
    if status not in KNOWN_STATUSES[kind]:
        warn_of_unknown(GatewayName.PAYPAL, f"{kind} status", status)


def payment_id_of(order: Json) -> UUID | None:
    """Return our id of the payment that an order is for."""
    units = listed(order, "purchase_units")
    return own_ids(units[0])[0] if units else None


def _of_order(bare: Notification, order: Json) -> Notification:
    warn_unknown("order", order)
    objects = [*inside(order, "captures"), *inside(order, "authorizations")]
    return replace(
        bare,
        payment_id=payment_id_of(order),
        reference=required_text(order, "id"),
        related_object_ids=tuple(required_text(obj, "id") for obj in objects),
        facts=order_facts(order),
        next_action=next_action(order),
        asks=status_of(order) in ("APPROVED", "COMPLETED") and is_untouched(order),
    )


def _of_capture(bare: Notification, capture: Json) -> Notification:
    warn_unknown("capture", capture)
    facts = joined(capture_facts(capture))
    authorization = authorization_of(capture)
    named = (required_text(capture, "id"), authorization)
    return replace(
        bare,
        payment_id=own_ids(capture)[0],
        reference=order_of(capture),
        related_object_ids=tuple(object_id for object_id in named if object_id),
        facts=facts,
        # What the last capture leaves of an authorisation, and what is refunded of a capture, is told elsewhere.
        asks=(authorization is not None and capture.get("final_capture") is True)
        or status_of(capture) in ("REFUNDED", "PARTIALLY_REFUNDED")
        or bare.type == _CAPTURE_REVERSED
        or (not facts and status_of(capture) in KNOWN_STATUSES["capture"]),
    )


def _of_authorization(bare: Notification, authorization: Json) -> Notification:
    warn_unknown("authorization", authorization)
    return replace(
        bare,
        payment_id=own_ids(authorization)[0],
        reference=order_of(authorization),
        related_object_ids=(required_text(authorization, "id"),),
        facts=joined(authorization_facts(authorization)),
        asks=status_of(authorization) in ("VOIDED", "EXPIRED", "CAPTURED"),
    )


def _of_refund(bare: Notification, refund: Json) -> Notification:
    """A reversal looks like a refund, but may be the dispute's own doing: the order knows."""
    capture_id = refunded_capture(refund)
    reversal = bare.type == _CAPTURE_REVERSED
    if not reversal:
        warn_unknown("refund", refund)
    return replace(
        bare,
        payment_id=own_ids(refund)[0],
        reference=order_of(refund),
        related_object_ids=(capture_id,) if capture_id else (),
        facts=() if reversal else joined(refund_facts(refund)),
        asks=reversal,
    )


def _of_dispute(bare: Notification, dispute: Json) -> Notification:
    facts = joined(dispute_facts(dispute))
    if not facts:
        outcome = text(part(dispute, "dispute_outcome"), "outcome_code")
        warn_of_unknown(
            GatewayName.PAYPAL, "dispute status", f"{status_of(dispute)} {outcome or ''}".rstrip()
        )
    return replace(
        bare,
        related_object_ids=disputed_captures(dispute),
        facts=facts,
    )


def _approval_reversed(bare: Notification, resource: Json) -> Notification:
    order_id = text(resource, "order_id") or required_text(resource, "id")
    canceled = Fact(
        gateway=GatewayName.PAYPAL,
        object_id=order_id,
        kind=FactKind.CANCELED,
        detail="approval reversed",
    )
    return replace(bare, payment_id=payment_id_of(resource), reference=order_id, facts=(canceled,), asks=True)


_BY_RESOURCE: Final[Mapping[str, Callable[[Notification, Json], Notification]]] = {
    "checkout-order": _of_order,
    "order": _of_order,
    "capture": _of_capture,
    "authorization": _of_authorization,
    "refund": _of_refund,
    "dispute": _of_dispute,
}
