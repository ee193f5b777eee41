"""Webhooks as the sandbox gateway signs them, for payments that stand in the database, and senders that insist."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import time
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from app.settle import Settler
from tests.making import opened_payment
from tests.system.processes import SANDBOX_WEBHOOK_SECRET
from tests.system.wire import LOST, Answer, Line, request

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.domain.order import Payment
    from db.pool import Database
    from tests.making import Opened

PATH: Final = "/webhooks/sandbox"
AGAIN_SECONDS: Final = 0.02
_AT: Final = "2026-01-01T00:00:00Z"


@dataclass(frozen=True, slots=True)
class Delivery:
    """One webhook, ready to be sent any number of times."""

    external_id: str
    request: bytes


async def open_payments(database: Database, count: int) -> list[Opened]:
    """Write orders with one open payment each, at version 2."""
    async with Settler(database.dsn, on_commit=lambda _: None, on_doubt=lambda _: None) as settler:
        return list(await asyncio.gather(*(opened_payment(database, settler) for _ in range(count))))


def success(payment: Payment) -> Delivery:
    """Return the news that a payment was captured in full."""
    event = {
        "id": f"sbx_evt_{payment.id}",
        "type": "payment.succeeded",
        "created": _AT,
        "data": {"object": _captured(payment)},
    }
    return Delivery(str(event["id"]), signed(json.dumps(event).encode()))


def signed(body: bytes, secret: str = SANDBOX_WEBHOOK_SECRET, **headers: str) -> bytes:
    """Return the request that brings a body, signed now."""
    return request("POST", PATH, body, {"sandbox-signature": signature(body, secret), **headers})


def signature(body: bytes, secret: str = SANDBOX_WEBHOOK_SECRET, at: int | None = None) -> str:
    """Return the header's value, for now unless another time is given."""
    seconds = int(time.time()) if at is None else at
    return f"t={seconds},v1={hmac.digest(secret.encode(), b'%d.' % seconds + body, hashlib.sha256).hex()}"


def _captured(payment: Payment) -> dict[str, object]:
    attempt = {
        "id": f"sbx_att_{payment.id}",
        "created": _AT,
        "action_required_at": None,
        "processing_at": None,
        "failed_at": None,
        "failure": None,
    }
    charge = {
        "id": f"sbx_chg_{payment.id}",
        "attempt": attempt["id"],
        "amount": payment.amount.minor,
        "amount_captured": payment.amount.minor,
        "amount_released": 0,
        "authorized_at": None,
        "captured_at": _AT,
        "released_at": None,
    }
    return {
        "id": f"sbx_pay_{payment.id}",
        "status": "succeeded",
        "currency": payment.currency,
        "checkout_url": "http://127.0.0.1:9/checkout",
        "metadata": {"payment_id": str(payment.id)},
        "created": _AT,
        "canceled_at": None,
        "attempts": [attempt],
        "charges": [charge],
        "refunds": [],
        "disputes": [],
    }


@dataclass
class Insisting:
    """A gateway that sends each delivery again until it is answered 2xx."""

    port: int
    accepted: set[str] = field(default_factory=set)
    statuses: Counter[int] = field(default_factory=Counter)
    unanswered: int = 0
    _changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def send_all(self, deliveries: Sequence[Delivery], senders: int) -> None:
        """Send over a number of connections, and return when everything was accepted."""
        waiting = deque(deliveries)
        async with asyncio.TaskGroup() as group:
            for _ in range(senders):
                group.create_task(self._send(waiting))

    async def accepts(self, count: int) -> None:
        """Wait until that many deliveries were accepted."""
        async with self._changed:
            await self._changed.wait_for(lambda: len(self.accepted) >= count)

    async def _send(self, waiting: deque[Delivery]) -> None:
        line: Line | None = None
        while waiting:
            delivery = waiting.popleft()
            while delivery.external_id not in self.accepted:
                try:
                    line = line or await Line.open(self.port)
                    await self._note(delivery, await line.ask(delivery.request))
                except LOST:
                    self.unanswered += 1
                    if line is not None:
                        line.close()
                        line = None
                if delivery.external_id not in self.accepted:
                    await asyncio.sleep(AGAIN_SECONDS)
        if line is not None:
            line.close()

    async def _note(self, delivery: Delivery, answer: Answer) -> None:
        self.statuses[answer.status] += 1
        if 200 <= answer.status < 300:
            async with self._changed:
                self.accepted.add(delivery.external_id)
                self._changed.notify_all()
