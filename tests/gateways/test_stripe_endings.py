"""How disputes, refunds and holds at Stripe end: alike in whatever order it is told."""

from __future__ import annotations

from itertools import permutations
from typing import TYPE_CHECKING

import pytest

from app.domain.facts import FactKind
from app.domain.states import DisputeStatus, PaymentStatus, RefundStatus
from app.gateways.stripe.facts import expired_facts
from tests.gateways.stripe_objects import charge, dispute, event, held_charge, intent, parsed, refund
from tests.gateways.test_stripe_events import HELD, HOLDING, SUCCEEDED, state_after

if TYPE_CHECKING:
    from app.domain.payment import PaymentState, PaymentTerms
    from tests.gateways.stripe_objects import Object

WITHDRAWN = {"balance_transactions": [{"amount": -1000}]}
REINSTATED = {"balance_transactions": [{"amount": -1000}, {"amount": 1000}]}
PAID = ("payment_intent.succeeded", SUCCEEDED)


def ends(story: list[tuple[str, Object]], terms: PaymentTerms | None = None) -> PaymentState:
    """Return what a story comes to; the same in every order, and told twice."""
    told = [parsed(event(event_type, obj)) for event_type, obj in story]
    orders = [*permutations(told), [*told, *told]]
    states = [state_after(order, terms) if terms else state_after(order) for order in orders]
    assert all(state == states[0] for state in states)
    return states[0]


@pytest.mark.parametrize(
    ("ending", "status", "disputed"),
    [
        (
            [
                ("charge.dispute.funds_reinstated", dispute("won", **REINSTATED)),
                ("charge.dispute.closed", dispute("won", **REINSTATED)),
            ],
            DisputeStatus.WON,
            0,
        ),
        ([("charge.dispute.closed", dispute("lost", **WITHDRAWN))], DisputeStatus.LOST, 1000),
    ],
)
def test_a_dispute_ends_alike_also_where_its_end_is_told_before_its_beginning(
    ending: list[tuple[str, Object]], status: DisputeStatus, disputed: int
) -> None:
    state = ends(
        [
            PAID,
            ("charge.dispute.created", dispute("needs_response", **WITHDRAWN)),
            ("charge.dispute.funds_withdrawn", dispute("needs_response", **WITHDRAWN)),
            ("charge.dispute.updated", dispute("under_review", **WITHDRAWN)),
            *ending,
        ]
    )

    assert [(each.status, each.reference) for each in state.disputes] == [(status, "du_1")]
    assert state.disputed.minor == disputed
    assert state.captured.minor == 1000


def test_the_end_of_a_dispute_alone_tells_all_that_matters() -> None:
    state = ends([PAID, ("charge.dispute.closed", dispute("lost", **WITHDRAWN))])

    assert [(each.status, each.amount.minor) for each in state.disputes] == [(DisputeStatus.LOST, 1000)]


@pytest.mark.parametrize(
    ("last", "status"),
    [
        (refund("failed", failure_reason="lost_or_stolen_card"), RefundStatus.FAILED),
        (refund("canceled"), RefundStatus.CANCELED),
    ],
)
@pytest.mark.parametrize("before", ["succeeded", "requires_action", "pending"])
def test_a_refund_that_comes_back_ends_alike_in_whatever_order_it_is_told(
    before: str, last: Object, status: RefundStatus
) -> None:
    state = ends(
        [
            PAID,
            ("refund.created", refund(before)),
            ("charge.refunded", charge(amount_refunded=400)),
            ("refund.updated", last),
            ("refund.failed", last),
        ]
    )

    assert [each.status for each in state.refunds] == [status]
    assert (state.status, state.refunded.minor) == (PaymentStatus.SUCCEEDED, 0)


def test_a_refund_that_waits_for_the_shopper_is_pending() -> None:
    state = ends([PAID, ("refund.created", refund("requires_action"))])

    assert [each.status for each in state.refunds] == [RefundStatus.PENDING]
    assert state.refunded.minor == 0


def _held(received: int, capturable: int) -> Object:
    return {**HOLDING, "amount_received": received, "amount_capturable": capturable}


def test_a_capture_that_leaves_something_held_is_told_by_the_intent_alone() -> None:
    state = ends([("payment_intent.amount_capturable_updated", _held(400, 600))], HELD)

    assert (state.captured.minor, state.capturable.minor) == (400, 600)


def test_an_intent_that_holds_nothing_any_more_does_not_contradict_what_was_asked() -> None:
    last = _held(900, 0)

    alone = ends([("payment_intent.amount_capturable_updated", last)], HELD)
    with_the_end = ends(
        [
            ("payment_intent.amount_capturable_updated", last),
            ("payment_intent.succeeded", {**last, "status": "succeeded"}),
        ],
        HELD,
    )

    assert [
        (state.conflict, state.captured.minor, state.capturable.minor) for state in (alone, with_the_end)
    ] == [(None, 900, 0)] * 2


def test_several_captures_of_one_hold_add_up_to_one_in_whatever_order_they_are_told() -> None:
    last = {**HOLDING, "status": "succeeded", "amount_received": 900, "amount_capturable": 0}
    state = ends(
        [
            ("payment_intent.amount_capturable_updated", _held(0, 1000)),
            ("payment_intent.amount_capturable_updated", _held(400, 600)),
            ("charge.updated", held_charge(amount_captured=400)),
            ("charge.captured", held_charge(captured=True, amount_captured=900)),
            ("payment_intent.succeeded", last),
        ],
        HELD,
    )

    assert (state.captured.minor, state.capturable.minor) == (900, 0)


SEVERAL = {
    "payment_method_details": {
        "type": "card",
        "card": {"brand": "visa", "capture_before": 1_790_604_800, "multicapture": {"status": "available"}},
    }
}


def test_a_charge_alone_does_not_say_that_the_rest_of_a_hold_is_released() -> None:
    between = ends([("charge.updated", held_charge(captured=True, amount_captured=400, **SEVERAL))], HELD)
    single = ends([("charge.captured", held_charge(captured=True, amount_captured=400))], HELD)
    whole = ends([("charge.captured", held_charge(captured=True, amount_captured=1000, **SEVERAL))], HELD)

    assert (between.captured.minor, between.capturable.minor) == (400, 600)
    assert (single.captured.minor, single.capturable.minor) == (400, 0)
    assert (whole.status, whole.capturable.minor) == (PaymentStatus.SUCCEEDED, 0)


def test_charges_that_say_captured_between_two_captures_of_a_hold_leave_it_held() -> None:
    first = held_charge(captured=True, amount_captured=400, **SEVERAL)
    last = {**HOLDING, "status": "succeeded", "amount_received": 900, "amount_capturable": 0}
    told = [
        ("payment_intent.amount_capturable_updated", _held(0, 1000)),
        ("charge.captured", first),
        ("charge.updated", {**first, "amount_captured": 700}),
    ]

    between = ends(told, HELD)
    after = ends([*told, ("payment_intent.succeeded", last)], HELD)

    assert (between.captured.minor, between.capturable.minor) == (700, 300)
    assert (after.captured.minor, after.capturable.minor) == (900, 0)


def test_an_intent_that_is_at_its_end_says_of_its_charge_that_the_rest_is_released() -> None:
    taken = held_charge(captured=True, amount_captured=400, **SEVERAL)
    ended = intent("succeeded", amount_received=400, capture_method="manual", latest_charge=taken)

    state = ends([("payment_intent.succeeded", ended)], HELD)

    assert (state.captured.minor, state.capturable.minor) == (400, 0)


def test_what_was_captured_of_a_hold_and_given_back_releases_nothing() -> None:
    between = held_charge(captured=True, amount_captured=400, amount_refunded=400, refunded=True, **SEVERAL)

    state = ends([("charge.refunded", between)], HELD)

    assert (state.captured.minor, state.capturable.minor) == (400, 600)


def test_a_hold_that_runs_out_after_a_capture_keeps_what_was_captured() -> None:
    facts = expired_facts(held_charge(amount_captured=400), before_basil=False)

    assert [(fact.kind, fact.amount and fact.amount.minor) for fact in facts] == [
        (FactKind.AUTHORIZED, 1000),
        (FactKind.CAPTURED, 400),
        (FactKind.RELEASED, 600),
    ]


@pytest.mark.parametrize("reason", ["automatic", "expired"])
def test_a_hold_that_runs_out_is_given_back_whichever_object_tells_it(reason: str) -> None:
    canceled = {**HOLDING, "status": "canceled", "amount_capturable": 0, "cancellation_reason": reason}
    held = ("payment_intent.amount_capturable_updated", HOLDING)

    by_charge = ends([held, ("charge.expired", held_charge())], HELD)
    by_intent = ends([held, ("payment_intent.canceled", canceled)], HELD)

    assert [(s.status, s.authorized.minor, s.captured.minor) for s in (by_charge, by_intent)] == [
        (PaymentStatus.CANCELED, 0, 0)
    ] * 2


def test_an_intent_without_anything_received_tells_of_no_capture() -> None:
    held = intent("requires_capture", amount_capturable=1000, capture_method="manual", latest_charge="ch_1")

    assert [fact.kind for fact in parsed(event("payment_intent.amount_capturable_updated", held)).facts] == [
        FactKind.AUTHORIZED
    ]
