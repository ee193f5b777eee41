"""Calls to the sandbox, and what it means when one fails."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, TypeVar

import orjson

from app.gateways.contract import GatewayError, GatewayErrorKind
from app.gateways.http import HttpCalls
from app.gateways.sandbox.translation import answer, read_failure
from app.gateways.sandbox.wire import Wire, WireError, WireRefusal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from app.gateways.http import HttpAnswer

_SECONDS: Final = 15.0
"""Below the sandbox's 30, so that a call does not meet a connection that is just being closed."""

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
        self._http = HttpCalls(
            "The sandbox", api_base, timeout_seconds, {"Authorization": f"Bearer {secret_key}"}
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
        answered = await self._http.exchange(method, path, **options)
        if not answered.is_success:
            raise _refusal(answered)
        try:
            return model.model_validate_json(answered.body)
        except ValueError as error:
            raise GatewayError(GatewayErrorKind.UNKNOWN, "The sandbox's answer makes no sense.") from error


def _refusal(answered: HttpAnswer) -> GatewayError:
    try:
        error = WireRefusal.model_validate_json(answered.body).error
    except ValueError:
        error = WireError(code=f"http_{answered.status}", message="The sandbox gave no reason.")
    kind = _kind(answered.status, error.code, will_retry="retry-after" in answered.headers)
    return GatewayError(
        kind,
        error.message,
        code=error.code,
        retry_after_seconds=answered.retry_after_seconds,
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
