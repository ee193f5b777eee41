"""The simulator of Razorpay: money that goes back, by the shop's word or the shopper's dispute."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.simulators.razorpay_world import CAPTURE_MANUALLY, Razorpay, razorpay_serving, refund_is

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

KEY = {"X-Refund-Idempotency": "refund-key-1"}


@pytest.fixture
async def razorpay() -> AsyncIterator[Razorpay]:
    """Run a simulator without webhooks."""
    async with razorpay_serving() as razorpay:
        yield razorpay


async def test_a_normal_refund_is_pending_and_then_processed(razorpay: Razorpay) -> None:
    payment = await razorpay.paid()

    refund = await razorpay.post(
        f"/v1/payments/{payment['id']}/refund",
        {"amount": 10000, "speed": "normal", "receipt": "r-1", "notes": {"refund_id": "r-1"}},
    )

    assert (refund["status"], refund["amount"], refund["receipt"]) == ("pending", 10000, "r-1")
    await refund_is(razorpay, refund["id"], "processed")
    now = await razorpay.get(f"/v1/payments/{payment['id']}")
    assert (now["status"], now["amount_refunded"], now["refund_status"]) == ("captured", 10000, "partial")
    assert razorpay.told()[-2:] == ["refund.created", "refund.processed"]
    (truth,) = await razorpay.truth()
    assert truth["refunds"] == [
        {"id": refund["id"], "own_id": "r-1", "amount_minor": 10000, "status": "SUCCEEDED"}
    ]


async def test_a_full_refund_leaves_the_order_paid(razorpay: Razorpay) -> None:
    payment = await razorpay.paid()

    await razorpay.post(f"/v1/payments/{payment['id']}/refund")

    now = await razorpay.get(f"/v1/payments/{payment['id']}")
    assert (now["status"], now["captured"], now["refund_status"]) == ("refunded", True, "full")
    assert (await razorpay.get(f"/v1/orders/{payment['order_id']}"))["status"] == "paid"


async def test_a_repeated_key_is_the_same_refund_and_another_request_is_refused(razorpay: Razorpay) -> None:
    payment = await razorpay.paid()
    path = f"/v1/payments/{payment['id']}/refund"

    first = await razorpay.post(path, {"amount": 10000}, KEY)
    again = await razorpay.post(path, {"amount": 10000}, KEY)
    other = await razorpay.refusal(path, {"amount": 20000}, KEY)

    assert again["id"] == first["id"]
    assert other == (409, "Different request with the same idempotency key has already been processed.")
    assert len(razorpay.simulator.book.refunds) == 1


@pytest.mark.parametrize("key", ["too-short", "with a space", "dots.are.not.allowed"])
async def test_a_key_that_breaks_the_rules_is_refused(razorpay: Razorpay, key: str) -> None:
    payment = await razorpay.paid()

    status, said = await razorpay.refusal(
        f"/v1/payments/{payment['id']}/refund", {"amount": 100}, {"X-Refund-Idempotency": key}
    )

    assert (status, said[:23]) == (400, "The idempotency key mus")
    assert razorpay.simulator.book.refunds == {}


async def test_no_more_goes_back_than_was_captured(razorpay: Razorpay) -> None:
    payment = await razorpay.paid()
    path = f"/v1/payments/{payment['id']}/refund"

    over = await razorpay.refusal(path, {"amount": 49901})
    least = await razorpay.refusal(path, {"amount": 99})
    await razorpay.post(path, {"amount": 49900})
    again = await razorpay.refusal(path, {"amount": 100})

    assert over == (400, "The refund amount provided is greater than amount captured.")
    assert least == (400, "The amount must be at least INR 1.00")
    assert again == (400, "The payment has been fully refunded already.")
    assert len(razorpay.simulator.book.refunds) == 1


async def test_what_is_only_authorised_is_not_refunded(razorpay: Razorpay) -> None:
    payment = await razorpay.paid(payment=CAPTURE_MANUALLY)

    refused = await razorpay.refusal(f"/v1/payments/{payment['id']}/refund", {"amount": 100})

    assert refused == (400, "The payment status should be captured for action to be taken")


async def test_a_pending_refund_may_fail(razorpay: Razorpay) -> None:
    razorpay.simulator.refund_seconds = None
    payment = await razorpay.paid()
    refund = await razorpay.post(f"/v1/payments/{payment['id']}/refund", {"amount": 49900})

    await razorpay.sim("refund/fail", reference=payment["order_id"])

    await refund_is(razorpay, refund["id"], "failed")
    now = await razorpay.get(f"/v1/payments/{payment['id']}")
    assert (now["status"], now["amount_refunded"], now["refund_status"]) == ("captured", 0, None)
    assert razorpay.told()[-1] == "refund.failed"
    assert await razorpay.sim_status("refund/fail", reference=payment["order_id"]) == 409


async def test_a_refund_that_failed_is_not_processed_afterwards(razorpay: Razorpay) -> None:
    payment = await razorpay.paid()
    failed = await razorpay.post(f"/v1/payments/{payment['id']}/refund", {"amount": 100})
    await razorpay.sim("refund/fail", reference=payment["order_id"])
    later = await razorpay.post(f"/v1/payments/{payment['id']}/refund", {"amount": 100})

    await refund_is(razorpay, later["id"], "processed")

    assert (await razorpay.get(f"/v1/refunds/{failed['id']}"))["status"] == "failed"


async def test_a_processed_refund_has_come_to_its_end(razorpay: Razorpay) -> None:
    razorpay.simulator.refund_seconds = 0
    payment = await razorpay.paid()
    refund = await razorpay.post(f"/v1/payments/{payment['id']}/refund", {"amount": 49900})
    await refund_is(razorpay, refund["id"], "processed")

    assert await razorpay.sim_status("refund/fail", reference=payment["order_id"]) == 409
    assert razorpay.told()[-1] == "refund.processed"


@pytest.mark.parametrize(("outcome", "deducted"), [("WON", 0), ("LOST", 49900)])
async def test_a_dispute_is_opened_and_ends(razorpay: Razorpay, outcome: str, deducted: int) -> None:
    payment = await razorpay.paid()
    reference = payment["order_id"]

    dispute_id = (await razorpay.sim("dispute", reference=reference))["dispute"]
    opened = await razorpay.get(f"/v1/disputes/{dispute_id}")
    await razorpay.sim("dispute/close", reference=reference, outcome=outcome)

    closed = await razorpay.get(f"/v1/disputes/{dispute_id}")
    assert (opened["status"], opened["payment_id"], opened["amount"]) == ("open", payment["id"], 49900)
    assert (closed["status"], closed["amount_deducted"]) == (outcome.lower(), deducted)
    assert razorpay.told()[-2:] == ["payment.dispute.created", f"payment.dispute.{outcome.lower()}"]
    (truth,) = await razorpay.truth()
    assert truth["disputes"] == {dispute_id: outcome}
    assert await razorpay.sim_status("dispute/close", reference=reference, outcome=outcome) == 409


@pytest.mark.parametrize(
    ("path", "more"),
    [("dispute", {}), ("refund/fail", {}), ("dispute/close", {"outcome": "WON"})],
)
async def test_nothing_comes_of_what_was_never_paid(
    razorpay: Razorpay, path: str, more: dict[str, Any]
) -> None:
    order = await razorpay.order()

    assert await razorpay.sim_status(path, reference=order["id"], **more) == 409
    assert await razorpay.sim_status(path, reference="order_none", **more) == 404
    assert razorpay.told() == []
