"""Facts are a set: whatever order, number or portions they are told in, the same is known in the end."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any, Final
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from app.domain.facts import LONG_AGO, Fact, FactKind, Failure, add_facts, merge
from app.domain.money import Money
from app.domain.states import GatewayName, PaymentMethodType, RefundInitiator
from tests.domain.told import FAILURES, LATER, MANY_FACTS, NOON, TIMES, captured, examples, split

# Many fields with few values each: what must hold is a matter of ties and gaps.
_TEXTS: Final = st.sampled_from([None, "", "a", "b"])
TELLINGS: Final = st.builds(
    Fact,
    gateway=st.just(GatewayName.SANDBOX),
    object_id=st.just("c"),
    kind=st.just(FactKind.CAPTURED),
    amount=st.none() | st.builds(Money, st.integers(0, 3), st.sampled_from(["INR", "USD"])),
    attempt_id=_TEXTS,
    own_id=st.none() | st.integers(0, 3).map(lambda number: UUID(int=number)),
    method=st.none() | st.sampled_from(PaymentMethodType),
    failure=st.none() | FAILURES,
    initiator=st.none() | st.sampled_from(RefundInitiator),
    detail=_TEXTS,
    respond_by=st.none() | TIMES,
    reported_at=st.none() | TIMES,
    recorded_at=st.none() | TIMES,
)
"""Tellings of one fact that differ in everything but what it is stored under."""


@examples(500)
@given(TELLINGS, TELLINGS)
def test_merging_commutes(left: Fact, right: Fact) -> None:
    assert merge(left, right) == merge(right, left)


@examples(500)
@given(TELLINGS, TELLINGS, TELLINGS)
def test_merging_associates(first: Fact, second: Fact, third: Fact) -> None:
    assert merge(merge(first, second), third) == merge(first, merge(second, third))


@examples(500)
@given(TELLINGS, TELLINGS)
def test_a_telling_that_adds_nothing_gives_the_very_same_fact(known: Fact, told: Fact) -> None:
    joined = merge(known, told)

    assert merge(joined, told) is joined
    assert merge(joined, known) is joined
    assert merge(known, known) is known


@examples(500)
@given(TELLINGS, TELLINGS)
def test_merging_loses_nothing_that_only_one_told(left: Fact, right: Fact) -> None:
    joined = merge(left, right)

    for field in fields(Fact):
        values = (getattr(left, field.name), getattr(right, field.name))
        assert getattr(joined, field.name) in values
        assert getattr(joined, field.name) is not None or values == (None, None)


def test_amounts_grow_and_times_go_back_to_the_first() -> None:
    early = captured(300, reported_at=NOON, recorded_at=LATER, detail="a")
    late = captured(500, reported_at=LATER, recorded_at=NOON, detail="b")

    joined = merge(late, early)

    assert joined == captured(500, reported_at=NOON, recorded_at=NOON, detail="b")


def test_of_two_failures_the_same_one_stays() -> None:
    one = Failure(code="declined", message="No.", decline_code="")
    other = Failure(code="declined", message="No.", decline_code=None)

    joined = [merge(captured(failure=a), captured(failure=b)) for a, b in ((one, other), (other, one))]

    assert [fact.failure for fact in joined] == [one, one]


@examples(500)
@given(MANY_FACTS, st.data())
def test_any_order_number_and_portions_of_tellings_give_the_same_set(told: list[Fact], data: Any) -> None:  # noqa: ANN401 - Hypothesis's data is untyped
    once, _ = add_facts({}, told)
    again = data.draw(
        st.permutations(told + data.draw(st.lists(st.sampled_from(told)) if told else st.just([])))
    )

    known: dict[Any, Fact] = {}
    for portion in split(list(again), data.draw(st.lists(st.integers(0, 20), max_size=4))):
        known, _ = add_facts(known, portion)

    assert known == once


@examples(500)
@given(MANY_FACTS, MANY_FACTS)
def test_only_what_is_new_or_says_more_is_news(told: list[Fact], more: list[Fact]) -> None:
    known, first_news = add_facts({}, told)
    untouched = dict(known)

    joined, news = add_facts(known, more)

    assert first_news == list(known.values())
    assert known == untouched
    assert {fact.key for fact in news} == {key for key, fact in joined.items() if known.get(key) != fact}
    assert add_facts(joined, [*told, *more])[1] == []


def test_a_fact_is_kept_under_gateway_object_and_kind() -> None:
    one = captured()
    others = [
        replace(one, gateway=GatewayName.STRIPE),
        replace(one, object_id="d"),
        replace(one, kind=FactKind.AUTHORIZED),
    ]

    known, news = add_facts({}, [one, *others, replace(one, detail="more")])

    assert len(known) == 4
    assert known[one.key] == replace(one, detail="more")
    assert len(news) == 4


def test_a_fact_happened_when_the_gateway_says_else_when_we_learned_of_it() -> None:
    told = captured(reported_at=NOON, recorded_at=LATER)

    times = [
        told.happened_at,
        replace(told, reported_at=None).happened_at,
        captured().happened_at,
    ]

    assert times == [NOON, LATER, LONG_AGO]
