"""Stripe's events: written as each thing happens, listed newest first, and signed for its webhooks.

Signed as docs.stripe.com/webhooks, "Verify manually", has it; Stripe's library is what that is checked against.
"""

from __future__ import annotations

import hmac
import time
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

import orjson

from app.simulators.kit import Event
from app.simulators.stripe.account import API_VERSION, new_id

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from app.simulators.stripe.objects import Entity

_SIGNED: Final = "v1"


@dataclass(frozen=True, slots=True)
class Told:
    """An event as the list has it: a snapshot of its time."""

    id: str
    kind: str
    created: int
    body: bytes

    def shown(self) -> dict[str, Any]:
        """Return the object."""
        shown: dict[str, Any] = orjson.loads(self.body)
        return shown


class Journal:
    """Every event, oldest first. Each is handed to `emit` as it is written."""

    def __init__(self, emit: Callable[[Event], None]) -> None:
        self.events: list[Told] = []
        self._emit = emit
        self._asked: tuple[str | None, str | None] = (None, None)

    def tell(self, kind: str, entity: Entity) -> None:
        """Write an event about an object as it is now."""
        request_id, key = self._asked
        event_id, created = new_id("evt"), int(time.time())
        body = {
            "id": event_id,
            "object": "event",
            "api_version": API_VERSION,
            "created": created,
            "data": {"object": entity.shown()},
            "livemode": False,
            "pending_webhooks": 1,
            "request": {"id": request_id, "idempotency_key": key},
            "type": kind,
        }
        told = Told(event_id, kind, created, orjson.dumps(body))
        self.events.append(told)
        self._emit(
            Event(id=told.id, type=kind, body=told.body, content_type="application/json; charset=utf-8")
        )

    @contextmanager
    def asked(self, request_id: str, key: str | None) -> Iterator[None]:
        """Have what is written in the block name the call that caused it."""
        self._asked = (request_id, key)
        try:
            yield
        finally:
            self._asked = (None, None)


def signature(body: bytes, secret: str, at_seconds: int) -> str:
    """Return the `Stripe-Signature` header of a body that is posted at that time."""
    digest = hmac.new(secret.encode(), b"%d." % at_seconds + body, sha256).hexdigest()
    return f"t={at_seconds},{_SIGNED}={digest}"
