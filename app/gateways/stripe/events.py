"""Stripe's events: what a webhook delivers and `GET /v1/events` lists."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from app.gateways.contract import Notification
from app.gateways.stripe.actions import next_action
from app.gateways.stripe.facts import KNOWN_OBJECTS, charges_in, expired_facts, facts_of
from app.gateways.stripe.fields import Json, id_of, moment, own_id, part, required_text, text

if TYPE_CHECKING:
    from app.domain.facts import Fact

RECOVERED_TYPES: Final = (
    "payment_intent.amount_capturable_updated",
    "payment_intent.canceled",
    "payment_intent.payment_failed",
    "payment_intent.processing",
    "payment_intent.requires_action",
    "payment_intent.succeeded",
    "charge.captured",
    "charge.expired",
    "charge.failed",
    "charge.pending",
    "charge.refunded",
    "charge.succeeded",
    "charge.dispute.closed",
    "charge.dispute.created",
    "charge.dispute.funds_reinstated",
    "charge.dispute.funds_withdrawn",
    "charge.dispute.updated",
    "refund.created",
    "refund.failed",
    "refund.updated",
)
"""What is asked for after an outage: all that moves money, and as many as one question may name (20).
Source: docs.stripe.com/api/events/list, `types`, read in November 2026."""
_FAMILIES: Final = ("payment_intent.", "charge.", "refund.")
_BASIL: Final = "2025-03-31"


def tells_of_money(event: Json) -> bool:
    """Whether an event is of a kind that this adapter translates."""
    return (text(event, "type") or "").startswith(_FAMILIES)


def read_event(event: Json, *, live: bool, publishable_key: str) -> Notification:
    """Translate an event. Types that say nothing about money have no facts, nor has one of the other mode.

    Raises:
        ValueError: it is not of the documented shape.
    """
    obj = _object(event)
    # A test's money is not money; an account's two modes may share one endpoint.
    other_mode = isinstance(event.get("livemode"), bool) and event["livemode"] is not live
    if obj is None or other_mode:
        return bare_event(event)
    is_intent = required_text(obj, "object") == "payment_intent"
    return replace(
        bare_event(event),
        payment_id=own_id(obj, "payment_id"),
        reference=required_text(obj, "id") if is_intent else id_of(obj, "payment_intent"),
        related_object_ids=_charge_ids(obj),
        facts=_facts(event, obj),
        next_action=next_action(obj, publishable_key) if is_intent else None,
    )


def bare_event(event: Json) -> Notification:
    """Return what an event is called, and nothing of what it tells.

    Raises:
        ValueError: not even that can be read.
    """
    return Notification(
        external_id=required_text(event, "id"),
        type=required_text(event, "type"),
        payment_id=None,
        reference=None,
        occurred_at=moment(event, "created"),
    )


def _object(event: Json) -> Json | None:
    """Return the object that an event is about, or None when it is none that this adapter translates."""
    if not tells_of_money(event):
        return None
    obj = part(part(event, "data"), "object")
    if not obj:
        raise ValueError(f"Stripe's event of type {text(event, 'type')} has no object in its data.")
    return obj if required_text(obj, "object") in KNOWN_OBJECTS else None


def _facts(event: Json, obj: Json) -> tuple[Fact, ...]:
    before_basil = (text(event, "api_version") or _BASIL) < _BASIL
    if text(event, "type") == "charge.expired":
        return expired_facts(obj, before_basil=before_basil)
    return facts_of(obj, before_basil=before_basil)


def _charge_ids(obj: Json) -> tuple[str, ...]:
    match required_text(obj, "object"):
        case "payment_intent":
            named = [id_of(obj, "latest_charge"), *(text(charge, "id") for charge in charges_in(obj))]
        case "charge":
            named = [required_text(obj, "id")]
        case _:
            named = [id_of(obj, "charge")]
    return tuple(dict.fromkeys(charge_id for charge_id in named if charge_id))
