"""The adapter against a simulator that somebody else wrote, in a process of its own, over real HTTP both ways.

localstripe speaks an API of 2017 and takes few parameters, hence `minimal_parameters`.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final
from uuid import uuid4

import httpx2
import pytest

from app.domain.facts import FactKind, Facts, add_facts
from app.domain.money import Money
from app.domain.payment import PaymentState, PaymentTerms, payment_state
from app.domain.states import CaptureMethod, PaymentStatus
from app.gateways.contract import (
    CaptureRequest,
    CreateRequest,
    GatewayError,
    GatewayErrorKind,
    PaymentHandle,
    RefundRequest,
    SignatureError,
)
from app.gateways.stripe import StripeGateway, StripeSettings, build

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from app.gateways.contract import GatewayAnswer, Notification

SECRET: Final = "whsec_of_localstripe"
KEY: Final = "sk_test_of_localstripe"
GOOD: Final = "4242424242424242"
DECLINED: Final = "4000000000000341"
CHALLENGED: Final = "4000002500003155"
WAIT_SECONDS: Final = 20


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


class Shop:
    """One payment of 10.00 EUR, and everything that was learned about it."""

    def __init__(self, gateway: StripeGateway, capture_method: CaptureMethod) -> None:
        self.gateway = gateway
        self.facts: Facts = {}
        self.handle = PaymentHandle(
            payment_id=uuid4(), reference=None, amount=Money(1000, "EUR"), capture_method=capture_method
        )

    @classmethod
    async def with_payment(
        cls, gateway: StripeGateway, capture_method: CaptureMethod = CaptureMethod.AUTOMATIC
    ) -> Shop:
        """Open a payment."""
        shop = cls(gateway, capture_method)
        request = CreateRequest(
            payment_id=shop.handle.payment_id,
            order_id=uuid4(),
            order_number="1001",
            amount=shop.handle.amount,
            capture_method=capture_method,
            method=None,
            return_url=None,
            customer_email=None,
            idempotency_key=str(shop.handle.payment_id),
        )
        answer = await gateway.create(request)
        shop.handle = replace(shop.handle, reference=answer.reference)
        shop.learn(answer)
        return shop

    def learn(self, news: GatewayAnswer | Notification) -> None:
        """Keep the facts."""
        self.facts, _ = add_facts(self.facts, news.facts)

    async def pay(self, card: str) -> GatewayAnswer:
        """Confirm with a card."""
        data = {"paymentMethod": await payment_method(self.gateway, card)}
        answer = await self.gateway.confirm(self.handle, data, "confirm-key")
        self.learn(answer)
        return answer

    async def refund(self, minor: int) -> None:
        """Give something back."""
        request = RefundRequest(
            payment=self.handle,
            refund_id=uuid4(),
            amount=Money(minor, "EUR"),
            reason="broken glass",
            idempotency_key=f"refund-{minor}",
        )
        self.learn(await self.gateway.refund(request))

    @property
    def state(self) -> PaymentState:
        """What was learned comes to."""
        terms = PaymentTerms(amount=self.handle.amount, capture_method=self.handle.capture_method)
        return payment_state(terms, list(self.facts.values()))

    async def asked(self) -> PaymentState:
        """What the simulator says now, by itself."""
        fresh = Shop(self.gateway, self.handle.capture_method)
        fresh.learn(await self.gateway.fetch(self.handle))
        return fresh.state


async def ask_simulator(url: str, form: dict[str, str]) -> httpx2.Response:
    async with httpx2.AsyncClient(headers={"Authorization": f"Bearer {KEY}"}) as browser:
        response = await browser.post(url, data=form)
    response.raise_for_status()
    return response


async def payment_method(gateway: StripeGateway, card: str) -> str:
    """Do what Stripe.js does with a card's number."""
    form = {
        "type": "card",
        "card[number]": card,
        "card[exp_month]": "12",
        "card[exp_year]": "2035",
        "card[cvc]": "123",
    }
    response = await ask_simulator(f"{gateway._settings.api_base}/v1/payment_methods", form)
    return str(response.json()["id"])


async def challenge(shop: Shop, answer: GatewayAnswer, *, success: bool) -> None:
    """Do what Stripe.js does with a 3-D Secure step."""
    assert answer.next_action is not None
    url = f"{shop.gateway._settings.api_base}/v1/payment_intents/{shop.handle.reference}/_authenticate"
    secret = answer.next_action["parameters"]["clientSecret"]
    await ask_simulator(url, {"client_secret": secret, "success": str(success).lower()})


@dataclass(frozen=True, slots=True)
class Deliveries:
    """What came to a shop's webhook endpoint, and why what was refused was."""

    told: asyncio.Queue[Notification] = field(default_factory=asyncio.Queue)
    refused: asyncio.Queue[str] = field(default_factory=asyncio.Queue)

    async def of(self, payment: PaymentHandle) -> Notification:
        """Return the next that is about a payment; there may be some of other tests' payments."""
        async with asyncio.timeout(WAIT_SECONDS):
            while (notification := await self.told.get()).reference != payment.reference:
                pass
        return notification


@asynccontextmanager
async def webhooks(gateway: StripeGateway) -> AsyncIterator[Deliveries]:
    """Receive on a real server what the simulator signs with SECRET."""
    came = Deliveries()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        pairs = (line.partition(":") for line in head[1:] if line)
        headers = {name.lower(): value.strip() for name, _, value in pairs}
        body = await reader.readexactly(int(headers["content-length"]))
        status = 200
        try:
            came.told.put_nowait(gateway.parse(gateway.verify(headers, body, datetime.now(UTC))))
        except SignatureError as error:
            came.refused.put_nowait(error.reason)
            status = 400
        writer.write(f"HTTP/1.1 {status} X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        hook = f"{gateway._settings.api_base}/_config/webhooks/{uuid4()}"
        await ask_simulator(hook, {"url": url, "secret": SECRET})
        yield came
    await ask_simulator(hook, {"url": url, "secret": SECRET, "events[]": "none"})


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
