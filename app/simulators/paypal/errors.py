"""PayPal's error bodies: a name, the issues, and an id for its support to look up."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Final

from app.simulators.kit.controls import json_response

if TYPE_CHECKING:
    from starlette.responses import Response

_NAMES: Final = {
    400: "INVALID_REQUEST",
    401: "AUTHENTICATION_FAILURE",
    403: "NOT_AUTHORIZED",
    404: "RESOURCE_NOT_FOUND",
    409: "RESOURCE_CONFLICT",
    422: "UNPROCESSABLE_ENTITY",
    429: "RATE_LIMIT_REACHED",
    500: "INTERNAL_SERVER_ERROR",
    503: "SERVICE_UNAVAILABLE",
}


class ApiError(Exception):
    """A call that PayPal refuses. `redirect` is where the payer is sent to settle it."""

    def __init__(
        self, status: int, issue: str = "", *, field: str = "", redirect: tuple[str, str] | None = None
    ) -> None:
        super().__init__(issue or _NAMES[status])
        self.status = status
        self.issue = issue
        self.field = field
        self.redirect = redirect

    def response(self) -> Response:
        """Return the answer."""
        body: dict[str, object] = {
            "name": _NAMES.get(self.status, "INTERNAL_SERVER_ERROR"),
            "message": "The requested action could not be performed.",
            "debug_id": secrets.token_hex(7),
            "details": [],
            "links": [],
        }
        if self.issue:
            detail = {"issue": self.issue, "description": self.issue.replace("_", " ").capitalize() + "."}
            body["details"] = [{**detail, "field": self.field} if self.field else detail]
        if self.redirect:
            rel, url = self.redirect
            body["links"] = [{"href": url, "rel": rel, "method": "GET"}]
        headers = {"Retry-After": "1"} if self.status in (429, 503) else {}
        return json_response(body, self.status, headers)
