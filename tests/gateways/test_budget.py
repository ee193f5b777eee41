"""What may be repeated: a fifth of the calls in the long run, whoever is in trouble."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from app.gateways import GatewayError
from app.gateways.budget import RetryBudget
from app.gateways.stripe import StripeSettings, build
from tests.gateways.scripted_http import Answer, ScriptedServer
from tests.gateways.stripe_requests import CREATE

if TYPE_CHECKING:
    from tests.gateways.scripted_http import Behaviour


def test_the_first_repetitions_are_saved_up() -> None:
    budget = RetryBudget()

    assert [budget.spend() for _ in range(12)] == [True] * 10 + [False] * 2


def test_in_the_long_run_a_fifth_of_the_calls_is_repeated() -> None:
    budget = RetryBudget()
    repeated = 0
    for _ in range(1000):
        budget.earn()
        repeated += budget.spend() + budget.spend()

    assert 200 <= repeated <= 210


def test_no_more_is_saved_than_the_reserve() -> None:
    budget = RetryBudget(reserve=3)
    for _ in range(1000):
        budget.earn()

    assert [budget.spend() for _ in range(4)] == [True, True, True, False]


async def test_stripe_in_trouble_is_hardly_asked_more_often_than_stripe_in_health() -> None:
    broken: list[Behaviour] = [Answer({"error": {"type": "api_error", "message": "No."}}, 500)]
    async with ScriptedServer(broken).running() as server:
        gateway = build(
            StripeSettings(
                secret_key="sk_test_x",
                publishable_key="pk_test_x",
                webhook_secrets=("whsec_x",),
                api_base=server.url,
                retry_delay_seconds=0.0001,
            )
        )
        for _ in range(60):
            with pytest.raises(GatewayError):
                await gateway.create(CREATE)
        await gateway.aclose()

    assert len(server.requests) < 60 * 1.6, "each of them would be three otherwise"
