"""Money that goes back at Razorpay: refunds that carry our id, and disputes that webhooks tell of."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from app.domain.states import (
    CaptureMethod,
    DisputeStatus,
    PaymentMethodType,
    RefundStatus,
)
from app.gateways import GatewayError, GatewayErrorKind
from tests.gateways.razorpay_objects import PRICE
from tests.gateways.razorpay_shop import Shop, shop_open, told
from tests.simulators.razorpay_world import refund_is

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable


@pytest.fixture
async def shop() -> AsyncIterator[Shop]:
    """Open a shop that waits for a second at most."""
    async with shop_open(timeout_seconds=1.0) as shop:
        yield shop


async def refusal(call: Awaitable[object]) -> GatewayError:
    with pytest.raises(GatewayError) as raised:
        await call
    return raised.value


async def test_a_refund_is_ours_and_goes_on_by_itself(shop: Shop) -> None:
    await shop.paid()
    asked = shop.refund(10000)

    answer = await shop.gateway.refund(asked)
    (made,) = shop.razorpay.simulator.book.refunds.values()
    await refund_is(shop.razorpay, made.id, "processed")
    await shop.fetch()

    assert told(answer) == ["REFUND_PENDING"]
    assert (answer.facts[0].own_id, answer.facts[0].detail) == (asked.refund_id, "size")
    assert made.receipt == made.notes["refund_id"] == str(asked.refund_id)
    (refund,) = shop.state.refunds
    assert (refund.id, refund.status, refund.amount) == (
        asked.refund_id,
        RefundStatus.SUCCEEDED,
        asked.amount,
    )


async def test_a_refund_may_fail_after_it_succeeded(shop: Shop) -> None:
    await shop.paid()
    await shop.gateway.refund(shop.refund(10000))
    (made,) = shop.razorpay.simulator.book.refunds.values()
    await refund_is(shop.razorpay, made.id, "processed")
    await shop.fetch()

    shop.razorpay.simulator.book.fail_refund(made)  # which the documentation says it does not
    await shop.fetch()

    assert [refund.status for refund in shop.state.refunds] == [RefundStatus.FAILED]
    assert shop.state.refunded.minor == 0


async def test_more_than_was_captured_is_not_given_back(shop: Shop) -> None:
    await shop.paid()

    error = await refusal(shop.gateway.refund(shop.refund(49901)))

    assert (error.kind, error.code) == (GatewayErrorKind.REJECTED, "input_validation_failed")
    assert shop.razorpay.simulator.book.refunds == {}


async def test_nothing_is_given_back_of_what_was_never_captured(shop: Shop) -> None:
    await shop.paid(capture_method=CaptureMethod.MANUAL)

    error = await refusal(shop.gateway.refund(shop.refund(100)))

    assert (error.kind, error.code) == (GatewayErrorKind.REJECTED, "nothing_captured")


async def test_a_key_that_was_used_for_something_else_is_refused(shop: Shop) -> None:
    await shop.paid()
    asked = shop.refund(10000)
    await shop.gateway.refund(asked)

    other = replace(asked, refund_id=uuid4())

    error = await refusal(shop.gateway.refund(other))
    assert error.kind is GatewayErrorKind.REJECTED
    assert len(shop.razorpay.simulator.book.refunds) == 1


async def test_a_refund_of_a_qr_payment_finds_it_by_webhook(shop: Shop) -> None:
    await shop.open(PaymentMethodType.UPI_QR)
    await shop.pay()
    await shop.gateway.refund(shop.refund(10000))

    (paid,) = shop.razorpay.simulator.book.payments.values()
    heard = [told for told in await shop.hear() if told.type == "refund.created"]

    assert [told.related_object_ids for told in heard] == [(paid.id,)]
    assert shop.state.refund_pending.minor == 10000


@pytest.mark.parametrize(("outcome", "status"), [("WON", DisputeStatus.WON), ("LOST", DisputeStatus.LOST)])
async def test_disputes_are_told_by_webhooks(shop: Shop, outcome: str, status: DisputeStatus) -> None:
    await shop.paid()
    await shop.razorpay.sim("dispute", reference=shop.reference)
    await shop.razorpay.sim("dispute/close", reference=shop.reference, outcome=outcome)

    await shop.hear()

    (dispute,) = shop.state.disputes
    assert (dispute.status, dispute.amount) == (status, PRICE)
