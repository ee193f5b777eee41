"""What every request passes: whose it is, whether it may come in, an id that its logs carry, and headers. Pure ASGI."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import orjson
import structlog

from app.card_numbers import holds_card_number
from app.domain.errors import ErrorCode
from app.error_catalog import PATH, CloseCode, RequestCode, doc_url
from app.identity import new_id
from app.rates import RateLimitedError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping, Sequence

    from app.rates import Addresses, Rates, Unlimited

    Message = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[Message]]
    Send = Callable[[Message], Awaitable[None]]
    App = Callable[[Message, Receive, Send], Awaitable[None]]

WEBHOOKS_PATH: Final = "/webhooks/"
_PAGES_PATH: Final = "/track/"
RATED_PATHS: Final = ("/graphql", _PAGES_PATH)
"""Where something is looked up for whoever asks."""
HEALTH_PATHS: Final = frozenset({"/livez", "/readyz", "/metrics"})
"""Asked for by whatever looks after the process, under any name of its machine."""
_BOUND_AS: Final = "request"
"""Under what name the logs show a request's id."""
_STATIC_PATH: Final = "/static/"
_REQUEST_ID: Final = re.compile(rb"[A-Za-z0-9._:-]{1,128}")
SECURITY_HEADERS: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=()"),
)
NO_CONTENT_POLICY: Final = (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'")
"""For answers that are no pages. Scripts of workers go by the policy that they come with, so these have none."""
_ENCRYPTED_ONLY: Final = (b"strict-transport-security", b"max-age=31536000")


def request_id() -> str | None:
    """Return the id of the request, or of the websocket, that is being answered; None outside of any."""
    found: str | None = structlog.contextvars.get_contextvars().get(_BOUND_AS)
    return found


class Edge:
    """Gives every request its id and every answer its headers, counts requests, and takes webhooks the short way.

    A caller's X-Request-Id is kept, or one is made; the logs carry it, and the answer has it. Headers that an answer
    has set itself are left alone. Webhooks, the hot path, go straight to their endpoint, which does as much itself.
    """

    def __init__(
        self,
        app: App,
        webhooks: App | None,
        *,
        addresses: Addresses,
        rates: Rates | Unlimited,
        hosts: Sequence[str] = (),
        encrypted: bool = False,
        docs_url: str = PATH,
    ) -> None:
        """Take what is behind the edge.

        Args:
            app: Everything but webhooks.
            webhooks: The endpoint of the webhooks; without one, they are asked for like any other page.
            addresses: Tells where clients are.
            rates: Counts their requests.
            hosts: The names that this server answers to; `*.shop.example` stands for all below. None for any.
            encrypted: Whether browsers reach it by https alone.
            docs_url: Where errors are explained; the code follows it.
        """
        self._app = app
        self._webhooks = webhooks
        self._addresses = addresses
        self._rates = rates
        self._docs_url = docs_url
        self._hosts = frozenset(host.lower().encode() for host in hosts if not host.startswith("*."))
        self._domains = tuple(host[1:].lower().encode() for host in hosts if host.startswith("*."))
        self._headers = (*SECURITY_HEADERS, *((_ENCRYPTED_ONLY,) if encrypted else ()))

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        path: str = scope["path"]
        given, hosts = b"", []
        for name, value in scope["headers"]:
            if name == b"host":
                hosts.append(value)
            elif name == b"x-request-id":
                given = value
        request_id = _kept(given) or new_id().hex.encode()
        if not self._is_for_us(hosts) and path not in HEALTH_PATHS:
            await self._turn_away(scope, send, 400, "This is not the host that you look for.", request_id)
            return

        if self._webhooks and scope["type"] == "http" and path.startswith(WEBHOOKS_PATH):
            scope["path_params"] = {"gateway": path[len(WEBHOOKS_PATH) :]}
            scope["request_id"] = request_id
            await self._webhooks(scope, receive, send)
            return

        if path.startswith(RATED_PATHS):
            address = scope["address"] = self._addresses.client_of(scope)
            try:
                await self._rates.request(address)
            except RateLimitedError as error:
                wait = error.retry_after_seconds
                if not path.startswith(_PAGES_PATH):
                    await self._turn_away(scope, send, 429, str(error), request_id, retry_after_seconds=wait)
                    return
                scope["retry_after_seconds"] = wait  # a person reads it: the page says so in its own words
        with structlog.contextvars.bound_contextvars(**{_BOUND_AS: request_id.decode()}):
            await self._app(scope, receive, self._marking(send, path, request_id))

    def _marking(self, send: Send, path: str, request_id: bytes) -> Send:
        async def send_marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = list(message.get("headers", ()))
                present = {key.lower() for key, _ in headers}
                headers.extend(header for header in self._headers if header[0] not in present)
                if NO_CONTENT_POLICY[0] not in present and not path.startswith(_STATIC_PATH):
                    headers.append(NO_CONTENT_POLICY)
                headers.append((b"x-request-id", request_id))
                message["headers"] = headers
            elif message["type"] == "websocket.accept":
                message["headers"] = [*message.get("headers", ()), (b"x-request-id", request_id)]
            await send(message)

        return send_marked

    async def _turn_away(
        self,
        scope: Message,
        send: Send,
        status: int,
        message: str,
        request_id: bytes,
        *,
        retry_after_seconds: int | None = None,
    ) -> None:
        """Answer without anything having looked at the request; a websocket is not opened."""
        kind = "websocket.http.response" if scope["type"] == "websocket" else "http.response"
        if kind != "http.response" and kind not in scope.get("extensions", {}):
            await send({"type": "websocket.close", "code": CloseCode.TRY_AGAIN_LATER})
            return
        code = RequestCode.BAD_REQUEST if retry_after_seconds is None else ErrorCode.RATE_LIMITED
        extensions: dict[str, object] = {
            "code": code,
            "docUrl": doc_url(self._docs_url, code),
            "requestId": request_id.decode(),
        }
        headers = [(b"content-type", b"application/json; charset=utf-8"), *self._headers, NO_CONTENT_POLICY]
        if retry_after_seconds is not None:
            extensions["retryAfterSeconds"] = retry_after_seconds
            headers.append((b"retry-after", b"%d" % retry_after_seconds))
        content = orjson.dumps({"errors": [{"message": message, "extensions": extensions}]})
        headers += [(b"content-length", b"%d" % len(content)), (b"x-request-id", request_id)]
        await send({"type": f"{kind}.start", "status": status, "headers": headers})
        await send({"type": f"{kind}.body", "body": content})

    def _is_for_us(self, hosts: list[bytes]) -> bool:
        """Whether the request names one host, and one of ours. Of two, somebody before us may have read the other."""
        if len(hosts) > 1:
            return False
        if not self._hosts and not self._domains:
            return True
        name = _name_of(hosts[0]) if hosts else b""
        return name in self._hosts or name.endswith(self._domains or b"\n")


def _name_of(host: bytes) -> bytes:
    if host.startswith(b"["):
        return host.partition(b"]")[0].lower() + b"]"
    return host.partition(b":")[0].lower()


def _kept(request_id: bytes) -> bytes | None:
    """Return a caller's id, if it is one that may stand in logs."""
    if not _REQUEST_ID.fullmatch(request_id) or holds_card_number(request_id.decode()):
        return None
    return request_id
