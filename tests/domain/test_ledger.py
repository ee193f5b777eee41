"""Every movement of money is balanced, and the sums of the ledger are what the order and its payments say."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.facts import Fact
from app.domain.facts import FactKind as Kind
from app.domain.ledger import positions, postings
from app.domain.settlement import decide
from app.domain.states import CaptureMethod, LatePaymentPolicy, LedgerAccount, PaymentStatus
from tests.domain.told import (
    FACTS,
    MANUAL,
    NOON,
    OTHER_PAYMENT_ID,
    PAYMENT_ID,
    a_payment,
    a_record,
    a_report,
    captured,
    examples,
    fact,
    state_of,
)

if TYPE_CHECKING:
    from app.domain.changes import OrderRecord
    from app.domain.payment import PaymentState

CLEARING: Final = LedgerAccount.GATEWAY_CLEARING
SALES: Final = LedgerAccount.SALES
SUSPENSE: Final = LedgerAccount.SUSPENSE
REFUNDS: Final = LedgerAccount.REFUNDS
DISPUTES: Final = LedgerAccount.DISPUTES
REFUNDED: Final = fact(Kind.REFUND_SUCCEEDED, "r", 200)
DISPUTED: Final = fact(Kind.DISPUTE_OPENED, "x", 300)


@pytest.mark.parametrize(
    ("known", "told", "entries"),
    [
        ([], [captured()], [(SALES, -500), (CLEARING, 500)]),
        ([captured(300)], [captured(200, "d")], [(SALES, -200), (CLEARING, 200)]),
        ([], [captured(501)], [(SUSPENSE, -501), (CLEARING, 501)]),
        ([captured()], [captured(1, "d")], [(SALES, 500), (SUSPENSE, -501), (CLEARING, 1)]),
        ([captured()], [REFUNDED], [(REFUNDS, 200), (CLEARING, -200)]),
        ([captured(), REFUNDED], [fact(Kind.REFUND_FAILED, "r", 200)], [(REFUNDS, -200), (CLEARING, 200)]),
        ([captured(501)], [REFUNDED], [(SALES, -200), (SUSPENSE, 200), (REFUNDS, 200), (CLEARING, -200)]),
        ([captured(), REFUNDED], [captured(1, "d")],
         [(SALES, 300), (SUSPENSE, -301), (CLEARING, 1)]),
        ([captured()], [DISPUTED], [(DISPUTES, 300), (CLEARING, -300)]),
        ([captured(), DISPUTED], [fact(Kind.DISPUTE_WON, "x", 300)], [(DISPUTES, -300), (CLEARING, 300)]),
        ([captured(), DISPUTED], [fact(Kind.DISPUTE_LOST, "x", 300)], []),
        ([captured()], [fact(Kind.REFUND_PENDING, "r", 200)], []),
        ([], [fact(Kind.AUTHORIZED, "c", 500)], []),
    ],
)  # fmt: skip
def test_each_movement_is_booked_on_two_accounts(
    known: list[Fact], told: list[Fact], entries: list[tuple[LedgerAccount, int]]
) -> None:
    before, after = state_of(*known, asked=MANUAL), state_of(*known, *told, asked=MANUAL)

    booked = postings(positions(before, suspended(before)), positions(after, suspended(after)))

    assert [(posting.account, posting.amount_minor) for posting in booked] == entries
    assert all(posting.description for posting in booked)
    assert postings(positions(after, {}), positions(after, {})) == ()


def suspended(state: PaymentState) -> dict[str, int]:
    """Return what of a payment alone on its order is in suspense: all that is left of it when it conflicts."""
    if state.status is not PaymentStatus.CONFLICTED:
        return {}
    return {"INR": state.captured.minor - state.refunded.minor}


def _sums(booked: list[tuple[Any, LedgerAccount, int]], payment_id: object = None) -> Counter[LedgerAccount]:
    sums: Counter[LedgerAccount] = Counter()
    for owner, account, minor in booked:
        if payment_id in (None, owner):
            sums[account] += minor
    return sums


def _check_payments(record: OrderRecord, booked: list[tuple[Any, LedgerAccount, int]]) -> None:
    for payment_id, known in record.payments.items():
        payment, sums = known.payment, _sums(booked, payment_id)
        assert sums[SALES] == payment.suspended_minor - payment.captured_minor
        assert sums[SUSPENSE] == -payment.suspended_minor
        assert sums[REFUNDS] == payment.refunded_minor
        assert sums[DISPUTES] == payment.disputed_minor
        assert sums[CLEARING] == payment.captured_minor - payment.refunded_minor - payment.disputed_minor
        if payment.status is PaymentStatus.CONFLICTED:
            left = payment.captured_minor - payment.refunded_minor
            assert payment.suspended_minor <= max(left, 0)


REPORTS: Final = st.lists(
    st.tuples(st.sampled_from([PAYMENT_ID, OTHER_PAYMENT_ID]), st.lists(FACTS, min_size=1, max_size=3)),
    max_size=8,
)


@examples(2_000)
@given(REPORTS, st.sampled_from(CaptureMethod), st.sampled_from(LatePaymentPolicy))
def test_over_any_run_of_reports_the_books_are_balanced_and_the_versions_have_no_gap(
    reports: list[tuple[Any, list[Fact]]], method: CaptureMethod, policy: LatePaymentPolicy
) -> None:
    record = a_record(
        a_payment(capture_method=method),
        a_payment(id=OTHER_PAYMENT_ID, capture_method=method),
        late_payment_policy=policy,
    )
    booked: list[tuple[Any, LedgerAccount, int]] = []
    for payment_id, told in reports:
        before = record.order
        decision = decide(record, a_report(*told, payment_id=payment_id), NOON)
        record = decision.record

        by_currency: Counter[str] = Counter()
        for _, posting in decision.postings:
            assert posting.amount_minor
            by_currency[posting.currency] += posting.amount_minor
        assert set(by_currency.values()) <= {0}
        booked += [
            (owner, posting.account, posting.amount_minor)
            for owner, posting in decision.postings
            if posting.currency == "INR"
        ]

        versions = [event.version for event in decision.events]
        assert versions == list(range(before.version + 1, record.order.version + 1))
        assert (record.order is before) == (not versions)
        assert all(event.status is record.order.status for event in decision.events[-1:])
        assert decide(record, a_report(*told, payment_id=payment_id), NOON).record is record

    order, sums = record.order, _sums(booked)
    _check_payments(record, booked)
    counted = [
        r.payment for r in record.payments.values() if r.payment.status is not PaymentStatus.CONFLICTED
    ]
    assert order.paid_minor == sum(payment.captured_minor for payment in counted)
    assert order.refunded_minor == sum(payment.refunded_minor for payment in counted)
    assert sum(sums.values()) == 0
