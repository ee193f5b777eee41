"""What Stripe keeps under a key, and says again for a day: it is not the last word on what became of the call."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from app.domain.facts import FactKind
from app.gateways import GatewayError, GatewayErrorKind
from tests.gateways.stripe_simulated import Shop, shop_open, sums

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest.fixture
async def shop() -> AsyncIterator[Shop]:
    """Open a shop at a simulator."""
    async with shop_open() as shop:
        yield shop


async def test_a_call_whose_answer_got_lost_is_carried_out_once(shop: Shop) -> None:
    await shop.stripe.chaos(api_fail={"create": {"answer": "garbage_after", "times": 2}})

    await shop.open()

    assert [truth["reference"] for truth in await shop.stripe.truth()] == [shop.reference]


async def test_a_refund_that_stripe_has_is_found_though_its_key_stands_for_other_parameters(
    shop: Shop,
) -> None:
    await shop.paid()
    request = shop.refund(100)
    await shop.gateway.refund(request)

    again = await shop.gateway.refund(replace(request, reason="another"))

    assert [(fact.kind, fact.own_id) for fact in again.facts] == [
        (FactKind.REFUND_SUCCEEDED, request.refund_id)
    ]
    assert sums(await shop.agreed())[3] == 100


async def test_a_fault_that_stripe_keeps_is_met_once(shop: Shop) -> None:
    await shop.paid()
    await shop.stripe.chaos(api_fail={"refund": {"answer": 500, "times": 1}})
    request = shop.refund(100)

    with pytest.raises(GatewayError) as kept:
        await shop.gateway.refund(request)
    events = len(shop.stripe.told())
    with pytest.raises(GatewayError) as again:
        await shop.gateway.refund(request)

    assert kept.value.kind is again.value.kind is GatewayErrorKind.UNKNOWN
    assert len(shop.stripe.told()) == events
    assert sums(await shop.agreed())[3] == 0


async def test_a_payment_is_opened_though_stripe_keeps_a_fault_under_its_key(shop: Shop) -> None:
    await shop.stripe.chaos(api_fail={"create": {"answer": 500, "times": 1}})

    request = shop.request()

    opened = await shop.gateway.create(request)
    again = await shop.gateway.create(request)

    assert again.reference == opened.reference
    assert [truth["reference"] for truth in await shop.stripe.truth()] == [opened.reference]


async def test_a_refund_that_stripe_makes_after_a_fault_of_its_own_is_found(shop: Shop) -> None:
    await shop.paid()
    await shop.stripe.chaos(api_fail={"refund": {"answer": 500, "times": 1}})
    other, request = shop.refund(200), shop.refund(100)
    with pytest.raises(GatewayError):
        await shop.gateway.refund(request)
    await shop.gateway.refund(other)
    with pytest.raises(GatewayError):
        await shop.gateway.refund(request)
    mended = await shop.stripe.post(
        "/v1/refunds",
        "Stripe's own",
        payment_intent=shop.reference,
        amount=100,
        metadata__refund_id=str(request.refund_id),
    )

    found = await shop.gateway.refund(request)

    assert [(fact.object_id, fact.own_id) for fact in found.facts] == [(mended["id"], request.refund_id)]
    assert sums(await shop.agreed())[3] == 300


async def test_a_capture_or_a_release_that_stripe_makes_after_a_fault_of_its_own_is_found(shop: Shop) -> None:
    await shop.held()
    canceled = Shop(shop.stripe, shop.gateway)
    await canceled.held()
    part, whole = shop.capture(100, final=False), shop.capture(10_000, final=True)
    for request in (part, whole):
        await shop.stripe.chaos(api_fail={"capture": {"answer": 500, "times": 1}})
        with pytest.raises(GatewayError):
            await shop.gateway.capture(request)
    await shop.stripe.chaos(api_fail={"cancel": {"answer": 500, "times": 1}})
    with pytest.raises(GatewayError):
        await shop.gateway.cancel(canceled.payment, None, "cancel-1")
    await shop.stripe.post(f"/v1/payment_intents/{shop.reference}/capture", "x", amount_to_capture=10_000)
    await shop.stripe.post(f"/v1/payment_intents/{canceled.reference}/cancel", "y")

    captured = await shop.gateway.capture(whole)
    released = await shop.gateway.cancel(canceled.payment, None, "cancel-1")
    with pytest.raises(GatewayError) as in_part:
        await shop.gateway.capture(part)

    assert {fact.kind for fact in captured.facts} == {FactKind.CAPTURED, FactKind.RELEASED}
    assert FactKind.CANCELED in {fact.kind for fact in released.facts}
    assert in_part.value.kind is GatewayErrorKind.UNKNOWN
    assert sums(await shop.agreed())[1:3] == (10_000, 0)


async def test_a_payment_that_could_not_be_canceled_can_be_later(shop: Shop) -> None:
    await shop.open()
    await shop.pay("PENDS")
    with pytest.raises(GatewayError) as too_early:
        await shop.gateway.cancel(shop.payment, None, "cancel-1")
    await shop.stripe.sim("resolve", reference=shop.reference, outcome="DECLINED")

    canceled = await shop.gateway.cancel(shop.payment, None, "cancel-1")
    again = await shop.gateway.cancel(shop.payment, "duplicate", "cancel-1")

    assert (too_early.value.kind, too_early.value.code) == (
        GatewayErrorKind.REJECTED,
        "payment_intent_unexpected_state",
    )
    assert canceled.facts == again.facts
    assert sums(await shop.agreed())[0] == "CANCELED"
