"""The adapter at the simulator of Stripe, over real sockets: asked, told by webhooks and recovered from the list."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from app.domain.facts import LONG_AGO, FactKind
from app.domain.money import Money
from app.domain.states import CaptureMethod, PaymentMethodType, RefundStatus
from app.gateways import GatewayError, GatewayErrorKind
from tests.gateways.stripe_simulated import Shop, shop_open, sums
from tests.simulators.stripe_world import RETURN_URL

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest.fixture
async def shop() -> AsyncIterator[Shop]:
    """Open a shop at a simulator."""
    async with shop_open() as shop:
        yield shop


async def test_a_payment_is_told_alike_by_every_way(shop: Shop) -> None:
    await shop.paid()

    assert sums(await shop.agreed()) == ("SUCCEEDED", 49900, 0, 0, 0)


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
    held = await shop.agreed()
    await shop.gateway.capture(shop.capture(10_000, final=False))
    between = await shop.agreed()
    await shop.gateway.capture(shop.capture(5_000, final=False))
    await shop.gateway.capture(shop.capture(5_000, final=False))  # the same again: its key says so
    await shop.gateway.capture(shop.capture(20_000, final=True))

    assert sums(held) == ("REQUIRES_CAPTURE", 0, 49900, 0, 0)
    assert sums(between)[1:3] == (10_000, 39_900)
    assert sums(await shop.agreed()) == ("PARTIALLY_CAPTURED", 35_000, 0, 0, 0)


async def test_a_hold_that_runs_out_is_gone(shop: Shop) -> None:
    await shop.held()
    await shop.stripe.sim("resolve", reference=shop.reference, outcome="DECLINED")

    assert sums(await shop.agreed()) == ("CANCELED", 0, 0, 0, 0)


async def test_a_hold_that_runs_out_after_a_capture_keeps_what_was_captured(shop: Shop) -> None:
    await shop.held()
    await shop.gateway.capture(shop.capture(10_000, final=False))
    await shop.stripe.sim("resolve", reference=shop.reference, outcome="DECLINED")

    assert sums(await shop.agreed())[1:3] == (10_000, 0)


async def test_what_a_capture_left_of_a_hold_is_released(shop: Shop) -> None:
    await shop.held()
    await shop.gateway.capture(shop.capture(10_000, final=False))

    released = await shop.gateway.cancel(shop.payment, None, "cancel-1")

    assert {fact.kind for fact in released.facts} == {FactKind.CAPTURED, FactKind.RELEASED}
    assert sums(await shop.agreed())[1:3] == (10_000, 0)
    with pytest.raises(GatewayError) as over:
        await shop.gateway.cancel(shop.payment, None, "cancel-1")
    assert over.value.kind is GatewayErrorKind.REJECTED


async def test_where_the_card_lets_only_one_capture_another_is_rejected(shop: Shop) -> None:
    await shop.open(PaymentMethodType.CARD, CaptureMethod.MANUAL)
    await shop.stripe.post(
        f"/v1/payment_intents/{shop.reference}/confirm", payment_method="pm_card_visa_cartesBancaires"
    )

    with pytest.raises(GatewayError) as refused:
        await shop.gateway.capture(shop.capture(10_000, final=False))
    await shop.gateway.capture(shop.capture(10_001, final=True))

    assert refused.value.kind is GatewayErrorKind.REJECTED
    assert sums(await shop.agreed())[1:3] == (10_001, 0)


async def test_a_refund_that_comes_back_is_told_by_every_way(shop: Shop) -> None:
    await shop.paid()
    request = shop.refund(10_000)
    await shop.gateway.refund(request)
    given = await shop.agreed()
    await shop.stripe.sim("refund/fail", reference=shop.reference)

    state = await shop.agreed()

    assert sums(given)[3] == 10_000
    assert sums(state) == ("SUCCEEDED", 49900, 0, 0, 0)
    assert [(each.id, each.status) for each in state.refunds] == [(request.refund_id, RefundStatus.FAILED)]


@pytest.mark.parametrize(("outcome", "disputed"), [("WON", 0), ("LOST", 49900)])
async def test_a_dispute_is_told_by_every_way(shop: Shop, outcome: str, disputed: int) -> None:
    await shop.paid()
    await shop.stripe.sim("dispute", reference=shop.reference)
    opened = await shop.agreed()
    await shop.stripe.sim("dispute/close", reference=shop.reference, outcome=outcome)

    assert sums(opened)[4] == 49900
    assert sums(await shop.agreed())[4] == disputed


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
    assert sums(await shop.agreed())[1] == 49900


async def test_a_receipt_goes_to_the_shopper_where_it_is_wanted() -> None:
    async with shop_open(email_receipts=True, statement_descriptor_suffix="TEA") as shop:
        await shop.open()

        intent = await shop.stripe.get(f"/v1/payment_intents/{shop.reference}")

    assert (intent["receipt_email"], intent["statement_descriptor_suffix"]) == ("shopper@example.com", "TEA")


@pytest.mark.parametrize(
    ("currency", "minor", "theirs", "back"),
    [
        ("JPY", 500, 500, 200),
        ("KRW", 5000, 5000, 1),
        ("KWD", 1_230, 1_230, 230),
        ("BHD", 10_000, 10_000, 10),
        ("ISK", 500, 50_000, 199),
        ("UGX", 5_000, 500_000, 1),
        ("MGA", 500_000, 5_000, 100),
        ("HUF", 20_050, 20_050, 50),
    ],
)
async def test_currencies_with_other_digits_come_and_go_exactly(
    shop: Shop, currency: str, minor: int, theirs: int, back: int
) -> None:
    request = replace(shop.request(), amount=Money(minor, currency))
    opened = await shop.gateway.create(request)
    shop.payment = replace(shop.payment, reference=opened.reference, amount=request.amount)
    await shop.pay()
    refund = replace(shop.refund(1), amount=Money(back, currency))
    await shop.gateway.refund(refund)

    asked, heard = await shop.asked(), await shop.heard()
    (truth,) = await shop.stripe.truth()

    intent = await shop.stripe.get(f"/v1/payment_intents/{shop.reference}")
    assert (intent["amount"], intent["currency"]) == (theirs, currency.lower())
    for state in (asked, heard):
        assert (state.conflict, state.captured, state.refunded) == (
            None,
            Money(minor, currency),
            Money(back, currency),
        )
    assert (truth["captured_minor"], truth["refunds"][0]["amount_minor"]) == (minor, back)


async def test_upi_is_paid_in_an_app() -> None:
    async with shop_open(upi=True) as shop:
        opened = await shop.open(PaymentMethodType.UPI_INTENT)
        await shop.pay("ASKS", "upi")
        asking = await shop.asked()
        await shop.stripe.sim("resolve", reference=shop.reference, outcome="SUCCEEDS")

        state = await shop.agreed()

    assert opened.next_action is not None
    assert opened.next_action["type"] == "ClientSdkAction"
    assert asking.status.value == "REQUIRES_ACTION"
    assert sums(state) == ("SUCCEEDED", 49900, 0, 0, 0)
    assert [attempt.method for attempt in state.attempts] == [PaymentMethodType.UPI_INTENT]


async def test_an_outage_is_made_up_for_page_by_page(shop: Shop) -> None:
    shops = [Shop(shop.stripe, shop.gateway) for _ in range(60)]
    for each in shops:
        await each.paid()

    told = [each async for each in shop.gateway.missed(LONG_AGO)]

    captured = [each.reference for each in told if each.type == "payment_intent.succeeded"]
    assert captured == [each.reference for each in shops]
    assert len({each.external_id for each in told}) == len(told) == 120
