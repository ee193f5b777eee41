"""The sandbox's wire format: the fields that are read, strictly. What else it sends is passed over."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

from app.domain.money import AMOUNT_MINOR_MAX, CURRENCY_EXPONENTS


def _currency(code: str) -> str:
    if code not in CURRENCY_EXPONENTS:
        raise ValueError("no ISO 4217 code")
    return code


_Amount = Annotated[int, Field(ge=0, le=AMOUNT_MINOR_MAX)]
_Currency = Annotated[str, AfterValidator(_currency)]


class Wire(BaseModel):
    """How every object is read: by the types below, without conversion; errors quote no content."""

    model_config = ConfigDict(strict=True, frozen=True, hide_input_in_errors=True)


class WireFailure(Wire):
    """Why a try or a call failed."""

    code: str
    message: str
    decline_code: str | None = None


class WireAttempt(Wire):
    """One try, with the times of its steps."""

    id: str
    created: AwareDatetime
    action_required_at: AwareDatetime | None
    processing_at: AwareDatetime | None
    failed_at: AwareDatetime | None
    failure: WireFailure | None


class WireCharge(Wire):
    """Money on a card. `authorized_at` is set where it was held before it was captured."""

    id: str
    attempt: str
    amount: _Amount
    amount_captured: _Amount
    amount_released: _Amount
    authorized_at: AwareDatetime | None
    captured_at: AwareDatetime | None
    released_at: AwareDatetime | None


class WireRefund(Wire):
    """Money on its way back."""

    id: str
    payment: str
    amount: _Amount
    currency: _Currency
    reason: str | None
    metadata: dict[str, str]
    created: AwareDatetime
    succeeded_at: AwareDatetime | None
    failed_at: AwareDatetime | None


class WireDispute(Wire):
    """A contested charge."""

    id: str
    amount: _Amount
    reason: str | None
    respond_by: AwareDatetime | None
    created: AwareDatetime
    won_at: AwareDatetime | None
    lost_at: AwareDatetime | None


class WirePayment(Wire):
    """A payment and everything known about it."""

    id: str
    status: str
    currency: _Currency
    checkout_url: str
    metadata: dict[str, str]
    created: AwareDatetime
    canceled_at: AwareDatetime | None
    attempts: tuple[WireAttempt, ...]
    charges: tuple[WireCharge, ...]
    refunds: tuple[WireRefund, ...]
    disputes: tuple[WireDispute, ...]


class WirePayments(Wire):
    """A list of payments."""

    data: tuple[WirePayment, ...]


class WireEventData(Wire):
    """What an event is about."""

    object: WirePayment


class WireEvent(Wire):
    """A webhook's body."""

    id: str
    type: str
    created: AwareDatetime
    data: WireEventData


class WireEvents(Wire):
    """A page of events, oldest first."""

    data: tuple[WireEvent, ...]
    has_more: bool


class WireError(WireFailure):
    """A refusal; `payment` where its state is the reason."""

    payment: WirePayment | None = None


class WireRefusal(Wire):
    """The body of a refusal."""

    error: WireError
