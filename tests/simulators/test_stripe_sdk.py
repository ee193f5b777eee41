"""The simulator of Stripe against a client that Stripe wrote: its official library."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, TypeVar

import pytest
import requests
import stripe as sdk

from tests.simulators.stripe_world import SECRET_KEY, Stripe, stripe_serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

_Answer = TypeVar("_Answer")


@pytest.fixture
async def stripe() -> AsyncIterator[Stripe]:
    """Run a simulator."""
    async with stripe_serving() as stripe:
        yield stripe


@pytest.fixture
async def client(stripe: Stripe) -> AsyncIterator[sdk.StripeClient]:
    """Speak to it by the official library."""
    session = requests.Session()
    session.trust_env = False
    http = sdk.RequestsClient(session=session, timeout=10)
    yield sdk.StripeClient(SECRET_KEY, base_addresses={"api": stripe.url}, http_client=http)
    session.close()


async def called(call: Callable[[], _Answer]) -> _Answer:
    """Call the library, which waits, beside the server that it waits for."""
    return await asyncio.to_thread(call)


async def paid(client: sdk.StripeClient, card: str = "pm_card_visa", **more: Any) -> sdk.PaymentIntent:  # noqa: ANN401 - parameters of any type
    """Open an intent of ten euros and confirm it."""
    parameters: Any = {
        "amount": 1000,
        "currency": "eur",
        "confirm": True,
        "payment_method": card,
        "allowed_payment_method_types": ["card"],
        "metadata": {"order": "7"},
        **more,
    }
    return await called(lambda: client.v1.payment_intents.create(parameters))


async def test_the_official_library_takes_a_payment_and_gives_it_back(client: sdk.StripeClient) -> None:
    intent = await paid(client, expand=["latest_charge"])
    charge = intent.latest_charge

    refund = await called(
        lambda: client.v1.refunds.create({"payment_intent": intent.id, "amount": 400, "metadata": {"a": "b"}})
    )
    events = await called(
        lambda: client.v1.events.list({"types": ["refund.created", "charge.refunded"], "limit": 1})
    )
    everything = await called(lambda: [event.type for event in events.auto_paging_iter()])

    assert isinstance(charge, sdk.Charge)
    assert (intent.status, charge.amount_captured, intent.metadata["order"]) == ("succeeded", 1000, "7")
    assert (refund.status, refund.amount) == ("succeeded", 400)
    assert everything == ["charge.refunded", "refund.created"]


async def test_the_official_library_holds_captures_and_cancels(client: sdk.StripeClient) -> None:
    first, second = [await paid(client, capture_method="manual") for _ in range(2)]

    captured = await called(lambda: client.v1.payment_intents.capture(first.id, {"amount_to_capture": 400}))
    canceled = await called(
        lambda: client.v1.payment_intents.cancel(second.id, {"cancellation_reason": "duplicate"})
    )

    assert (first.status, captured.status, captured.amount_received) == ("requires_capture", "succeeded", 400)
    assert (canceled.status, canceled.cancellation_reason) == ("canceled", "duplicate")


async def test_the_official_library_sees_a_decline_as_one(client: sdk.StripeClient) -> None:
    with pytest.raises(sdk.CardError) as declined:
        await paid(client, "pm_card_visa_chargeDeclinedInsufficientFunds")

    error = declined.value
    assert (error.code, error.http_status) == ("card_declined", 402)
    assert error.error is not None
    assert error.error.decline_code == "insufficient_funds"
    assert error.error.payment_intent is not None
    assert error.error.payment_intent.status == "requires_payment_method"
    assert str(error.request_id).startswith("req_")


async def test_the_official_library_sees_each_refusal_as_what_it_is(
    stripe: Stripe, client: sdk.StripeClient
) -> None:
    intents = client.v1.payment_intents
    amount: Any = {"amount": 1000, "currency": "eur"}
    less: Any = {**amount, "amount": 999}
    coloured: Any = {**amount, "colour": "red"}
    await called(lambda: intents.create(amount, {"idempotency_key": "k"}))

    with pytest.raises(sdk.IdempotencyError):
        await called(lambda: intents.create(less, {"idempotency_key": "k"}))
    with pytest.raises(sdk.InvalidRequestError, match="unknown parameter: colour"):
        await called(lambda: intents.create(coloured))
    with pytest.raises(sdk.InvalidRequestError, match="No such payment_intent"):
        await called(lambda: intents.retrieve("pi_x"))
    with pytest.raises(sdk.AuthenticationError):
        await called(lambda: intents.retrieve("pi_x", options={"api_key": "sk_test_another"}))
    await stripe.chaos(api_fail={"fetch": {"answer": 429, "times": 1}})
    with pytest.raises(sdk.RateLimitError):
        await called(lambda: intents.retrieve("pi_x", options={"max_network_retries": 0}))
    await stripe.chaos(api_fail={"fetch": {"answer": 500, "times": 1}})
    with pytest.raises(sdk.APIError):
        await called(lambda: intents.retrieve("pi_x", options={"max_network_retries": 0}))


async def test_the_official_library_pages_through_intents(client: sdk.StripeClient) -> None:
    opened = [await paid(client) for _ in range(5)]

    page = await called(lambda: client.v1.payment_intents.list({"limit": 2}))
    listed = await called(lambda: [intent.id for intent in page.auto_paging_iter()])

    assert listed == [intent.id for intent in reversed(opened)]


async def test_the_official_library_answers_a_dispute(client: sdk.StripeClient) -> None:
    intent = await paid(client, "pm_card_createDispute")
    (dispute,) = (await called(lambda: client.v1.disputes.list({"payment_intent": intent.id}))).data

    answered = await called(
        lambda: client.v1.disputes.update(
            dispute.id, {"evidence": {"uncategorized_text": "winning_evidence"}, "submit": True}
        )
    )

    assert (dispute.status, answered.status) == ("needs_response", "won")
