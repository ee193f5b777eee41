"""Translation: the one place where PayPal's objects become facts, whether a webhook or an answer brought them.

The object decides, not the event that carries it. An order is one try; whether it brought money is told by the captures
inside it, for an order is COMPLETED too when its capture is pending or declined. Captures of an authorisation are tries
of their own, since one that fails leaves the authorisation as it was.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from app.domain.facts import Fact, FactKind, Failure, add_facts
from app.domain.money import Money
from app.domain.states import GatewayName, PaymentMethodType
from app.gateways.paypal.fields import (
    Json,
    listed,
    moment,
    own_ids,
    parent,
    part,
    related,
    required_money,
    required_text,
    status_of,
    text,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

TAKEN: Final = frozenset({"COMPLETED", "PARTIALLY_REFUNDED", "REFUNDED"})
OPEN_HOLDS: Final = frozenset({"CREATED", "PARTIALLY_CAPTURED"})
KNOWN_STATUSES: Final = {
    "order": frozenset({"CREATED", "SAVED", "APPROVED", "VOIDED", "COMPLETED", "PAYER_ACTION_REQUIRED"}),
    "authorization": frozenset(
        {"CREATED", "CAPTURED", "DENIED", "PARTIALLY_CAPTURED", "PARTIALLY_CREATED", "VOIDED", "PENDING"}
    )
    | {"AUTHORIZED", "EXPIRED"},
    "capture": TAKEN | {"DECLINED", "PENDING", "FAILED", "DENIED"},
    "refund": frozenset({"CANCELLED", "FAILED", "PENDING", "COMPLETED"}),
}
"""Source: developer.paypal.com/docs/api/orders/v2 and payments/v2, read in November 2026; AUTHORIZED,
EXPIRED and DENIED are of resource version 1.0."""
_WAITING: Final = frozenset({"CREATED", "SAVED", "APPROVED", "PAYER_ACTION_REQUIRED"})
_HELD: Final = OPEN_HOLDS | {"CAPTURED", "VOIDED", "AUTHORIZED", "EXPIRED"}
_NOT_TAKEN: Final = frozenset({"DECLINED", "FAILED", "DENIED"})
_REFUND_KINDS: Final = {
    "PENDING": FactKind.REFUND_PENDING,
    "COMPLETED": FactKind.REFUND_SUCCEEDED,
    "FAILED": FactKind.REFUND_FAILED,
    "CANCELLED": FactKind.REFUND_CANCELED,
}
NOT_GIVEN_BACK: Final = frozenset({"FAILED", "CANCELLED"})


def order_facts(order: Json) -> tuple[Fact, ...]:
    """Return what an order tells, with all that is inside it.

    Raises:
        ValueError: the order is not of the documented shape.
    """
    return joined(_order_facts(order))


def joined(told: Iterable[Fact]) -> tuple[Fact, ...]:
    """Return each fact once."""
    return tuple(add_facts({}, told)[0].values())


def inside(order: Json, kind: str) -> list[Json]:
    """Return an order's captures, authorizations or refunds."""
    units = listed(order, "purchase_units")
    return [found for unit in units for found in listed(part(unit, "payments"), kind)]


def is_untouched(order: Json) -> bool:
    """Whether nothing was taken or held yet, nor tried to be."""
    return not inside(order, "captures") and not inside(order, "authorizations")


def capture_facts(
    capture: Json, order_id: str | None = None, *, authorized: bool | None = None
) -> Iterator[Fact]:
    """Yield how far a capture came. Of an authorisation, it is a try of its own.

    Of one that tells neither, only money is told: a try under its own id would stay open when the order's has ended.
    """
    capture_id = required_text(capture, "id")
    if authorized is None:
        authorized = authorization_of(capture) is not None
    known = capture_id if authorized else order_id or order_of(capture)
    attempt = known or capture_id
    status = status_of(capture)
    if status in TAKEN:
        yield _fact(
            capture_id,
            FactKind.CAPTURED,
            capture,
            amount=required_money(capture, "amount"),
            attempt_id=attempt,
        )
    elif known is None:
        return
    elif status == "PENDING":
        yield _fact(attempt, FactKind.PROCESSING, capture, detail=_reason(capture))
    elif status in _NOT_TAKEN:
        yield _fact(attempt, FactKind.FAILED, capture, failure=_capture_failure(capture))


def authorization_facts(authorization: Json, order_id: str | None = None) -> Iterator[Fact]:
    """Yield how far an authorisation came; what of it is released takes its captures to know."""
    authorization_id = required_text(authorization, "id")
    attempt = order_id or order_of(authorization) or authorization_id
    status = status_of(authorization)
    if status in _HELD:
        amount = required_money(authorization, "amount")
        yield _fact(authorization_id, FactKind.AUTHORIZED, authorization, amount=amount, attempt_id=attempt)
    elif status == "PENDING":
        yield _fact(attempt, FactKind.PROCESSING, authorization, detail=_reason(authorization))
    elif status == "DENIED":
        failure = Failure(code="AUTHORIZATION_DENIED", message="PayPal denied the authorisation.")
        yield _fact(attempt, FactKind.FAILED, authorization, failure=failure)


def refund_facts(refund: Json, only_capture: str | None = None) -> Iterator[Fact]:
    """Yield how far a refund came; one that names no capture is of the only one, if that is known."""
    kind = _REFUND_KINDS.get(status_of(refund))
    if kind is None:
        return
    ours = own_ids(refund)[1]
    failure = None
    if kind is FactKind.REFUND_FAILED:
        failure = Failure(code="REFUND_FAILED", message="PayPal could not refund.", retryable=False)
    yield Fact(
        gateway=GatewayName.PAYPAL,
        object_id=required_text(refund, "id"),
        kind=kind,
        amount=required_money(refund, "amount"),
        attempt_id=refunded_capture(refund) or only_capture,
        own_id=ours,
        failure=failure,
        detail=text(refund, "note_to_payer"),
        reported_at=None if kind in (FactKind.REFUND_FAILED, FactKind.REFUND_CANCELED) else _created(refund),
    )


def order_of(obj: Json) -> str | None:
    """Return the id of the order that a capture, an authorisation or a refund belongs to, where it is told."""
    return related(obj, "order_id") or parent(obj, "orders")


def refunded_capture(refund: Json) -> str | None:
    """Return the id of the capture that a refund gives back, where it is told."""
    return parent(refund, "captures") or text(refund, "capture_id")


def authorization_of(capture: Json) -> str | None:
    """Return the id of the authorisation that was captured, if one was."""
    return related(capture, "authorization_id") or parent(capture, "authorizations")


def _order_facts(order: Json) -> Iterator[Fact]:
    order_id = required_text(order, "id")
    status = status_of(order)
    holds = inside(order, "authorizations")
    captures = inside(order, "captures")
    if status in _WAITING and is_untouched(order):
        yield _fact(order_id, FactKind.ACTION_REQUIRED, order)
    elif status == "VOIDED":
        yield Fact(gateway=GatewayName.PAYPAL, object_id=order_id, kind=FactKind.CANCELED)
    for hold in holds:
        yield from authorization_facts(hold, order_id)
        yield from _released(hold, captures, only=len(holds) == 1)
    for capture in captures:
        yield from capture_facts(capture, order_id, authorized=bool(holds))
    only = required_text(captures[0], "id") if len(captures) == 1 else None
    for refund in inside(order, "refunds"):
        yield from refund_facts(refund, only)


def _released(hold: Json, captures: list[Json], *, only: bool) -> Iterator[Fact]:
    """What is neither taken nor about to be, of an authorisation that takes no captures any more, is released."""
    if status_of(hold) not in ("CAPTURED", "VOIDED", "EXPIRED"):
        return
    hold_id = required_text(hold, "id")
    rest = required_money(hold, "amount")
    for capture in captures:
        mine = only or authorization_of(capture) == hold_id
        if mine and status_of(capture) not in _NOT_TAKEN:
            taken = required_money(capture, "amount")
            if taken.currency != rest.currency:
                raise ValueError("PayPal's capture is in another currency than its authorisation.")
            rest = Money(rest.minor - taken.minor, rest.currency)
    if rest.minor > 0:
        yield Fact(gateway=GatewayName.PAYPAL, object_id=hold_id, kind=FactKind.RELEASED, amount=rest)


def _fact(object_id: str, kind: FactKind, obj: Json, **more: Any) -> Fact:  # noqa: ANN401 - fields of Fact
    return Fact(
        gateway=GatewayName.PAYPAL,
        object_id=object_id,
        kind=kind,
        method=PaymentMethodType.PAYPAL,
        reported_at=_created(obj),
        **more,
    )


def _created(obj: Json) -> Any:  # noqa: ANN401 - datetime or None
    return moment(obj, "create_time")


def _reason(obj: Json) -> str | None:
    return text(part(obj, "status_details"), "reason") or text(obj, "reason_code")


def _capture_failure(capture: Json) -> Failure:
    code = _reason(capture) or f"CAPTURE_{status_of(capture)}"
    return Failure(code=code, message="PayPal did not complete the payment.")
