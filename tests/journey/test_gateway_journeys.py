"""From the order to the refund through every gateway, over real sockets: by webhooks, by asking, and by both."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest

from app.simulators.kit import Control
from tests.journey.gateway_world import NAMES, gateway_world

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.journey.gateway_world import GatewayWorld, Guest
    from tests.schema.shop import Client

UPI_ACTIONS: Final = {"UPI_INTENT": "UpiIntentAction", "UPI_QR": "QrCodeAction"}
TAKE_UPI: Final = {"PAYTM", "RAZORPAY"}
PART: Final = "120.00"
WAYS: Final[dict[str, dict[str, Any]]] = {
    "webhooks": {},
    "asking": {"drop": 1.0},
    "both": {"duplicate": 2, "delay_ms": [0, 300], "reorder": True, "seed": 7},
}


@pytest.fixture(scope="module")
async def running() -> AsyncIterator[GatewayWorld]:
    async with gateway_world() as world:
        yield world


@pytest.fixture
async def world(running: GatewayWorld) -> AsyncIterator[GatewayWorld]:
    yield running
    await running.calm()


async def shown(watching: Client, payment_status: str) -> dict[str, Any]:
    """Return the first frame in which the order has a payment status."""
    while True:
        order: dict[str, Any] = (await watching.data())["orderUpdated"]
        if order["paymentStatus"] == payment_status:
            return order


@pytest.mark.parametrize("name", NAMES)
async def test_an_order_is_paid_seen_and_given_back(world: GatewayWorld, name: str) -> None:
    guest = await world.guest(name)
    async with guest.watching() as watching:
        assert (await watching.data())["orderUpdated"]["paymentStatus"] == "UNPAID"
        assert name.upper() in await guest.offers()
        payment = await guest.opens()
        await guest.control.pay(payment["reference"], Control.SUCCEEDS)
        paid = await shown(watching, "PAID")
        await world.refund(payment["id"], guest)
        refunded = await shown(watching, "REFUNDED")

    assert (paid["status"], paid["paid"]["amount"], paid["balance"]["amount"]) == (
        "CONFIRMED",
        "499.00",
        "0.00",
    )
    assert refunded["refunded"]["amount"] == "499.00"
    assert [each["status"] for each in refunded["payments"][0]["refunds"]] == ["SUCCEEDED"]
    told = await guest.told()
    assert told["PAYMENT_SUCCEEDED"] in ("WEBHOOK", "POLL"), "a hint is confirmed by asking"
    (truth,) = [each for each in await guest.control.truth() if each.reference == payment["reference"]]
    assert (truth.captured_minor, [each.amount_minor for each in truth.refunds]) == (49_900, [49_900])


@pytest.mark.parametrize("method", sorted(UPI_ACTIONS))
async def test_upi_pays_by_a_link_on_a_phone_and_by_a_code_on_a_desk(
    world: GatewayWorld, method: str
) -> None:
    offers = await (await world.guest("razorpay")).offers()
    names = sorted(name for name, methods in offers.items() if method in methods)
    assert set(names) >= TAKE_UPI
    for name in names:
        guest = await world.guest(name.lower())
        payment = await guest.opens(method)
        action = payment["nextAction"]
        if name in TAKE_UPI:
            assert action["__typename"] == UPI_ACTIONS[method], name
            assert (action.get("uri") or action["payload"]).startswith("upi://"), name

        await guest.control.pay(payment["reference"], Control.SUCCEEDS)
        seen = await guest.until(lambda order: order["paymentStatus"] == "PAID")

        assert seen["status"] == "CONFIRMED", name


@pytest.mark.parametrize("name", NAMES)
async def test_webhooks_asking_and_both_come_to_the_same(world: GatewayWorld, name: str) -> None:
    ends = {way: await _end(await world.guest(name), way) for way in WAYS}

    assert ends["asking"] == ends["webhooks"] == ends["both"]
    assert ends["both"]["paymentStatus"] == "PARTIALLY_REFUNDED"


async def _end(guest: Guest, way: str) -> dict[str, Any]:
    """Have a payment asked about, paid and given back in part, told of in one way; return the order in the end."""
    hasten = way != "webhooks"
    await guest.control.set_chaos(**WAYS[way])
    payment = await guest.opens()
    await guest.control.pay(payment["reference"], Control.ASKS)
    await guest.control.resolve(payment["reference"], Control.SUCCEEDS)
    await guest.until(lambda order: order["paymentStatus"] == "PAID", hasten=hasten)
    await guest.world.refund(payment["id"], guest, PART)
    return await guest.until(lambda order: order["refunded"]["amount"] == PART, hasten=hasten)
