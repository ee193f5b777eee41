"""How often gateways are asked: each schedule against the page that it comes from, and the sums that it is read by."""

from __future__ import annotations

import random
from itertools import pairwise
from typing import Final

import pytest

from app.domain.states import PaymentMethodType
from app.gateways.polling import (
    DAY,
    HOUR,
    MINUTE,
    PAYTM_STEPS,
    UPI_BY_METHOD,
    UPI_STEPS,
    PollSchedule,
    PollSteps,
)
from app.gateways.sandbox.gateway import POLLING as SANDBOX
from app.gateways.stripe.pace import POLLING as STRIPE

CARD = PaymentMethodType.CARD
WITH_UPI: Final = PollSchedule(
    steps=PAYTM_STEPS, calls_per_second_max=10, backfill_every_seconds=None, by_method=UPI_BY_METHOD
)


def asked_at(
    schedule: PollSchedule,
    method: PaymentMethodType | None = None,
    thrown: float | None = 0.0,
    late_seconds: float = 0.0,
) -> list[float]:
    """Return the ages at which a payment is asked after, by a worker that is always late by as much."""

    def dice() -> float:
        return random.random() if thrown is None else thrown  # noqa: S311 - no secret

    ages = [schedule.first_wait_seconds(method, dice) + late_seconds]
    while (wait := schedule.wait_seconds(ages[-1], method, dice)) is not None:
        ages.append(ages[-1] + wait + late_seconds)
    return ages


def most_within(ages: list[float], seconds: float) -> int:
    """Return the largest number of askings in any stretch of that length."""
    return max(sum(start <= age <= start + seconds for age in ages) for start in ages)


def test_upi_is_asked_first_after_90_seconds_and_at_most_3_times_in_2_hours() -> None:
    ages = asked_at(WITH_UPI, PaymentMethodType.UPI_INTENT)

    assert ages[0] == 90
    assert len([age for age in ages if age <= 2 * HOUR]) == 3
    assert most_within(ages, 2 * HOUR) == 3
    assert asked_at(WITH_UPI, PaymentMethodType.UPI_QR) == ages


@pytest.mark.parametrize("late_seconds", [0.0, 1.0, 10 * MINUTE, 43 * MINUTE, 2 * HOUR])
def test_upis_ceiling_holds_for_every_throw_of_the_dice_and_for_late_workers(late_seconds: float) -> None:
    for _ in range(200):
        ages = asked_at(WITH_UPI, PaymentMethodType.UPI_INTENT, None, late_seconds)

        assert ages[0] >= 90
        assert most_within(ages, 2 * HOUR) <= 3


def test_two_askings_after_a_upi_payment_lie_so_far_apart_that_no_2_hours_hold_a_fourth() -> None:
    assert 3 * UPI_STEPS.again_seconds_min > 2 * HOUR
    assert min(later - earlier for earlier, later in pairwise(UPI_STEPS.offsets_seconds)) >= (
        UPI_STEPS.again_seconds_min
    )


def test_upi_goes_on_by_paytms_steps_until_the_fifth_day() -> None:
    ages = asked_at(WITH_UPI, PaymentMethodType.UPI_INTENT)

    assert ages[3:] == [6 * HOUR, 12 * HOUR, 24 * HOUR, 48 * HOUR, 72 * HOUR, 96 * HOUR, 120 * HOUR]


def test_paytm_is_asked_by_its_official_steps() -> None:
    ages = asked_at(WITH_UPI, CARD)

    official = [15 * MINUTE, 30 * MINUTE, 1 * HOUR, 6 * HOUR, 12 * HOUR, 24 * HOUR, 48 * HOUR, 72 * HOUR]
    assert ages[:8] == official
    assert ages[8:] == [96 * HOUR, 120 * HOUR]
    assert PAYTM_STEPS.again_seconds_min == 15


def test_stripe_is_asked_by_its_steps_and_at_most_20_times_a_second() -> None:
    ages = asked_at(STRIPE)

    assert ages[:10] == [60, 180, 600, 1800, 3600, 10800, 43200, 86400, 172800, 259200]
    assert ages[10:] == [day * DAY for day in range(4, 31)]
    assert STRIPE.calls_per_second_max == 20


def test_the_sandbox_is_asked_soon() -> None:
    assert asked_at(SANDBOX)[:8] == [5, 15, 30, 60, 120, 300, 900, 3600]


@pytest.mark.parametrize("schedule", [SANDBOX, STRIPE, WITH_UPI], ids=["sandbox", "stripe", "upi and paytm"])
def test_jitter_makes_no_asking_earlier_and_none_later_than_the_next(schedule: PollSchedule) -> None:
    for method in (None, *schedule.by_method):
        plain, latest = asked_at(schedule, method), asked_at(schedule, method, 1.0)

        for earlier, later in zip(plain, latest, strict=False):
            assert earlier <= later
        assert all(later < following for later, following in zip(latest, plain[1:], strict=False))


def test_a_step_that_was_missed_is_not_made_up_for() -> None:
    schedule = PollSchedule(
        steps=PollSteps(offsets_seconds=(5, 15, 30, 60), then_every_seconds=100, ends_after_seconds=400),
        calls_per_second_max=1,
        backfill_every_seconds=None,
    )

    waits = [schedule.wait_seconds(age, None, lambda: 0.0) for age in (0, 5, 29.5, 30, 60, 250, 300, 399)]

    assert waits == [5, 10, 1.0, 30, 100, 10, 60, None]
