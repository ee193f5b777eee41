"""The PayPal gateway: orders that the shopper approves on PayPal's page, and that are taken by us afterwards."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import orjson

from app.domain.facts import Fact, FactKind
from app.domain.states import CaptureMethod, GatewayName, PaymentMethodType
from app.gateways.contract import NO_REFERENCE, GatewayAnswer, GatewayError, GatewayErrorKind
from app.gateways.paypal.amounts import CURRENCIES
from app.gateways.paypal.backlog import events_since
from app.gateways.paypal.calls import Calls, request_id, unreadable
from app.gateways.paypal.events import read_event, tells_of_money, warn_unknown
from app.gateways.paypal.facts import (
    OPEN_HOLDS,
    TAKEN,
    inside,
    is_untouched,
    joined,
    order_facts,
    refund_facts,
)
from app.gateways.paypal.fields import ID, Json, own_ids, path_id, required_text, status_of, text
from app.gateways.paypal.pace import POLLING
from app.gateways.paypal.refunds import capture_to_refund
from app.gateways.paypal.refusals import ALREADY_DONE, ALREADY_VOIDED, PAYER_ACTION, PayPalError
from app.gateways.paypal.requests import (
    capture_body,
    create_body,
    next_action,
    redirect,
    refund_body,
    rejected,
)
from app.gateways.paypal.verification import Verification
from app.gateways.words import warn_of_unknown

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from app.gateways.contract import (
        CaptureRequest,
        CreateRequest,
        Notification,
        PaymentHandle,
        RefundRequest,
        Verified,
    )
    from app.gateways.offers import Limits
    from app.gateways.paypal.options import PayPalSettings

_ORDERS: Final = "/v2/checkout/orders"
_PAYMENTS: Final = "/v2/payments"


class PayPalGateway:
    """PayPal, for one app."""

    name = GatewayName.PAYPAL
    methods: tuple[PaymentMethodType, ...] = (PaymentMethodType.PAYPAL, PaymentMethodType.WALLET)
    currencies = CURRENCIES
    polling = POLLING
    signature_header: bytes | None = b"paypal-transmission-sig"
    releases = True
    available = True
    limits: Mapping[str, Limits] = MappingProxyType({})

    def __init__(self, settings: PayPalSettings) -> None:
        self._settings = settings
        self._calls = Calls(settings)
        self._verification = Verification(settings, self._calls)

    def public_config(self) -> Mapping[str, Any]:
        """Return what PayPal's buttons need."""
        return {"clientId": self._settings.client_id}

    async def create(self, request: CreateRequest) -> GatewayAnswer:
        """Open an order; PayPal keeps the key of one for 6 h, and answers a repetition with the same order."""
        key = request_id("create", request.idempotency_key)
        return _answer(await self._calls.post(_ORDERS, create_body(request), key))

    async def confirm(self, payment: PaymentHandle, data: Mapping[str, Any], key: str) -> GatewayAnswer:
        """Look up what the shopper did; `token`, as the redirect has it, must be this payment's order."""
        del key  # a look-up changes nothing
        claimed = data.get("token", data.get("orderID"))
        if claimed is not None and claimed != payment.reference:
            raise rejected("That PayPal order is not this payment's.", "payment_mismatch")
        return await self.fetch(payment)

    async def complete(self, payment: PaymentHandle, key: str) -> GatewayAnswer:
        """Capture or authorise an approved order. PayPal does either once for an order, whatever the key.

        The key holds for one approval: after a decline the shopper may approve again with other money.
        """
        order = await self._order(payment)
        if status_of(order) != "APPROVED" or not is_untouched(order):
            return _answer(order)
        reference = required_text(order, "id")
        step = "authorize" if payment.capture_method is CaptureMethod.MANUAL else "capture"
        own_key = request_id(step, key, text(order, "update_time") or "")
        try:
            taken = await self._calls.post(f"{_ORDERS}/{reference}/{step}", {}, own_key)
        except PayPalError as error:
            return await self._not_taken(payment, reference, own_key, error)
        _check(taken)
        if not is_untouched(taken):
            return _answer(taken)
        return _answer(await self._after_write(payment))

    async def capture(self, request: CaptureRequest) -> GatewayAnswer:
        """Capture the authorisation; what a final capture leaves is released."""
        order = await self._order(request.payment)
        holds = inside(order, "authorizations")
        if not holds:
            raise rejected("PayPal has no authorisation to capture.", "nothing_authorized")
        hold = next((hold for hold in holds if status_of(hold) in OPEN_HOLDS), holds[-1])
        key = request_id("capture", request.idempotency_key)
        path = f"{_PAYMENTS}/authorizations/{path_id(hold)}/capture"
        await self._calls.post(path, capture_body(request), key)
        return _answer(await self._after_write(request.payment))

    async def cancel(self, payment: PaymentHandle, reason: str | None, key: str) -> GatewayAnswer:
        """Void what is authorised. An order that is not taken yet can't be ended at PayPal: it is left to lapse.

        Raises:
            GatewayError: REJECTED when money was taken, or is about to be.
        """
        del reason  # PayPal has no place for it
        order = await self._order(payment)
        holds = [hold for hold in inside(order, "authorizations") if status_of(hold) in OPEN_HOLDS]
        captures = inside(order, "captures")
        if not holds and any(status_of(capture) in TAKEN | {"PENDING"} for capture in captures):
            raise rejected("PayPal has taken this payment.", "already_captured")
        for hold in holds:
            own_key = request_id("void", key, path_id(hold))
            try:
                await self._calls.post(f"{_PAYMENTS}/authorizations/{path_id(hold)}/void", {}, own_key)
            except PayPalError as error:
                if error.code not in ALREADY_VOIDED:
                    raise
        if inside(order, "authorizations"):
            return _answer(await self._after_write(payment))
        canceled = Fact(
            gateway=GatewayName.PAYPAL, object_id=required_text(order, "id"), kind=FactKind.CANCELED
        )
        return GatewayAnswer(facts=(*order_facts(order), canceled), reference=payment.reference)

    async def refund(self, request: RefundRequest) -> GatewayAnswer:
        """Refund the capture that has enough left; the refund carries our id of it."""
        order = await self._order(request.payment)
        if any(own_ids(refund)[1] == request.refund_id for refund in inside(order, "refunds")):
            return _answer(order)
        body = refund_body(request)
        try:
            capture_id = capture_to_refund(order, request.amount)
        except ValueError as error:
            raise unreadable(error) from error
        key = request_id("refund", request.idempotency_key)
        told = await self._calls.post(f"{_PAYMENTS}/captures/{capture_id}/refund", body, key)
        try:
            # Without `Prefer` taken up, it tells its id and status alone.
            refund = {"amount": body["amount"], "custom_id": body["custom_id"], **told}
            facts = joined((*order_facts(order), *refund_facts(refund)))
        except ValueError as error:
            raise unreadable(error) from error
        return GatewayAnswer(facts=facts, reference=request.payment.reference)

    async def fetch(self, payment: PaymentHandle) -> GatewayAnswer:
        """Ask for the order, with its captures, authorisations and refunds.

        Raises:
            GatewayError: UNKNOWN when the payment has no reference yet: repeat `create` with its key to learn it.
        """
        return _answer(await self._order(payment))

    async def missed(self, since: datetime) -> AsyncIterator[Notification]:
        """Yield the events since `since`; PayPal lists them for 30 days."""
        async for event in events_since(self._calls.get, since, datetime.now(UTC)):
            if tells_of_money(event):
                try:
                    notification = read_event(event)
                except ValueError:
                    warn_of_unknown(GatewayName.PAYPAL, "unreadable event", str(event.get("id")))
                    continue
                yield replace(notification, body=orjson.dumps(event))

    async def verify(self, headers: Mapping[str, str], body: bytes, now: datetime) -> Verified:
        """Check the `PayPal-Transmission-…` headers over the raw bytes."""
        return await self._verification.verify(headers, body, now)

    def parse(self, delivery: Verified) -> Notification:
        """Translate an event."""
        try:
            event = orjson.loads(delivery.body)
        except orjson.JSONDecodeError as error:
            raise ValueError(f"PayPal's event is not JSON: {error}") from None
        if not isinstance(event, dict):
            raise ValueError("PayPal's event is not a JSON object.")  # noqa: TRY004 - the contract's word
        return read_event(event)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._verification.aclose()
        await self._calls.aclose()

    async def _order(self, payment: PaymentHandle) -> Json:
        reference = payment.reference
        if reference is None:
            raise GatewayError(
                GatewayErrorKind.UNKNOWN,
                "PayPal's id of this payment is not known; repeat its creation with the same key.",
                code=NO_REFERENCE,
            )
        if not ID.fullmatch(reference):
            raise GatewayError(
                GatewayErrorKind.NOT_FOUND, "That is no id of a PayPal order.", code="invalid_reference"
            )
        order = await self._calls.get(f"{_ORDERS}/{reference}")
        if order.get("id") != reference:
            raise unreadable("it is another order")
        _check(order)
        return order

    async def _after_write(self, payment: PaymentHandle) -> Json:
        """Read an order that was just written to: what goes wrong with the reading says nothing of the writing."""
        try:
            return await self._order(payment)
        except GatewayError as error:
            raise GatewayError(
                GatewayErrorKind.UNKNOWN,
                "PayPal did what was asked, or had before, and can't be read at the moment.",
                code=error.code,
            ) from error

    async def _not_taken(
        self, payment: PaymentHandle, reference: str, own_key: str, error: PayPalError
    ) -> GatewayAnswer:
        if error.code in ALREADY_DONE:
            return _answer(await self._after_write(payment))
        action = None
        with suppress(ValueError):
            action = redirect(error.body, "redirect", "payer-action", "approve")
        if error.code == PAYER_ACTION:
            waits = Fact(gateway=GatewayName.PAYPAL, object_id=reference, kind=FactKind.ACTION_REQUIRED)
            return GatewayAnswer(facts=(waits,), reference=reference, next_action=action)
        if error.kind is GatewayErrorKind.DECLINED:
            # A try of its own: the order stays open, and what is approved next is not late.
            failed = Fact(
                gateway=GatewayName.PAYPAL,
                object_id=f"{reference}:{own_key}",
                kind=FactKind.FAILED,
                method=PaymentMethodType.PAYPAL,
                failure=error.failure,
            )
            error.answer = GatewayAnswer(facts=(failed,), reference=reference, next_action=action)
        raise error


def _check(order: Json) -> None:
    """Refuse an order that can't be read, before anything is done about it."""
    try:
        order_facts(order)
        warn_unknown("order", order)
        for kind, name in (
            ("capture", "captures"),
            ("authorization", "authorizations"),
            ("refund", "refunds"),
        ):
            for obj in inside(order, name):
                path_id(obj)
                own_ids(obj)
                warn_unknown(kind, obj)
    except ValueError as error:
        raise unreadable(error) from error


def _answer(order: Json) -> GatewayAnswer:
    _check(order)
    try:
        return GatewayAnswer(
            facts=order_facts(order),
            reference=required_text(order, "id"),
            next_action=next_action(order),
            awaits_us=status_of(order) == "APPROVED" and is_untouched(order),
        )
    except ValueError as error:
        raise unreadable(error) from error
