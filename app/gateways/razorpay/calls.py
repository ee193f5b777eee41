"""Calls to Razorpay, and what it means when one fails."""

from __future__ import annotations

import base64
import re
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, TypeVar

import orjson

from app.gateways.contract import GatewayError, GatewayErrorKind
from app.gateways.http import HttpCalls
from app.gateways.razorpay.failures import masked
from app.gateways.razorpay.options import API_BASE
from app.gateways.razorpay.wire import Wire, WireError, WireRefusal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from app.gateways.http import HttpAnswer
    from app.gateways.razorpay.options import RazorpaySettings

_KINDS: Final[dict[int, GatewayErrorKind]] = {
    HTTPStatus.NOT_FOUND: GatewayErrorKind.NOT_FOUND,
    HTTPStatus.REQUEST_TIMEOUT: GatewayErrorKind.UNKNOWN,
    HTTPStatus.CONFLICT: GatewayErrorKind.UNKNOWN,
    HTTPStatus.TOO_MANY_REQUESTS: GatewayErrorKind.UNAVAILABLE,
}
_TROUBLE: Final = frozenset({"GATEWAY_ERROR", "SERVER_ERROR"})
"""The bank's or Razorpay's own trouble, whatever the status: it may have happened.
Source: razorpay.com/docs/errors, read in November 2026."""
_NO_SUCH_ID: Final = re.compile(r"id provided does not exist", re.IGNORECASE)
"""Razorpay answers 400 for an id that it does not know. Source: razorpay.com/docs/api/orders/fetch-with-id."""
_OTHER_REQUEST: Final = re.compile(r"different request with the same idempotency key", re.IGNORECASE)
"""Documented with 409 and 400. Source: razorpay.com/docs/api/refunds/normal-refunds-idempotent."""

_Model = TypeVar("_Model", bound=Wire)


class RazorpayClient:
    """One merchant's connection to Razorpay. Every method raises GatewayError alone."""

    def __init__(self, settings: RazorpaySettings) -> None:
        keys = base64.b64encode(f"{settings.key_id}:{settings.key_secret}".encode()).decode()
        base = (settings.api_base or API_BASE).rstrip("/")
        headers = {"Accept": "application/json", "Authorization": f"Basic {keys}"}
        self._http = HttpCalls("Razorpay", base, settings.timeout_seconds, headers)

    async def get(self, path: str, model: type[_Model], **params: str | int) -> _Model:
        """Ask for an object."""
        return await self._call(model, "GET", path, params=params)

    async def post(
        self,
        path: str,
        body: Mapping[str, Any],
        model: type[_Model],
        headers: Mapping[str, str] | None = None,
    ) -> _Model:
        """Have something done."""
        sent = {"Content-Type": "application/json", **(headers or {})}
        return await self._call(model, "POST", path, content=orjson.dumps(body), headers=sent)

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
            raise GatewayError(
                GatewayErrorKind.UNKNOWN, "Razorpay's answer makes no sense.", code="unreadable_answer"
            ) from error


def _refusal(answered: HttpAnswer) -> GatewayError:
    try:
        error = WireRefusal.model_validate_json(answered.body).error
    except ValueError:
        error = WireError(description="Razorpay gave no reason.")
    kind = _kind(answered.status, error)
    return GatewayError(
        kind,
        masked(error.description or "Razorpay gave no reason."),
        code=_code(answered.status, error),
        retry_after_seconds=answered.retry_after_seconds,
    )


def _kind(status: int, error: WireError) -> GatewayErrorKind:
    if not 400 <= status < 500 or error.code in _TROUBLE:  # noqa: PLR2004 - HTTP's range of refusals
        return GatewayErrorKind.UNKNOWN
    said = error.description or ""
    if _NO_SUCH_ID.search(said):
        return GatewayErrorKind.NOT_FOUND
    if _OTHER_REQUEST.search(said):
        return GatewayErrorKind.REJECTED
    return _KINDS.get(status, GatewayErrorKind.REJECTED)


def _code(status: int, error: WireError) -> str:
    """Return the reason where one is named ("NA" is none), else the class of the error."""
    if error.reason and error.reason != "NA":
        return error.reason[:64]
    return (error.code or f"http_{status}")[:64]
