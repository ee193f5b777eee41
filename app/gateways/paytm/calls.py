"""Calls to Paytm: the body signed exactly as it is sent, and what it means when there is no answer."""

from __future__ import annotations

import time
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

import orjson

from app.gateways.contract import GatewayError, GatewayErrorKind
from app.gateways.http import HttpCalls
from app.gateways.paytm.checksum import sign
from app.gateways.paytm.messages import read_object
from app.gateways.paytm.results import unreadable
from app.gateways.paytm.wire import result_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from app.gateways.paytm.options import PaytmSettings
    from app.gateways.paytm.wire import WireResult

CLIENT_ID: Final = "C11"
"""Which of several keys signs; that of an account with one. Source: the `head` of each page under docs/api."""


class PaytmClient:
    """One merchant's connection to Paytm. Every method raises GatewayError alone."""

    def __init__(self, settings: PaytmSettings) -> None:
        self._key = settings.merchant_key.encode()
        self._http = HttpCalls(
            "Paytm", settings.api_base.rstrip("/"), settings.timeout_seconds, {"Accept": "application/json"}
        )

    async def signed(
        self, path: str, body: Mapping[str, Any], **query: str
    ) -> tuple[WireResult, dict[str, Any]]:
        """Have something done or told, as the merchant; return how that went, and the answer's body."""
        written = orjson.dumps(body)
        head = {**_head(), "clientId": CLIENT_ID, "signature": sign(written.decode(), self._key)}
        return await self._call(path, head, written, query)

    async def with_token(
        self, path: str, token: str, body: Mapping[str, Any], **query: str
    ) -> tuple[WireResult, dict[str, Any]]:
        """Have something done as whoever holds an order's token."""
        head = {**_head(), "channelId": "WEB", "txnToken": token}
        return await self._call(path, head, orjson.dumps(body), query)

    async def aclose(self) -> None:
        """Close connections."""
        await self._http.aclose()

    async def _call(
        self, path: str, head: Mapping[str, str], body: bytes, query: Mapping[str, str]
    ) -> tuple[WireResult, dict[str, Any]]:
        content = b'{"head":' + orjson.dumps(head) + b',"body":' + body + b"}"
        answered = await self._http.exchange(
            "POST", path, content=content, params=query, headers={"Content-Type": "application/json"}
        )
        if not answered.is_success:
            raise _refusal(answered.status, answered.retry_after_seconds)
        try:
            message = read_object(answered.body.decode())
            told = message.get("body")
            return result_of(message), told if isinstance(told, dict) else {}
        except ValueError as error:
            raise unreadable(error) from error


def _head() -> dict[str, str]:
    return {"version": "v1", "requestTimestamp": str(int(time.time() * 1000))}


def _refusal(status: int, retry_after_seconds: float | None) -> GatewayError:
    """Return what another status than 200 means: it is not Paytm's application that speaks."""
    kind = GatewayErrorKind.UNKNOWN
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        kind = GatewayErrorKind.UNAVAILABLE
    elif 400 <= status < 500 and status != HTTPStatus.REQUEST_TIMEOUT:  # noqa: PLR2004 - HTTP's range of refusals
        kind = GatewayErrorKind.REJECTED
    return GatewayError(
        kind,
        f"Paytm answered with HTTP status {status}.",
        code=f"http_{status}",
        retry_after_seconds=retry_after_seconds,
    )
