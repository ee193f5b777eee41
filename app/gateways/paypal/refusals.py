"""What PayPal's errors mean: by status first, then by the issue that the body names."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import orjson

from app.domain.facts import Failure
from app.gateways.contract import GatewayError, GatewayErrorKind
from app.gateways.paypal.fields import Json, listed, text

if TYPE_CHECKING:
    from app.gateways.http import HttpAnswer

DECLINES: Final = frozenset(
    {
        "CARD_EXPIRED",
        "COMPLIANCE_VIOLATION",
        "DECLINED_DUE_TO_RELATED_TXN",
        "INSTRUMENT_DECLINED",
        "PAYEE_BLOCKED_TRANSACTION",
        "PAYER_ACCOUNT_LOCKED_OR_CLOSED",
        "PAYER_ACCOUNT_RESTRICTED",
        "PAYER_CANNOT_PAY",
        "REDIRECT_PAYER_FOR_ALTERNATE_FUNDING",
        "TRANSACTION_LIMIT_EXCEEDED",
        "TRANSACTION_REFUSED",
        "TRANSACTION_BLOCKED_BY_PAYEE",
        "TRANSACTION_RECEIVING_LIMIT_EXCEEDED",
    }
)
"""Refusals of this money rather than of the request. Source: developer.paypal.com/api/handle-payment-failures for
CARD_EXPIRED, and the issues of status 422 that PayPal's published OpenAPI document of Orders v2 lists for
`orders.capture`; both read in November 2026."""
ALREADY_DONE: Final = frozenset(
    {
        "ORDER_ALREADY_CAPTURED",
        "ORDER_ALREADY_AUTHORIZED",
        "ORDER_ALREADY_COMPLETED",
        "ORDER_COMPLETED_OR_VOIDED",
    }
)
ALREADY_VOIDED: Final = frozenset({"AUTHORIZATION_VOIDED", "PREVIOUSLY_VOIDED"})
PAYER_ACTION: Final = "PAYER_ACTION_REQUIRED"
_RETRYABLE: Final = frozenset(
    {"CARD_EXPIRED", "INSTRUMENT_DECLINED", "PAYER_CANNOT_PAY", "REDIRECT_PAYER_FOR_ALTERNATE_FUNDING"}
)
_IN_FLIGHT: Final = frozenset({"PREVIOUS_REQUEST_IN_PROGRESS", "ORDER_COMPLETION_IN_PROGRESS"})
_MESSAGE_CHARS_MAX: Final = 300
_CODE_CHARS_MAX: Final = 80
_TOO_MANY: Final = 429
_NOT_FOUND: Final = 404
_REJECTED: Final = frozenset({400, 401, 403, 405, 406, 409, 410, 413, 415, 422})


class PayPalError(GatewayError):
    """A refusal, with its body, which may say where the shopper goes next."""

    body: Json = MappingProxyType({})


def refusal(answer: HttpAnswer) -> PayPalError:
    """Return what an answer that is no success means. `code` is the issue, else the error's name."""
    body = _object(answer.body)
    code, message = _words(body, answer.status)
    kind = _kind(answer.status, code)
    error = PayPalError(
        kind,
        message,
        code=code,
        retry_after_seconds=answer.retry_after_seconds,
        failure=failure_of(code) if kind is GatewayErrorKind.DECLINED else None,
    )
    error.body = body
    return error


def failure_of(code: str) -> Failure:
    """Return what a shopper may know of a decline."""
    return Failure(
        code=code,
        message="PayPal declined the payment. Choose another way to pay.",
        retryable=code in _RETRYABLE,
    )


def _kind(status: int, code: str) -> GatewayErrorKind:
    if status == _TOO_MANY:
        return GatewayErrorKind.UNAVAILABLE
    if status == _NOT_FOUND:
        return GatewayErrorKind.NOT_FOUND
    if code in _IN_FLIGHT or status not in _REJECTED:
        return GatewayErrorKind.UNKNOWN
    return GatewayErrorKind.DECLINED if code in DECLINES else GatewayErrorKind.REJECTED


def _object(body: bytes) -> dict[str, Any]:
    try:
        told = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    return told if isinstance(told, dict) else {}


def _words(body: Json, status: int) -> tuple[str, str]:
    try:
        details = listed(body, "details")
        first: Json = details[0] if details else {}
        code = text(first, "issue") or text(body, "name") or text(body, "error")
        message = text(first, "description") or text(body, "message") or text(body, "error_description")
    except ValueError:
        code = message = None
    fallback = f"http_{status}"
    return (code or fallback)[:_CODE_CHARS_MAX], (message or f"PayPal answered {status}.")[
        :_MESSAGE_CHARS_MAX
    ]
