"""The page on which a person plays the shopper: it pays, declines or asks, once, and leads back to the shop."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx2
import pytest

from app.simulators import build_simulator
from app.simulators.kit import SimulatorConfig, serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.applications import Starlette

    from app.simulators.kit import Simulator

BACK = "https://shop.example/track/1"


@pytest.fixture
async def stripe() -> AsyncIterator[tuple[Simulator, httpx2.AsyncClient]]:
    """Serve a simulated Stripe."""
    made: list[Simulator] = []

    def make(url: str) -> Starlette:
        made.append(build_simulator("stripe", SimulatorConfig(control_key="k"), url))
        return made[0].app()

    async with serving(make) as url, httpx2.AsyncClient(base_url=url, trust_env=False) as client:
        yield made[0], client


async def payment(simulator: Simulator, client: httpx2.AsyncClient) -> str:
    key = simulator.merchant_settings()["secret_key"]
    answer = await client.post(
        "/v1/payment_intents",
        headers={"authorization": f"Bearer {key}"},
        data={"amount": "12345678", "currency": "inr", "payment_method_types[]": "card"},
    )
    return f"/_shopper/{answer.json()['id']}"


async def play(client: httpx2.AsyncClient, page: str, choice: str, **query: str) -> httpx2.Response:
    return await client.post(page, data={"choice": choice}, params=query)


def taken(simulator: Simulator) -> int:
    (truth,) = simulator.truth()
    return truth.captured_minor


async def test_the_shopper_sees_the_amount_and_pays_once(
    stripe: tuple[Simulator, httpx2.AsyncClient],
) -> None:
    simulator, client = stripe
    page = await payment(simulator, client)

    shown = await client.get(page)
    paid = await play(client, page, "SUCCEEDS", back=BACK)
    again = await play(client, page, "SUCCEEDS", back=BACK)
    after = await client.get(page)

    assert "₹1,23,456.78" in shown.text
    assert "have the bank ask first" in shown.text
    assert (paid.status_code, paid.headers["location"]) == (303, BACK)
    assert (again.status_code, taken(simulator)) == (409, 12_345_678)
    assert "This is paid" in after.text


async def test_a_bank_asks_and_believes_the_answer(stripe: tuple[Simulator, httpx2.AsyncClient]) -> None:
    simulator, client = stripe
    page = await payment(simulator, client)

    asked = await play(client, page, "ASKS")
    before = taken(simulator)
    answered = await play(client, page, "yes")

    assert "Is this you?" in asked.text
    assert (before, taken(simulator)) == (0, 12_345_678)
    assert "Paid" in answered.text


async def test_a_decline_takes_nothing(stripe: tuple[Simulator, httpx2.AsyncClient]) -> None:
    simulator, client = stripe
    page = await payment(simulator, client)

    declined = await play(client, page, "DECLINED")

    assert "Declined" in declined.text
    assert taken(simulator) == 0


async def test_a_upi_app_has_no_bank_that_asks_first(stripe: tuple[Simulator, httpx2.AsyncClient]) -> None:
    page = await payment(*stripe)

    shown = await stripe[1].get(page, params={"way": "upi"})

    assert "have the bank ask first" not in shown.text


async def test_nothing_leads_to_an_address_that_is_no_web_page(
    stripe: tuple[Simulator, httpx2.AsyncClient],
) -> None:
    simulator, client = stripe
    page = await payment(simulator, client)

    paid = await play(client, page, "SUCCEEDS", back="javascript:alert(1)")
    unknown = await play(client, "/_shopper/pi_unknown", "SUCCEEDS")
    nonsense = await play(client, page, "WON")

    assert (paid.status_code, "javascript" in paid.text) == (200, False)
    assert (unknown.status_code, nonsense.status_code) == (404, 404)
