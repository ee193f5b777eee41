"""A gateway that speaks the sandbox's wire format, and says what a test wants at the moment that the test wants it.

The sandbox itself behaves well unless it is told to misbehave at random. What others shipped as bugs needs one certain
interleaving: a webhook before the answer, an answer older than the webhook, a connection cut after the work was done.
"""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager, suppress
from copy import deepcopy
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs, urlsplit

from tests.system.deliveries import signed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

Wire = dict[str, Any]

AT: Final = "2026-01-01T00:00:00Z"
_EVENTS: Final = count(1)


@dataclass(frozen=True, slots=True)
class Call:
    """A call that changes something, and the key that it bore."""

    path: str
    key: str
    body: Wire


class CutError(Exception):
    """Raised before an answer: the work is done, and the connection breaks instead."""


@dataclass(slots=True)
class Puppet:
    """Does what it is asked once for each key, and remembers who asked for what."""

    url: str = ""
    payments: dict[str, Wire] = field(default_factory=dict)
    calls: list[Call] = field(default_factory=list)
    before_answer: Callable[[Wire], Awaitable[None]] | None = None
    """What happens between the work and its answer; it is shown a copy, and the answer is as it was before."""
    _done: dict[str, Wire] = field(default_factory=dict)
    _connections: set[asyncio.Task[None]] = field(default_factory=set)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Puppet]:
        """Listen on a port of this machine."""
        server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        try:
            yield self
        finally:
            server.close()
            for task in self._connections:
                task.cancel()
            await asyncio.gather(*self._connections, return_exceptions=True)

    def forget(self) -> None:
        """Begin anew, for the next test."""
        self.payments.clear()
        self.calls.clear()
        self._done.clear()
        self.before_answer = None

    def keys(self, path: str) -> list[str]:
        """Return the keys with which a path was called, in order."""
        return [call.key for call in self.calls if call.path.endswith(path)]

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(reader, writer))
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError, CutError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                first, *lines = head.strip().split("\r\n")
                headers = {
                    name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)
                }
                body = await reader.readexactly(int(headers.get("content-length", "0")))
                method, target, _ = first.split(" ")
                status, said = await self._answer(method, target, headers, body)
                sent = json.dumps(said).encode()
                writer.write(f"HTTP/1.1 {status} X\r\nContent-Length: {len(sent)}\r\n\r\n".encode() + sent)
                await writer.drain()
        writer.close()

    async def _answer(
        self, method: str, target: str, headers: dict[str, str], body: bytes
    ) -> tuple[int, Wire]:
        url = urlsplit(target)
        if method == "GET":
            found = self._found(url.path, url.query)
        else:
            call = Call(url.path, headers["idempotency-key"], json.loads(body))
            self.calls.append(call)
            if call.key not in self._done:
                self._done[call.key] = self._work(call)
            found = 200, deepcopy(self._done[call.key])
        if self.before_answer is not None:
            hook, self.before_answer = self.before_answer, None
            await hook(found[1])
        return found

    def _found(self, path: str, query: str) -> tuple[int, Wire]:
        if path == "/v1/events":
            return 200, {"data": [], "has_more": False}
        if path == "/v1/payments":
            ours = parse_qs(query)["metadata_payment_id"][0]
            same = [p for p in self.payments.values() if p["metadata"].get("payment_id") == ours]
            return 200, {"data": deepcopy(same)}
        payment = self.payments.get(path.rpartition("/")[2])
        if payment is None:
            return 404, {"error": {"code": "resource_missing", "message": "There is no such payment."}}
        return 200, deepcopy(payment)

    def _work(self, call: Call) -> Wire:
        *_, reference, action = call.path.split("/")
        if action == "payments":
            return deepcopy(self._open(call.body))
        payment = self.payments[reference]
        if action == "refunds":
            return deepcopy(give_back(payment, call.body["amount"], call.body["metadata"]))
        assert action == "cancel", call
        payment["canceled_at"] = AT
        payment["status"] = "canceled"
        return deepcopy(payment)

    def _open(self, body: Wire) -> Wire:
        reference = f"sbx_pay_{len(self.payments)}_{body['metadata']['payment_id']}"
        self.payments[reference] = payment_of(reference, body["metadata"], body["currency"], body["amount"])
        return self.payments[reference]


def payment_of(reference: str, metadata: dict[str, str], currency: str, minor: int) -> Wire:
    """Return a payment of which nothing is known but what was asked."""
    return {
        "id": reference,
        "amount": minor,
        "status": "requires_payment_method",
        "currency": currency,
        "checkout_url": "http://127.0.0.1:9/checkout",
        "metadata": metadata,
        "created": AT,
        "canceled_at": None,
        "attempts": [],
        "charges": [],
        "refunds": [],
        "disputes": [],
    }


def pay(payment: Wire) -> Wire:
    """Let a shopper's card pay all of it."""
    reference = payment["id"]
    payment["status"] = "succeeded"
    payment["attempts"] = [
        {
            "id": f"att_{reference}",
            "created": AT,
            "action_required_at": None,
            "processing_at": None,
            "failed_at": None,
            "failure": None,
        }
    ]
    payment["charges"] = [
        {
            "id": f"chg_{reference}",
            "attempt": f"att_{reference}",
            "amount": payment["amount"],
            "amount_captured": payment["amount"],
            "amount_released": 0,
            "authorized_at": None,
            "captured_at": AT,
            "released_at": None,
        }
    ]
    return payment


def give_back(payment: Wire, minor: int, metadata: dict[str, str]) -> Wire:
    """Pay a part of it back, and return the refund."""
    refund = {
        "id": f"ref_{len(payment['refunds'])}_{payment['id']}",
        "payment": payment["id"],
        "amount": minor,
        "currency": payment["currency"],
        "reason": None,
        "metadata": metadata,
        "created": AT,
        "succeeded_at": AT,
        "failed_at": None,
    }
    payment["refunds"].append(refund)
    return refund


def told(payment: Wire) -> bytes:
    """Return the request that brings the news of a payment as it is now, under an id of its own."""
    event = {
        "id": f"evt_{next(_EVENTS)}_{payment['id']}",
        "type": f"payment.{payment['status']}",
        "created": AT,
        "data": {"object": payment},
    }
    return signed(json.dumps(event).encode())
