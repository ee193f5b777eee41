"""The adapter against a simulator that somebody else wrote, in a process of its own, over real HTTP both ways.

localstripe speaks an API of 2017 and takes few parameters, hence `minimal_parameters`.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from app.domain.facts import FactKind
from app.domain.money import Money
from app.domain.states import CaptureMethod, PaymentStatus
from app.gateways.contract import (
    CaptureRequest,
    GatewayError,
    GatewayErrorKind,
    PaymentHandle,
)
from app.gateways.stripe import StripeGateway, StripeSettings, build

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator


from tests.gateways.stripe_shop import (
    CHALLENGED,
    DECLINED,
    GOOD,
    KEY,
    SECRET,
    WAIT_SECONDS,
    Shop,
    challenge,
    webhooks,
)


@pytest.fixture(scope="module")
def localstripe() -> Iterator[str]:
    """The address of a fresh simulator."""
    script = Path(__file__).with_name("localstripe_server.py")
    with subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        process.terminate()


@pytest.fixture
async def gateway(localstripe: str) -> AsyncIterator[StripeGateway]:
    gateway = build(
        StripeSettings(
            secret_key=KEY,
            publishable_key="pk_test_of_localstripe",
            webhook_secrets=(SECRET,),
            api_base=localstripe,
            minimal_parameters=True,
            max_network_retries=0,
        )
    )
    yield gateway
    await gateway.aclose()


async def test_a_card_pays(gateway: StripeGateway) -> None:
    shop = await Shop.with_payment(gateway)
    opened = shop.state.status

    answer = await shop.pay(GOOD)

    assert (opened, shop.state.status) == (PaymentStatus.REQUIRES_PAYMENT_METHOD, PaymentStatus.SUCCEEDED)
    assert (shop.state.captured.minor, shop.state.conflict) == (1000, None)
    assert answer.next_action is None
    assert await shop.asked() == shop.state


async def test_a_card_is_declined(gateway: StripeGateway) -> None:
    shop = await Shop.with_payment(gateway)

    with pytest.raises(GatewayError) as raised:
        await shop.pay(DECLINED)

    assert (raised.value.kind, raised.value.code) == (GatewayErrorKind.DECLINED, "card_declined")
    assert raised.value.failure is not None
    assert raised.value.failure.message == "Your card was declined."
    assert raised.value.answer is not None
    shop.learn(raised.value.answer)
    assert shop.state.status is PaymentStatus.FAILED
    assert await shop.asked() == shop.state


async def test_a_challenge_is_passed_on_to_the_browser_and_met(gateway: StripeGateway) -> None:
    shop = await Shop.with_payment(gateway)

    answer = await shop.pay(CHALLENGED)
    waiting = shop.state.status
    await challenge(shop, answer, success=True)
    shop.learn(await gateway.confirm(shop.handle, {"paymentIntent": shop.handle.reference}, "key"))

    assert answer.next_action is not None
    assert answer.next_action["type"] == "ClientSdkAction"
    assert (waiting, shop.state.status) == (PaymentStatus.REQUIRES_ACTION, PaymentStatus.SUCCEEDED)
    assert [attempt.is_open for attempt in shop.state.attempts] == [False]


async def test_a_challenge_that_is_not_met_leaves_the_payment_open_to_another_card(
    gateway: StripeGateway,
) -> None:
    shop = await Shop.with_payment(gateway)
    await challenge(shop, await shop.pay(CHALLENGED), success=False)

    looked_up = await gateway.fetch(shop.handle)
    shop.learn(await shop.pay(GOOD))

    assert [fact.kind for fact in looked_up.facts] == [FactKind.FAILED]
    assert shop.state.status is PaymentStatus.SUCCEEDED


async def test_a_hold_is_captured_in_part_and_given_back_in_part(gateway: StripeGateway) -> None:
    shop = await Shop.with_payment(gateway, CaptureMethod.MANUAL)
    await shop.pay(GOOD)
    held = shop.state

    request = CaptureRequest(payment=shop.handle, amount=Money(700, "EUR"), idempotency_key="capture-key")
    shop.learn(await gateway.capture(request))
    captured = shop.state
    await shop.refund(200)
    await shop.refund(100)

    assert (held.status, held.authorized.minor) == (PaymentStatus.REQUIRES_CAPTURE, 1000)
    assert (captured.status, captured.captured.minor) == (PaymentStatus.PARTIALLY_CAPTURED, 700)
    assert (captured.capturable.minor, captured.refunded.minor) == (0, 0)
    assert (shop.state.captured.minor, shop.state.refunded.minor) == (700, 300)
    assert [refund.reason for refund in shop.state.refunds] == ["broken glass"] * 2
    asked = await shop.asked()
    assert (asked.captured, asked.refunded) == (shop.state.captured, shop.state.refunded)
    assert asked.status is PaymentStatus.PARTIALLY_CAPTURED


async def test_a_hold_is_canceled(gateway: StripeGateway) -> None:
    shop = await Shop.with_payment(gateway, CaptureMethod.MANUAL)
    await shop.pay(GOOD)

    answer = await gateway.cancel(shop.handle, "abandoned", "cancel-key")
    shop.learn(answer)

    assert {fact.kind for fact in answer.facts} == {
        FactKind.AUTHORIZED,
        FactKind.CANCELED,
        FactKind.RELEASED,
    }
    assert (shop.state.status, shop.state.authorized.minor) == (PaymentStatus.CANCELED, 0)


async def test_what_is_paid_cannot_be_canceled(gateway: StripeGateway) -> None:
    shop = await Shop.with_payment(gateway)
    await shop.pay(GOOD)

    with pytest.raises(GatewayError) as raised:
        await gateway.cancel(shop.handle, None, "cancel-key")

    assert raised.value.kind is GatewayErrorKind.REJECTED


async def test_a_payment_that_is_not_there_is_not_found(gateway: StripeGateway) -> None:
    handle = PaymentHandle(
        payment_id=uuid4(),
        reference="pi_missing",
        amount=Money(1000, "EUR"),
        capture_method=CaptureMethod.AUTOMATIC,
    )

    with pytest.raises(GatewayError) as raised:
        await gateway.fetch(handle)

    assert raised.value.kind is GatewayErrorKind.NOT_FOUND


async def test_a_signed_delivery_tells_what_the_answer_told(gateway: StripeGateway) -> None:
    async with webhooks(gateway) as came:
        shop = await Shop.with_payment(gateway)
        answer = await shop.pay(GOOD)
        notification = await came.of(shop.handle)

    assert notification.type == "payment_intent.succeeded"
    assert notification.payment_id == shop.handle.payment_id
    assert notification.facts == answer.facts
    assert len(notification.related_object_ids) == 1


async def test_a_delivery_signed_with_another_secret_is_refused(gateway: StripeGateway) -> None:
    stranger = build(replace(gateway._settings, webhook_secrets=("whsec_of_somebody_else",)))

    async with webhooks(stranger) as came:
        await (await Shop.with_payment(gateway)).pay(GOOD)
        async with asyncio.timeout(WAIT_SECONDS):
            reason = await came.refused.get()
    await stranger.aclose()

    assert reason == "mismatch"
    assert came.told.empty()


async def test_what_was_missed_is_recovered(gateway: StripeGateway) -> None:
    start = datetime.now(UTC)
    shop = await Shop.with_payment(gateway, CaptureMethod.MANUAL)
    await shop.pay(GOOD)
    request = CaptureRequest(payment=shop.handle, amount=Money(700, "EUR"), idempotency_key="capture-key")
    answer = await gateway.capture(request)

    missed = [n async for n in gateway.missed(start) if n.reference == shop.handle.reference]

    assert [n.type for n in missed] == ["payment_intent.succeeded"]
    assert missed[0].facts == answer.facts
