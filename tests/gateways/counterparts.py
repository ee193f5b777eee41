"""Every gateway that there is, each with its simulator over real sockets: found by its file, listed nowhere."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from app.cli.simulating import simulated
from app.domain.facts import Fact, FactKind, Facts, add_facts
from app.domain.money import Money
from app.domain.states import CaptureMethod
from app.gateway_setup import gateways_of
from app.gateways import (
    CreateRequest,
    GatewayAnswer,
    GatewayError,
    GatewayErrorKind,
    Notification,
    PaymentHandle,
    RefundRequest,
    SignatureError,
    Verified,
)
from app.gateways.offers import methods_in
from app.identity import new_id
from app.settings import isolated_settings
from app.simulators.kit import Control

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from uuid import UUID

    from app.domain.states import PaymentMethodType
    from app.gateways import Gateway
    from app.simulators.kit.client import ControlClient
    from app.simulators.kit.controls import PaymentTruth, Webhook

DEADLINE_SECONDS: Final = 10.0
AGAIN_SECONDS: Final = 0.05
RETURN_URL: Final = "http://127.0.0.1:9/back"


@dataclass
class Counterpart:
    """An adapter, and the gateway that it talks to."""

    gateway: Gateway
    control: ControlClient
    settings: Mapping[str, str]
    """What the server was told to enter."""

    @property
    def currency(self) -> str:
        """What it is paid in here."""
        return "INR" if methods_in(self.gateway, "INR") else "USD"

    def request(
        self,
        payment_id: UUID | None = None,
        capture_method: CaptureMethod = CaptureMethod.AUTOMATIC,
        method: PaymentMethodType | None = None,
    ) -> CreateRequest:
        """Return a request for a payment of 499 units."""
        payment_id = payment_id or new_id()
        return CreateRequest(
            payment_id=payment_id,
            order_id=new_id(),
            order_number="OP-1",
            amount=Money(49_900, self.currency),
            capture_method=capture_method,
            method=method,
            return_url=RETURN_URL,
            customer_email="shopper@example.com",
            idempotency_key=f"{payment_id}:create",
        )

    async def open(self, **more: Any) -> PaymentHandle:  # noqa: ANN401 - as `request`
        """Open a payment, and return what finds it."""
        request = self.request(**more)
        return handle(request, await self.gateway.create(request))

    async def paid(self) -> PaymentHandle:
        """Return a payment that was captured."""
        payment = await self.open()
        await self.control.pay(payment.reference or "", Control.SUCCEEDS)
        await self.until(payment, FactKind.CAPTURED)
        return payment

    async def known(self, payment: PaymentHandle) -> Facts:
        """Return all that can be found out by asking, and take what is left to us."""
        said = await self.gateway.fetch(payment)
        told = list(said.facts)
        if said.awaits_us:
            try:
                told += (await self.gateway.complete(payment, f"{payment.payment_id}:complete")).facts
            except GatewayError as error:
                if error.kind is not GatewayErrorKind.DECLINED:
                    raise
                told += error.answer.facts if error.answer else ()
        return add_facts({}, told)[0]

    async def until(self, payment: PaymentHandle, kind: FactKind) -> Facts:
        """Ask until a fact of that kind is known, and return all."""
        async with asyncio.timeout(DEADLINE_SECONDS):
            while kind not in kinds(facts := await self.known(payment)):  # noqa: ASYNC110 - the gateway's doing
                await asyncio.sleep(AGAIN_SECONDS)
            return facts

    async def truth(self, payment: PaymentHandle) -> PaymentTruth:
        """Return what really became of a payment; there is one."""
        (found,) = [each for each in await self.control.truth() if each.reference == payment.reference]
        return found

    async def deliveries(self) -> list[tuple[Webhook, Notification]]:
        """Return every webhook with what it says, each verified."""
        found = []
        for webhook in await self.control.webhooks():
            verified = await self.verify(webhook.headers, webhook.body)
            found.append((webhook, self.gateway.parse(verified)))
        return found

    async def verify(self, headers: Mapping[str, str], body: bytes, now: datetime | None = None) -> Verified:
        """Have the adapter check a webhook as the endpoint does."""
        lower = {name.lower(): value for name, value in headers.items()}
        return await self.gateway.verify(lower, body, now or datetime.now(UTC))


async def refused_or_harmless(there: Counterpart, headers: Mapping[str, str], body: bytes) -> bool:
    """Whether a delivery is turned away, or is a hint at most: one that moves no money by itself."""
    try:
        said = there.gateway.parse(await there.verify(headers, body))
    except (SignatureError, ValueError):
        return True
    return not said.facts


def handle(request: CreateRequest, answer: GatewayAnswer) -> PaymentHandle:
    """Return what finds the payment that was opened."""
    return PaymentHandle(
        payment_id=request.payment_id,
        reference=answer.reference,
        amount=request.amount,
        capture_method=request.capture_method,
    )


def refund_of(payment: PaymentHandle, minor: int) -> RefundRequest:
    """Return a request to give back so much."""
    refund_id = new_id()
    return RefundRequest(
        payment=replace(payment, refund_ids=(refund_id,)),
        refund_id=refund_id,
        amount=Money(minor, payment.amount.currency),
        reason="One was broken",
        idempotency_key=f"{refund_id}:refund",
    )


def taken(facts: Facts) -> int:
    """Return how much was captured, in minor units."""
    return sum(fact.amount.minor for fact in facts.values() if fact.kind is FactKind.CAPTURED and fact.amount)


def kinds(facts: Facts) -> set[FactKind]:
    """Return what is known, by kind."""
    return {fact.kind for fact in facts.values()}


def told_of(facts: Facts, own_id: UUID) -> set[FactKind]:
    """Return what is known of a refund of ours."""
    return {fact.kind for fact in facts.values() if fact.own_id == own_id}


def shown(fact: Fact) -> tuple[object, ...]:
    """Return what makes a fact, whatever way it came."""
    return (fact.key, fact.amount, fact.attempt_id, fact.own_id)


@asynccontextmanager
async def set_up_anew(there: Counterpart, **changed: str) -> AsyncIterator[Counterpart]:
    """Set the adapter up with other settings beside the one that runs."""
    gateways = gateways_of(isolated_settings(**{**there.settings, **changed}))
    (gateway,) = gateways
    yield Counterpart(gateway, there.control, {**there.settings, **changed})
    await gateways.aclose()


@asynccontextmanager
async def counterpart(name: str) -> AsyncIterator[Counterpart]:
    """Run a gateway's simulator, and set its adapter up as the server does."""
    async with simulated(name, None) as running:
        gateways = gateways_of(isolated_settings(**running.settings))
        (gateway,) = gateways
        yield Counterpart(gateway, running.control, running.settings)
        await gateways.aclose()
