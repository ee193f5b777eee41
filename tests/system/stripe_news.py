"""What Stripe posts about payments that stand in the database, in its own wire format and signed as it signs."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from app.batch import Command
from app.domain.changes import OpenPayment
from app.domain.money import Money
from app.domain.states import EventSource, GatewayName
from app.settle import Settler
from tests.gateways.stripe_objects import charge, dispute, event, intent
from tests.making import Opened, a_payment, an_order, stored_order
from tests.system.processes import STRIPE_WEBHOOK_SECRET
from tests.system.wire import request

if TYPE_CHECKING:
    from app.domain.order import Payment
    from db.pool import Database

ASKED: Final = Money(1000, "EUR")
"""What the objects of `tests.gateways.stripe_objects` are for."""


async def open_at_stripe(database: Database) -> Opened:
    """Write an order with one payment at Stripe, at version 2."""
    order = await stored_order(database, an_order(total=ASKED))
    payment = replace(a_payment(order), gateway=GatewayName.STRIPE)
    change = OpenPayment(payment=payment, amount=None, source=EventSource.API)
    async with Settler(database.dsn, on_commit=lambda _: None, on_doubt=lambda _: None) as settler:
        outcome = await settler.submit(Command(order_id=order.id, change=change))
    assert outcome.record is not None
    return Opened(outcome.record.order, outcome.record.payments[payment.id].payment)


def intent_of(payment: Payment, status: str, **fields: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    """Return the payment intent of a payment."""
    return intent(status, id=_intent_id(payment), metadata={"payment_id": str(payment.id)}, **fields)


def charge_of(payment: Payment, number: int, make: Any = charge, **fields: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    """Return a charge of a payment: the number of the try makes its id and its card."""
    return make(  # type: ignore[no-any-return]  # JSON
        f"ch_{number}_{payment.id.hex}",
        f"pm_{number}",
        payment_intent=_intent_id(payment),
        metadata={"payment_id": str(payment.id)},
        **fields,
    )


def dispute_of(payment: Payment, status: str) -> dict[str, Any]:
    """Return the dispute about a payment's first charge; Stripe puts nothing of ours into it."""
    return dispute(
        status,
        id=f"du_{payment.id.hex}",
        charge=f"ch_1_{payment.id.hex}",
        payment_intent=_intent_id(payment),
    )


def posted(event_type: str, told: dict[str, Any]) -> bytes:
    """Return the request that brings an event, under an id of its own."""
    return signed_by_stripe(json.dumps(event(event_type, told)).encode())


def signed_by_stripe(body: bytes) -> bytes:
    """Return the request that brings a body, signed now."""
    seconds = int(time.time())
    digest = hmac.digest(STRIPE_WEBHOOK_SECRET.encode(), b"%d." % seconds + body, hashlib.sha256).hex()
    return request("POST", "/webhooks/stripe", body, {"stripe-signature": f"t={seconds},v1={digest}"})


def _intent_id(payment: Payment) -> str:
    return f"pi_{payment.id.hex}"
