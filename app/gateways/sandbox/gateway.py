"""The sandbox by the gateway contract."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from app.domain.states import CaptureMethod, GatewayName, PaymentMethodType
from app.gateways.contract import GatewayAnswer, GatewayError, GatewayErrorKind, Verified
from app.gateways.polling import DAY, HOUR, MINUTE, PollSchedule, PollSteps
from app.gateways.sandbox.client import SandboxClient
from app.gateways.sandbox.signature import check_signature
from app.gateways.sandbox.translation import answer, notification, refund_facts
from app.gateways.sandbox.wire import WireEvent, WireEvents, WirePayment, WirePayments, WireRefund

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from app.gateways.contract import (
        CaptureRequest,
        CreateRequest,
        Notification,
        PaymentHandle,
        RefundRequest,
    )
    from app.gateways.offers import Limits

EVENT_PAGES_MAX: Final = 10_000
POLLING: Final = PollSchedule(
    steps=PollSteps(
        offsets_seconds=(
            5,
            15,
            30,
            MINUTE,
            2 * MINUTE,
            5 * MINUTE,
            15 * MINUTE,
            HOUR,
            3 * HOUR,
            12 * HOUR,
            DAY,
        ),
    ),
    calls_per_second_max=50,
    backfill_every_seconds=30,
)
"""Soon, for whoever tries the product out doesn't wait; it is no bank's machine that bears it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxSettings:
    """Where the sandbox is and its secrets. Webhooks signed with any of `webhook_secrets` are taken."""

    api_base: str
    secret_key: str = field(repr=False)
    webhook_secrets: tuple[str, ...] = field(repr=False)
    timeout_seconds: float = 10.0


def build(settings: SandboxSettings) -> SandboxGateway:
    """Return the gateway; it connects when it is first called."""
    client = SandboxClient(settings.api_base, settings.secret_key, settings.timeout_seconds)
    return SandboxGateway(client, settings.webhook_secrets)


class SandboxGateway:
    """A card gateway without real money. The shopper pays at its checkout page."""

    name = GatewayName.SANDBOX
    methods: tuple[PaymentMethodType, ...] = (PaymentMethodType.CARD,)
    currencies: tuple[str, ...] = ()
    polling = POLLING
    signature_header: bytes | None = b"sandbox-signature"
    releases = True
    available = True
    limits: Mapping[str, Limits] = MappingProxyType({})

    def __init__(self, client: SandboxClient, webhook_secrets: tuple[str, ...]) -> None:
        self._client = client
        self._webhook_secrets = tuple(secret.encode() for secret in webhook_secrets)

    def public_config(self) -> Mapping[str, Any]:
        """Say that no real money moves."""
        return {"testMode": True}

    async def create(self, request: CreateRequest) -> GatewayAnswer:
        """Open a payment; the shopper goes on at its checkout page."""
        body = {
            "amount": request.amount.minor,
            "currency": request.amount.currency,
            "capture_method": "manual" if request.capture_method is CaptureMethod.MANUAL else "automatic",
            "return_url": request.return_url,
            "metadata": {
                "payment_id": str(request.payment_id),
                "order_id": str(request.order_id),
                "order_number": request.order_number,
            },
        }
        return answer(await self._client.post("/v1/payments", body, request.idempotency_key, WirePayment))

    async def confirm(self, payment: PaymentHandle, data: Mapping[str, Any], key: str) -> GatewayAnswer:
        """Look the payment up: what a browser brings back from the checkout proves nothing."""
        del key  # a look-up changes nothing
        named = data.get("payment")
        if named is not None and payment.reference is not None and named != payment.reference:
            raise GatewayError(
                GatewayErrorKind.REJECTED,
                "The browser came back from another payment.",
                code="payment_mismatch",
            )
        return await self.fetch(payment)

    async def complete(self, payment: PaymentHandle, key: str) -> GatewayAnswer:
        """Look the payment up: nothing here waits for the merchant."""
        del key  # a look-up changes nothing
        return await self.fetch(payment)

    async def capture(self, request: CaptureRequest) -> GatewayAnswer:
        """Capture; the sandbox releases the rest, unless more is to be captured later."""
        path = f"{await self._path(request.payment)}/capture"
        body = {"amount": request.amount.minor, "final_capture": request.final}
        return answer(await self._client.post(path, body, request.idempotency_key, WirePayment))

    async def cancel(self, payment: PaymentHandle, reason: str | None, key: str) -> GatewayAnswer:
        """Give the payment up and release what is held."""
        path = f"{await self._path(payment)}/cancel"
        return answer(await self._client.post(path, {"reason": reason}, key, WirePayment))

    async def refund(self, request: RefundRequest) -> GatewayAnswer:
        """Give money back; our refund's id travels in the metadata."""
        path = f"{await self._path(request.payment)}/refunds"
        body = {
            "amount": request.amount.minor,
            "reason": request.reason,
            "metadata": {"refund_id": str(request.refund_id)},
        }
        refund = await self._client.post(path, body, request.idempotency_key, WireRefund)
        return GatewayAnswer(facts=tuple(refund_facts(refund)), reference=refund.payment)

    async def fetch(self, payment: PaymentHandle) -> GatewayAnswer:
        """Ask by the reference, or by our own id where a call to create was never answered."""
        if payment.reference is not None:
            return answer(await self._client.get(_path(payment.reference), WirePayment))
        answers = [answer(found) for found in await self._find(payment)]
        # There is more than one only if a key changed on the way; then the money of each must be known.
        facts = tuple(fact for each in answers for fact in each.facts)
        return GatewayAnswer(facts=facts, reference=answers[0].reference, next_action=answers[0].next_action)

    async def missed(self, since: datetime) -> AsyncIterator[Notification]:
        """Yield the events since then, page by page, oldest first."""
        params = {"since": since.astimezone(UTC).isoformat(), "limit": "100"}
        for _ in range(EVENT_PAGES_MAX):
            page = await self._client.get("/v1/events", WireEvents, params)
            for event in page.data:
                yield replace(notification(event), body=event.model_dump_json().encode())
            if not page.has_more or not page.data:
                return
            params["after"] = page.data[-1].id
        raise GatewayError(GatewayErrorKind.UNKNOWN, "The sandbox's list of events does not end.")

    async def verify(self, headers: Mapping[str, str], body: bytes, now: datetime) -> Verified:
        """Check the header `Sandbox-Signature` over the raw bytes."""
        header = headers.get("sandbox-signature")
        check = partial(check_signature, header, secrets=self._webhook_secrets, now=now)
        return Verified.by(check, body, headers)

    def parse(self, delivery: Verified) -> Notification:
        """Translate an event."""
        return notification(WireEvent.model_validate_json(delivery.body))

    async def aclose(self) -> None:
        """Close connections."""
        await self._client.aclose()

    async def _path(self, payment: PaymentHandle) -> str:
        return _path(payment.reference or (await self._find(payment))[0].id)

    async def _find(self, payment: PaymentHandle) -> tuple[WirePayment, ...]:
        """Return the payments that carry our id, oldest first, at least one."""
        params = {"metadata_payment_id": str(payment.payment_id)}
        found = (await self._client.get("/v1/payments", WirePayments, params)).data
        if not found:
            raise GatewayError(GatewayErrorKind.NOT_FOUND, "The sandbox has no such payment.")
        return found


def _path(reference: str) -> str:
    return f"/v1/payments/{quote(reference, safe='')}"
