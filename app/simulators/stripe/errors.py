"""Refusals, in the shape and with the codes that Stripe's library 16.1 knows (read in November 2026)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from app.simulators.kit.controls import json_response

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.responses import Response

INVALID_REQUEST: Final = "invalid_request_error"
_UNSAID: Final = "An unknown error occurred on the simulated Stripe."


class RefusedError(Exception):
    """A call that is refused. `begun`: its work had begun, so that the refusal is kept under the call's key."""

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        kind: str = INVALID_REQUEST,
        code: str | None = None,
        param: str | None = None,
        begun: bool = False,
        **more: object,
    ) -> None:
        """`more` is what else the error carries, e.g. `decline_code` or `payment_intent`."""
        super().__init__(message)
        self.status = status
        self.begun = begun
        body: dict[str, Any] = {"message": message, "type": kind}
        body |= {"code": code, "doc_url": f"https://stripe.com/docs/error-codes/{code}"} if code else {}
        body |= {"param": param} if param else {}
        self.error = {**body, **more}


def missing(what: str, object_id: str, *, param: str = "id", status: int = 404) -> RefusedError:
    """Return the refusal of an id that does not exist: 404 in a path, 400 in a parameter."""
    return RefusedError(
        f"No such {what}: '{object_id[:64]}'", status=status, code="resource_missing", param=param
    )


def refused_response(error: RefusedError) -> Response:
    """Return how a refusal is answered."""
    return json_response({"error": error.error}, error.status)


def trouble_response(status: int) -> Response:
    """Return how a call is answered that met a limit, or a fault of Stripe's own."""
    if status == 429:  # noqa: PLR2004 - HTTP's own number
        said = "Request rate limit exceeded. Learn more about rate limits here https://stripe.com/docs/rate-limits."
        return _trouble(
            {"message": said, "type": INVALID_REQUEST, "code": "rate_limit"},
            status,
            {"Stripe-Rate-Limited-Reason": "global-rate"},
        )
    if status == 409:  # noqa: PLR2004 - likewise
        said = "There is currently another in-progress request using this Idempotent Key. Please try again later."
        return _trouble(
            {"message": said, "type": "idempotency_error", "code": "idempotency_key_in_use"}, status
        )
    kind = "api_error" if status >= 500 else INVALID_REQUEST  # noqa: PLR2004 - likewise
    return _trouble({"message": _UNSAID, "type": kind}, status)


def _trouble(error: Mapping[str, str], status: int, headers: Mapping[str, str] | None = None) -> Response:
    return json_response({"error": error}, status, headers)
