"""The simulator of Stripe: refunds and disputes, each to its end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.simulators.sandbox_world import until
from tests.simulators.stripe_world import Stripe, stripe_serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest.fixture
async def stripe() -> AsyncIterator[Stripe]:
    """Run a simulator."""
    async with stripe_serving() as stripe:
        yield stripe


async def test_a_payment_is_given_back_in_parts_and_no_more_than_there_is(stripe: Stripe) -> None:
    paid = await stripe.paid()

    part = await stripe.post(
        "/v1/refunds", payment_intent=paid["id"], amount=10000, reason="duplicate", metadata__refund_id="r"
    )
    too_much = await stripe.refusal("/v1/refunds", payment_intent=paid["id"], amount=39901)
    rest = await stripe.post("/v1/refunds", charge=paid["latest_charge"], expand__0="charge")
    nothing_left = await stripe.refusal("/v1/refunds", payment_intent=paid["id"])

    assert (part["status"], part["reason"], part["charge"]) == (
        "succeeded",
        "duplicate",
        paid["latest_charge"],
    )
    assert (too_much[0], too_much[1]["param"]) == (400, "amount")
    assert (rest["amount"], rest["charge"]["refunded"], rest["charge"]["amount_refunded"]) == (
        39900,
        True,
        49900,
    )
    assert nothing_left[1]["code"] == "charge_already_refunded"
    listed = await stripe.get("/v1/refunds", payment_intent=paid["id"])
    assert [refund["id"] for refund in listed["data"]] == [rest["id"], part["id"]]
    assert stripe.told()[3:5] == ["refund.created", "charge.refunded"]
    (truth,) = await stripe.truth()
    assert [(r["own_id"], r["amount_minor"], r["status"]) for r in truth["refunds"]] == [
        ("r", 10000, "SUCCEEDED"),
        (None, 39900, "SUCCEEDED"),
    ]


@pytest.mark.parametrize(
    ("card", "first", "last", "events"),
    [
        ("pm_card_pendingRefund", "pending", "succeeded", ["refund.updated"]),
        ("pm_card_refundFail", "succeeded", "failed", ["refund.updated", "refund.failed"]),
    ],
)
async def test_some_cards_refunds_go_on_by_themselves(
    stripe: Stripe, card: str, first: str, last: str, events: list[str]
) -> None:
    paid = await stripe.paid(card)

    refund = await stripe.post("/v1/refunds", payment_intent=paid["id"], amount=100)
    later = await until(
        lambda: stripe.get(f"/v1/refunds/{refund['id']}"), lambda shown: shown["status"] == last
    )

    assert (refund["status"], later.get("failure_reason")) == (
        first,
        "expired_or_canceled_card" if last == "failed" else None,
    )
    assert stripe.told()[5:] == events
    charge = await stripe.get(f"/v1/charges/{paid['latest_charge']}")
    assert charge["amount_refunded"] == (0 if last == "failed" else 100)


async def test_a_refund_fails_though_it_had_succeeded(stripe: Stripe) -> None:
    paid = await stripe.paid()
    await stripe.post("/v1/refunds", payment_intent=paid["id"])

    await stripe.sim("refund/fail", reference=paid["id"])

    assert (await stripe.truth())[0]["refunds"][0]["status"] == "FAILED"
    assert await stripe.sim_status("refund/fail", reference=paid["id"]) == 409


async def test_a_refund_takes_other_metadata_and_cannot_be_canceled(stripe: Stripe) -> None:
    paid = await stripe.paid()
    refund = await stripe.post("/v1/refunds", payment_intent=paid["id"])

    changed = await stripe.post(f"/v1/refunds/{refund['id']}", metadata__a="1")
    refused = await stripe.refusal(f"/v1/refunds/{refund['id']}/cancel")

    assert (changed["metadata"], refused[0]) == ({"a": "1"}, 400)
    assert stripe.told()[-2:] == ["refund.updated", "charge.refund.updated"]


@pytest.mark.parametrize(
    "form",
    [{}, {"payment_intent": "pi_x"}, {"charge": "ch_x"}, {"payment_intent": "a", "charge": "b"}],
)
async def test_a_refund_is_of_something(stripe: Stripe, form: dict[str, str]) -> None:
    assert (await stripe.refusal("/v1/refunds", **form))[0] == 400


async def test_what_was_not_captured_is_not_refunded(stripe: Stripe) -> None:
    held = await stripe.held()

    status, error = await stripe.refusal("/v1/refunds", payment_intent=held["id"])

    assert (status, error["code"]) == (400, "charge_not_refundable")


@pytest.mark.parametrize(
    ("outcome", "status", "last"),
    [
        ("WON", "won", ["charge.dispute.funds_reinstated", "charge.dispute.closed"]),
        ("LOST", "lost", ["charge.dispute.closed"]),
    ],
)
async def test_a_dispute_takes_the_money_until_it_is_won(
    stripe: Stripe, outcome: str, status: str, last: list[str]
) -> None:
    paid = await stripe.paid()
    dispute_id = (await stripe.sim("dispute", reference=paid["id"]))["dispute"]
    opened = await stripe.get(f"/v1/disputes/{dispute_id}")
    charge = await stripe.get(f"/v1/charges/{paid['latest_charge']}")
    refused = await stripe.refusal("/v1/refunds", payment_intent=paid["id"])
    await stripe.sim("dispute/close", reference=paid["id"], outcome=outcome)

    listed = await stripe.get("/v1/disputes", payment_intent=paid["id"])

    assert (opened["status"], [b["amount"] for b in opened["balance_transactions"]]) == (
        "needs_response",
        [-49900],
    )
    assert (charge["disputed"], refused[1]["code"]) == (True, "charge_disputed")
    assert [each["status"] for each in listed["data"]] == [status]
    assert stripe.told()[3:] == ["charge.dispute.created", "charge.dispute.funds_withdrawn", *last]
    assert (await stripe.truth())[0]["disputes"] == {dispute_id: outcome}
    assert await stripe.sim_status("dispute/close", reference=paid["id"], outcome="WON") == 409


@pytest.mark.parametrize(
    ("card", "reason", "status"),
    [
        ("pm_card_createDispute", "fraudulent", "needs_response"),
        ("pm_card_createDisputeProductNotReceived", "product_not_received", "needs_response"),
        ("pm_card_createDisputeInquiry", "fraudulent", "warning_needs_response"),
    ],
)
async def test_some_cards_dispute_by_themselves(stripe: Stripe, card: str, reason: str, status: str) -> None:
    paid = await stripe.paid(card)

    (dispute,) = (await stripe.get("/v1/disputes", charge=paid["latest_charge"]))["data"]

    assert (dispute["reason"], dispute["status"]) == (reason, status)
    assert bool(dispute["balance_transactions"]) is (status == "needs_response")


@pytest.mark.parametrize(("text", "status"), [("winning_evidence", "won"), ("losing_evidence", "lost")])
async def test_evidence_decides_a_test_dispute(stripe: Stripe, text: str, status: str) -> None:
    paid = await stripe.paid("pm_card_createDispute")
    (dispute,) = (await stripe.get("/v1/disputes", charge=paid["latest_charge"]))["data"]

    await stripe.post(f"/v1/disputes/{dispute['id']}", evidence__uncategorized_text=text, submit="false")
    waiting = await stripe.get(f"/v1/disputes/{dispute['id']}")
    decided = await stripe.post(f"/v1/disputes/{dispute['id']}", evidence__uncategorized_text=text)
    again = await stripe.refusal(f"/v1/disputes/{dispute['id']}/close")

    assert (waiting["status"], waiting["evidence_details"]["has_evidence"]) == ("needs_response", True)
    assert (decided["status"], again[0]) == (status, 400)


async def test_an_inquiry_that_is_given_up_is_closed(stripe: Stripe) -> None:
    paid = await stripe.paid("pm_card_createDisputeInquiry")
    (dispute,) = (await stripe.get("/v1/disputes", payment_intent=paid["id"]))["data"]

    closed = await stripe.post(f"/v1/disputes/{dispute['id']}/close")

    assert closed["status"] == "warning_closed"
    assert stripe.told()[3:] == ["charge.dispute.created", "charge.dispute.closed"]
