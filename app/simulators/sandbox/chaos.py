"""What the sandbox's API may be made to fail at, and its knobs read from a request."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any

from app.simulators.kit.chaos import Chaos, KnobError, read_chaos
from app.simulators.sandbox.errors import ApiError

if TYPE_CHECKING:
    from collections.abc import Mapping


class Operation(StrEnum):
    """What the API may fail at."""

    CREATE_PAYMENT = "create_payment"
    FETCH_PAYMENT = "fetch_payment"
    LIST_PAYMENTS = "list_payments"
    CAPTURE = "capture"
    CANCEL = "cancel"
    REFUND = "refund"
    FETCH_REFUND = "fetch_refund"
    LIST_EVENTS = "list_events"


def chaos_from(body: Mapping[str, Any]) -> Chaos:
    """Read the knobs; what they can't be is refused as any parameter is."""
    try:
        return read_chaos(body, list(Operation))
    except KnobError as error:
        raise ApiError("parameter_invalid", str(error), param=error.param) from None
