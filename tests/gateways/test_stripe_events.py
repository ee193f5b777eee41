"""Stripe's webhooks: routed by our id, told in facts, in any order and any number."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from itertools import permutations
from typing import TYPE_CHECKING, Final

import pytest

from app.domain.facts import FactKind, Facts, add_facts
from app.domain.money import Money
from app.domain.payment import PaymentState, PaymentTerms, payment_state
from app.domain.states import CaptureMethod, PaymentAttemptStatus, PaymentStatus, RefundStatus
from app.gateways.stripe import build
from app.gateways.stripe.events import RECOVERED_TYPES
from tests.gateways.stripe_objects import (
    CHARGED_AT,
    INTENT,
    PAYMENT_ID,
    SETTINGS,
    charge,
    declined,
    dispute,
    event,
    failed_charge,
    held_charge,
    intent,
    parsed,
    refund,
    verified,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from app.gateways.contract import Notification
    from tests.gateways.stripe_objects import Object

TERMS: Final = PaymentTerms(amount=Money(1000, "EUR"), capture_method=CaptureMethod.AUTOMATIC)
HELD: Final = replace(TERMS, capture_method=CaptureMethod.MANUAL)
FAILED: Final = intent("requires_payment_method", last_payment_error=declined(), latest_charge="ch_1")
WAITING: Final = intent("requires_action", payment_method="pm_1")
SUCCEEDED: Final = intent("succeeded", amount_received=1000, payment_method="pm_1", latest_charge="ch_1")
HOLDING: Final = intent(
    "requires_capture",
    amount_capturable=1000,
    capture_method="manual",
    payment_method="pm_1",
    latest_charge="ch_1",
)


def state_after(notifications: Iterable[Notification], terms: PaymentTerms = TERMS) -> PaymentState:
    facts: Facts = {}
    for notification in notifications:
        facts, _ = add_facts(facts, notification.facts)
    return payment_state(terms, list(facts.values()))


EVENTS: Final[dict[str, tuple[Object, list[FactKind]]]] = {
    "payment_intent.created": (intent("requires_payment_method"), []),
    "payment_intent.requires_action": (WAITING, [FactKind.ACTION_REQUIRED]),
    "payment_intent.processing": ({**WAITING, "status": "processing"}, [FactKind.PROCESSING]),
    "payment_intent.amount_capturable_updated": (HOLDING, [FactKind.AUTHORIZED]),
    "payment_intent.payment_failed": (FAILED, [FactKind.FAILED]),
    "payment_intent.succeeded": (SUCCEEDED, [FactKind.CAPTURED]),
    "payment_intent.canceled": (
        {**HOLDING, "status": "canceled"},
        [FactKind.CANCELED, FactKind.RELEASED],
    ),
    "charge.pending": (charge(status="pending", captured=False), [FactKind.PROCESSING]),
    "charge.failed": (failed_charge(), [FactKind.FAILED]),
    "charge.succeeded": (held_charge(), [FactKind.AUTHORIZED]),
    "charge.captured": (charge(), [FactKind.CAPTURED]),
    "charge.updated": (charge(), [FactKind.CAPTURED]),
    "charge.refunded": (charge(amount_refunded=400), [FactKind.CAPTURED]),
    "charge.expired": (held_charge(), [FactKind.AUTHORIZED, FactKind.RELEASED]),
    "charge.refund.updated": (refund("failed"), [FactKind.REFUND_FAILED]),
    "refund.created": (refund("pending"), [FactKind.REFUND_PENDING]),
    "refund.updated": (refund(), [FactKind.REFUND_SUCCEEDED]),
    "refund.failed": (refund("failed"), [FactKind.REFUND_FAILED]),
    "charge.dispute.created": (dispute("needs_response"), [FactKind.DISPUTE_OPENED]),
    "charge.dispute.updated": (dispute("under_review"), [FactKind.DISPUTE_UNDER_REVIEW]),
    "charge.dispute.funds_withdrawn": (dispute("needs_response"), [FactKind.DISPUTE_OPENED]),
    "charge.dispute.funds_reinstated": (dispute("won"), [FactKind.DISPUTE_WON]),
    "charge.dispute.closed": (dispute("lost"), [FactKind.DISPUTE_LOST]),
}


@pytest.mark.parametrize("event_type", EVENTS)
def test_each_event_tells_its_facts_and_whose_they_are(event_type: str) -> None:
    obj, kinds = EVENTS[event_type]

    notification = parsed(event(event_type, obj, id="evt_7"))

    assert [fact.kind for fact in notification.facts] == kinds
    assert (notification.external_id, notification.type) == ("evt_7", event_type)
    assert notification.reference == INTENT
    assert notification.payment_id == (None if obj["object"] == "dispute" else PAYMENT_ID)
    assert notification.occurred_at == datetime.fromtimestamp(CHARGED_AT + 5, UTC)
    named = obj.get("latest_charge") if obj["object"] == "payment_intent" else "ch_1"
    assert notification.related_object_ids == ((named,) if named else ())


def test_recovery_asks_for_no_type_that_is_not_tested_here_and_for_as_many_as_stripe_allows() -> None:
    assert set(RECOVERED_TYPES) <= set(EVENTS)
    assert len(RECOVERED_TYPES) == len(set(RECOVERED_TYPES)) == 20


def test_the_object_decides_and_not_the_event() -> None:
    notification = parsed(event("payment_intent.payment_failed", SUCCEEDED))

    assert [fact.kind for fact in notification.facts] == [FactKind.CAPTURED]


@pytest.mark.parametrize("event_type", ["customer.created", "checkout.session.completed", "payout.paid"])
def test_an_event_about_something_else_is_kept_and_tells_nothing(event_type: str) -> None:
    notification = parsed(event(event_type, {"id": "x", "object": "x", "amount": "?"}))

    assert (notification.type, notification.facts, notification.reference) == (event_type, (), None)


def test_an_event_in_the_thin_form_tells_nothing() -> None:
    thin = {"id": "evt_1", "object": "v2.core.event", "type": "v1.billing.meter.error_report_triggered"}

    assert parsed(thin).facts == ()


def test_a_test_event_moves_nothing_in_a_live_shop_and_the_other_way_round() -> None:
    live = replace(SETTINGS, secret_key="sk_live_of_tests")

    assert parsed(event("payment_intent.succeeded", SUCCEEDED, livemode=False), live).facts == ()
    assert parsed(event("payment_intent.succeeded", SUCCEEDED, livemode=True)).facts == ()
    assert len(parsed(event("payment_intent.succeeded", SUCCEEDED, livemode=True), live).facts) == 1


@pytest.mark.parametrize("metadata", [{}, {"payment_id": "17"}, {"payment_id": 17}, None])
def test_a_payment_that_does_not_carry_our_id_is_named_by_stripes(metadata: object) -> None:
    notification = parsed(event("payment_intent.succeeded", {**SUCCEEDED, "metadata": metadata}))

    assert (notification.payment_id, notification.reference) == (None, INTENT)


def test_an_event_of_an_old_version_is_read_as_that_version_writes() -> None:
    void = refund(metadata={}, amount=600)

    assert parsed(event("refund.created", void, api_version="2024-06-20")).facts == ()
    assert len(parsed(event("refund.created", void, api_version="2025-03-31.basil")).facts) == 1
    assert len(parsed(event("refund.created", void, api_version=None)).facts) == 1


def test_a_step_for_the_shopper_is_passed_on() -> None:
    url = "https://hooks.stripe.com/3d_secure_2/1"
    redirect = {**WAITING, "next_action": {"type": "redirect_to_url", "redirect_to_url": {"url": url}}}

    by_redirect = parsed(event("payment_intent.requires_action", redirect)).next_action
    by_sdk = parsed(event("payment_intent.requires_action", WAITING)).next_action
    done = parsed(event("payment_intent.succeeded", SUCCEEDED)).next_action

    assert by_redirect == {"type": "RedirectAction", "url": url}
    assert by_sdk == {
        "type": "ClientSdkAction",
        "sdk": "stripe.js",
        "parameters": {
            "clientSecret": "pi_1_secret_2",
            "publishableKey": "pk_test_of_tests",
            "paymentIntentId": INTENT,
        },
    }
    assert done is None


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "is not JSON"),
        (b"\xff", "is not JSON"),
        (b"[]", "not a JSON object"),
        (b"{}", "'id' that is not a text"),
        (b'{"id": "evt_1"}', "'type' that is not a text"),
        (b'{"id": "evt_1", "type": "charge.failed"}', "has no object in its data"),
        (b'{"id": "evt_1", "type": "charge.failed", "data": {"object": []}}', "has no object in its data"),
        (b'{"id": "evt_1", "type": "charge.failed", "data": {"object": {"a": 1}}}', "'object' that is not"),
        (b'{"id": "evt_1", "type": "x", "created": "now"}', "'created' that is not an integer"),
        (b"[" * 200_000, "is not JSON"),
    ],
)
def test_a_body_that_is_no_event_is_refused_in_words(body: bytes, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        build(SETTINGS).parse(verified(body))


STORY: Final = [
    ("payment_intent.requires_action", intent("requires_action", payment_method="pm_1")),
    (
        "payment_intent.payment_failed",
        intent(
            "requires_payment_method",
            last_payment_error=declined(
                "pm_1", code="payment_intent_authentication_failure", decline_code=None
            ),
        ),
    ),
    ("charge.failed", failed_charge("ch_2", "pm_2")),
    (
        "payment_intent.payment_failed",
        intent("requires_payment_method", last_payment_error=declined("pm_2"), latest_charge="ch_2"),
    ),
    ("payment_intent.requires_action", intent("requires_action", payment_method="pm_3")),
    ("charge.succeeded", charge("ch_3", "pm_3")),
    (
        "payment_intent.succeeded",
        intent("succeeded", amount_received=1000, payment_method="pm_3", latest_charge="ch_3"),
    ),
    ("refund.updated", refund(charge="ch_3")),
]


@pytest.mark.parametrize("lost", range(3, 7))
def test_a_story_ends_alike_in_whatever_order_it_is_told_and_though_a_delivery_is_lost(lost: int) -> None:
    told = [parsed(event(event_type, obj)) for event_type, obj in STORY[:lost] + STORY[lost + 1 :]]

    states = [state_after(order) for order in permutations(told)]

    assert len(states) == 5040
    assert all(state == states[0] for state in states)
    assert states[0].status is PaymentStatus.SUCCEEDED
    assert (states[0].captured.minor, states[0].refunded.minor) == (1000, 400)
    assert {a.reference: a.status for a in states[0].attempts} == {
        "pi_1:pm_1": PaymentAttemptStatus.FAILED,
        "pi_1:pm_2": PaymentAttemptStatus.FAILED,
        "pi_1:pm_3": PaymentAttemptStatus.SUCCEEDED,
    }
    assert [(r.status, r.reference) for r in states[0].refunds] == [(RefundStatus.SUCCEEDED, "re_1")]
    assert not states[0].late_authorized


def test_each_chapter_of_the_story_shows_in_the_status() -> None:
    told = [parsed(event(event_type, obj)) for event_type, obj in STORY]

    statuses = [state_after(told[: chapter + 1]).status for chapter in range(len(told))]

    assert statuses == [
        PaymentStatus.REQUIRES_ACTION,
        PaymentStatus.FAILED,
        PaymentStatus.FAILED,
        PaymentStatus.FAILED,
        PaymentStatus.REQUIRES_ACTION,
        PaymentStatus.SUCCEEDED,
        PaymentStatus.SUCCEEDED,
        PaymentStatus.SUCCEEDED,
    ]


def test_a_hold_that_is_captured_in_part_ends_alike_in_whatever_order_it_is_told() -> None:
    taken = {**HOLDING, "status": "succeeded", "amount_capturable": 0, "amount_received": 400}
    told = [
        parsed(event(event_type, obj))
        for event_type, obj in [
            ("charge.succeeded", held_charge()),
            ("payment_intent.amount_capturable_updated", HOLDING),
            ("charge.captured", held_charge(captured=True, amount_captured=400)),
            ("payment_intent.succeeded", taken),
            ("refund.created", refund(amount=100)),
        ]
    ]

    states = [state_after(order, HELD) for order in permutations(told)]

    assert all(state == states[0] for state in states)
    assert states[0].status is PaymentStatus.PARTIALLY_CAPTURED
    assert (states[0].captured.minor, states[0].capturable.minor, states[0].refunded.minor) == (400, 0, 100)


def test_a_hold_that_expires_ends_alike_in_whatever_order_it_is_told() -> None:
    told = [
        parsed(event(event_type, obj))
        for event_type, obj in [
            ("charge.succeeded", held_charge()),
            ("charge.expired", held_charge()),
            ("payment_intent.canceled", {**HOLDING, "status": "canceled"}),
        ]
    ]

    states = [state_after(order, HELD) for order in permutations(told)]

    assert all(state == states[0] for state in states)
    assert (states[0].status, states[0].authorized.minor) == (PaymentStatus.CANCELED, 0)


def test_an_inquiry_takes_nothing_until_it_becomes_a_dispute() -> None:
    paid = parsed(event("payment_intent.succeeded", SUCCEEDED))
    inquiry = parsed(event("charge.dispute.created", dispute("warning_needs_response")))
    taken = parsed(event("charge.dispute.funds_withdrawn", dispute("needs_response")))
    won = parsed(event("charge.dispute.closed", dispute("won")))

    assert state_after([paid, inquiry]).disputed.minor == 0
    assert state_after([taken, inquiry, paid]).disputed.minor == 1000
    assert state_after([won, taken, paid, inquiry]).disputed.minor == 0


def test_a_delivery_tells_the_same_when_it_comes_again() -> None:
    body = json.dumps(event("charge.captured", charge())).encode()
    gateway = build(SETTINGS)

    assert gateway.parse(verified(body)) == gateway.parse(verified(body))
