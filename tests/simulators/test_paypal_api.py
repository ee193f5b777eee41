"""PayPal's simulator by its documented wire format, without the adapter."""

from __future__ import annotations

import base64
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

import httpx2
import pytest

from app.simulators.kit import Control, SimulatorConfig, serving
from app.simulators.paypal import PayPalSimulator, build
from tests.simulators.sandbox_world import TLS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.applications import Starlette

RETURN: Final = "http://127.0.0.1:9/back?a=b"
SECRETS: Final = {"client_id": "client", "client_secret": "secret", "webhook_id": "WH1"}


class World:
    """A simulator and a client with a token."""

    def __init__(self, simulator: PayPalSimulator, api: httpx2.AsyncClient) -> None:
        self.simulator = simulator
        self.api = api

    async def post(self, path: str, body: object = None, **headers: str) -> httpx2.Response:
        """Call the API."""
        return await self.api.post(path, json=body or {}, headers=headers)

    async def create(self, value: str = "10.00", currency: str = "EUR", key: str = "k1") -> httpx2.Response:
        """Open an order."""
        unit = {"amount": {"currency_code": currency, "value": value}}
        context = {"experience_context": {"return_url": RETURN, "cancel_url": RETURN}}
        body = {
            "intent": "CAPTURE",
            "purchase_units": [unit],
            "payment_source": {"paypal": context},
        }
        return await self.post("/v2/checkout/orders", body, **{"PayPal-Request-Id": key})


@asynccontextmanager
async def running() -> AsyncIterator[World]:
    made: list[PayPalSimulator] = []

    def make(url: str) -> Starlette:
        made.append(build(SimulatorConfig(control_key="control", secrets=SECRETS), url))
        return made[0].app()

    async with serving(make) as url, httpx2.AsyncClient(base_url=url, trust_env=False, verify=TLS) as api:
        basic = base64.b64encode(b"client:secret").decode()
        answer = await api.post(
            "/v1/oauth2/token",
            data={"grant_type": "client_credentials"},
            headers={"Authorization": f"Basic {basic}"},
        )
        api.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
        yield World(made[0], api)


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with running() as world:
        yield world


def issue(answer: httpx2.Response) -> tuple[int, str]:
    told = answer.json()
    assert told["debug_id"]
    return answer.status_code, told["details"][0]["issue"] if told["details"] else told["name"]


async def test_a_repetition_is_answered_with_200_and_the_same_order(world: World) -> None:
    first, again = await world.create(), await world.create()

    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    assert issue(await world.create("11.00")) == (422, "DUPLICATE_REQUEST_ID")
    assert len(world.simulator.truth()) == 1


@pytest.mark.parametrize(
    ("value", "currency", "refusal"),
    [
        ("10.001", "EUR", (422, "DECIMAL_PRECISION")),
        ("10.00", "JPY", (422, "DECIMAL_PRECISION")),
        ("10.5", "HUF", (422, "DECIMAL_PRECISION")),
        ("10.00", "INR", (422, "CURRENCY_NOT_SUPPORTED")),
        ("0.00", "EUR", (422, "CANNOT_BE_ZERO_OR_NEGATIVE")),
        ("-1.00", "EUR", (400, "INVALID_PARAMETER_SYNTAX")),
    ],
)
async def test_amounts_are_taken_strictly(
    world: World, value: str, currency: str, refusal: tuple[int, str]
) -> None:
    assert issue(await world.create(value, currency)) == refusal
    assert world.simulator.truth() == []


async def test_a_call_without_a_good_token_is_refused(world: World) -> None:
    world.simulator.tokens.expire()

    assert issue(await world.create()) == (401, "AUTHENTICATION_FAILURE")


async def test_the_payer_presses_a_button_and_comes_back_with_the_token(world: World) -> None:
    order = (await world.create()).json()
    (page,) = [link["href"] for link in order["links"] if link["rel"] == "payer-action"]

    shown = await world.api.get(page)
    back = await world.api.post(page, data={"choice": "pay"})

    assert "€10.00" in shown.text
    assert back.status_code == 303
    assert back.headers["location"].startswith(f"{RETURN}&token={order['id']}&PayerID=")
    asked = (await world.api.get(f"/v2/checkout/orders/{order['id']}")).json()
    assert asked["status"] == "APPROVED"


async def test_states_are_kept(world: World) -> None:
    order = (await world.create()).json()["id"]
    path = f"/v2/checkout/orders/{order}"

    early = await world.post(f"{path}/capture")
    world.simulator.pay(order, Control.SUCCEEDS, None)
    other = await world.post(f"{path}/authorize")
    taken = await world.post(f"{path}/capture")
    twice = await world.post(f"{path}/capture")

    assert issue(early) == (422, "ORDER_NOT_APPROVED")
    assert issue(other) == (422, "ACTION_DOES_NOT_MATCH_INTENT")
    assert taken.status_code == 201
    assert issue(twice) == (422, "ORDER_ALREADY_CAPTURED")
    capture = taken.json()["purchase_units"][0]["payments"]["captures"][0]
    refund = f"/v2/payments/captures/{capture['id']}/refund"
    more = {"amount": {"currency_code": "EUR", "value": "10.01"}}
    assert issue(await world.post(refund, more)) == (422, "REFUND_AMOUNT_EXCEEDED")
    assert (await world.post(refund)).json()["amount"]["value"] == "10.00"
    assert issue(await world.post(refund)) == (422, "CAPTURE_FULLY_REFUNDED")


async def test_a_refusal_can_be_asked_for(world: World) -> None:
    mock = {"PayPal-Mock-Response": '{"mock_application_codes":"INSTRUMENT_DECLINED"}'}

    assert issue(await world.post("/v2/checkout/orders", {}, **mock)) == (422, "INSTRUMENT_DECLINED")


async def test_the_same_key_under_way_is_a_conflict(world: World) -> None:
    class Asked:
        class url:  # noqa: N801 - as Starlette's request has it
            path = "/v2/checkout/orders"

        headers: Final = {"paypal-request-id": "k1"}

    held: Any = Asked()
    key = world.simulator.repetitions.begin(held)

    assert issue(await world.create()) == (409, "PREVIOUS_REQUEST_IN_PROGRESS")
    world.simulator.repetitions.end(key)
    assert (await world.create()).status_code == 201


async def test_captures_and_authorisations_are_shown_by_themselves(world: World) -> None:
    order = (await world.create()).json()["id"]
    world.simulator.pay(order, Control.SUCCEEDS, None)
    taken = await world.post(f"/v2/checkout/orders/{order}/capture", {}, **{"PayPal-Request-Id": "k2"})
    (capture,) = taken.json()["purchase_units"][0]["payments"]["captures"]

    shown = await world.api.get(f"/v2/payments/captures/{capture['id']}")
    missing = await world.api.get("/v2/payments/authorizations/none")

    assert shown.json()["id"] == capture["id"]
    assert shown.json()["status"] == "COMPLETED"
    assert issue(missing) == (404, "INVALID_RESOURCE_ID")
