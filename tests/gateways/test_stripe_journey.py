"""The adapter at the simulator of Stripe, over real sockets: asked, told by webhooks and recovered from the list."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from app.domain.facts import LONG_AGO, FactKind
from app.domain.states import CaptureMethod, PaymentMethodType, RefundStatus
from app.gateways import GatewayError, GatewayErrorKind
from tests.gateways.stripe_simulated import Shop, shop_open, sums
from tests.simulators.stripe_world import RETURN_URL

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from app.domain.payment import PaymentState


@pytest.fixture
async def shop() -> AsyncIterator[Shop]:
    """Open a shop at a simulator."""
    async with shop_open() as shop:
        yield shop


async def agreed(shop: Shop) -> PaymentState:
    """Return what is known; the same however it was learned."""
    asked, heard, recovered = await shop.asked(), await shop.heard(), await shop.recovered()
    assert sums(asked) == sums(heard) == sums(recovered)
    assert [refund.status for refund in asked.refunds] == [refund.status for refund in heard.refunds]
    assert [each.status for each in asked.disputes] == [each.status for each in heard.disputes]
    return asked


async def test_a_payment_is_told_alike_by_every_way(shop: Shop) -> None:
    await shop.paid()

    assert sums(await agreed(shop)) == ("SUCCEEDED", 49900, 0, 0, 0)


async def test_the_webhooks_name_our_payment(shop: Shop) -> None:
    await shop.paid()
    await shop.gateway.refund(shop.refund(100))
    await shop.stripe.sim("dispute", reference=shop.reference)

    told = await shop.hear()

    assert {each.reference for each in told} == {shop.reference}
    named = {each.type: each.payment_id for each in told}
    assert [name for name, payment_id in named.items() if payment_id != shop.payment.payment_id] == [
        "charge.dispute.created",
        "charge.dispute.funds_withdrawn",
    ]


async def test_several_captures_of_one_hold(shop: Shop) -> None:
    await shop.held()
    held = await agreed(shop)
    await shop.gateway.capture(shop.capture(10_000, final=False))
    between = await agreed(shop)
    await shop.gateway.capture(shop.capture(5_000, final=False))
    await shop.gateway.capture(shop.capture(5_000, final=False))  # the same again: its key says so
    await shop.gateway.capture(shop.capture(20_000, final=True))

    assert sums(held) == ("REQUIRES_CAPTURE", 0, 49900, 0, 0)
    assert sums(between)[1:3] == (10_000, 39_900)
    assert sums(await agreed(shop)) == ("PARTIALLY_CAPTURED", 35_000, 0, 0, 0)


async def test_a_hold_that_runs_out_is_gone(shop: Shop) -> None:
    await shop.held()
    await shop.stripe.sim("resolve", reference=shop.reference, outcome="DECLINED")

    assert sums(await agreed(shop)) == ("CANCELED", 0, 0, 0, 0)


async def test_a_hold_that_runs_out_after_a_capture_keeps_what_was_captured(shop: Shop) -> None:
    await shop.held()
    await shop.gateway.capture(shop.capture(10_000, final=False))
    await shop.stripe.sim("resolve", reference=shop.reference, outcome="DECLINED")

    assert sums(await agreed(shop))[1:3] == (10_000, 0)


async def test_where_the_card_lets_only_one_capture_another_is_rejected(shop: Shop) -> None:
    await shop.open(PaymentMethodType.CARD, CaptureMethod.MANUAL)
    await shop.stripe.post(
        f"/v1/payment_intents/{shop.reference}/confirm", payment_method="pm_card_visa_cartesBancaires"
    )

    with pytest.raises(GatewayError) as refused:
        await shop.gateway.capture(shop.capture(10_000, final=False))
    await shop.gateway.capture(shop.capture(10_001, final=True))

    assert refused.value.kind is GatewayErrorKind.REJECTED
    assert sums(await agreed(shop))[1:3] == (10_001, 0)


async def test_a_refund_that_comes_back_is_told_by_every_way(shop: Shop) -> None:
    await shop.paid()
    request = shop.refund(10_000)
    await shop.gateway.refund(request)
    given = await agreed(shop)
    await shop.stripe.sim("refund/fail", reference=shop.reference)

    state = await agreed(shop)

    assert sums(given)[3] == 10_000
    assert sums(state) == ("SUCCEEDED", 49900, 0, 0, 0)
    assert [(each.id, each.status) for each in state.refunds] == [(request.refund_id, RefundStatus.FAILED)]


@pytest.mark.parametrize(("outcome", "disputed"), [("WON", 0), ("LOST", 49900)])
async def test_a_dispute_is_told_by_every_way(shop: Shop, outcome: str, disputed: int) -> None:
    await shop.paid()
    await shop.stripe.sim("dispute", reference=shop.reference)
    opened = await agreed(shop)
    await shop.stripe.sim("dispute/close", reference=shop.reference, outcome=outcome)

    assert sums(opened)[4] == 49900
    assert sums(await agreed(shop))[4] == disputed


async def test_a_refund_of_what_is_disputed_is_rejected(shop: Shop) -> None:
    await shop.paid()
    await shop.stripe.sim("dispute", reference=shop.reference)

    with pytest.raises(GatewayError) as refused:
        await shop.gateway.refund(shop.refund(100))

    assert (refused.value.kind, refused.value.code) == (GatewayErrorKind.REJECTED, "charge_disputed")


async def test_the_server_confirms_with_what_the_browser_made(shop: Shop) -> None:
    await shop.open()
    data = {"paymentMethod": "pm_card_visa_chargeDeclined", "returnUrl": RETURN_URL}

    with pytest.raises(GatewayError) as declined:
        await shop.gateway.confirm(shop.payment, data, "confirm-1")
    answer = await shop.gateway.confirm(shop.payment, {**data, "paymentMethod": "pm_card_visa"}, "confirm-2")

    assert declined.value.kind is GatewayErrorKind.DECLINED
    assert declined.value.failure is not None
    assert declined.value.failure.decline_code == "generic_decline"
    assert declined.value.answer is not None
    assert FactKind.FAILED in {fact.kind for fact in declined.value.answer.facts}
    assert FactKind.CAPTURED in {fact.kind for fact in answer.facts}
    assert sums(await agreed(shop))[1] == 49900


async def test_a_receipt_goes_to_the_shopper_where_it_is_wanted() -> None:
    async with shop_open(email_receipts=True, statement_descriptor_suffix="TEA") as shop:
        await shop.open()

        intent = await shop.stripe.get(f"/v1/payment_intents/{shop.reference}")

    assert (intent["receipt_email"], intent["statement_descriptor_suffix"]) == ("shopper@example.com", "TEA")


async def test_upi_is_paid_in_an_app() -> None:
    async with shop_open(upi=True) as shop:
        opened = await shop.open(PaymentMethodType.UPI_INTENT)
        await shop.pay("ASKS", "upi")
        asking = await shop.asked()
        await shop.stripe.sim("resolve", reference=shop.reference, outcome="SUCCEEDS")

        state = await agreed(shop)

    assert opened.next_action is not None
    assert opened.next_action["type"] == "ClientSdkAction"
    assert asking.status.value == "REQUIRES_ACTION"
    assert sums(state) == ("SUCCEEDED", 49900, 0, 0, 0)
    assert [attempt.method for attempt in state.attempts] == [PaymentMethodType.UPI_INTENT]


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
    assert sums(await agreed(shop))[3] == 100


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
    assert sums(await agreed(shop))[3] == 0


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
    assert sums(await agreed(shop))[3] == 300


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
    assert sums(await agreed(shop))[1:3] == (10_000, 0)


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
    assert sums(await agreed(shop))[0] == "CANCELED"


async def test_an_outage_is_made_up_for_page_by_page(shop: Shop) -> None:
    shops = [Shop(shop.stripe, shop.gateway) for _ in range(60)]
    for each in shops:
        await each.paid()

    told = [each async for each in shop.gateway.missed(LONG_AGO)]

    captured = [each.reference for each in told if each.type == "payment_intent.succeeded"]
    assert captured == [each.reference for each in shops]
    assert len({each.external_id for each in told}) == len(told) == 120
