"""Translation: the one place where Stripe's objects become facts, whether a webhook or an answer brought them.

The object decides, not the event that carries it. A try is named by its payment method: the id is there while a
3-D Secure step is pending, in its failure and in the charge that follows, and Stripe.js makes a new one for each
try. Money is named by its charge. Both are the same however the news came, so nothing is counted twice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from app.domain.facts import Fact, FactKind, add_facts
from app.domain.money import Money
from app.domain.states import GatewayName
from app.gateways.stripe.failures import failure_of_charge, failure_of_error
from app.gateways.stripe.fields import (
    Json,
    id_of,
    listed,
    moment,
    money,
    number,
    own_id,
    part,
    required_money,
    required_text,
    text,
)
from app.gateways.stripe.methods import method_of, method_of_charge, method_of_intent
from app.gateways.stripe.reversals import dispute_facts, refund_facts
from app.gateways.words import warn_of_unknown

if TYPE_CHECKING:
    from collections.abc import Iterator

_ENDED: Final = frozenset({"succeeded", "canceled"})
_KNOWN_STATUSES: Final = _ENDED | {
    "requires_payment_method",
    "requires_confirmation",
    "requires_action",
    "processing",
    "requires_capture",
}
"""Source: docs.stripe.com/api/payment_intents/object, `status`, read in November 2026."""
KNOWN_OBJECTS: Final = frozenset({"payment_intent", "charge", "refund", "dispute"})


def facts_of(obj: Json, *, before_basil: bool) -> tuple[Fact, ...]:
    """Return what a payment intent, charge, refund or dispute tells, each fact once.

    `before_basil`: the object is written as API versions before 2025-03-31.basil do, where an amount that was
    authorised but not captured shows as a refund.
    Source: docs.stripe.com/changelog/basil/2025-03-31/remove-refund-from-partial-capture-and-payment-cancellation-flow

    Raises:
        ValueError: the object is not of the documented shape.
    """
    match required_text(obj, "object"):
        case "payment_intent":
            told = _intent_facts(obj, before_basil=before_basil)
        case "charge":
            told = _charge_facts(obj, before_basil=before_basil)
        case "refund":
            told = refund_facts(obj, before_basil=before_basil)
        case "dispute":
            told = dispute_facts(obj)
        case _:
            told = iter(())
    return tuple(add_facts({}, told)[0].values())


def expired_facts(charge: Json, *, before_basil: bool) -> tuple[Fact, ...]:
    """Return what `charge.expired` tells: since Basil the charge itself does not show that it was released.

    What had been captured before stays captured.
    """
    amount = required_money(charge, "amount")
    left = amount - (money(charge, "amount_captured") or Money.zero(amount.currency))
    told = list(_charge_facts(charge, before_basil=before_basil))
    if left.minor:
        told.append(_released(required_text(charge, "id"), left))
    return tuple(add_facts({}, told)[0].values())


def charges_in(intent: Json) -> list[Json]:
    """Return the charges that a payment intent carries whole: the latest, and in older versions all of them."""
    latest = part(intent, "latest_charge")
    return [*([latest] if latest else []), *listed(intent, "charges")]


def _intent_facts(intent: Json, *, before_basil: bool) -> Iterator[Fact]:
    charges = charges_in(intent)
    status = text(intent, "status")
    if status == "requires_capture":
        # More may be captured yet, so what a capture has left so far is held and not released.
        charges = [{**charge, "captured": False} for charge in charges]
    for charge in charges:
        yield from _charge_facts(charge, before_basil=before_basil, ended=status in _ENDED)
    yield from _failed_try(intent)
    attempt = _try_of(required_text(intent, "id"), id_of(intent, "payment_method"))
    match text(intent, "status"):
        case "requires_action":
            yield _step(intent, attempt, FactKind.ACTION_REQUIRED)
        case "processing":
            yield _step(intent, attempt, FactKind.PROCESSING)
        case "requires_capture" | "succeeded" as status if not _holds_money(charges):
            yield from _intent_money(intent, status)
        case "canceled":
            yield from _canceled(intent, charges)
        case status if status not in _KNOWN_STATUSES:
            warn_of_unknown(GatewayName.STRIPE, "intent status", status)


def _holds_money(charges: list[Json]) -> bool:
    return any(text(charge, "status") == "succeeded" for charge in charges)


def _step(intent: Json, attempt: str, kind: FactKind) -> Fact:
    # No time: the intent only tells when it was opened.
    return Fact(gateway=GatewayName.STRIPE, object_id=attempt, kind=kind, method=method_of_intent(intent))


def _failed_try(intent: Json) -> Iterator[Fact]:
    """The last error is the failure of the payment method that it names, unless that one is trying again."""
    error = part(intent, "last_payment_error")
    if not error:
        return
    current = id_of(intent, "payment_method")
    named = id_of(error, "payment_method") or id_of(error, "source")
    waiting = text(intent, "status") == "requires_payment_method"
    if waiting or (named and named != current):
        yield Fact(
            gateway=GatewayName.STRIPE,
            object_id=_try_of(required_text(intent, "id"), named or current),
            kind=FactKind.FAILED,
            method=method_of(part(error, "payment_method")) or method_of_intent(intent),
            failure=failure_of_error(error),
        )


def _intent_money(intent: Json, status: str) -> Iterator[Fact]:
    """What an intent says of a charge that it only names."""
    charge_id = id_of(intent, "latest_charge") or required_text(intent, "id")
    asked = required_money(intent, "amount")
    received = money(intent, "amount_received")
    if status == "requires_capture":
        rest = money(intent, "amount_capturable")
        held = asked if rest is None or received is None else rest + received
        # Told of the last capture it may hold nothing any more, and not say what was released.
        if held == asked or rest is None or rest.minor:
            yield _money_fact(intent, charge_id, FactKind.AUTHORIZED, held)
        if received is not None and received.minor:
            yield _money_fact(intent, charge_id, FactKind.CAPTURED, received)
        return
    taken = asked if received is None else received
    yield _money_fact(intent, charge_id, FactKind.CAPTURED, taken)
    if text(intent, "capture_method") == "manual" and taken < asked:
        yield _released(charge_id, asked - taken)


def _money_fact(intent: Json, charge_id: str, kind: FactKind, amount: Money) -> Fact:
    return Fact(
        gateway=GatewayName.STRIPE,
        object_id=charge_id,
        kind=kind,
        amount=amount,
        attempt_id=_try_of(required_text(intent, "id"), id_of(intent, "payment_method")),
        method=method_of_intent(intent),
    )


def _canceled(intent: Json, charges: list[Json]) -> Iterator[Fact]:
    yield Fact(
        gateway=GatewayName.STRIPE,
        object_id=required_text(intent, "id"),
        kind=FactKind.CANCELED,
        detail=text(intent, "cancellation_reason"),
        reported_at=moment(intent, "canceled_at"),
    )
    for charge in charges:
        if text(charge, "status") == "succeeded" and not charge.get("captured"):
            yield _released(required_text(charge, "id"), required_money(charge, "amount"))
    charge_id = id_of(intent, "latest_charge")
    was_held = text(intent, "capture_method") == "manual" and not part(intent, "last_payment_error")
    if charge_id and was_held and not charges:
        yield _released(charge_id, required_money(intent, "amount"))


def _charge_facts(charge: Json, *, before_basil: bool, ended: bool = False) -> Iterator[Fact]:
    """`ended`: the intent says that nothing of the charge will be captured any more."""
    match text(charge, "status"):
        case "failed":
            yield _tried(charge, FactKind.FAILED)
        case "pending":
            yield _tried(charge, FactKind.PROCESSING)
        case "succeeded" if charge.get("captured") is True and (ended or not _may_go_on(charge)):
            yield from _captured(charge, before_basil=before_basil)
        case "succeeded":
            yield from _authorized(charge)
        case unknown:
            warn_of_unknown(GatewayName.STRIPE, "charge status", unknown)
    for refund in listed(charge, "refunds"):
        yield from refund_facts(refund, before_basil=before_basil)
    if dispute := part(charge, "dispute"):
        yield from dispute_facts(dispute)


def _may_go_on(charge: Json) -> bool:
    """Whether a charge that was captured in part might be captured further: only its intent says for certain.

    Stripe documents that `captured` is true after the last capture alone, and its own connector for commercetools that
    it is after each. To wait for the intent costs little, for it is told with the charge.
    Source: docs.stripe.com/payments/multicapture, "Webhooks", of which a copy was read in November 2026, and
    github.com/stripe/stripe-commercetools-checkout-app, `charge.updated`.
    """
    card = part(part(charge, "payment_method_details"), "card")
    taken, amount = number(charge, "amount_captured"), number(charge, "amount")
    in_part = taken is not None and amount is not None and taken < amount
    return in_part and text(part(card, "multicapture"), "status") == "available"


def _try_of(intent_id: str, source: str | None) -> str:
    """Name a try: the same card may be tried on many intents, and several cards on one."""
    return f"{intent_id}:{source}" if source else intent_id


def _attempt_of(charge: Json) -> str:
    source = id_of(charge, "payment_method") or id_of(charge, "source")
    return _try_of(id_of(charge, "payment_intent") or required_text(charge, "id"), source)


def _tried(charge: Json, kind: FactKind) -> Fact:
    return Fact(
        gateway=GatewayName.STRIPE,
        object_id=_attempt_of(charge),
        kind=kind,
        method=method_of_charge(charge),
        failure=failure_of_charge(charge) if kind is FactKind.FAILED else None,
        reported_at=moment(charge, "created"),
    )


def _authorized(charge: Json) -> Iterator[Fact]:
    amount = required_money(charge, "amount")
    charge_id = required_text(charge, "id")
    yield Fact(
        gateway=GatewayName.STRIPE,
        object_id=charge_id,
        kind=FactKind.AUTHORIZED,
        amount=amount,
        attempt_id=_attempt_of(charge),
        method=method_of_charge(charge),
        reported_at=moment(charge, "created"),
    )
    taken = money(charge, "amount_captured")
    if taken is not None and taken.minor:
        yield _part_taken(charge, taken)
    elif charge.get("refunded") is True:  # how versions before Basil say that it was released
        yield _released(charge_id, amount)


def _part_taken(charge: Json, taken: Money) -> Fact:
    """Return a capture that was not the last one. The time of it the charge does not tell."""
    return Fact(
        gateway=GatewayName.STRIPE,
        object_id=required_text(charge, "id"),
        kind=FactKind.CAPTURED,
        amount=taken,
        attempt_id=_attempt_of(charge),
        method=method_of_charge(charge),
    )


def _captured(charge: Json, *, before_basil: bool) -> Iterator[Fact]:
    amount = required_money(charge, "amount")
    taken = _taken(charge, amount, before_basil=before_basil)
    charge_id = required_text(charge, "id")
    if taken.minor:
        yield Fact(
            gateway=GatewayName.STRIPE,
            object_id=charge_id,
            kind=FactKind.CAPTURED,
            amount=taken,
            attempt_id=_attempt_of(charge),
            method=method_of_charge(charge),
            reported_at=None if taken < amount or _was_held(charge) else moment(charge, "created"),
        )
    if taken < amount:
        yield _released(charge_id, amount - taken)


def _was_held(charge: Json) -> bool:
    """Whether it was authorised first; its time is then the authorisation's, and the capture's is not told."""
    return bool(part(part(charge, "payment_method_details"), "card").get("capture_before"))


def _taken(charge: Json, amount: Money, *, before_basil: bool) -> Money:
    """Return what was captured; versions older than `amount_captured` only tell what was not, as a refund."""
    told = money(charge, "amount_captured")
    if told is not None or not before_basil:
        return amount if told is None else told
    refunds = [refund for refund in listed(charge, "refunds") if own_id(refund, "refund_id") is None]
    return amount - sum((required_money(refund, "amount") for refund in refunds), Money.zero(amount.currency))


def _released(charge_id: str, amount: Money) -> Fact:
    return Fact(gateway=GatewayName.STRIPE, object_id=charge_id, kind=FactKind.RELEASED, amount=amount)
