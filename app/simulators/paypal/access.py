"""Tokens and repetitions: who may call, and what was asked before."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import time
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs

from starlette.responses import Response

from app.simulators.kit.controls import json_response
from app.simulators.paypal.errors import ApiError

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request

LIVES_SECONDS: Final = 32_400


class Tokens:
    """Access tokens, which expire."""

    def __init__(self, client_id: str, client_secret: str) -> None:
        self._basic = b"Basic " + base64.b64encode(f"{client_id}:{client_secret}".encode())
        self._good: dict[str, float] = {}
        self.lives_seconds = LIVES_SECONDS
        self.given = 0

    def give(self, request: Request, body: bytes) -> Response:
        """Answer POST /v1/oauth2/token."""
        if not hmac.compare_digest(request.headers.get("authorization", "").encode(), self._basic):
            told = {"error": "invalid_client", "error_description": "Client Authentication failed"}
            return json_response(told, 401)
        if parse_qs(body.decode("latin-1")).get("grant_type") != ["client_credentials"]:
            return json_response({"error": "unsupported_grant_type"}, 400)
        token = secrets.token_urlsafe(48)
        self._good[token] = time.monotonic() + self.lives_seconds
        self.given += 1
        return json_response(
            {"access_token": token, "token_type": "Bearer", "expires_in": self.lives_seconds, "scope": ""}
        )

    def check(self, request: Request) -> None:
        """Refuse a call without a good token."""
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        if self._good.get(token, 0.0) <= time.monotonic():
            raise ApiError(401)

    def expire(self) -> None:
        """Have all tokens be good no more."""
        self._good.clear()


class Repetitions:
    """What was answered to a `PayPal-Request-Id`; refusals are not kept."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str], tuple[bytes, bytes]] = {}
        self._under_way: set[tuple[str, str]] = set()

    def begin(self, request: Request) -> tuple[str, str] | None:
        """Note a call, and refuse one that is under way."""
        request_id = request.headers.get("paypal-request-id")
        if request_id is None:
            return None
        if not 0 < len(request_id) <= 108:  # noqa: PLR2004 - as documented
            raise ApiError(400, "INVALID_STRING_LENGTH", field="PayPal-Request-Id")
        key = (request.url.path, request_id)
        if key in self._under_way:
            raise ApiError(409, "PREVIOUS_REQUEST_IN_PROGRESS")
        self._under_way.add(key)
        return key

    def end(self, key: tuple[str, str] | None) -> None:
        """Note that a call is under way no more."""
        if key is not None:
            self._under_way.discard(key)

    def once(self, key: tuple[str, str] | None, body: bytes, work: Callable[[], tuple[int, Any]]) -> Response:
        """Do the work, unless it was done: then its answer comes again, with 200."""
        digest = hashlib.sha256(body).digest()
        if key is not None and key in self._kept:
            kept_digest, answer = self._kept[key]
            if kept_digest != digest:
                raise ApiError(422, "DUPLICATE_REQUEST_ID")
            return _raw(answer, 200 if answer else 204)
        status, told = work()
        response = json_response(told, status) if told is not None else _raw(b"", 204)
        if key is not None:
            self._kept[key] = (digest, bytes(response.body))
        return response


def _raw(body: bytes, status: int) -> Response:
    return Response(body, status, media_type="application/json")
