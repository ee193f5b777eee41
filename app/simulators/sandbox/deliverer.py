"""The sandbox's webhooks: how they are signed, and noted in the book."""

from __future__ import annotations

import hashlib
import hmac
import logging
import time
from typing import TYPE_CHECKING

from app.simulators.kit.deliverer import Deliverer
from app.simulators.sandbox.book import DeliveryAttempt

if TYPE_CHECKING:
    from collections.abc import Mapping

    from app.simulators.kit.deliverer import Posted
    from app.simulators.sandbox.account import Account
    from app.simulators.sandbox.book import Event

_log = logging.getLogger(__name__)


def event_deliverer(account: Account, url: str) -> Deliverer[Event]:
    """Return what posts the book's events to the merchant."""
    book = account.book

    def headers(event: Event) -> Mapping[str, str]:
        return {
            "Content-Type": "application/json",
            "Sandbox-Signature": signature(account.webhook_secret, event.body, int(time.time())),
            "User-Agent": "Sandbox-Webhooks/1",
        }

    def note(posted: Posted[Event]) -> None:
        attempt = DeliveryAttempt(
            at=book.now(), status=posted.status, error=posted.error, duplicate=posted.duplicate
        )
        try:
            book.record(posted.parcel, attempt, posted.delivery)
        except OSError:
            # Without its note the event is delivered once more after a restart, which merchants must bear.
            _log.exception("A delivery attempt could not be written to the log.")

    return Deliverer(url, headers=headers, chaos=lambda: account.chaos, note=note)


def signature(secret: str, body: bytes, timestamp: int) -> str:
    """Return the header `Sandbox-Signature` for a body sent at a Unix time."""
    digest = hmac.new(secret.encode(), b"%d." % timestamp + body, hashlib.sha256).hexdigest()
    return f"t={timestamp},v1={digest}"
