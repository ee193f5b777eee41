"""Calls to the sandbox, and what it means when one fails."""

from __future__ import annotations

import asyncio
import re
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, TypeVar

import httpx2
import orjson

from app.gateways.contract import GatewayError, GatewayErrorKind
from app.gateways.sandbox.translation import answer, read_failure
from app.gateways.sandbox.wire import Wire, WireError, WireRefusal

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

CONNECTIONS_MAX: Final = 50
ANSWER_BYTES_MAX: Final = 16 * 1024 * 1024
KEEP_ALIVE_SECONDS: Final = 15.0
"""Below the sandbox's 30, so that a call does not meet a connection that is just being closed."""

_SECONDS: Final = re.compile(r"[0-9]{1,6}")
_KINDS: Final[dict[int, GatewayErrorKind]] = {
    HTTPStatus.PAYMENT_REQUIRED: GatewayErrorKind.DECLINED,
    HTTPStatus.NOT_FOUND: GatewayErrorKind.NOT_FOUND,
    HTTPStatus.REQUEST_TIMEOUT: GatewayErrorKind.UNKNOWN,
    HTTPStatus.TOO_MANY_REQUESTS: GatewayErrorKind.UNAVAILABLE,
}

_Model = TypeVar("_Model", bound=Wire)


class SandboxClient:
    """One merchant's connection to the sandbox. Every method raises GatewayError alone."""

    def __init__(self, api_base: str, secret_key: str, timeout_seconds: float) -> None:
        self._timeout_seconds = timeout_seconds
        self._http = httpx2.AsyncClient(
            base_url=api_base,
            headers={"Authorization": f"Bearer {secret_key}"},
            timeout=timeout_seconds,
            limits=httpx2.Limits(max_connections=CONNECTIONS_MAX, keepalive_expiry=KEEP_ALIVE_SECONDS),
            # Its address is what the settings say, whatever proxy the environment names.
            trust_env=False,
        )

    async def get(self, path: str, model: type[_Model], params: Mapping[str, str] | None = None) -> _Model:
        """Ask for an object."""
        return await self._call(model, "GET", path, params=params)

    async def post(self, path: str, body: Mapping[str, Any], key: str, model: type[_Model]) -> _Model:
        """Have something done, at most once under its key."""
        headers = {"Content-Type": "application/json", "Idempotency-Key": key}
        return await self._call(model, "POST", path, content=orjson.dumps(body), headers=headers)

    async def aclose(self) -> None:
        """Close connections."""
        await self._http.aclose()

    async def _call(self, model: type[_Model], method: str, path: str, **options: Any) -> _Model:  # noqa: ANN401 - httpx2's options
        async with _answered(self._timeout_seconds), self._http.stream(method, path, **options) as response:
            body = await _read_bounded(response)
        if not response.is_success:
            raise _refusal(response, body)
        try:
            return model.model_validate_json(body)
        except ValueError as error:
            raise GatewayError(GatewayErrorKind.UNKNOWN, "The sandbox's answer makes no sense.") from error


@asynccontextmanager
async def _answered(timeout_seconds: float) -> AsyncIterator[None]:
    """Tell a call that was never sent from one that may have been worked on."""
    try:
        async with asyncio.timeout(timeout_seconds):
            yield
    except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout) as error:
        raise GatewayError(
            GatewayErrorKind.UNAVAILABLE, "The sandbox could not be reached.", code=type(error).__name__
        ) from error
    except (httpx2.HTTPError, TimeoutError) as error:
        raise GatewayError(
            GatewayErrorKind.UNKNOWN, "The sandbox did not answer.", code=type(error).__name__
        ) from error


async def _read_bounded(response: httpx2.Response) -> bytes:
    body = bytearray()
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) > ANSWER_BYTES_MAX:
            raise GatewayError(GatewayErrorKind.UNKNOWN, "The sandbox's answer is too long.")
    return bytes(body)


def _refusal(response: httpx2.Response, body: bytes) -> GatewayError:
    try:
        error = WireRefusal.model_validate_json(body).error
    except ValueError:
        error = WireError(code=f"http_{response.status_code}", message="The sandbox gave no reason.")
    retry_after = response.headers.get("retry-after", "")
    kind = _kind(response.status_code, error.code, will_retry=retry_after != "")
    return GatewayError(
        kind,
        error.message,
        code=error.code,
        retry_after_seconds=float(retry_after) if _SECONDS.fullmatch(retry_after) else None,
        failure=read_failure(error) if kind is GatewayErrorKind.DECLINED else None,
        answer=answer(error.payment) if error.payment else None,
    )


def _kind(status: int, code: str, *, will_retry: bool) -> GatewayErrorKind:
    """Say what a refusal means. `will_retry`: it says when to come again."""
    if status == HTTPStatus.SERVICE_UNAVAILABLE and will_retry:
        return GatewayErrorKind.UNAVAILABLE
    # While another call with the same key is under way, nobody knows what will have been done.
    if code == "idempotency_key_in_use" or not 400 <= status < 500:  # noqa: PLR2004 - HTTP's range of refusals
        return GatewayErrorKind.UNKNOWN
    return _KINDS.get(status, GatewayErrorKind.REJECTED)
