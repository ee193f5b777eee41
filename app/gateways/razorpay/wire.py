"""Razorpay's wire format: the fields that are read, strictly. What else it sends is passed over, and never kept.

Source: the entity pages under razorpay.com/docs/api, read in November 2026.
"""

from __future__ import annotations

from typing import Annotated, Any, Final
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from app.domain.money import AMOUNT_MINOR_MAX

_LATEST_SECOND: Final = 253_402_300_799  # the end of the year 9999
_SECONDS_DIGITS_MAX: Final = 12


def _notes(value: object) -> object:
    """Read notes, which are an empty list when there are none."""
    return {} if value == [] or value is None else value


def _seconds(value: object) -> object:
    """Read a time, which samples of QR codes also write as a text."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= _SECONDS_DIGITS_MAX:
        return int(value)
    return value


def _flag(value: object) -> object:
    """Read a truth, which samples of subscriptions write as "1"."""
    return {"1": True, "0": False, None: False}.get(value, value) if isinstance(value, str | None) else value


_Amount = Annotated[int, Field(ge=0, le=AMOUNT_MINOR_MAX)]
_Seconds = Annotated[int, BeforeValidator(_seconds), Field(ge=0, le=_LATEST_SECOND)]
_Notes = Annotated[dict[str, Any], BeforeValidator(_notes)]
_Flag = Annotated[bool, BeforeValidator(_flag)]
_Id = Annotated[str, Field(pattern=r"^[A-Za-z0-9_]{1,64}$")]


class Wire(BaseModel):
    """How every object is read: by the types below, without conversion; errors quote no content."""

    model_config = ConfigDict(strict=True, frozen=True, hide_input_in_errors=True)


class WireOrder(Wire):
    """What a payment of ours is at Razorpay: shoppers may try to pay it several times."""

    id: _Id
    amount: _Amount
    currency: str
    status: str
    receipt: str | None = None
    notes: _Notes = Field(default_factory=dict)
    created_at: _Seconds


class WireUpi(Wire):
    """How a shopper pays by UPI. The address is not read."""

    flow: str | None = None


class WirePayment(Wire):
    """One try of a shopper. `captured` stays true after a refund."""

    id: _Id
    amount: _Amount
    currency: str
    status: str
    order_id: _Id | None = None
    method: str | None = None
    captured: _Flag = False
    amount_refunded: _Amount | None = None
    notes: _Notes = Field(default_factory=dict)
    upi: WireUpi | None = None
    error_code: str | None = None
    error_description: str | None = None
    error_reason: str | None = None
    created_at: _Seconds


class WireRefund(Wire):
    """Money on its way back."""

    id: _Id
    payment_id: _Id
    amount: _Amount
    currency: str
    status: str
    receipt: str | None = None
    notes: _Notes = Field(default_factory=dict)
    created_at: _Seconds


class WireDispute(Wire):
    """A contested payment. `amount_deducted` is 0 unless it is lost."""

    id: _Id
    payment_id: _Id
    amount: _Amount
    currency: str
    amount_deducted: _Amount | None = None
    reason_code: str | None = None
    respond_by: _Seconds | None = None
    status: str
    created_at: _Seconds


class WireQrCode(Wire):
    """A code for one payment. `image_content` is what it says, `image_url` a picture of it."""

    id: _Id
    status: str
    payment_amount: _Amount | None = None
    image_url: str | None = None
    image_content: str | None = None
    notes: _Notes = Field(default_factory=dict)
    close_by: _Seconds | None = None
    closed_at: _Seconds | None = None
    close_reason: str | None = None
    created_at: _Seconds


class WireUpiPayment(Wire):
    """The answer to a UPI intent payment: a link that must not be changed."""

    razorpay_payment_id: _Id
    link: str


class WireOrders(Wire):
    """A page of orders."""

    items: tuple[WireOrder, ...]


class WirePayments(Wire):
    """A page of payments."""

    items: tuple[WirePayment, ...]


class WireRefunds(Wire):
    """A page of refunds."""

    items: tuple[WireRefund, ...]


class WireQrCodes(Wire):
    """A page of QR codes."""

    items: tuple[WireQrCode, ...]


class _PaymentPart(Wire):
    entity: WirePayment


class _OrderPart(Wire):
    entity: WireOrder


class _RefundPart(Wire):
    entity: WireRefund


class _DisputePart(Wire):
    entity: WireDispute


class _QrCodePart(Wire):
    entity: WireQrCode


class WirePayload(Wire):
    """The objects that an event brings, as they were when it was sent."""

    payment: _PaymentPart | None = None
    order: _OrderPart | None = None
    refund: _RefundPart | None = None
    dispute: _DisputePart | None = None
    qr_code: _QrCodePart | None = None


class WireEvent(Wire):
    """A webhook's body. Its id is in a header alone."""

    event: str
    payload: WirePayload
    created_at: _Seconds | None = None


class WireError(Wire):
    """Why a call was refused."""

    code: str | None = None
    description: str | None = None
    reason: str | None = None


class WireRefusal(Wire):
    """The body of a refusal."""

    error: WireError


def own_id(notes: dict[str, Any], name: str) -> UUID | None:
    """Return an id of ours from the notes, or None when there is none or it is not ours."""
    return as_uuid(notes.get(name))


def as_uuid(value: object) -> UUID | None:
    """Return a text as the id that it is, or None."""
    try:
        return UUID(value) if isinstance(value, str) else None
    except ValueError:
        return None
