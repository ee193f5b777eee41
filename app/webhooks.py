"""POST /webhooks/{gateway}: verify the raw bytes, translate, settle, and answer 2xx only after the commit.

A raw ASGI endpoint, for this is the hot path: nothing stands between the socket and `settle`.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import re
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, Protocol

import orjson

from app.batch import Webhook
from app.edge import NO_CONTENT_POLICY, SECURITY_HEADERS
from app.gateways import GatewayError, Notification, SignatureError
from app.identity import new_id
from app.rates import Addresses, Strikes
from app.rates.strikes import WINDOW_SECONDS
from app.settle import SettleBusyError
from app.webhook_watch import WebhookWatch

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping

    from app.batch import Outcome
    from app.gateways import Gateway, GatewayRegistry
    from app.settle import Settler

    Scope = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
    Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

log = logging.getLogger(__name__)

_HEADERS: Final = ((b"content-type", b"application/json"), (b"x-content-type-options", b"nosniff"))
"""Of answers that only a gateway gets: each header takes most of a microsecond."""
_REFUSED_HEADERS: Final = ((b"content-type", b"application/json"), *SECURITY_HEADERS, NO_CONTENT_POLICY)
_TAKEN: Final = 200
BODY_BYTES_MAX: Final = 1_048_576
BODY_SECONDS_MAX: Final = 10.0
"""How long a body may take to arrive whole; gateways themselves give up after 5 to 30 s."""
ANSWER_SECONDS_MAX: Final = 4.5
"""How long a delivery that has arrived may wait for its answer. Razorpay waits for 5 s, the others longer.

Source: razorpay.com/docs/webhooks/setup-edit-payments, read in November 2026.
"""
RETRY_AFTER_SECONDS: Final = 1
_PLAIN_ID: Final = re.compile(r"[\x20-\x7e]{1,255}")
_EXTRA_HEADERS: Final = {
    405: (b"allow", b"POST"),
    408: (b"connection", b"close"),
    413: (b"connection", b"close"),
    429: (b"retry-after", str(WINDOW_SECONDS).encode()),
    503: (b"retry-after", str(RETRY_AFTER_SECONDS).encode()),
}


class WebhookFigures(Protocol):
    """What is counted of webhooks."""

    def webhook(self, gateway: str, outcome: str, seconds: float) -> None:
        """Count one delivery: `outcome` is a status of the inbox, or why it was turned away."""


class _RefusedError(Exception):
    """A delivery that is turned away before anything is made of it."""

    def __init__(self, status: int, outcome: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.outcome = outcome
        self.message = message


class WebhookEndpoint:
    """Takes the deliveries of every gateway that is configured."""

    def __init__(
        self,
        gateways: GatewayRegistry,
        settler: Settler,
        figures: WebhookFigures,
        *,
        addresses: Addresses | None = None,
        strikes: Strikes | None = None,
    ) -> None:
        """`strikes` counts signatures that failed, by the client's address; without it, nobody is out."""
        self._gateways = gateways
        self._settler = settler
        self._figures = figures
        self._addresses = addresses or Addresses()
        self._strikes = strikes
        self._watch = WebhookWatch()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one delivery: 2xx stored, 4xx not the gateway's or malformed, 503 come again."""
        started = time.monotonic()
        name = scope["path_params"]["gateway"]
        gateway = self._gateways.find(name)
        if gateway is None:
            await _answer(scope, send, 404, {"error": "There is no such gateway here."})
            return
        is_out = self._is_out(scope)
        try:
            outcome = await self._take(gateway, scope, receive, started, is_out=is_out)
        except _RefusedError as refused:
            await self._refuse(refused, gateway, scope, send, time.monotonic() - started, is_out=is_out)
            return
        except Exception:
            # The boundary to the server: a gateway gets an answer whatever happens here, and comes again.
            log.exception(
                "webhook.broken", extra={"request": scope["request_id"].decode(), "gateway": gateway.name}
            )
            self._figures.webhook(gateway.name, "error", time.monotonic() - started)
            self._watch.turned_away(gateway)
            await _answer(scope, send, 500, {"error": "Internal error. Send it again."})
            return
        assert outcome.status is not None, "a webhook always has a status"  # noqa: S101 - settle's promise
        await _answer(scope, send, _TAKEN, {"status": outcome.status})
        self._figures.webhook(gateway.name, outcome.status, time.monotonic() - started)
        self._watch.taken(gateway)

    def _is_out(self, scope: Scope) -> bool:
        """Whether an address has failed so often that a failure more is worth no words.

        What it sends is checked all the same when it looks signed: a gateway may come from the same address, through a
        proxy, and a check costs little more than an answer.
        """
        strikes = self._strikes
        if strikes is None or not strikes.anybody_out:
            return False
        return strikes.is_out(self._addresses.client_of(scope))

    async def _refuse(
        self,
        refused: _RefusedError,
        gateway: Gateway,
        scope: Scope,
        send: Send,
        seconds: float,
        *,
        is_out: bool,
    ) -> None:
        self._figures.webhook(gateway.name, refused.outcome, seconds)
        failed = refused.outcome == "signature"
        if failed and self._strikes is not None:
            address = self._addresses.client_of(scope)
            if self._strikes.failed(address) and not is_out:
                log.warning("webhook.address_out", extra={"address": address, "gateway": gateway.name})
        if scope["method"] == "POST":  # whatever else knocks is no gateway
            self._watch.turned_away(gateway)
        if failed and is_out:
            await _answer(scope, send, 429, {"error": refused.message})
            return
        log.warning(
            "webhook.refused",
            extra={
                "request": scope["request_id"].decode(),
                "gateway": gateway.name,
                "outcome": refused.outcome,
                "reason": str(refused.__cause__ or refused),
            },
        )
        await _answer(scope, send, refused.status, {"error": refused.message})

    async def _take(
        self, gateway: Gateway, scope: Scope, receive: Receive, started: float, *, is_out: bool
    ) -> Outcome:
        if scope["method"] != "POST":
            raise _RefusedError(405, "method", "Use POST.")
        if is_out and not _looks_signed(gateway, scope):
            raise _RefusedError(400, "signature", "The signature is not valid.")
        body = await _read(receive)
        headers = {key.decode("latin-1"): value.decode("latin-1") for key, value in scope["headers"]}
        try:
            async with asyncio.timeout(ANSWER_SECONDS_MAX):
                webhook = await _translate(gateway, headers, body, started)
                outcome = await self._settler.submit(webhook)
        except SettleBusyError as error:
            raise _RefusedError(503, "busy", str(error)) from error
        except TimeoutError as error:
            raise _RefusedError(503, "late", "It took too long. Send it again.") from error
        if outcome.change is not None:
            log.info(
                "webhook.settled",
                extra={
                    "request": scope["request_id"].decode(),
                    "gateway": gateway.name,
                    "external_id": webhook.external_id,
                    "type": webhook.type,
                    "order": str(outcome.change.order.id),
                    "payment": str(outcome.payment_id),
                    "version": outcome.change.order.version,
                },
            )
        return outcome


def _looks_signed(gateway: Gateway, scope: Scope) -> bool:
    """Whether there is a signature at all; where it would be in the body, there may be."""
    header = gateway.signature_header
    return header is None or any(name == header for name, _ in scope["headers"])


async def _translate(gateway: Gateway, headers: dict[str, str], body: bytes, received_at: float) -> Webhook:
    try:
        verified = await gateway.verify(headers, body, datetime.now(UTC))
    except SignatureError as error:
        raise _RefusedError(400, "signature", "The signature is not valid.") from error
    except GatewayError as error:
        raise _RefusedError(503, "unverified", "It can't be checked now. Send it again.") from error
    error_text = None
    try:
        notification = gateway.parse(verified)
    except ValueError as error:
        # It is the gateway's own, so it is kept: somebody has to look at it, and it may be applied after a fix.
        error_text = str(error)
        digest = hashlib.sha256(body).hexdigest()
        notification = Notification(
            external_id=f"sha256:{digest}", type="unreadable", payment_id=None, reference=None
        )
    return Webhook(
        id=new_id(),
        gateway=gateway.name,
        external_id=_kept_id(notification.external_id),
        type=notification.type,
        body=body,
        payment_id=notification.payment_id,
        reference=notification.reference,
        object_ids=notification.related_object_ids,
        facts=notification.facts,
        next_action=notification.next_action,
        asks=notification.asks,
        error=error_text,
        received_at=received_at,
    )


def _kept_id(external_id: str) -> str:
    """Return what a delivery is known by: its id, or that id's digest where it is too long or odd for an index."""
    if _PLAIN_ID.fullmatch(external_id):
        return external_id
    return f"sha256:{hashlib.sha256(external_id.encode('utf-8', 'surrogatepass')).hexdigest()}"


async def _read(receive: Receive) -> bytes:
    """Read the body; it has to come whole, and soon."""
    try:
        async with asyncio.timeout(BODY_SECONDS_MAX):
            return await _read_whole(receive)
    except TimeoutError:
        raise _RefusedError(408, "slow", "The body did not arrive in time.") from None


async def _read_whole(receive: Receive) -> bytes:
    """Read the body, counting while it comes."""
    chunks = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise _RefusedError(400, "disconnected", "The body did not arrive whole.")
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > BODY_BYTES_MAX:
            raise _RefusedError(413, "size", f"A delivery has at most {BODY_BYTES_MAX} bytes.")
        chunks.append(chunk)
        if not message.get("more_body", False):
            return chunks[0] if len(chunks) == 1 else b"".join(chunks)


async def _answer(scope: Scope, send: Send, status: int, body: dict[str, str]) -> None:
    content = orjson.dumps(body)
    about = _HEADERS if status == _TAKEN else _REFUSED_HEADERS
    headers = [*about, (b"content-length", b"%d" % len(content)), (b"x-request-id", scope["request_id"])]
    if status in _EXTRA_HEADERS:
        headers.append(_EXTRA_HEADERS[status])
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": content})
