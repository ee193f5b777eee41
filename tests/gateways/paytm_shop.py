"""A shop at the simulated Paytm: its adapter, and everything that was learned about its one payment."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from app.domain.facts import Facts, add_facts
from app.domain.money import Money
from app.domain.payment import PaymentState, PaymentTerms, payment_state
from app.domain.states import CaptureMethod, PaymentMethodType
from app.gateways.contract import CreateRequest, GatewayAnswer, PaymentHandle, RefundRequest
from app.gateways.paytm import PaytmGateway, PaytmSettings, build
from app.identity import new_id
from app.simulators.kit import Control, SimulatorConfig, serving
from app.simulators.paytm import PaytmSimulator

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from uuid import UUID

    from starlette.applications import Starlette

PRICE = Money(49_900, "INR")
MID = "TESTMID00000000000001"
KEY = "0123456789abcdef"


@dataclass
class Shop:
    """One payment of 499 rupees."""

    paytm: PaytmSimulator
    gateway: PaytmGateway
    payment_id: UUID = field(default_factory=new_id)
    facts: Facts = field(default_factory=dict)
    refund_ids: tuple[UUID, ...] = ()

    @property
    def payment(self) -> PaymentHandle:
        """What finds the payment."""
        return PaymentHandle(
            payment_id=self.payment_id,
            reference=str(self.payment_id),
            amount=PRICE,
            capture_method=CaptureMethod.AUTOMATIC,
            refund_ids=self.refund_ids,
        )

    @property
    def reference(self) -> str:
        """The order's id."""
        return str(self.payment_id)

    @property
    def state(self) -> PaymentState:
        """What follows from all that was learned."""
        terms = PaymentTerms(amount=PRICE, capture_method=CaptureMethod.AUTOMATIC)
        return payment_state(terms, self.facts.values())

    def request(self, method: PaymentMethodType | None = None, **more: Any) -> CreateRequest:  # noqa: ANN401 - fields
        """Ask for the payment."""
        request = CreateRequest(
            payment_id=self.payment_id,
            order_id=new_id(),
            order_number="OP-1",
            amount=PRICE,
            capture_method=CaptureMethod.AUTOMATIC,
            method=method,
            return_url="http://127.0.0.1:9/back",
            customer_email="shopper@example.com",
            idempotency_key=f"{self.payment_id}:create",
        )
        return replace(request, **more)

    def refund(self, minor: int, refund_id: UUID | None = None) -> RefundRequest:
        """Ask for money back."""
        refund_id = refund_id or new_id()
        return RefundRequest(
            payment=self.payment,
            refund_id=refund_id,
            amount=Money(minor, "INR"),
            reason="One was broken",
            idempotency_key=f"{refund_id}:refund",
        )

    async def paid(self, outcome: Control = Control.SUCCEEDS, method: str | None = None) -> None:
        """Open the payment and pay it."""
        await self.gateway.create(self.request())
        self.paytm.pay(self.reference, outcome, method)

    async def asked(self) -> PaymentState:
        """Ask, and return what follows."""
        self.learn(await self.gateway.fetch(self.payment))
        return self.state

    async def heard(self) -> PaymentState:
        """Take every webhook, and return what follows."""
        for webhook in self.paytm.webhooks():
            verified = await self.gateway.verify({}, webhook.body, datetime.now(UTC))
            self.facts = add_facts(self.facts, self.gateway.parse(verified).facts)[0]
        return self.state

    def learn(self, answer: GatewayAnswer) -> None:
        """Take an answer in."""
        self.facts = add_facts(self.facts, answer.facts)[0]


def told(answer: GatewayAnswer) -> list[str]:
    """Return the kinds of an answer's facts."""
    return [fact.kind.value for fact in answer.facts]


@asynccontextmanager
async def shop_open(timeout_seconds: float = 5.0) -> AsyncIterator[Shop]:
    """Open a shop; refunds go on their way when the test says so."""
    made: list[PaytmSimulator] = []

    def make(url: str) -> Starlette:
        secrets = {"mid": MID, "merchant_key": KEY}
        made.append(PaytmSimulator(SimulatorConfig(control_key="control", secrets=secrets), url))
        made[0].refund_seconds = None
        return made[0].app()

    async with serving(make) as url:
        gateway = build(
            PaytmSettings(
                mid=MID, merchant_key=KEY, website="WEBSTAGING", api_base=url, timeout_seconds=timeout_seconds
            )
        )
        yield Shop(made[0], gateway)
        await gateway.aclose()
