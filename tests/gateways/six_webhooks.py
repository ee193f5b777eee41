"""Six webhooks of one payment's life at each gateway, as the gateway posts them, and what they come to in any order."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from app.domain.money import Money
from tests.gateways.stripe_objects import charge, declined, dispute, event, intent, refund

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

Wire = dict[str, Any]

STRIPE_TOTAL: Final = Money(1000, "EUR")
SANDBOX_TOTAL: Final = Money(49_900, "INR")
_AT: Final = "2026-01-01T00:0{}:00Z"


def stripe_bodies(payment_id: UUID) -> list[bytes]:
    """A challenge, a declined card, a second one that pays, money given back at Stripe, a dispute opened and won."""
    intent_id, first, second = f"pi_{payment_id.hex}", f"ch_1_{payment_id.hex}", f"ch_2_{payment_id.hex}"
    card, other_card = f"pm_1_{payment_id.hex}", f"pm_2_{payment_id.hex}"
    ours: Wire = {"id": intent_id, "metadata": {"payment_id": str(payment_id)}}
    theirs: Wire = {"payment_intent": intent_id, "charge": second, "metadata": {}}
    paid = charge(second, other_card, payment_intent=intent_id, metadata=ours["metadata"])
    events = [
        event("payment_intent.requires_action", intent("requires_action", payment_method=card, **ours)),
        event(
            "payment_intent.payment_failed",
            intent("requires_payment_method", last_payment_error=declined(card), latest_charge=first, **ours),
        ),
        event("charge.succeeded", paid),
        event(
            "refund.updated", refund(**{**theirs, "id": f"re_{payment_id.hex}", "metadata": ours["metadata"]})
        ),
        event(
            "charge.dispute.created", dispute("needs_response", **{**theirs, "id": f"du_{payment_id.hex}"})
        ),
        event("charge.dispute.closed", dispute("won", **{**theirs, "id": f"du_{payment_id.hex}"})),
    ]
    return [json.dumps({**one, "id": f"{one['id']}_{payment_id.hex}"}).encode() for one in events]


def sandbox_bodies(payment_id: UUID) -> list[bytes]:
    """What the sandbox shows of the same life: each webhook is the whole payment as it was then."""
    life: list[Callable[[Wire], object]] = [
        lambda payment: payment["attempts"].append(_try(payment, 1, action_required_at=_AT.format(1))),
        lambda payment: payment["attempts"][0].update(
            failed_at=_AT.format(2), failure={"code": "card_declined", "message": "No.", "decline_code": None}
        ),
        _paid,
        lambda payment: payment["refunds"].append(_refund(payment)),
        lambda payment: payment["disputes"].append(_dispute(payment)),
        lambda payment: payment["disputes"][0].update(won_at=_AT.format(6)),
    ]
    payment: Wire = {
        "id": f"sbx_pay_{payment_id}",
        "status": "requires_payment_method",
        "currency": SANDBOX_TOTAL.currency,
        "checkout_url": "http://127.0.0.1:9/checkout",
        "metadata": {"payment_id": str(payment_id)},
        "created": _AT.format(0),
        "canceled_at": None,
        "attempts": [],
        "charges": [],
        "refunds": [],
        "disputes": [],
    }
    bodies = []
    for number, happens in enumerate(life):
        happens(payment)
        told = {
            "id": f"sbx_evt_{number}_{payment_id}",
            "type": "payment.changed",
            "created": _AT.format(number),
        }
        bodies.append(json.dumps({**told, "data": {"object": payment}}).encode())
    return bodies


def _try(payment: Wire, number: int, **steps: str) -> Wire:
    nothing = dict.fromkeys(("action_required_at", "processing_at", "failed_at", "failure"))
    return {"id": f"att_{number}_{payment['id']}", "created": _AT.format(0), **nothing, **steps}


def _paid(payment: Wire) -> None:
    payment["status"] = "succeeded"
    payment["attempts"].append(_try(payment, 2))
    payment["charges"].append(
        {
            "id": f"chg_{payment['id']}",
            "attempt": f"att_2_{payment['id']}",
            "amount": SANDBOX_TOTAL.minor,
            "amount_captured": SANDBOX_TOTAL.minor,
            "amount_released": 0,
            "authorized_at": None,
            "captured_at": _AT.format(3),
            "released_at": None,
        }
    )


def _refund(payment: Wire) -> Wire:
    return {
        "id": f"ref_{payment['id']}",
        "payment": payment["id"],
        "amount": 400,
        "currency": SANDBOX_TOTAL.currency,
        "reason": None,
        "metadata": {},
        "created": _AT.format(4),
        "succeeded_at": _AT.format(4),
        "failed_at": None,
    }


def _dispute(payment: Wire) -> Wire:
    return {
        "id": f"dsp_{payment['id']}",
        "amount": SANDBOX_TOTAL.minor,
        "reason": "fraudulent",
        "respond_by": None,
        "created": _AT.format(5),
        "won_at": None,
        "lost_at": None,
    }
