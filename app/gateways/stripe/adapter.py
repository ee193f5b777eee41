"""The Stripe gateway: payment intents through the official SDK.

Each write carries a key derived from ours. Nothing of the SDK's module-wide state is used but one switch, which
has no other place: telemetry off.
"""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import orjson
import stripe

from app.domain.facts import add_facts
from app.domain.states import GatewayName, PaymentMethodType
from app.gateways.contract import NO_REFERENCE, GatewayAnswer, GatewayError, GatewayErrorKind, Verified
from app.gateways.polling import UPI_METHODS
from app.gateways.stripe.actions import next_action
from app.gateways.stripe.amounts import LIMITS
from app.gateways.stripe.backlog import Backlog
from app.gateways.stripe.calls import Calls
from app.gateways.stripe.events import bare_event, read_event, tells_of_money
from app.gateways.stripe.facts import facts_of
from app.gateways.stripe.fields import Json, part
from app.gateways.stripe.pace import POLLING
from app.gateways.stripe.reading import Reader
from app.gateways.stripe.signature import check_signature
from app.gateways.stripe.transport import Transport
from app.gateways.stripe.writing import Writer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from datetime import datetime

    from app.gateways.contract import (
        CaptureRequest,
        CreateRequest,
        Notification,
        PaymentHandle,
        RefundRequest,
    )
    from app.gateways.offers import Limits
    from app.gateways.stripe.options import StripeSettings

_METHOD_ID: Final = re.compile(r"(pm|card|src)_[A-Za-z0-9_]{1,250}")
_METHODS: Final = (PaymentMethodType.CARD, PaymentMethodType.WALLET)


class StripeGateway:
    """Stripe, for one account."""

    name = GatewayName.STRIPE
    methods: tuple[PaymentMethodType, ...]
    currencies: tuple[str, ...] = ()
    polling = POLLING
    signature_header: bytes | None = b"stripe-signature"
    releases = True
    available = True
    limits: Mapping[str, Limits] = LIMITS

    def __init__(self, settings: StripeSettings) -> None:
        self._settings = settings
        self.methods = (*_METHODS, *(UPI_METHODS if settings.upi else ()))
        self._transport = Transport(
            timeout_seconds=settings.timeout_seconds,
            connect_timeout_seconds=settings.connect_timeout_seconds,
        )
        stripe.enable_telemetry = False
        api = stripe.StripeClient(
            settings.secret_key,
            base_addresses={"api": settings.api_base} if settings.api_base else {},
            http_client=self._transport,
            max_network_retries=0,
        ).v1
        calls = Calls(settings, self._with_facts)
        self._reader = Reader(api, calls, all_types=settings.minimal_parameters)
        self._writer = Writer(api, calls, self._reader, settings)

    def public_config(self) -> Mapping[str, Any]:
        """Return what Stripe.js needs."""
        return {"publishableKey": self._settings.publishable_key}

    async def create(self, request: CreateRequest) -> GatewayAnswer:
        """Open a payment intent; the browser takes it from there with Stripe.js."""
        return self._answer(await self._writer.create(request))

    async def confirm(self, payment: PaymentHandle, data: Mapping[str, Any], key: str) -> GatewayAnswer:
        """Confirm with `paymentMethod` (and `returnUrl`) when given, else look up what the browser did.

        `paymentIntent`, or `payment_intent` as Stripe's redirects write it, must be this payment's.
        """
        reference = _reference(payment)
        claimed = data.get("paymentIntent", data.get("payment_intent"))
        if claimed is not None and claimed != reference:
            raise _rejected("That payment intent is not this payment's.", "payment_mismatch")
        method = data.get("paymentMethod")
        if method is None:
            return self._answer(await self._reader.intent(reference))
        if not isinstance(method, str) or not _METHOD_ID.fullmatch(method):
            raise _rejected("That is no id of a Stripe payment method.", "invalid_payment_method")
        try:
            return self._answer(await self._writer.confirm(reference, method, data.get("returnUrl"), key))
        except GatewayError as error:
            if error.kind is GatewayErrorKind.DECLINED and error.answer is None:
                with suppress(GatewayError):  # the refusal is news enough
                    error.answer = self._answer(await self._reader.intent(reference))
            raise

    async def complete(self, payment: PaymentHandle, key: str) -> GatewayAnswer:
        """Look the payment up: nothing here waits for the merchant."""
        del key  # a look-up changes nothing
        return await self.fetch(payment)

    async def capture(self, request: CaptureRequest) -> GatewayAnswer:
        """Capture; Stripe releases the rest, and refuses to keep it where the card's network can't."""
        return self._answer(await self._writer.capture(request, _reference(request.payment)))

    async def cancel(self, payment: PaymentHandle, reason: str | None, key: str) -> GatewayAnswer:
        """Cancel, and release what was authorised; after a capture in parts release what it left."""
        return self._answer(await self._writer.cancel(_reference(payment), reason, key))

    async def refund(self, request: RefundRequest) -> GatewayAnswer:
        """Refund; the refund carries our id of it."""
        reference = _reference(request.payment)
        return self._told([await self._writer.refund(request, reference)], reference)

    async def fetch(self, payment: PaymentHandle) -> GatewayAnswer:
        """Ask for the payment intent, its charge, refunds and disputes.

        Raises:
            GatewayError: UNKNOWN when the payment has no reference yet: repeat `create` with its key to learn it.
        """
        if payment.reference is None:
            raise GatewayError(
                GatewayErrorKind.UNKNOWN,
                "Stripe's id of this payment is not known; repeat its creation with the same key.",
                code=NO_REFERENCE,
            )
        intent = await self._reader.intent(payment.reference)
        told = [intent, *await self._reader.belongings(intent, payment.reference)]
        return self._told(told, payment.reference, intent)

    async def missed(self, since: datetime) -> AsyncIterator[Notification]:
        """Yield the events since `since`; Stripe keeps them for 30 days."""
        async for event in Backlog(self._reader.events).events(int(since.timestamp())):
            if tells_of_money(event):
                yield replace(self._notification(event), body=orjson.dumps(event))

    async def verify(self, headers: Mapping[str, str], body: bytes, now: datetime) -> Verified:
        """Check `Stripe-Signature` over the raw bytes."""
        header = headers.get("stripe-signature")
        signed_with = self._settings.webhook_secrets
        return Verified.by(lambda raw: check_signature(header, raw, signed_with, now), body, headers)

    def parse(self, delivery: Verified) -> Notification:
        """Translate an event."""
        try:
            event = orjson.loads(delivery.body)
        except orjson.JSONDecodeError as error:
            raise ValueError(f"Stripe's event is not JSON: {error}") from None
        if not isinstance(event, dict):
            raise ValueError("Stripe's event is not a JSON object.")  # noqa: TRY004 - the contract's word
        return read_event(event, live=self._settings.live, publishable_key=self._settings.publishable_key)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._transport.close_async()

    def _notification(self, event: Json) -> Notification:
        try:
            return read_event(event, live=self._settings.live, publishable_key=self._settings.publishable_key)
        except ValueError:
            return bare_event(event)  # one that can't be read must not end the recovery of the others

    def _answer(self, intent: Json) -> GatewayAnswer:
        return self._told([intent], str(intent["id"]), intent)

    def _told(self, objects: list[Json], reference: str, intent: Json | None = None) -> GatewayAnswer:
        before_basil = self._settings.minimal_parameters
        try:
            told = [fact for obj in objects for fact in facts_of(obj, before_basil=before_basil)]
            return GatewayAnswer(
                facts=tuple(add_facts({}, told)[0].values()),
                reference=reference,
                next_action=next_action(intent, self._settings.publishable_key) if intent else None,
            )
        except ValueError as error:
            raise GatewayError(GatewayErrorKind.UNKNOWN, str(error), code="unreadable_answer") from error

    def _with_facts(self, failed: GatewayError, error: Json) -> GatewayError:
        """Add what the error's own payment intent tells."""
        intent = part(error, "payment_intent")
        if intent:
            with suppress(GatewayError):  # an unreadable intent takes nothing from the error
                failed.answer = self._answer(intent)
        return failed


def _reference(payment: PaymentHandle) -> str:
    if payment.reference is None:
        raise _rejected("Stripe has not opened this payment yet.", NO_REFERENCE)
    return payment.reference


def _rejected(message: str, code: str) -> GatewayError:
    return GatewayError(GatewayErrorKind.REJECTED, message, code=code)
