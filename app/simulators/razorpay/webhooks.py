"""Razorpay's webhooks: bodies, and the signature over them. Source: razorpay.com/docs/webhooks, November 2026."""

from __future__ import annotations

import hashlib
import hmac
import time
from typing import TYPE_CHECKING

import orjson

from app.simulators.kit import Event
from app.simulators.razorpay.account import new_word

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from app.simulators.razorpay.account import Account
    from app.simulators.razorpay.objects import Entity


def event_of(account: Account, name: str, entities: Sequence[Entity]) -> Event:
    """Return an event that brings these objects as they are now; its id is in no body."""
    shown = [entity.shown() for entity in entities]
    body = {
        "entity": "event",
        "account_id": account.id,
        "event": name,
        "contains": [entity["entity"] for entity in shown],
        "payload": {entity["entity"]: {"entity": entity} for entity in shown},
        "created_at": int(time.time()),
    }
    return Event(id=new_word(), type=name, body=orjson.dumps(body))


def headers_of(event: Event, webhook_secret: str) -> Mapping[str, str]:
    """Return what comes with an event."""
    signature = hmac.new(webhook_secret.encode(), event.body, hashlib.sha256).hexdigest()
    return {"X-Razorpay-Signature": signature, "x-razorpay-event-id": event.id}
