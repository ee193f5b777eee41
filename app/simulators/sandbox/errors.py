"""How the sandbox refuses: one error with a type, a code, a message for people and the parameter at fault."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from app.simulators.sandbox.objects import Payment


class ErrorType(StrEnum):
    """Whose fault it is."""

    API = "api_error"
    AUTHENTICATION = "authentication_error"
    CARD = "card_error"
    IDEMPOTENCY = "idempotency_error"
    INVALID_REQUEST = "invalid_request_error"
    RATE_LIMIT = "rate_limit_error"


class ApiError(Exception):
    """A refusal. `payment` is shown beside it where its state is the reason."""

    def __init__(
        self,
        code: str,
        message: str,
        *,
        status: int = 400,
        error_type: ErrorType = ErrorType.INVALID_REQUEST,
        param: str | None = None,
        decline_code: str | None = None,
        payment: Payment | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status
        self.error_type = error_type
        self.param = param
        self.decline_code = decline_code
        self.payment = payment

    def as_json(self, public_url: str) -> dict[str, Any]:
        """Return the body of the answer."""
        error: dict[str, Any] = {
            "type": self.error_type,
            "code": self.code,
            "message": self.message,
            "param": self.param,
        }
        if self.decline_code is not None:
            error["decline_code"] = self.decline_code
        if self.payment is not None:
            error["payment"] = self.payment.as_json(public_url)
        return {"error": error}


def not_found(what: str, identifier: str) -> ApiError:
    """Return the refusal for an object that is not here."""
    return ApiError("resource_missing", f"No such {what}: {identifier[:64]!r}.", status=404, param="id")
