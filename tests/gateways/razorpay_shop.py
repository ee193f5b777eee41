"""A shop at the simulator of Razorpay: its adapter, and everything that was learned about its one payment."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

from app.domain.facts import Facts, add_facts
from app.domain.money import Money
from app.domain.payment import PaymentState, PaymentTerms, payment_state
from app.domain.states import CaptureMethod, PaymentMethodType
from app.gateways import GatewayAnswer, Notification, RefundRequest
from app.gateways.razorpay import RazorpayGateway, RazorpaySettings, build
from app.identity import new_id
from tests.gateways.razorpay_objects import CREATE, PRICE, handle
from tests.simulators.razorpay_world import KEY_ID, KEY_SECRET, WEBHOOK_SECRET, Razorpay, razorpay_serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from app.gateways import CreateRequest

TIMEOUT_SECONDS = 5.0


class Shop:
    """One payment of 499 rupees at a time."""

    def __init__(self, razorpay: Razorpay, gateway: RazorpayGateway) -> None:
        self.razorpay = razorpay
        self.gateway = gateway
        self.payment = replace(handle(None), payment_id=new_id())
        self.facts: Facts = {}

    @property
    def reference(self) -> str:
        """The payment's, once it is open."""
        assert self.payment.reference is not None
        return self.payment.reference

    def request(self, method: PaymentMethodType | None = PaymentMethodType.CARD) -> CreateRequest:
        """Ask for the payment."""
        return replace(
            CREATE,
            payment_id=self.payment.payment_id,
            method=method,
            capture_method=self.payment.capture_method,
        )

    async def open(
        self,
        method: PaymentMethodType | None = PaymentMethodType.CARD,
        capture_method: CaptureMethod = CaptureMethod.AUTOMATIC,
    ) -> GatewayAnswer:
        """Open a payment."""
        self.payment = replace(self.payment, capture_method=capture_method)
        answer = await self.gateway.create(self.request(method))
        self.payment = replace(self.payment, reference=answer.reference)
        self.learn(answer)
        return answer

    async def paid(
        self,
        outcome: str = "SUCCEEDS",
        method: str | None = None,
        capture_method: CaptureMethod = CaptureMethod.AUTOMATIC,
    ) -> None:
        """Open a payment and have a shopper try."""
        await self.open(capture_method=capture_method)
        await self.pay(outcome, method)

    async def pay(self, outcome: str = "SUCCEEDS", method: str | None = None) -> None:
        """Have a shopper try."""
        await self.razorpay.sim("pay", reference=self.reference, outcome=outcome, method=method)

    async def fetch(self) -> GatewayAnswer:
        """Ask what became of it."""
        answer = await self.gateway.fetch(self.payment)
        self.learn(answer)
        return answer

    def refund(self, minor: int, refund_id: UUID | None = None) -> RefundRequest:
        """Ask for a refund."""
        own_id = refund_id or uuid4()
        return RefundRequest(
            payment=self.payment,
            refund_id=own_id,
            amount=Money(minor, "INR"),
            reason="size",
            idempotency_key=f"{own_id}:refund",
        )

    def learn(self, news: GatewayAnswer | Notification) -> None:
        """Keep the facts."""
        self.facts, _ = add_facts(self.facts, news.facts)

    async def hear(self) -> list[Notification]:
        """Read every webhook that was sent so far, and learn from it."""
        heard = []
        for event in self.razorpay.simulator.events.values():
            headers = {name.lower(): value for name, value in self.razorpay.simulator.sign(event).items()}
            told = self.gateway.parse(await self.gateway.verify(headers, event.body, datetime.now(UTC)))
            assert told.external_id == event.id
            self.learn(told)
            heard.append(told)
        return heard

    @property
    def state(self) -> PaymentState:
        """What was learned comes to."""
        terms = PaymentTerms(amount=PRICE, capture_method=self.payment.capture_method)
        return payment_state(terms, list(self.facts.values()))

    async def asked(self) -> PaymentState:
        """What Razorpay says now, by itself."""
        fresh = Shop(self.razorpay, self.gateway)
        fresh.payment = self.payment
        fresh.learn(await self.gateway.fetch(self.payment))
        return fresh.state


def told(answer: GatewayAnswer | Notification) -> list[str]:
    """Return the facts' kinds."""
    return [fact.kind.value for fact in answer.facts]


@asynccontextmanager
async def shop_open(timeout_seconds: float = TIMEOUT_SECONDS) -> AsyncIterator[Shop]:
    """Run a simulator and connect to it."""
    async with razorpay_serving() as razorpay:
        gateway = build(
            RazorpaySettings(
                key_id=KEY_ID,
                key_secret=KEY_SECRET,
                webhook_secrets=(WEBHOOK_SECRET,),
                api_base=razorpay.url,
                timeout_seconds=timeout_seconds,
                business_name="Tea & Spice",
            )
        )
        try:
            yield Shop(razorpay, gateway)
        finally:
            await gateway.aclose()
