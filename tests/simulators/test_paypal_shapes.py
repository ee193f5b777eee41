"""Whatever shape a call has, the simulated PayPal answers in PayPal's words and breaks at nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest

from app.simulators.kit import Control
from tests.simulators.test_paypal_api import running

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.simulators.test_paypal_api import World

ODD: Final[list[Any]] = [
    None,
    True,
    0,
    1.5,
    -1,
    10**30,
    "",
    "x",
    "x" * 5000,
    "\u0000",
    [],
    [[]],
    {},
    {"x": {}},
]
UNIT: Final = {"amount": {"currency_code": "EUR", "value": "10.00"}}
ORDER: Final = {
    "intent": "CAPTURE",
    "purchase_units": [UNIT],
    "payment_source": {"paypal": {"experience_context": {"return_url": "http://127.0.0.1:9/"}}},
}


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with running() as world:
        yield world


def bent(body: Any, odd: Any) -> list[Any]:  # noqa: ANN401 - JSON
    """Return the body with each part of it in turn made odd."""
    if isinstance(body, dict):
        return [odd, *({**body, name: each} for name, value in body.items() for each in bent(value, odd))]
    if isinstance(body, list):
        return [odd, *([each] for value in body for each in bent(value, odd))]
    return [odd]


async def taken(world: World, path: str, body: Any) -> int:  # noqa: ANN401 - JSON
    """Make a call, which is answered and never broken; return its status."""
    answer = await world.api.post(path, json=body, headers={"PayPal-Request-Id": str(id(body))})
    assert answer.status_code < 500, (path, body, answer.text)
    return answer.status_code


async def test_no_order_breaks_it(world: World) -> None:
    statuses = {await taken(world, "/v2/checkout/orders", body) for odd in ODD for body in bent(ORDER, odd)}

    assert statuses >= {201, 400}


async def test_no_capture_and_no_refund_breaks_it(world: World) -> None:
    order = (await world.create(key="opened")).json()["id"]
    world.simulator.pay(order, Control.SUCCEEDS, None)
    answer = await world.post(f"/v2/checkout/orders/{order}/capture", {}, **{"PayPal-Request-Id": "taken"})
    capture = answer.json()["purchase_units"][0]["payments"]["captures"][0]["id"]
    refund = {"amount": UNIT["amount"], "custom_id": "x", "note_to_payer": "y"}
    for odd in ODD:
        for body in bent(refund, odd):
            await taken(world, f"/v2/payments/captures/{capture}/refund", body)
        for path in (
            f"/v2/checkout/orders/{order}/capture",
            f"/v2/checkout/orders/{order}/authorize",
            "/v2/payments/authorizations/x/capture",
            "/v2/payments/authorizations/x/void",
            "/v1/notifications/verify-webhook-signature",
        ):
            await taken(world, path, odd)


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b"null", b"\xff", b"[" * 100_000, b'{"a":' * 50_000])
async def test_what_is_no_object_is_refused(world: World, raw: bytes) -> None:
    answer = await world.api.post(
        "/v2/checkout/orders", content=raw, headers={"Content-Type": "application/json"}
    )

    assert answer.status_code == 400
