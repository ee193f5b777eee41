"""Paytm's wire format: the fields that are read. What else it sends is passed over, and never kept.

Sources: samples of paytmpayments.com/docs/api (transaction status, refund, refund status, initiate transaction, process
transaction, dynamic QR code) and of its pages on webhooks, in stored copies and partly at second hand.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Annotated, Any, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from app.domain.money import Money
from app.gateways.paytm.amounts import from_paytm

_INDIA: Final = timezone(timedelta(hours=5, minutes=30))
_TEXT_CHARS_MAX: Final = 500
_FORMATS: Final = ("%Y-%m-%d %H:%M:%S.%f", "%Y-%m-%d %H:%M:%S")


def _text(value: object) -> object:
    """Read a text, as much of it as is kept; an empty one is none, and a number is its digits."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        return value
    return value[:_TEXT_CHARS_MAX].replace("\x00", "").encode("utf-8", "replace").decode() or None


def _money(value: object) -> object:
    return from_paytm(value) if isinstance(value, str) else value


def _moment(value: object) -> object:
    """Read a time, which Paytm writes as clocks in India show it; one that is none is not kept."""
    for form in _FORMATS:
        try:
            return datetime.strptime(str(value), form).replace(tzinfo=_INDIA).astimezone(UTC)
        except ValueError:
            continue
    return None


Text = Annotated[str | None, BeforeValidator(_text)]
_Id = Annotated[str, BeforeValidator(_text), Field(pattern=r"^[A-Za-z0-9_@.\-]{1,100}$")]
_Amount = Annotated[Money, BeforeValidator(_money)]
_Moment = Annotated[datetime | None, BeforeValidator(_moment)]


class Wire(BaseModel):
    """How every object is read; errors quote no content."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True, arbitrary_types_allowed=True)


class WireResult(Wire):
    """How a call went. `message` is named in two ways."""

    status: str = Field(alias="resultStatus", max_length=64)
    code: Annotated[str, BeforeValidator(_text)] = Field(default="", alias="resultCode", max_length=64)
    message: Text = Field(default=None, alias="resultMsg")


class WireToken(Wire):
    """A Paytm order that was opened: what its checkout is opened with, for 15 minutes."""

    token: str = Field(alias="txnToken", min_length=1, max_length=256)


class WireStatus(Wire):
    """What became of an order: its newest try."""

    order_id: _Id = Field(alias="orderId")
    transaction_id: Text = Field(default=None, alias="txnId")
    amount: _Amount | None = Field(default=None, alias="txnAmount")
    mode: Text = Field(default=None, alias="paymentMode")
    at: _Moment = Field(default=None, alias="txnDate")
    merchant: Text = Field(default=None, alias="mid")


class WireRefund(Wire):
    """A refund. `reference` is the shop's id of it, `id` Paytm's."""

    order_id: _Id = Field(alias="orderId")
    reference: Text = Field(default=None, alias="refId")
    id: Text = Field(default=None, alias="refundId")
    amount: _Amount | None = Field(default=None, alias="refundAmount")
    at: _Moment = Field(default=None, alias="merchantRefundRequestTimestamp")
    credited_at: _Moment = Field(default=None, alias="userCreditInitiateTimestamp")
    source: Text = None
    status: Text = None
    credit: Text = Field(default=None, alias="userCreditInitiateStatus")


class WireLink(Wire):
    """The link that opens a UPI app."""

    link: str = Field(alias="deepLink", max_length=2048)


class WireIntent(Wire):
    """A try by UPI intent."""

    info: WireLink = Field(alias="deepLinkInfo")


class WireQrCode(Wire):
    """A QR code for one order."""

    payload: str = Field(alias="qrData", max_length=2048)
    expires_at: _Moment = Field(default=None, alias="expiryDate")


class WireDispute(Wire):
    """What a shopper's bank contests."""

    id: _Id = Field(alias="disputeId")
    order_id: _Id = Field(alias="orderId")
    status: str = Field(alias="disputeStatus", max_length=64)
    amount: _Amount = Field(alias="disputeAmount")
    reason: Text = Field(default=None, alias="disputeReason")
    created_at: _Moment = Field(default=None, alias="disputeCreatedDate")
    respond_by: _Moment = Field(default=None, alias="disputeDueDate")


def result_of(message: dict[str, Any]) -> WireResult:
    """Return how a call went, which is told in the body, the head or outside both.

    Raises:
        ValueError: it is told nowhere.
    """
    for place in (message.get("body"), message, message.get("head")):
        if isinstance(place, dict) and isinstance(place.get("resultInfo"), dict):
            info = place["resultInfo"]
            return WireResult.model_validate({"resultMsg": info.get("resultMessage"), **info})
    raise ValueError("no resultInfo")
