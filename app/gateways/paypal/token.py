"""The access token: fetched once for all who wait for it, and renewed before it expires."""

from __future__ import annotations

import asyncio
import base64
import time
from typing import TYPE_CHECKING, Final

import orjson

from app.gateways.contract import GatewayError, GatewayErrorKind
from app.tasks import end_tasks

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.gateways.http import HttpAnswer, HttpCalls
    from app.gateways.paypal.options import PayPalSettings

_RENEWED_SECONDS_BEFORE: Final = 120.0
_LIVES_SECONDS_MAX: Final = 12 * 3600.0
_TOKEN_CHARS_MAX: Final = 8192
_REFUSED: Final = frozenset({400, 401, 403})


class AccessToken:
    """The token of one app. Source: developer.paypal.com/api/rest/authentication, read in November 2026."""

    def __init__(
        self, settings: PayPalSettings, http: HttpCalls, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """`clock` counts seconds."""
        basic = base64.b64encode(f"{settings.client_id}:{settings.client_secret}".encode()).decode()
        self._headers = {"Authorization": f"Basic {basic}", "Accept": "application/json"}
        self._http = http
        self._clock = clock
        self._renewing: asyncio.Task[None] | None = None
        self._value = ""
        self._good_until = 0.0

    async def value(self, refused: str | None = None) -> str:
        """Return a token that is good for a while yet, and is not `refused`, which the API took no more.

        All who wait share one renewal, and its failure, too: PayPal is not asked once more for each of them.

        Raises:
            GatewayError: REJECTED when the credentials are not good, UNAVAILABLE when no token came.
        """
        if not self._is_good(refused):
            if self._renewing is None:
                self._renewing = asyncio.create_task(self._renew())
                self._renewing.add_done_callback(self._ended)
            # One who gives up waiting must not take the token from the others.
            await asyncio.shield(self._renewing)
        return self._value

    async def aclose(self) -> None:
        """Give up a renewal that is under way."""
        if self._renewing is not None:
            await end_tasks(self._renewing)

    def _ended(self, renewal: asyncio.Task[None]) -> None:
        self._renewing = None
        if not renewal.cancelled():
            renewal.exception()  # seen, also when nobody waits any more

    def _is_good(self, refused: str | None) -> bool:
        return self._clock() < self._good_until and self._value != refused

    async def _renew(self) -> None:
        try:
            answer = await self._http.exchange(
                "POST",
                "/v1/oauth2/token",
                data={"grant_type": "client_credentials"},
                headers=self._headers,
            )
        except GatewayError as error:
            # Whatever became of the token, what it was wanted for was never asked.
            raise _unavailable(error.message, error.code) from error
        self._value, lives_seconds = _read(answer)
        early_seconds = min(_RENEWED_SECONDS_BEFORE, lives_seconds / 5)
        self._good_until = self._clock() + lives_seconds - early_seconds


def _read(answer: HttpAnswer) -> tuple[str, float]:
    if answer.status in _REFUSED:
        raise GatewayError(
            GatewayErrorKind.REJECTED,
            "PayPal does not take the client id and secret.",
            code="invalid_client",
        )
    if not answer.is_success:
        raise _unavailable(
            f"PayPal gave no access token ({answer.status}).", "no_token", answer.retry_after_seconds
        )
    try:
        told = orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        told = None
    token = told.get("access_token") if isinstance(told, dict) else None
    lives = told.get("expires_in") if isinstance(told, dict) else None
    if not isinstance(token, str) or not token.isascii() or not 0 < len(token) <= _TOKEN_CHARS_MAX:
        raise _unavailable("PayPal's access token could not be read.", "no_token")
    if isinstance(lives, bool) or not isinstance(lives, int) or lives <= 0:
        raise _unavailable("PayPal's access token does not say how long it is good.", "no_token")
    return token, min(float(lives), _LIVES_SECONDS_MAX)


def _unavailable(message: str, code: str, retry_after_seconds: float | None = None) -> GatewayError:
    return GatewayError(
        GatewayErrorKind.UNAVAILABLE, message, code=code, retry_after_seconds=retry_after_seconds
    )
