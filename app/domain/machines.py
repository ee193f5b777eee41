"""The state machines as data: the database's CHECKs, `stateMachine` in the API and the documents come from here."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from app.domain.states import FulfillmentStatus, OrderStatus, PaymentStatus, RefundStatus


class StateMachineKind(StrEnum):
    """The machines that the contract names."""

    ORDER = "ORDER"
    PAYMENT = "PAYMENT"
    REFUND = "REFUND"
    FULFILLMENT = "FULFILLMENT"


@dataclass(frozen=True, slots=True)
class Transition:
    """An edge: what moves a thing from one state to another."""

    source: str
    target: str
    on: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StateMachine:
    """All states and edges of one kind of thing."""

    kind: StateMachineKind
    states: tuple[str, ...]
    transitions: tuple[Transition, ...]

    def allows(self, source: str, target: str) -> bool:
        """Whether a thing may go from one state straight to the other; staying is always allowed."""
        return source == target or any(t.source == source and t.target == target for t in self.transitions)


_O = OrderStatus
_F = FulfillmentStatus
_R = RefundStatus
_P = PaymentStatus

ORDER_MACHINE: Final = StateMachine(
    kind=StateMachineKind.ORDER,
    states=tuple(_O),
    transitions=(
        Transition(_O.PENDING, _O.CONFIRMED, "the total is paid or authorised"),
        Transition(_O.PENDING, _O.EXPIRED, "its time to pay ran out"),
        Transition(_O.PENDING, _O.CANCELED, "a person canceled it"),
        Transition(_O.CONFIRMED, _O.COMPLETED, "it is delivered and captured"),
        Transition(_O.CONFIRMED, _O.CANCELED, "staff canceled it"),
        Transition(_O.EXPIRED, _O.CONFIRMED, "late money was honoured"),
        Transition(_O.CANCELED, _O.CONFIRMED, "late money was honoured"),
    ),
)

FULFILLMENT_MACHINE: Final = StateMachine(
    kind=StateMachineKind.FULFILLMENT,
    states=tuple(_F),
    transitions=(
        Transition(_F.UNFULFILLED, _F.PREPARING, "packing began"),
        Transition(_F.UNFULFILLED, _F.SHIPPED, "it was handed to the carrier"),
        Transition(_F.PREPARING, _F.UNFULFILLED, "packing was called off"),
        Transition(_F.PREPARING, _F.SHIPPED, "it was handed to the carrier"),
        Transition(_F.SHIPPED, _F.DELIVERED, "it arrived"),
        Transition(_F.SHIPPED, _F.RETURNED, "it came back undelivered"),
        Transition(_F.DELIVERED, _F.RETURNED, "the customer sent it back"),
    ),
)

REFUND_MACHINE: Final = StateMachine(
    kind=StateMachineKind.REFUND,
    states=tuple(_R),
    transitions=(
        Transition(_R.PENDING, _R.SUCCEEDED, "the gateway paid it out"),
        Transition(_R.PENDING, _R.FAILED, "the gateway could not pay it out"),
        Transition(_R.PENDING, _R.CANCELED, "it was called off"),
        Transition(_R.SUCCEEDED, _R.FAILED, "the bank sent it back"),
        Transition(_R.SUCCEEDED, _R.CANCELED, "it was called off"),
        Transition(_R.CANCELED, _R.FAILED, "the bank sent it back"),
        Transition(_R.FAILED, _R.PENDING, "the gateway has it after all"),
        Transition(_R.FAILED, _R.SUCCEEDED, "the gateway has it after all"),
        Transition(_R.FAILED, _R.CANCELED, "the gateway has it after all"),
    ),
)

_STEP: Final = {
    _P.REQUIRES_PAYMENT_METHOD: "another try began",
    _P.REQUIRES_ACTION: "the bank asks the shopper",
    _P.PROCESSING: "the bank is at work",
    _P.FAILED: "no try is open any more",
    _P.EXPIRED: "its time to pay ran out",
    _P.CANCELED: "it was canceled, or all of the authorisation released",
    _P.REQUIRES_CAPTURE: "the bank authorised it",
    _P.PARTIALLY_CAPTURED: "a part was captured",
    _P.SUCCEEDED: "all of it was captured",
    _P.CONFLICTED: "the gateway's amount or currency is not what was asked",
}
_CORRECTED: Final = "the gateway's amount became what was asked"
_PAYMENT_EDGES: Final[dict[PaymentStatus, tuple[PaymentStatus, ...]]] = {
    _P.REQUIRES_PAYMENT_METHOD: tuple(s for s in _P if s is not _P.REQUIRES_PAYMENT_METHOD),
    _P.REQUIRES_ACTION: tuple(s for s in _P if s is not _P.REQUIRES_ACTION),
    _P.PROCESSING: tuple(s for s in _P if s is not _P.PROCESSING),
    _P.FAILED: tuple(s for s in _P if s is not _P.FAILED),
    _P.EXPIRED: (
        _P.PROCESSING,
        _P.CANCELED,
        _P.REQUIRES_CAPTURE,
        _P.PARTIALLY_CAPTURED,
        _P.SUCCEEDED,
        _P.CONFLICTED,
    ),
    _P.CANCELED: (_P.REQUIRES_CAPTURE, _P.PARTIALLY_CAPTURED, _P.SUCCEEDED, _P.CONFLICTED),
    _P.REQUIRES_CAPTURE: (_P.CANCELED, _P.PARTIALLY_CAPTURED, _P.SUCCEEDED, _P.CONFLICTED),
    _P.PARTIALLY_CAPTURED: (_P.SUCCEEDED, _P.CONFLICTED),
    _P.SUCCEEDED: (_P.CONFLICTED,),
    _P.CONFLICTED: (_P.CANCELED, _P.REQUIRES_CAPTURE, _P.PARTIALLY_CAPTURED, _P.SUCCEEDED),
}
"""What one more fact may do. The tests search small universes of facts for exactly these edges."""

PAYMENT_MACHINE: Final = StateMachine(
    kind=StateMachineKind.PAYMENT,
    states=tuple(_P),
    transitions=tuple(
        Transition(source, target, _CORRECTED if source is _P.CONFLICTED else _STEP[target])
        for source, targets in _PAYMENT_EDGES.items()
        for target in targets
    ),
)

MACHINES: Final = {
    machine.kind: machine for machine in (ORDER_MACHINE, PAYMENT_MACHINE, REFUND_MACHINE, FULFILLMENT_MACHINE)
}
