"""A payment is a function of the set of its facts: the design's table, the gateways' stories, and any order of them."""

from __future__ import annotations

from itertools import permutations
from typing import TYPE_CHECKING, Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.facts import Fact, Failure, add_facts
from app.domain.facts import FactKind as Kind
from app.domain.money import Money
from app.domain.payment import PaymentState, PaymentTerms, payment_state
from app.domain.states import (
    CaptureMethod,
    DisputeStatus,
    PaymentAttemptStatus,
    PaymentMethodType,
    PaymentStatus,
    RefundInitiator,
    RefundStatus,
)
from tests.domain.reference import expected
from tests.domain.told import (
    ALL_TERMS,
    FACTS,
    LATER,
    MANUAL,
    MANY_FACTS,
    NOON,
    OWN_IDS,
    REFUND_ID,
    authorized,
    captured,
    examples,
    fact,
    split,
    state_of,
    terms,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

AUTOMATIC: Final = terms()
STARTED: Final = fact(Kind.ATTEMPT_STARTED)
ACTION: Final = fact(Kind.ACTION_REQUIRED)
PROCESSING: Final = fact(Kind.PROCESSING)
FAILED: Final = fact(Kind.FAILED)
CANCELED: Final = fact(Kind.CANCELED, "p")
LAPSED: Final = fact(Kind.LAPSED, "p")
RELEASED: Final = fact(Kind.RELEASED, "c", 500)


def refund(kind: Kind, object_id: str = "r", minor: int | None = 200, **more: Any) -> Fact:  # noqa: ANN401 - fields of Fact
    """Return a fact about a refund."""
    return fact(kind, object_id, minor, **more)


def requested(minor: int = 200, **more: Any) -> Fact:  # noqa: ANN401 - fields of Fact
    """Return the fact that we mean to refund."""
    return refund(Kind.REFUND_REQUESTED, str(REFUND_ID), minor, **{"own_id": REFUND_ID, **more})


TABLE: Final[list[tuple[str, PaymentTerms, list[Fact], PaymentStatus]]] = [
    ("nothing is known", AUTOMATIC, [], PaymentStatus.REQUIRES_PAYMENT_METHOD),
    ("a try began", AUTOMATIC, [STARTED], PaymentStatus.REQUIRES_PAYMENT_METHOD),
    ("the shopper is asked", AUTOMATIC, [STARTED, ACTION], PaymentStatus.REQUIRES_ACTION),
    ("the bank is at work", AUTOMATIC, [STARTED, ACTION, PROCESSING], PaymentStatus.PROCESSING),
    ("the furthest of two tries counts", AUTOMATIC, [PROCESSING, fact(Kind.ACTION_REQUIRED, "b")],
     PaymentStatus.PROCESSING),
    ("the only try failed", AUTOMATIC, [PROCESSING, FAILED], PaymentStatus.FAILED),
    ("one failed, another is open", AUTOMATIC, [FAILED, fact(Kind.ACTION_REQUIRED, "b")],
     PaymentStatus.REQUIRES_ACTION),
    ("both failed", AUTOMATIC, [FAILED, fact(Kind.FAILED, "b")], PaymentStatus.FAILED),
    ("its time ran out untried", AUTOMATIC, [LAPSED], PaymentStatus.EXPIRED),
    ("its time ran out after a failure", AUTOMATIC, [FAILED, LAPSED], PaymentStatus.EXPIRED),
    ("its time ran out on the shopper", AUTOMATIC, [ACTION, LAPSED], PaymentStatus.EXPIRED),
    ("its time ran out on the bank", AUTOMATIC, [PROCESSING, LAPSED], PaymentStatus.PROCESSING),
    ("canceled untried", AUTOMATIC, [CANCELED], PaymentStatus.CANCELED),
    ("canceled beats an open try", AUTOMATIC, [PROCESSING, CANCELED], PaymentStatus.CANCELED),
    ("canceled beats a failure", AUTOMATIC, [FAILED, CANCELED], PaymentStatus.CANCELED),
    ("canceled beats its time", AUTOMATIC, [LAPSED, CANCELED], PaymentStatus.CANCELED),
    ("canceled beats authorised", MANUAL, [authorized(), CANCELED], PaymentStatus.CANCELED),
    ("all was released", MANUAL, [authorized(), RELEASED], PaymentStatus.CANCELED),
    ("more than all was released", MANUAL, [authorized(), fact(Kind.RELEASED, "c", 501)], PaymentStatus.CANCELED),
    ("released by name, without an amount", MANUAL, [authorized(), fact(Kind.RELEASED, "c")],
     PaymentStatus.REQUIRES_CAPTURE),
    ("only a release is known", MANUAL, [RELEASED], PaymentStatus.REQUIRES_PAYMENT_METHOD),
    ("authorised", MANUAL, [authorized()], PaymentStatus.REQUIRES_CAPTURE),
    ("authorised, to be captured at once", AUTOMATIC, [authorized()], PaymentStatus.REQUIRES_CAPTURE),
    ("a part was released", MANUAL, [authorized(), fact(Kind.RELEASED, "c", 499)], PaymentStatus.REQUIRES_CAPTURE),
    ("authorised again after a release", MANUAL, [authorized(), RELEASED, authorized(object_id="d")],
     PaymentStatus.REQUIRES_CAPTURE),
    ("authorised beats its time", MANUAL, [authorized(), LAPSED], PaymentStatus.REQUIRES_CAPTURE),
    ("a part was captured", MANUAL, [authorized(), captured(499)], PaymentStatus.PARTIALLY_CAPTURED),
    ("captured in part, the rest released", MANUAL, [authorized(), captured(1), fact(Kind.RELEASED, "c", 499)],
     PaymentStatus.PARTIALLY_CAPTURED),
    ("captured in part, the rest canceled", MANUAL, [authorized(), captured(300), CANCELED],
     PaymentStatus.PARTIALLY_CAPTURED),
    ("captured in parts", MANUAL, [captured(300), captured(200, "d")], PaymentStatus.SUCCEEDED),
    ("captured", AUTOMATIC, [captured()], PaymentStatus.SUCCEEDED),
    ("captured beats a failure", AUTOMATIC, [captured(), FAILED], PaymentStatus.SUCCEEDED),
    ("captured beats canceled", AUTOMATIC, [captured(), CANCELED], PaymentStatus.SUCCEEDED),
    ("captured beats its time", AUTOMATIC, [captured(), LAPSED], PaymentStatus.SUCCEEDED),
    ("captured beats an open try", AUTOMATIC, [captured(), fact(Kind.PROCESSING, "b")], PaymentStatus.SUCCEEDED),
    ("captured one less", AUTOMATIC, [captured(499)], PaymentStatus.CONFLICTED),
    ("captured one more", AUTOMATIC, [captured(501)], PaymentStatus.CONFLICTED),
    ("captured one more of an authorisation", MANUAL, [captured(501)], PaymentStatus.CONFLICTED),
    ("captured twice", AUTOMATIC, [captured(), captured(object_id="d")], PaymentStatus.CONFLICTED),
    ("the missing part came after all", AUTOMATIC, [captured(499), captured(1, "d")], PaymentStatus.SUCCEEDED),
    ("authorised one less", MANUAL, [authorized(499)], PaymentStatus.CONFLICTED),
    ("authorised one more", MANUAL, [authorized(501)], PaymentStatus.CONFLICTED),
    ("a conflict beats captured", AUTOMATIC, [authorized(499), captured()], PaymentStatus.CONFLICTED),
    ("captured another currency", AUTOMATIC, [captured(amount=Money(500, "USD"))], PaymentStatus.CONFLICTED),
    ("captured twice, once in another currency", AUTOMATIC,
     [captured(), captured(object_id="d", amount=Money(0, "USD"))], PaymentStatus.CONFLICTED),
    ("refunded in another currency", AUTOMATIC,
     [captured(), refund(Kind.REFUND_SUCCEEDED, amount=Money(200, "USD"))], PaymentStatus.CONFLICTED),
    ("captured nobody knows how much", AUTOMATIC, [fact(Kind.CAPTURED, "c")], PaymentStatus.CONFLICTED),
    ("captured nothing", MANUAL, [captured(0)], PaymentStatus.CONFLICTED),
    ("authorised nobody knows how much", MANUAL, [fact(Kind.AUTHORIZED, "c")], PaymentStatus.CONFLICTED),
]  # fmt: skip


@pytest.mark.parametrize(
    ("asked", "told", "status"), [line[1:] for line in TABLE], ids=[line[0] for line in TABLE]
)
def test_the_first_line_that_holds_is_the_status(
    asked: PaymentTerms, told: list[Fact], status: PaymentStatus
) -> None:
    states = {payment_state(asked, order).status for order in permutations(told)}

    assert states == {status}


def test_the_table_shows_every_status() -> None:
    assert {line[3] for line in TABLE} == set(PaymentStatus)


@pytest.mark.parametrize(
    ("told", "conflict"),
    [
        ([captured(499)], "captured 4.99 INR, asked 5.00 INR"),
        ([captured(501)], "captured 5.01 INR, asked 5.00 INR"),
        ([authorized(499)], "authorized 4.99 INR, asked 5.00 INR"),
        ([captured(amount=Money(500, "JPY"))], "CAPTURED in JPY, asked in INR"),
        ([fact(Kind.CAPTURED, "c")], "CAPTURED without an amount, asked 5.00 INR"),
        (
            [authorized(499), captured(501), captured(object_id="d", amount=Money(1, "KWD"))],
            "CAPTURED in KWD, asked in INR; authorized 4.99 INR, asked 5.00 INR; captured 5.01 INR, asked 5.00 INR",
        ),
    ],
)
def test_a_conflict_says_what_differs(told: list[Fact], conflict: str) -> None:
    state = state_of(*told)

    assert (state.status, state.conflict) == (PaymentStatus.CONFLICTED, conflict)


@pytest.mark.parametrize(("currency", "minor"), [("JPY", 500), ("KWD", 5_000), ("INR", 50_000)])
@pytest.mark.parametrize(
    ("off_by", "status"),
    [(-1, PaymentStatus.CONFLICTED), (0, PaymentStatus.SUCCEEDED), (1, PaymentStatus.CONFLICTED)],
)
def test_one_minor_unit_makes_the_difference_in_every_currency(
    currency: str, minor: int, off_by: int, status: PaymentStatus
) -> None:
    asked = PaymentTerms(amount=Money(minor, currency), capture_method=CaptureMethod.AUTOMATIC)

    state = state_of(captured(amount=Money(minor + off_by, currency)), asked=asked)

    assert state.status is status


@pytest.mark.parametrize(
    ("told", "money"),
    [
        ([], (0, 0, 0)),
        ([authorized()], (500, 0, 500)),
        ([authorized(), captured(300)], (500, 300, 200)),
        ([authorized(), captured(300), fact(Kind.RELEASED, "c", 200)], (300, 300, 0)),
        ([captured(300), fact(Kind.RELEASED, "c", 200)], (300, 300, 0)),
        ([authorized(), captured(300), CANCELED], (300, 300, 0)),
        ([authorized(), fact(Kind.RELEASED, "c", 500)], (0, 0, 0)),
        ([authorized(), CANCELED], (0, 0, 0)),
        ([captured()], (500, 500, 0)),
        ([captured(), captured(amount=Money(7, "USD"), object_id="d")], (500, 500, 0)),
    ],
)
def test_what_is_authorised_and_captured_adds_up(told: list[Fact], money: tuple[int, int, int]) -> None:
    state = state_of(*told, asked=MANUAL)

    assert (state.authorized.minor, state.captured.minor, state.capturable.minor) == money


STORIES: Final[list[tuple[str, PaymentTerms, list[Fact], PaymentStatus, tuple[int, int, int], bool]]] = [
    ("stripe: declined, then another card with 3-D Secure", AUTOMATIC,
     [fact(Kind.FAILED, "pm_1"), fact(Kind.ACTION_REQUIRED, "pm_2"), fact(Kind.PROCESSING, "pm_2"),
      captured(attempt_id="pm_2")], PaymentStatus.SUCCEEDED, (500, 0, 0), False),
    ("razorpay: failed, authorised late, captured", AUTOMATIC,
     [fact(Kind.ATTEMPT_STARTED, "pay_1"), fact(Kind.FAILED, "pay_1"), authorized(object_id="pay_1", attempt_id=None),
      captured(object_id="pay_1", attempt_id=None)], PaymentStatus.SUCCEEDED, (500, 0, 0), True),
    ("razorpay: failed, authorised late, not captured", MANUAL,
     [fact(Kind.FAILED, "pay_1"), authorized(object_id="pay_1", attempt_id=None)],
     PaymentStatus.REQUIRES_CAPTURE, (0, 0, 0), True),
    ("authorised, then canceled", MANUAL, [authorized(), CANCELED], PaymentStatus.CANCELED, (0, 0, 0), False),
    ("canceled, but the capture was quicker", MANUAL, [authorized(), CANCELED, captured()],
     PaymentStatus.SUCCEEDED, (500, 0, 0), True),
    ("two refunds of a part, one pending", AUTOMATIC,
     [captured(), refund(Kind.REFUND_PENDING, minor=300), refund(Kind.REFUND_SUCCEEDED, minor=300),
      refund(Kind.REFUND_PENDING, "s", 100)], PaymentStatus.SUCCEEDED, (500, 300, 100), False),
    ("refunded in full by two refunds", AUTOMATIC,
     [captured(), refund(Kind.REFUND_SUCCEEDED, minor=300), refund(Kind.REFUND_SUCCEEDED, "s"),
      refund(Kind.REFUND_PENDING, "s")], PaymentStatus.SUCCEEDED, (500, 500, 0), False),
    ("a refund that failed after it had succeeded", AUTOMATIC,
     [captured(), refund(Kind.REFUND_PENDING), refund(Kind.REFUND_SUCCEEDED), refund(Kind.REFUND_FAILED)],
     PaymentStatus.SUCCEEDED, (500, 0, 0), False),
    ("a refund known before its capture", AUTOMATIC, [refund(Kind.REFUND_SUCCEEDED), captured()],
     PaymentStatus.SUCCEEDED, (500, 200, 0), False),
    ("disputed", AUTOMATIC, [captured(), fact(Kind.DISPUTE_OPENED, "d", 500)],
     PaymentStatus.SUCCEEDED, (500, 0, 0), False),
    ("disputed after a refund, and won", AUTOMATIC,
     [captured(), refund(Kind.REFUND_SUCCEEDED), fact(Kind.DISPUTE_OPENED, "d", 300), fact(Kind.DISPUTE_WON, "d")],
     PaymentStatus.SUCCEEDED, (500, 200, 0), False),
    ("paypal: two captures, one refunded", MANUAL,
     [authorized(), captured(300, "c1"), captured(200, "c2"), refund(Kind.REFUND_SUCCEEDED, minor=300)],
     PaymentStatus.SUCCEEDED, (500, 300, 0), False),
    ("paypal: a part captured, the rest voided", MANUAL, [authorized(), captured(300), CANCELED],
     PaymentStatus.PARTIALLY_CAPTURED, (300, 0, 0), False),
    ("paytm: pending, then paid", AUTOMATIC, [fact(Kind.PROCESSING, "T1"), captured(object_id="T1", attempt_id=None)],
     PaymentStatus.SUCCEEDED, (500, 0, 0), False),
    ("paytm: failed, then paid by another try", AUTOMATIC, [fact(Kind.FAILED, "T1"), captured(attempt_id="T2")],
     PaymentStatus.SUCCEEDED, (500, 0, 0), False),
    ("upi: the code expired, the bank paid", AUTOMATIC, [fact(Kind.ACTION_REQUIRED, "Q"), LAPSED,
     captured(attempt_id="Q")], PaymentStatus.SUCCEEDED, (500, 0, 0), True),
    ("the time ran out, then it was authorised", MANUAL, [LAPSED, authorized()],
     PaymentStatus.REQUIRES_CAPTURE, (0, 0, 0), True),
]  # fmt: skip


@pytest.mark.parametrize(
    ("asked", "told", "status", "money", "late"),
    [story[1:] for story in STORIES],
    ids=[story[0] for story in STORIES],
)
def test_a_gateway_s_story_ends_the_same_in_every_order(
    asked: PaymentTerms, told: list[Fact], status: PaymentStatus, money: tuple[int, int, int], late: bool
) -> None:
    for order in permutations(told):
        known: dict[Any, Fact] = {}
        for telling in (*order, *order[:2]):
            known, _ = add_facts(known, [telling])
        state = payment_state(asked, known.values())

        assert state.status is status
        assert (state.captured.minor, state.refunded.minor, state.refund_pending.minor) == money
        assert state.late_authorized is late


@examples(3_000)
@given(ALL_TERMS, MANY_FACTS, st.data())
def test_any_order_number_and_portions_of_deliveries_give_the_same_state(
    asked: PaymentTerms,
    told: list[Fact],
    data: Any,  # noqa: ANN401 - Hypothesis's data is untyped
) -> None:
    known, _ = add_facts({}, told)
    repeated = data.draw(st.lists(st.sampled_from(told), max_size=3)) if told else []
    deliveries = split(
        data.draw(st.permutations(told + repeated)), data.draw(st.lists(st.integers(0, 20), max_size=3))
    )

    joined: dict[Any, Fact] = {}
    for delivery in deliveries:
        joined, _ = add_facts(joined, delivery)

    assert payment_state(asked, joined.values()) == payment_state(asked, known.values())


@examples(3_000)
@given(ALL_TERMS, MANY_FACTS, FACTS)
def test_captured_money_never_goes_away(asked: PaymentTerms, told: list[Fact], one_more: Fact) -> None:
    known, _ = add_facts({}, [captured(asked.amount.minor, "paid"), *told])
    before = payment_state(asked, known.values())

    after = payment_state(asked, add_facts(known, [one_more])[0].values())

    assert {before.status, after.status} <= {PaymentStatus.SUCCEEDED, PaymentStatus.CONFLICTED}
    assert after.captured.minor >= 500


def _reading(state: PaymentState) -> dict[str, object]:
    return {
        "status": state.status,
        "captured": state.captured.minor,
        "authorized": state.authorized.minor,
        "refunds": sorted(((r.status, r.amount) for r in state.refunds), key=_by_amount),
        "disputes": {d.reference: (d.status, d.amount) for d in state.disputes},
        "open_tries": {attempt.reference for attempt in state.attempts if attempt.is_open},
        "late": state.late_authorized,
    }


def _by_amount(refund: tuple[RefundStatus, Money]) -> tuple[str, int, str]:
    return (refund[0], refund[1].minor, refund[1].currency)


def _sum(amounts: Iterable[Money], currency: str) -> Money:
    return Money(sum(amount.minor for amount in amounts if amount.currency == currency), currency)


@examples(10_000)
@given(ALL_TERMS, MANY_FACTS)
def test_the_rules_agree_with_a_second_reading_of_the_design(asked: PaymentTerms, told: list[Fact]) -> None:
    known, _ = add_facts({}, told)

    state = payment_state(asked, known.values())

    wanted, own = expected(asked, known.values()), asked.amount.currency
    assert _reading(state) == {name: getattr(wanted, name) for name in _reading(state)}
    assert state.refunded == _sum((m for s, m in wanted.refunds if s is RefundStatus.SUCCEEDED), own)
    assert state.refund_pending == _sum((m for s, m in wanted.refunds if s is RefundStatus.PENDING), own)
    assert state.disputed.minor == wanted.disputed
    assert (state.conflict is None) == (state.status is not PaymentStatus.CONFLICTED)
    assert state.under_way == (state.status in (PaymentStatus.PROCESSING, PaymentStatus.REQUIRES_ACTION))


@pytest.mark.parametrize(
    ("told", "status"),
    [
        ([STARTED], PaymentAttemptStatus.STARTED),
        ([STARTED, ACTION], PaymentAttemptStatus.ACTION_REQUIRED),
        ([STARTED, ACTION, PROCESSING], PaymentAttemptStatus.PROCESSING),
        ([STARTED, PROCESSING, FAILED], PaymentAttemptStatus.FAILED),
        ([FAILED, authorized()], PaymentAttemptStatus.AUTHORIZED),
        ([FAILED, authorized(), captured()], PaymentAttemptStatus.SUCCEEDED),
        ([captured(), CANCELED], PaymentAttemptStatus.SUCCEEDED),
        ([FAILED, CANCELED], PaymentAttemptStatus.FAILED),
        ([PROCESSING, CANCELED], PaymentAttemptStatus.CANCELED),
        ([authorized(), CANCELED], PaymentAttemptStatus.CANCELED),
    ],
)
def test_a_try_counts_by_its_furthest_step(told: list[Fact], status: PaymentAttemptStatus) -> None:
    (attempt,) = state_of(*told, asked=MANUAL).attempts

    assert (attempt.reference, attempt.status) == ("a", status)
    assert attempt.failed is (FAILED in told)


def test_tries_stand_in_the_order_in_which_they_began() -> None:
    second = fact(Kind.FAILED, "a", reported_at=LATER, failure=Failure(code="second", message="No."))
    first = fact(Kind.FAILED, "b", reported_at=NOON, failure=Failure(code="first", message="No."))

    state = state_of(second, first, fact(Kind.PROCESSING, "a", recorded_at=LATER))

    assert [attempt.reference for attempt in state.attempts] == ["b", "a"]
    assert [attempt.created_at for attempt in state.attempts] == [NOON, LATER]
    assert state.last_error == Failure(code="second", message="No.")


def test_a_try_that_went_well_after_all_shows_no_error() -> None:
    failed = fact(Kind.FAILED, failure=Failure(code="declined", message="No."))

    assert state_of(failed).last_error == Failure(code="declined", message="No.")
    assert state_of(failed, captured()).last_error is None


def test_a_try_keeps_its_method() -> None:
    state = state_of(STARTED, fact(Kind.PROCESSING, method=PaymentMethodType.UPI_QR))

    assert [attempt.method for attempt in state.attempts] == [PaymentMethodType.UPI_QR]


@pytest.mark.parametrize(
    ("told", "status"),
    [
        ([Kind.REFUND_PENDING], RefundStatus.PENDING),
        ([Kind.REFUND_PENDING, Kind.REFUND_SUCCEEDED], RefundStatus.SUCCEEDED),
        ([Kind.REFUND_PENDING, Kind.REFUND_FAILED], RefundStatus.FAILED),
        ([Kind.REFUND_PENDING, Kind.REFUND_CANCELED], RefundStatus.CANCELED),
        ([Kind.REFUND_SUCCEEDED, Kind.REFUND_FAILED], RefundStatus.FAILED),
        ([Kind.REFUND_SUCCEEDED, Kind.REFUND_CANCELED], RefundStatus.CANCELED),
        ([Kind.REFUND_CANCELED, Kind.REFUND_FAILED], RefundStatus.FAILED),
    ],
)
def test_a_refund_counts_by_its_last_step_in_any_order(told: list[Kind], status: RefundStatus) -> None:
    for order in permutations(told):
        (found,) = state_of(captured(), *(refund(kind) for kind in order)).refunds

        assert (found.status, found.amount, found.reference) == (status, Money(200, "INR"), "r")
        assert found.initiated_by is RefundInitiator.GATEWAY


def test_our_refund_and_the_gateway_s_are_one_whatever_comes_first() -> None:
    told = [
        captured(),
        requested(initiator=RefundInitiator.STAFF, detail="broken"),
        refund(Kind.REFUND_PENDING, "re_1"),
        refund(Kind.REFUND_SUCCEEDED, "re_1", own_id=REFUND_ID),
    ]

    for order in permutations(told):
        state = state_of(*order)

        (found,) = state.refunds
        assert (found.id, found.reference, found.status) == (REFUND_ID, "re_1", RefundStatus.SUCCEEDED)
        assert (found.initiated_by, found.reason) == (RefundInitiator.STAFF, "broken")
        assert (state.refunded.minor, state.refund_pending.minor, state.refundable.minor) == (200, 0, 300)


@pytest.mark.parametrize(
    ("said", "status"),
    [
        (Kind.REFUND_PENDING, RefundStatus.PENDING),
        (Kind.REFUND_SUCCEEDED, RefundStatus.SUCCEEDED),
        (Kind.REFUND_CANCELED, RefundStatus.CANCELED),
        (Kind.REFUND_FAILED, RefundStatus.FAILED),
    ],
)
def test_the_gateways_word_counts_more_than_what_we_concluded(said: Kind, status: RefundStatus) -> None:
    concluded = fact(Kind.REFUND_FAILED, str(REFUND_ID), 200, own_id=REFUND_ID)
    told = [captured(), requested(), concluded, refund(said, "re_1", own_id=REFUND_ID)]

    for order in permutations(told):
        (found,) = state_of(*order).refunds
        assert (found.id, found.status) == (REFUND_ID, status)


def test_refunds_of_others_stand_beside_ours() -> None:
    state = state_of(captured(), requested(), refund(Kind.REFUND_SUCCEEDED, "re_2", 100))

    assert [(r.status, r.amount.minor) for r in state.refunds if r.id == REFUND_ID] == [
        (RefundStatus.PENDING, 200)
    ]
    assert [(r.reference, r.amount.minor) for r in state.refunds if r.id != REFUND_ID] == [("re_2", 100)]
    assert state.refundable.minor == 200


def test_an_object_that_names_two_of_our_refunds_is_read_the_same_in_every_order() -> None:
    told = [
        refund(Kind.REFUND_PENDING, own_id=REFUND_ID),
        refund(Kind.REFUND_SUCCEEDED, own_id=OWN_IDS[0]),
    ]

    assert state_of(*told).refunds == state_of(*reversed(told)).refunds


def test_what_a_gateway_made_has_the_same_id_everywhere() -> None:
    (found,) = state_of(refund(Kind.REFUND_SUCCEEDED, "re_1")).refunds
    (dispute,) = state_of(fact(Kind.DISPUTE_OPENED, "dp_1", 500)).disputes

    assert str(found.id) == "d845fa03-49c8-5c0b-9bce-6490896c5cdd"
    assert str(dispute.id) == "e2cf9377-225a-551e-a7a4-e53c392dae25"


@pytest.mark.parametrize(
    ("told", "status", "disputed"),
    [
        ([Kind.DISPUTE_OPENED], DisputeStatus.NEEDS_RESPONSE, 300),
        ([Kind.DISPUTE_OPENED, Kind.DISPUTE_UNDER_REVIEW], DisputeStatus.UNDER_REVIEW, 300),
        ([Kind.DISPUTE_OPENED, Kind.DISPUTE_LOST], DisputeStatus.LOST, 300),
        ([Kind.DISPUTE_UNDER_REVIEW, Kind.DISPUTE_WON], DisputeStatus.WON, 0),
        ([Kind.DISPUTE_LOST, Kind.DISPUTE_WON], DisputeStatus.WON, 0),
    ],
)
def test_a_dispute_counts_by_its_last_step_even_before_its_payment(
    told: list[Kind], status: DisputeStatus, disputed: int
) -> None:
    disputes = [fact(kind, "d", 300, detail="fraud", respond_by=LATER) for kind in told]

    for order in permutations([*disputes, captured()]):
        state = state_of(*order)

        (found,) = state.disputes
        assert (found.status, found.amount.minor, found.reason) == (status, 300, "fraud")
        assert found.respond_by == LATER
        assert (state.status, state.disputed.minor) == (PaymentStatus.SUCCEEDED, disputed)
        assert state.refundable.minor == 500 - disputed


def claim(kind: Kind, minor: int = 500, object_id: str = "d", **more: Any) -> Fact:  # noqa: ANN401 - fields of Fact
    """Return a fact about a dispute of capture `c`, opened at noon."""
    return fact(kind, object_id, minor, **{"attempt_id": "c", "reported_at": NOON, **more})


def given_back(minor: int = 500, object_id: str = "r", **more: Any) -> Fact:  # noqa: ANN401 - fields of Fact
    """Return the fact that the gateway refunded of capture `c` by itself, after noon."""
    more = {"attempt_id": "c", "reported_at": LATER, **more}
    return refund(more.pop("kind", Kind.REFUND_SUCCEEDED), object_id, minor, **more)


@pytest.mark.parametrize(
    ("told", "disputed"),
    [
        ([claim(Kind.DISPUTE_LOST), given_back()], 0),
        ([claim(Kind.DISPUTE_LOST), given_back(200)], 300),
        ([claim(Kind.DISPUTE_OPENED), given_back(kind=Kind.REFUND_PENDING)], 0),
        ([claim(Kind.DISPUTE_LOST, 300), given_back(400)], 0),
        ([claim(Kind.DISPUTE_LOST), given_back(200), given_back(300, "s")], 0),
        ([claim(Kind.DISPUTE_LOST, 300), claim(Kind.DISPUTE_LOST, 200, "e"), given_back(400)], 100),
        ([claim(Kind.DISPUTE_LOST, 300), claim(Kind.DISPUTE_WON, 200, "e"), given_back(300)], 0),
        ([claim(Kind.DISPUTE_LOST), given_back(reported_at=NOON)], 0),
        ([claim(Kind.DISPUTE_LOST, reported_at=LATER), given_back(200, reported_at=NOON)], 500),
        ([claim(Kind.DISPUTE_LOST), given_back(attempt_id="other")], 500),
        ([claim(Kind.DISPUTE_LOST), given_back(attempt_id=None)], 500),
        ([claim(Kind.DISPUTE_LOST, attempt_id=None), given_back()], 500),
        ([claim(Kind.DISPUTE_LOST, reported_at=None), given_back()], 500),
        ([claim(Kind.DISPUTE_LOST), given_back(reported_at=None)], 500),
        ([claim(Kind.DISPUTE_LOST), given_back(own_id=REFUND_ID)], 500),
        ([claim(Kind.DISPUTE_LOST), given_back(kind=Kind.REFUND_FAILED)], 500),
        ([claim(Kind.DISPUTE_OPENED, 500), claim(Kind.DISPUTE_LOST, 200)], 200),
        ([claim(Kind.DISPUTE_OPENED, 500), claim(Kind.DISPUTE_LOST, 0)], 0),
    ],
)
def test_what_the_gateway_gave_back_of_a_disputed_capture_is_gone_once(
    told: list[Fact], disputed: int
) -> None:
    for order in permutations([captured(), *told]):
        assert state_of(*order).disputed.minor == disputed


def test_a_dispute_may_stand_alone() -> None:
    state = state_of(fact(Kind.DISPUTE_OPENED, "d"))

    assert (state.status, state.captured.minor) == (PaymentStatus.REQUIRES_PAYMENT_METHOD, 0)
    assert [(d.status, d.amount.minor) for d in state.disputes] == [(DisputeStatus.NEEDS_RESPONSE, 0)]
