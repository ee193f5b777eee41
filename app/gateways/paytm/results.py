"""What Paytm's results mean. They are told by a status and a code, under HTTP's 200."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from app.domain.masking import mask_addresses
from app.gateways.contract import GatewayError, GatewayErrorKind

if TYPE_CHECKING:
    from app.gateways.paytm.wire import WireResult

SUCCEEDED: Final = frozenset({"TXN_SUCCESS", "S", "SUCCESS"})
PENDING: Final = "PENDING"
FAILED: Final = "TXN_FAILURE"
NO_RECORD_CODES: Final = frozenset({"331", "334"})
"""Of an order that nobody began to pay, or that there never was: Paytm doesn't tell them apart."""
NO_REFUND_CODES: Final = frozenset({"631"})
REFUND_THERE_CODES: Final = frozenset({"617", "629"})
"""A refund of that name was asked for before, or has gone through."""
_NOT_ITS_MERCHANT: Final = frozenset({"330", "335"})
"""The key or the merchant is not right, which says nothing of any payment."""
_SYSTEM_ERRORS: Final = frozenset({"U", "501", "00000900", "RF_501"})
_ANOTHER_REFUND_UNDER_WAY: Final = "626"
_WAIT_SECONDS: Final = 60.0
_MESSAGE_CHARS_MAX: Final = 500
_UNSAID: Final = "Paytm gave no reason."
"""Source of all codes: paytmpayments.com/docs/api/refund-api, …/refund-status-api, …/transaction-status-api and
…/initiate-transaction-api, "Response codes", in stored copies; 629, 330 and 335 are not from a page that was read."""


def is_system_error(result: WireResult) -> bool:
    """Whether Paytm itself doesn't know how a call went."""
    return result.status in _SYSTEM_ERRORS or result.code in _SYSTEM_ERRORS


def is_about_us(result: WireResult) -> bool:
    """Whether a call was refused for who asks, whatever it was about."""
    return result.code in _NOT_ITS_MERCHANT


def is_no_record(result: WireResult) -> bool:
    """Whether Paytm has nothing to tell of an order."""
    return result.status == "NO_RECORD_FOUND" or result.code in NO_RECORD_CODES


def refusal_of(result: WireResult) -> GatewayError:
    """Return what it means that a call was not done."""
    kind, wait_seconds = GatewayErrorKind.REJECTED, None
    if is_system_error(result) or result.status == PENDING:
        kind = GatewayErrorKind.UNKNOWN
    elif result.code == _ANOTHER_REFUND_UNDER_WAY:
        kind, wait_seconds = GatewayErrorKind.UNAVAILABLE, _WAIT_SECONDS
    elif is_no_record(result):
        kind = GatewayErrorKind.NOT_FOUND
    return GatewayError(
        kind, message_of(result), code=result.code or result.status, retry_after_seconds=wait_seconds
    )


def message_of(result: WireResult) -> str:
    """Return Paytm's words, without what names a person."""
    return mask_addresses(result.message or _UNSAID)[:_MESSAGE_CHARS_MAX]


def unreadable(error: Exception | None = None) -> GatewayError:
    """Return that an answer makes no sense: the call may have happened."""
    refusal = GatewayError(
        GatewayErrorKind.UNKNOWN, "Paytm's answer makes no sense.", code="unreadable_answer"
    )
    refusal.__cause__ = error
    return refusal


def rejected(message: str, code: str) -> GatewayError:
    """Return a refusal of our own."""
    return GatewayError(GatewayErrorKind.REJECTED, message, code=code)
