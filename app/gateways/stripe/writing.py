"""Changing something at Stripe: each write under a key, and what is known where Stripe keeps a fault under it."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any, Final

from app.gateways.contract import GatewayError
from app.gateways.stripe.calls import KeptError, idempotency_key
from app.gateways.stripe.parameters import (
    cancel_parameters,
    capture_parameters,
    confirm_parameters,
    create_parameters,
    refund_parameters,
    release_parameters,
)

if TYPE_CHECKING:
    import stripe
    from stripe.params import PaymentIntentCaptureParams, PaymentIntentCreateParams

    from app.gateways.contract import CaptureRequest, CreateRequest, RefundRequest
    from app.gateways.stripe.calls import Calls
    from app.gateways.stripe.options import StripeSettings
    from app.gateways.stripe.reading import Reader

_UNEXPECTED_STATE: Final = "payment_intent_unexpected_state"

Told = dict[str, Any]


class Writer:
    """Writes to one account."""

    def __init__(
        self, api: stripe.V1Services, calls: Calls, reader: Reader, settings: StripeSettings
    ) -> None:
        self._api = api
        self._calls = calls
        self._reader = reader
        self._settings = settings

    async def create(self, request: CreateRequest) -> Told:
        """Open a payment intent."""
        parameters = create_parameters(request, self._settings)
        try:
            return await self._create(parameters, idempotency_key("create", request.idempotency_key))
        except KeptError:
            # An intent whose secret nobody was given can't be paid, so that another one may be opened safely.
            return await self._create(parameters, idempotency_key("create-again", request.idempotency_key))

    async def confirm(self, reference: str, method: str, return_url: object, key: str) -> Told:
        """Confirm with a payment method."""
        intents = self._api.payment_intents
        if self._settings.minimal_parameters:  # there, confirming takes no payment method
            attach = idempotency_key("attach", key)
            await self._calls.ask(
                "payment_intent",
                lambda: intents.update_async(
                    reference, {"payment_method": method}, {"idempotency_key": attach}
                ),
            )
        parameters = confirm_parameters(method, return_url, self._settings)
        own_key = idempotency_key("confirm", key)
        return await self._calls.ask(
            "payment_intent",
            lambda: intents.confirm_async(reference, parameters, {"idempotency_key": own_key}),
        )

    async def capture(self, request: CaptureRequest, reference: str) -> Told:
        """Capture what is held, or a part of it."""
        parameters = capture_parameters(request)
        key = idempotency_key("capture", request.idempotency_key)
        try:
            return await self._capture(reference, parameters, key)
        except KeptError:
            # Of one that is not final nobody could tell whether what is captured is another call's.
            intent = await self._reader.intent_if_told(reference) if request.final else None
            if intent is None or intent.get("status") != "succeeded":
                raise
            return intent

    async def cancel(self, reference: str, reason: str | None, key: str) -> Told:
        """Cancel, and release what is held; after a capture in parts release what it left.

        Each time with a key of its own: Stripe would say for a day that it can't be done because it couldn't at first.
        """
        parameters = cancel_parameters(reason, self._settings)
        own_key = idempotency_key("cancel", f"{key}:{secrets.token_hex(8)}")
        try:
            return await self._calls.ask(
                "payment_intent",
                lambda: self._api.payment_intents.cancel_async(
                    reference, parameters, {"idempotency_key": own_key}
                ),
            )
        except GatewayError as error:
            if not isinstance(error, KeptError) and error.code != _UNEXPECTED_STATE:
                raise
            intent = await self._reader.intent_if_told(reference)
            if intent is None:
                raise
            if intent.get("status") == "canceled":
                return intent
            if intent.get("status") != "requires_capture" or not intent.get("amount_received"):
                raise
        return await self._capture(reference, release_parameters(), idempotency_key("release", own_key))

    async def refund(self, request: RefundRequest, reference: str) -> Told:
        """Give back; the refund carries our id of it."""
        parameters = refund_parameters(request, reference, self._settings)
        key = idempotency_key("refund", request.idempotency_key)
        try:
            return await self._calls.ask(
                "refund", lambda: self._api.refunds.create_async(parameters, {"idempotency_key": key})
            )
        except KeptError:
            refund = await self._reader.refund_if_told(reference, request.refund_id)
            if refund is None:
                raise
            return refund

    async def _create(self, parameters: PaymentIntentCreateParams, key: str) -> Told:
        return await self._calls.ask(
            "payment_intent",
            lambda: self._api.payment_intents.create_async(parameters, {"idempotency_key": key}),
        )

    async def _capture(self, reference: str, parameters: PaymentIntentCaptureParams, key: str) -> Told:
        return await self._calls.ask(
            "payment_intent",
            lambda: self._api.payment_intents.capture_async(reference, parameters, {"idempotency_key": key}),
        )
