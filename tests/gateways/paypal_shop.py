"""A running PayPal simulator, a gateway that speaks to it, and what the tests ask for."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from app.domain.money import Money
from app.domain.payment import PaymentState, PaymentTerms, payment_state
from app.domain.states import CaptureMethod
from app.gateways import CaptureRequest, CreateRequest, GatewayAnswer, PaymentHandle, RefundRequest
from app.gateways.paypal import PayPalGateway, PayPalSettings, build
from app.simulators.kit import Control, Event, SimulatorConfig, serving
from app.simulators.paypal import PayPalSimulator
from app.simulators.paypal import build as build_simulator

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.applications import Starlette

PAYMENT_ID: Final = UUID("0190f5e6-0000-7000-8000-000000000001")
ORDER_ID: Final = UUID("0190f5e6-0000-7000-8000-000000000002")
REFUND_ID: Final = UUID("0190f5e6-0000-7000-8000-000000000003")
PRICE: Final = Money(4990, "EUR")
CREATE: Final = CreateRequest(
    payment_id=PAYMENT_ID,
    order_id=ORDER_ID,
    order_number="K7-4F2Q",
    amount=PRICE,
    capture_method=CaptureMethod.AUTOMATIC,
    method=None,
    return_url="http://127.0.0.1:9/orders/7?a=b",
    customer_email=None,
    idempotency_key="create-1",
)
MANUAL: Final = replace(CREATE, capture_method=CaptureMethod.MANUAL)


@dataclass(frozen=True, slots=True)
class Shop:
    """A simulator in this process and the adapter of its account."""

    simulator: PayPalSimulator
    gateway: PayPalGateway
    settings: PayPalSettings

    async def approved(
        self, request: CreateRequest = CREATE, plan: Control = Control.SUCCEEDS
    ) -> PaymentHandle:
        """Open a payment and have the payer approve it."""
        handle = handle_of(await self.gateway.create(request), request)
        assert handle.reference is not None
        self.simulator.pay(handle.reference, plan, None)
        return handle

    async def taken(self, request: CreateRequest = CREATE) -> PaymentHandle:
        """Open a payment, have it approved, and take it."""
        handle = await self.approved(request)
        await self.gateway.complete(handle, "complete-1")
        return handle

    def events(self, kind: str) -> list[Event]:
        """Return the events of a type."""
        return [event for event in self.simulator.events.values() if event.type == kind]

    def signed(self, event: Event) -> dict[str, str]:
        """Return the headers of a delivery, as a server sees them."""
        return {name.lower(): value for name, value in self.simulator.sign(event).items()}


@asynccontextmanager
async def paypal_shop(**settings: Any) -> AsyncIterator[Shop]:  # noqa: ANN401 - fields of the settings
    """Run a simulator on a free port."""
    made: list[PayPalSimulator] = []

    def make(url: str) -> Starlette:
        made.append(build_simulator(SimulatorConfig(control_key="control"), url))
        return made[0].app()

    async with serving(make) as url:
        simulator = made[0]
        known = {
            "client_id": simulator.client_id,
            "client_secret": simulator.client_secret,
            "webhook_id": simulator.webhook_id,
            "api_base": url,
            "trust_roots_pem": simulator.signer.root_pem,
        }
        given = PayPalSettings(**{**known, **settings})
        gateway = build(given)
        try:
            yield Shop(simulator, gateway, given)
        finally:
            await gateway.aclose()


def handle_of(answer: GatewayAnswer, request: CreateRequest = CREATE) -> PaymentHandle:
    return PaymentHandle(
        payment_id=request.payment_id,
        reference=answer.reference,
        amount=request.amount,
        capture_method=request.capture_method,
    )


def capture_of(
    handle: PaymentHandle, minor: int, key: str = "capture-1", *, final: bool = True
) -> CaptureRequest:
    return CaptureRequest(payment=handle, amount=Money(minor, "EUR"), idempotency_key=key, final=final)


def refund_of(handle: PaymentHandle, minor: int, key: str = "refund-1") -> RefundRequest:
    return RefundRequest(
        payment=handle, refund_id=REFUND_ID, amount=Money(minor, "EUR"), reason="size", idempotency_key=key
    )


def state_of(answer: GatewayAnswer, handle: PaymentHandle) -> PaymentState:
    return payment_state(
        PaymentTerms(amount=handle.amount, capture_method=handle.capture_method), answer.facts
    )
