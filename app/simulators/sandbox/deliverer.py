"""Webhooks: every event is signed and posted until the merchant answers 2xx.

The first repetitions follow at once, so that a demo or a test whose server was away for a moment recovers at
once; then at most a minute passes between two, for three days.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import logging
import random
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import httpx2

from app.simulators.sandbox.agenda import Agenda
from app.simulators.sandbox.book import DeliveryAttempt, DeliveryStatus

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.simulators.sandbox.book import Book, Event
    from app.simulators.sandbox.chaos import Chaos

CONCURRENCY_MAX: Final = 8
TIMEOUT_SECONDS: Final = 5.0
RETRY_FIRST_SECONDS: Final = 0.25
RETRY_SECONDS_MAX: Final = 60.0
ATTEMPTS_MAX: Final = 3 * 24 * 60

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Delivery:
    event: Event
    tries: int
    duplicate: bool


class Deliverer:
    """Posts events to one endpoint, a few at a time. `chaos` is asked anew for each."""

    def __init__(self, book: Book, url: str, secret: str, chaos: Callable[[], Chaos]) -> None:
        self._book = book
        self._url = url
        self._secret = secret
        self._chaos = chaos
        self._agenda: Agenda[_Delivery] = Agenda()

    def enqueue(self, event: Event) -> None:
        """Have an event delivered, once or as often as the chaos wants."""
        chaos = self._chaos()
        self._agenda.put(_Delivery(event, 0, duplicate=False), chaos.delay_seconds())
        for _ in range(chaos.duplicate):
            self._agenda.put(_Delivery(event, 0, duplicate=True), chaos.delay_seconds())

    async def run(self) -> None:
        """Deliver for ever, beginning with what is still owed."""
        for event in self._book.undelivered():
            self.enqueue(event)
        slots = asyncio.Semaphore(CONCURRENCY_MAX)
        limits = httpx2.Limits(max_connections=CONCURRENCY_MAX)
        # What the environment says about proxies is not meant for the merchant next door.
        client = httpx2.AsyncClient(limits=limits, timeout=TIMEOUT_SECONDS, trust_env=False)
        async with client, asyncio.TaskGroup() as group:
            while True:
                delivery = await self._agenda.next()
                await slots.acquire()
                task = group.create_task(self._deliver(client, delivery))
                task.add_done_callback(lambda _: slots.release())

    async def _deliver(self, client: httpx2.AsyncClient, delivery: _Delivery) -> None:
        event = delivery.event
        if self._chaos().drops():
            self._note(delivery, None, "dropped by chaos", DeliveryStatus.LOST)
            return
        status, error = await self._post(client, event)
        tries = delivery.tries + 1
        if status is not None and 200 <= status < 300:  # noqa: PLR2004 - HTTP's range of success
            self._note(delivery, status, None, DeliveryStatus.DELIVERED)
        elif delivery.duplicate:
            self._note(delivery, status, error, event.delivery)
        elif tries >= ATTEMPTS_MAX:
            self._note(delivery, status, error, DeliveryStatus.ABANDONED)
        else:
            self._note(delivery, status, error, DeliveryStatus.PENDING)
            self._agenda.put(_Delivery(event, tries, duplicate=False), retry_seconds(tries))

    async def _post(self, client: httpx2.AsyncClient, event: Event) -> tuple[int | None, str | None]:
        headers = {
            "Content-Type": "application/json",
            "Sandbox-Signature": signature(self._secret, event.body, int(time.time())),
            "User-Agent": "Sandbox-Webhooks/1",
        }
        try:
            async with (
                asyncio.timeout(TIMEOUT_SECONDS),
                client.stream("POST", self._url, content=event.body, headers=headers) as response,
            ):
                return (
                    response.status_code,
                    None if response.is_success else f"answered {response.status_code}",
                )
        except Exception as error:  # noqa: BLE001 - whatever goes wrong with one delivery, it is tried again
            return None, type(error).__name__

    def _note(
        self, delivery: _Delivery, status: int | None, error: str | None, outcome: DeliveryStatus
    ) -> None:
        attempt = DeliveryAttempt(
            at=self._book.now(), status=status, error=error, duplicate=delivery.duplicate
        )
        try:
            self._book.record(delivery.event, attempt, outcome)
        except OSError:
            # Without its note the event is delivered once more after a restart, which merchants must bear.
            _log.exception("A delivery attempt could not be written to the log.")


def signature(secret: str, body: bytes, timestamp: int) -> str:
    """Return the header `Sandbox-Signature` for a body sent at a Unix time."""
    digest = hmac.new(secret.encode(), b"%d." % timestamp + body, hashlib.sha256).hexdigest()
    return f"t={timestamp},v1={digest}"


def retry_seconds(tries: int) -> float:
    """Return how long to wait after so many tries: doubling, capped, and jittered by up to half."""
    full = min(RETRY_SECONDS_MAX, RETRY_FIRST_SECONDS * 2.0 ** min(tries - 1, 16))
    return full * random.uniform(0.5, 1.0)  # noqa: S311 - spreads load, no secret
