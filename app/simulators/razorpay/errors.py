"""Refusals, in Razorpay's words. Source: the "Errors" of each page under razorpay.com/docs/api, November 2026."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Final

import orjson
from starlette.responses import Response

_SAID: Final[dict[int, str]] = {
    HTTPStatus.CONFLICT: "Another request with the same idempotency key is still in progress.",
    HTTPStatus.TOO_MANY_REQUESTS: "Too many requests. Please try again after some time.",
}
_UNSAID: Final = "We are facing some trouble completing your request at the moment. Please try again shortly."


class RefusedError(Exception):
    """A call that is refused; nothing was done."""

    def __init__(self, description: str, status: int = 400, field: str | None = None) -> None:
        super().__init__(description)
        self.description = description
        self.status = status
        self.field = field


def not_found() -> RefusedError:
    """Return the refusal of an id that does not exist, which Razorpay answers with 400."""
    return RefusedError("The id provided does not exist")


def refused_response(error: RefusedError) -> Response:
    """Return how a refusal is answered."""
    body: dict[str, Any] = {
        "code": "BAD_REQUEST_ERROR",
        "description": error.description,
        "source": "business" if error.field else "NA",
        "step": "payment_initiation" if error.field else "NA",
        "reason": "input_validation_failed" if error.field else "NA",
        "metadata": {},
    }
    if error.field:
        body["field"] = error.field
    return json_response({"error": body}, error.status)


def trouble_response(status: int) -> Response:
    """Return how a call is answered that chaos made fail."""
    server = status >= HTTPStatus.INTERNAL_SERVER_ERROR
    body: dict[str, Any] = {
        "code": "SERVER_ERROR" if server else "BAD_REQUEST_ERROR",
        "description": _SAID.get(status, _UNSAID) if not server else _UNSAID,
        "source": "NA",
        "step": "NA",
        "reason": "NA",
        "metadata": {},
    }
    return json_response({"error": body}, status)


def json_response(body: object, status: int = 200) -> Response:
    """Return a JSON answer."""
    return Response(orjson.dumps(body), status, media_type="application/json")
