"""A shop at the simulator of Stripe: its adapter, and everything that was learned about its one payment."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID, uuid4

from app.domain.facts import Facts, add_facts
from app.domain.money import Money
from app.domain.payment import PaymentState, PaymentTerms, payment_state
from app.domain.states import CaptureMethod, PaymentMethodType
from app.gateways import (
    CaptureRequest,
    CreateRequest,
    GatewayAnswer,
    Notification,
    PaymentHandle,
    RefundRequest,
)
from app.gateways.stripe import StripeGateway, StripeSettings, build
from app.identity import new_id
from tests.simulators.stripe_world import (
    PUBLISHABLE_KEY,
    RETURN_URL,
    SECRET_KEY,
    WEBHOOK_SECRET,
    Stripe,
    stripe_serving,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

PRICE: Final = Money(49_900, "INR")


class Shop:
    """One payment of 499 rupees at a time."""

    def __init__(self, stripe: Stripe, gateway: StripeGateway) -> None:
        self.stripe = stripe
        self.gateway = gateway
        self.payment = PaymentHandle(
            payment_id=new_id(), reference=None, amount=PRICE, capture_method=CaptureMethod.AUTOMATIC
        )
        self.facts: Facts = {}

    @property
    def reference(self) -> str:
        """The payment's, once it is open."""
        assert self.payment.reference is not None
        return self.payment.reference

    def request(self, method: PaymentMethodType | None = None) -> CreateRequest:
        """Ask for the payment."""
        return CreateRequest(
            payment_id=self.payment.payment_id,
            order_id=new_id(),
            order_number="OP-1",
            amount=PRICE,
            capture_method=self.payment.capture_method,
            method=method,
            return_url=RETURN_URL,
            customer_email="shopper@example.com",
            idempotency_key=f"{self.payment.payment_id}:create",
        )

    async def open(
        self,
        method: PaymentMethodType | None = None,
        capture_method: CaptureMethod = CaptureMethod.AUTOMATIC,
    ) -> GatewayAnswer:
        """Open a payment."""
        self.payment = replace(self.payment, capture_method=capture_method)
        answer = await self.gateway.create(self.request(method))
        self.payment = replace(self.payment, reference=answer.reference)
        self.learn(answer)
        return answer

    async def held(self) -> None:
        """Open a payment that is captured by hand, and have a shopper pay."""
        await self.open(capture_method=CaptureMethod.MANUAL)
        await self.pay()

    async def paid(self) -> None:
        """Open a payment and have a shopper pay."""
        await self.open()
        await self.pay()

    async def pay(self, outcome: str = "SUCCEEDS", method: str | None = None) -> None:
        """Have a shopper try with Stripe.js."""
        await self.stripe.sim("pay", reference=self.reference, outcome=outcome, method=method)

    def capture(self, minor: int, *, final: bool) -> CaptureRequest:
        """Ask for a capture."""
        return CaptureRequest(
            payment=self.payment,
            amount=Money(minor, "INR"),
            idempotency_key=f"{self.reference}:{minor}",
            final=final,
        )

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
        """Read every webhook that was sent so far."""
        heard = []
        for event in self.stripe.simulator.events.values():
            headers = {name.lower(): value for name, value in self.stripe.simulator.sign(event).items()}
            heard.append(
                self.gateway.parse(await self.gateway.verify(headers, event.body, datetime.now(UTC)))
            )
        return heard

    async def heard(self) -> PaymentState:
        """What the webhooks alone come to."""
        facts: Facts = {}
        for told in await self.hear():
            facts, _ = add_facts(facts, told.facts)
        return self._state(facts)

    async def asked(self) -> PaymentState:
        """What Stripe says now, by itself."""
        return self._state(add_facts({}, (await self.gateway.fetch(self.payment)).facts)[0])

    async def recovered(self) -> PaymentState:
        """What the list of events comes to."""
        facts: Facts = {}
        async for told in self.gateway.missed(datetime(2026, 1, 1, tzinfo=UTC)):
            facts, _ = add_facts(facts, told.facts)
        return self._state(facts)

    async def agreed(self) -> PaymentState:
        """Return what is known; the same however it was learned."""
        asked, heard, recovered = await self.asked(), await self.heard(), await self.recovered()
        assert sums(asked) == sums(heard) == sums(recovered)
        assert [refund.status for refund in asked.refunds] == [refund.status for refund in heard.refunds]
        assert [each.status for each in asked.disputes] == [each.status for each in heard.disputes]
        return asked

    def _state(self, facts: Facts) -> PaymentState:
        terms = PaymentTerms(amount=self.payment.amount, capture_method=self.payment.capture_method)
        return payment_state(terms, list(facts.values()))


def sums(state: PaymentState) -> tuple[str, int, int, int, int]:
    """Return status, captured, capturable, refunded and disputed."""
    return (
        state.status.value,
        state.captured.minor,
        state.capturable.minor,
        state.refunded.minor,
        state.disputed.minor,
    )


@asynccontextmanager
async def shop_open(**changes: Any) -> AsyncIterator[Shop]:  # noqa: ANN401 - settings of any type
    """Run a simulator and connect to it."""
    async with stripe_serving() as stripe:
        settings = StripeSettings(
            secret_key=SECRET_KEY,
            publishable_key=PUBLISHABLE_KEY,
            webhook_secrets=(WEBHOOK_SECRET,),
            api_base=stripe.url,
            timeout_seconds=5.0,
            retry_delay_seconds=0.01,
        )
        gateway = build(replace(settings, **changes))
        try:
            yield Shop(stripe, gateway)
        finally:
            await gateway.aclose()
