"""What Stripe's refunds and disputes tell, and what older versions of its API call a refund."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import pytest

from app.domain.facts import Fact, FactKind, Failure
from app.domain.money import Money
from app.domain.states import GatewayName, PaymentMethodType
from app.gateways.stripe.facts import facts_of
from tests.gateways.stripe_objects import (
    CHARGED_AT,
    REFUND_ID,
    charge,
    dispute,
    held_charge,
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
    ("status", "kind"),
    [
        ("pending", FactKind.REFUND_PENDING),
        ("requires_action", FactKind.REFUND_PENDING),
        ("succeeded", FactKind.REFUND_SUCCEEDED),
    ],
)
def test_a_refund_carries_our_id_of_it(status: str, kind: FactKind) -> None:
    assert told(refund(status)) == [
        fact(
            "re_1",
            kind,
            amount=eur(400),
            own_id=REFUND_ID,
            detail="requested_by_customer",
            reported_at=datetime.fromtimestamp(CHARGED_AT + 100, UTC),
        )
    ]


def test_a_refund_that_failed_says_why_and_claims_no_time() -> None:
    failed = told(refund("failed", failure_reason="expired_or_canceled_card"))
    canceled = told(refund("canceled"))

    assert [(f.kind, f.failure and f.failure.code, f.reported_at) for f in (*failed, *canceled)] == [
        (FactKind.REFUND_FAILED, "expired_or_canceled_card", None),
        (FactKind.REFUND_CANCELED, None, None),
    ]


def test_a_refund_that_somebody_made_elsewhere_has_no_id_of_ours() -> None:
    (elsewhere,) = told(refund(metadata={"refund_id": "not ours"}, reason=None))

    assert (elsewhere.own_id, elsewhere.detail) == (None, None)


def test_a_reason_in_our_own_words_comes_back() -> None:
    (ours,) = told(refund(metadata={"refund_id": str(REFUND_ID), "reason": "too late"}, reason=None))

    assert ours.detail == "too late"


def test_what_older_versions_call_a_refund_of_an_expired_hold_is_its_release() -> None:
    expired = refund(amount=1000, metadata={}, reason="expired_uncaptured_charge")

    assert told(expired) == [fact("ch_1", FactKind.RELEASED, amount=eur(1000))]


def test_older_versions_refunds_count_when_they_are_ours() -> None:
    anybodys = refund(metadata={})

    assert told(anybodys, before_basil=True) == []
    assert [f.kind for f in told(anybodys)] == [FactKind.REFUND_SUCCEEDED]
    assert [f.kind for f in told(refund(), before_basil=True)] == [FactKind.REFUND_SUCCEEDED]


def test_the_oldest_versions_tell_a_partial_capture_by_a_refund_of_the_rest() -> None:
    old = charge(
        amount_refunded=800,
        refunds={"data": [refund(id="re_0", amount=600, metadata={}), refund(amount=200)]},
    )
    del old["amount_captured"]

    assert [(f.object_id, f.kind, f.amount) for f in told(old, before_basil=True)] == [
        ("ch_1", FactKind.CAPTURED, eur(400)),
        ("ch_1", FactKind.RELEASED, eur(600)),
        ("re_1", FactKind.REFUND_SUCCEEDED, eur(200)),
    ]


def test_an_older_version_tells_a_release_by_the_charge_being_refunded() -> None:
    void = held_charge(refunded=True, amount_refunded=1000)

    assert [f.kind for f in told(void)] == [FactKind.AUTHORIZED, FactKind.RELEASED]


@pytest.mark.parametrize(
    ("status", "kind", "amount"),
    [
        ("warning_needs_response", FactKind.DISPUTE_OPENED, None),
        ("warning_under_review", FactKind.DISPUTE_UNDER_REVIEW, None),
        ("warning_closed", FactKind.DISPUTE_WON, None),
        ("needs_response", FactKind.DISPUTE_OPENED, eur(1000)),
        ("under_review", FactKind.DISPUTE_UNDER_REVIEW, eur(1000)),
        ("appeal_needs_response", FactKind.DISPUTE_UNDER_REVIEW, None),
        ("appeal_under_review", FactKind.DISPUTE_UNDER_REVIEW, None),
        ("won", FactKind.DISPUTE_WON, eur(1000)),
        ("lost", FactKind.DISPUTE_LOST, eur(1000)),
        ("prevented", FactKind.DISPUTE_LOST, None),
        ("charge_refunded", FactKind.DISPUTE_WON, None),
    ],
)
def test_a_dispute_has_an_amount_once_it_takes_money(
    status: str, kind: FactKind, amount: Money | None
) -> None:
    (of_dispute,) = told(dispute(status))

    assert (of_dispute.object_id, of_dispute.kind, of_dispute.amount) == ("du_1", kind, amount)
    assert (of_dispute.detail, of_dispute.respond_by) == (
        "fraudulent",
        datetime.fromtimestamp(CHARGED_AT + 900, UTC),
    )


def test_a_prevented_dispute_that_took_money_says_how_much() -> None:
    (prevented,) = told(dispute("prevented", balance_transactions=[{"amount": -1000}]))

    assert prevented.amount == eur(1000)
