"""One call of PayPal's API: sent with a token and our key, and its failure told in our words."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

import orjson

from app.gateways.contract import GatewayError, GatewayErrorKind
from app.gateways.http import HttpCalls
from app.gateways.paypal.refusals import refusal
from app.gateways.paypal.token import AccessToken

if TYPE_CHECKING:
    from app.gateways.http import HttpAnswer
    from app.gateways.paypal.options import PayPalSettings

_UNAUTHORIZED: Final = 401
_NO_CONTENT: Final = 204
_KEY_CHARS: Final = 38
"""Of a SHA-256 in hex: short for every call, with more than a hundred bits against chance."""


def request_id(*words: str) -> str:
    """Return PayPal's key for one step of what our key stands for: the same words, the same key."""
    return sha256("|".join(words).encode()).hexdigest()[:_KEY_CHARS]


class Calls:
    """Carries calls out, each at most once, but for one that was refused because its token had expired."""

    def __init__(self, settings: PayPalSettings) -> None:
        self._http = HttpCalls("PayPal", settings.api_base, settings.timeout_seconds)
        self._token = AccessToken(settings, self._http)

    async def get(self, path: str) -> dict[str, Any]:
        """Ask for an object.

        Raises:
            GatewayError: as the contract tells its kinds apart.
        """
        return _read(await self._exchange("GET", path, None, {}))

    async def post(self, path: str, body: dict[str, Any], key: str) -> dict[str, Any]:
        """Change something; empty when PayPal answers with nothing.

        Raises:
            GatewayError: as the contract tells its kinds apart.
        """
        headers = {"PayPal-Request-Id": key, "Prefer": "return=representation"}
        return _read(await self._exchange("POST", path, orjson.dumps(body), headers))

    async def post_raw(self, path: str, body: bytes) -> dict[str, Any]:
        """Post bytes as they are, changing nothing.

        Raises:
            GatewayError: as the contract tells its kinds apart.
        """
        return _read(await self._exchange("POST", path, body, {}))

    async def aclose(self) -> None:
        """Close connections."""
        await self._token.aclose()
        await self._http.aclose()

    async def _exchange(
        self, method: str, path: str, content: bytes | None, headers: dict[str, str]
    ) -> HttpAnswer:
        token = await self._token.value()
        answer = await self._send(method, path, content, headers, token)
        if answer.status == _UNAUTHORIZED:
            token = await self._token.value(refused=token)
            answer = await self._send(method, path, content, headers, token)
        return answer

    async def _send(
        self, method: str, path: str, content: bytes | None, headers: dict[str, str], token: str
    ) -> HttpAnswer:
        sent = {"Authorization": f"Bearer {token}", "Accept": "application/json", **headers}
        if content is not None:
            sent["Content-Type"] = "application/json"
        return await self._http.exchange(method, path, content=content, headers=sent)


def _read(answer: HttpAnswer) -> dict[str, Any]:
    if not answer.is_success:
        raise refusal(answer)
    if answer.status == _NO_CONTENT:
        return {}
    try:
        told = orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        told = None
    if not isinstance(told, dict):
        raise unreadable("it is no JSON object")
    return told


def unreadable(why: object) -> GatewayError:
    """Return the error of an answer that makes no sense, so that what it answers may have happened."""
    return GatewayError(
        GatewayErrorKind.UNKNOWN, f"PayPal's answer could not be read: {why}.", code="unreadable_answer"
    )
