"""What Stripe's objects tell: the same facts, whichever object, event or answer brings the news."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import pytest

from app.domain.facts import Fact, FactKind, Failure
from app.domain.money import Money
from app.domain.states import GatewayName, PaymentMethodType
from app.gateways.stripe.facts import expired_facts, facts_of
from tests.gateways.stripe_objects import (
    CHARGED_AT,
    INTENT,
    charge,
    declined,
    dispute,
    failed_charge,
    held_charge,
    intent,
    refund,
)

if TYPE_CHECKING:
    from tests.gateways.stripe_objects import Object

CHARGED: Final = datetime.fromtimestamp(CHARGED_AT, UTC)
CARD: Final = PaymentMethodType.CARD
NO_FUNDS: Final = Failure(
    code="card_declined", message="Your card has insufficient funds.", decline_code="insufficient_funds"
)


def eur(minor: int) -> Money:
    return Money(minor, "EUR")


def fact(object_id: str, kind: FactKind, **fields: object) -> Fact:
    return Fact(gateway=GatewayName.STRIPE, object_id=object_id, kind=kind, **fields)  # type: ignore[arg-type]  # fields are named as Fact's


def told(obj: Object, *, before_basil: bool = False) -> list[Fact]:
    return list(facts_of(obj, before_basil=before_basil))


@pytest.mark.parametrize(
    "obj",
    [
        intent("requires_payment_method"),
        intent("requires_confirmation", payment_method="pm_1"),
        intent("a_status_of_tomorrow", payment_method="pm_1"),
        charge(status="a_status_of_tomorrow"),
        refund("a_status_of_tomorrow"),
        dispute("a_status_of_tomorrow"),
        {"object": "customer", "id": "cus_1"},
    ],
)
def test_what_is_no_news_about_money_tells_no_fact(obj: Object) -> None:
    assert told(obj) == []


def test_a_step_that_waits_is_named_by_its_payment_method() -> None:
    waiting = intent("requires_action", payment_method="pm_1")

    assert told(waiting) == [fact("pi_1:pm_1", FactKind.ACTION_REQUIRED)]
    assert told({**waiting, "status": "processing"}) == [fact("pi_1:pm_1", FactKind.PROCESSING)]


def test_a_failed_authentication_fails_the_try_that_needed_it() -> None:
    error = declined("pm_1", code="payment_intent_authentication_failure", decline_code=None, message="No.")

    failed = told(intent("requires_payment_method", last_payment_error=error))

    failure = Failure(code="payment_intent_authentication_failure", message="No.")
    assert failed == [fact("pi_1:pm_1", FactKind.FAILED, method=CARD, failure=failure)]


def test_a_decline_is_told_alike_by_the_intent_and_by_its_charge() -> None:
    by_intent = intent("requires_payment_method", last_payment_error=declined(), latest_charge="ch_1")
    failed = fact("pi_1:pm_1", FactKind.FAILED, method=CARD, failure=NO_FUNDS)
    dated = fact("pi_1:pm_1", FactKind.FAILED, method=CARD, failure=NO_FUNDS, reported_at=CHARGED)

    assert told(by_intent) == [failed]
    assert told(failed_charge()) == [dated]
    assert told({**by_intent, "latest_charge": failed_charge()}) == [dated]


def test_the_error_of_an_earlier_try_stays_with_it_while_the_next_waits() -> None:
    waiting = intent("requires_action", payment_method="pm_2", last_payment_error=declined("pm_1"))

    assert told(waiting) == [
        fact("pi_1:pm_1", FactKind.FAILED, method=CARD, failure=NO_FUNDS),
        fact("pi_1:pm_2", FactKind.ACTION_REQUIRED),
    ]


@pytest.mark.parametrize("code", ["fraudulent", "lost_card", "merchant_blacklist", "stolen_card"])
def test_a_shopper_does_not_learn_that_a_card_is_known_as_stolen(code: str) -> None:
    by_intent = told(intent("requires_payment_method", last_payment_error=declined(decline_code=code)))
    by_charge = told(failed_charge(outcome={"type": "issuer_declined", "reason": code}))

    for facts in (by_intent, by_charge):
        assert [f.failure.decline_code for f in facts if f.failure] == ["generic_decline"]


def test_a_capture_is_told_alike_by_every_object() -> None:
    succeeded = intent("succeeded", amount_received=1000, payment_method="pm_1", latest_charge="ch_1")
    captured = fact("ch_1", FactKind.CAPTURED, amount=eur(1000), attempt_id="pi_1:pm_1")
    dated = fact(
        "ch_1",
        FactKind.CAPTURED,
        amount=eur(1000),
        attempt_id="pi_1:pm_1",
        method=CARD,
        reported_at=CHARGED,
    )

    assert told(succeeded) == [captured]
    assert told(charge()) == [dated]
    assert told({**succeeded, "latest_charge": charge()}) == [dated]
    assert told({**succeeded, "latest_charge": None, "charges": {"data": [charge()]}}) == [dated]
    assert told({**succeeded, "latest_charge": charge(), "charges": {"data": [charge()]}}) == [dated]


def test_a_held_amount_is_told_alike_by_every_object() -> None:
    holding = intent(
        "requires_capture",
        amount_capturable=1000,
        capture_method="manual",
        payment_method="pm_1",
        latest_charge="ch_1",
    )
    held = fact("ch_1", FactKind.AUTHORIZED, amount=eur(1000), attempt_id="pi_1:pm_1")
    dated = fact(
        "ch_1",
        FactKind.AUTHORIZED,
        amount=eur(1000),
        attempt_id="pi_1:pm_1",
        method=CARD,
        reported_at=CHARGED,
    )

    assert told(holding) == [held]
    assert told(held_charge()) == [dated]
    assert told({**holding, "latest_charge": held_charge()}) == [dated]


def test_a_partial_capture_releases_the_rest_and_does_not_claim_the_time_of_the_hold() -> None:
    taken = held_charge(captured=True, amount_captured=400)
    succeeded = intent(
        "succeeded",
        amount_received=400,
        capture_method="manual",
        payment_method="pm_1",
        latest_charge="ch_1",
    )
    released = fact("ch_1", FactKind.RELEASED, amount=eur(600))

    assert told(succeeded) == [
        fact("ch_1", FactKind.CAPTURED, amount=eur(400), attempt_id="pi_1:pm_1"),
        released,
    ]
    assert told(taken) == [
        fact("ch_1", FactKind.CAPTURED, amount=eur(400), attempt_id="pi_1:pm_1", method=CARD),
        released,
    ]
    assert told({**succeeded, "latest_charge": taken}) == told(taken)


def test_a_full_capture_of_a_held_amount_does_not_claim_the_time_of_the_hold() -> None:
    assert told(held_charge(captured=True, amount_captured=1000)) == [
        fact("ch_1", FactKind.CAPTURED, amount=eur(1000), attempt_id="pi_1:pm_1", method=CARD)
    ]


def test_a_canceled_hold_is_canceled_and_released() -> None:
    canceled = intent(
        "canceled",
        canceled_at=CHARGED_AT + 9,
        cancellation_reason="abandoned",
        capture_method="manual",
        payment_method="pm_1",
        latest_charge="ch_1",
    )
    by_name = fact(
        INTENT,
        FactKind.CANCELED,
        detail="abandoned",
        reported_at=datetime.fromtimestamp(CHARGED_AT + 9, UTC),
    )
    released = fact("ch_1", FactKind.RELEASED, amount=eur(1000))

    assert told(canceled) == [by_name, released]
    assert told({**canceled, "latest_charge": held_charge()})[1:] == [by_name, released]


def test_a_cancellation_after_a_decline_releases_nothing() -> None:
    canceled = intent(
        "canceled", capture_method="manual", latest_charge="ch_1", last_payment_error=declined()
    )

    kinds = [f.kind for f in told(canceled)]
    kinds_with_charge = [f.kind for f in told({**canceled, "latest_charge": failed_charge()})]

    assert kinds == kinds_with_charge == [FactKind.FAILED, FactKind.CANCELED]


def test_an_expired_charge_is_released_though_it_does_not_show() -> None:
    facts = expired_facts(held_charge(), before_basil=False)

    assert [(f.kind, f.amount) for f in facts] == [
        (FactKind.AUTHORIZED, eur(1000)),
        (FactKind.RELEASED, eur(1000)),
    ]


@pytest.mark.parametrize(
    ("stripe_type", "method"),
    [
        ("card", PaymentMethodType.CARD),
        ("link", PaymentMethodType.WALLET),
        ("paypal", PaymentMethodType.PAYPAL),
        ("netbanking", PaymentMethodType.NETBANKING),
        ("something_of_tomorrow", PaymentMethodType.OTHER),
    ],
)
def test_what_was_paid_with_is_in_our_words(stripe_type: str, method: PaymentMethodType) -> None:
    (captured,) = told(charge(payment_method_details={"type": stripe_type}))

    assert captured.method is method


@pytest.mark.parametrize(
    ("obj", "message"),
    [
        (charge(amount="1000"), "charge has 'amount' that is not an integer"),
        (charge(amount=True), "charge has 'amount' that is not an integer"),
        (charge(amount=None), "charge has 'amount' that is not an integer"),
        (charge(amount_captured=-1), "charge has 'amount_captured' that is not an amount"),
        (charge(created=10**20), "charge has 'created' that is not a time"),
        (charge(id=None), "charge has 'id' that is not a text"),
        (charge(currency="zzz"), "'ZZZ' is not an ISO 4217 currency code"),
        (charge(currency=7), "charge has 'currency' that is not a text"),
        (intent(5), "payment_intent has 'status' that is not a text"),  # type: ignore[arg-type]  # the point
        (refund(amount=1.5), "refund has 'amount' that is not an integer"),
        ({"id": "ch_1"}, "object has 'object' that is not a text"),
    ],
)
def test_a_field_that_is_not_what_it_should_be_is_named(obj: Object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        told(obj)
