"""What every request passes: an id that its logs carry, and headers that browsers should see. Pure ASGI."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import structlog

from app.identity import new_id

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping

    Message = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[Message]]
    Send = Callable[[Message], Awaitable[None]]
    App = Callable[[Message, Receive, Send], Awaitable[None]]

WEBHOOKS_PATH: Final = "/webhooks/"
_REQUEST_ID: Final = re.compile(rb"[A-Za-z0-9._:-]{1,128}")
SECURITY_HEADERS: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
)


class Edge:
    """Gives every request its id and every answer its headers, and takes webhooks the short way.

    A caller's X-Request-Id is kept, or one is made; the logs carry it, and the answer has it. Headers that an answer
    has set itself are left alone. Webhooks, the hot path, go straight to their endpoint, which does as much itself.
    """

    def __init__(self, app: App, webhooks: App) -> None:
        self._app = app
        self._webhooks = webhooks

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        given = next((value for key, value in scope["headers"] if key == b"x-request-id"), b"")
        request_id = given if _REQUEST_ID.fullmatch(given) else new_id().hex.encode()

        if scope["type"] == "http" and scope["path"].startswith(WEBHOOKS_PATH):
            scope["path_params"] = {"gateway": scope["path"][len(WEBHOOKS_PATH) :]}
            scope["request_id"] = request_id
            await self._webhooks(scope, receive, send)
            return

        async def send_marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = list(message.get("headers", ()))
                present = {key.lower() for key, _ in headers}
                headers.extend(header for header in SECURITY_HEADERS if header[0] not in present)
                headers.append((b"x-request-id", request_id))
                message["headers"] = headers
            await send(message)

        with structlog.contextvars.bound_contextvars(request=request_id.decode()):
            await self._app(scope, receive, send_marked)
