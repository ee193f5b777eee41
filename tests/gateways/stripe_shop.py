"""A shop at localstripe: it pays as Stripe.js would, and takes the webhooks on a server of its own."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final
from uuid import uuid4

import httpx2

from app.domain.facts import Facts, add_facts
from app.domain.money import Money
from app.domain.payment import PaymentState, PaymentTerms, payment_state
from app.domain.states import CaptureMethod
from app.gateways.contract import (
    CreateRequest,
    PaymentHandle,
    RefundRequest,
    SignatureError,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from app.gateways.contract import GatewayAnswer, Notification
    from app.gateways.stripe import StripeGateway

SECRET: Final = "whsec_of_localstripe"
KEY: Final = "sk_test_of_localstripe"
GOOD: Final = "4242424242424242"
DECLINED: Final = "4000000000000341"
CHALLENGED: Final = "4000002500003155"
WAIT_SECONDS: Final = 20


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
            came.told.put_nowait(gateway.parse(await gateway.verify(headers, body, datetime.now(UTC))))
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
