"""A gateway that is about to send no more webhooks is warned of in time, and not more often than it helps."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, cast

import pytest

from app.domain.states import GatewayName
from app.gateways.polling import DAY, HOUR
from app.gateways.razorpay.pace import POLLING as RAZORPAY
from app.gateways.sandbox.gateway import POLLING as SANDBOX
from app.webhook_watch import WebhookWatch

if TYPE_CHECKING:
    from app.gateways import Gateway
    from app.gateways.polling import PollSchedule


class Named:
    """As much of a gateway as the watch asks for."""

    def __init__(self, name: GatewayName, polling: PollSchedule) -> None:
        self.name = name
        self.polling = polling


STRICT = cast("Gateway", Named(GatewayName.RAZORPAY, RAZORPAY))
PATIENT = cast("Gateway", Named(GatewayName.SANDBOX, SANDBOX))


class Hours:
    """A clock that is set by hand."""

    now = 1000.0

    def __call__(self) -> float:
        """Tell the time, in seconds."""
        return self.now


@pytest.fixture
def clock() -> Hours:
    return Hours()


@pytest.fixture
def watch(clock: Hours) -> WebhookWatch:
    return WebhookWatch(clock)


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.message for record in caplog.records if record.levelno == logging.ERROR]


def test_razorpays_day_is_warned_of_after_a_quarter_and_each_hour(
    watch: WebhookWatch, clock: Hours, caplog: pytest.LogCaptureFixture
) -> None:
    assert RAZORPAY.webhooks_end_after_seconds == DAY
    told = []
    for _ in range(8 * 4):
        watch.turned_away(STRICT)
        told.append(len(warnings(caplog)))
        clock.now += HOUR / 4

    assert told == [0] * 24 + [1] * 4 + [2] * 4


def test_one_delivery_that_is_taken_ends_it(
    watch: WebhookWatch, clock: Hours, caplog: pytest.LogCaptureFixture
) -> None:
    watch.turned_away(STRICT)
    clock.now += 5 * HOUR
    watch.taken(STRICT)
    clock.now += 2 * HOUR
    watch.turned_away(STRICT)
    clock.now += 5 * HOUR
    watch.turned_away(STRICT)

    assert warnings(caplog) == []


def test_a_gateway_that_never_gives_up_is_not_warned_of(
    watch: WebhookWatch, clock: Hours, caplog: pytest.LogCaptureFixture
) -> None:
    watch.turned_away(PATIENT)
    clock.now += 30 * DAY
    watch.turned_away(PATIENT)

    assert warnings(caplog) == []
