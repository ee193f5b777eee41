"""The Razorpay gateway: one order, or one QR code, for each payment.

An order stays open until one try is captured, so a shopper may try again and a bank may still say yes; Razorpay has
no call to cancel one, and none to release an authorisation.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Any, Final

from app.domain.facts import Fact, FactKind, add_facts
from app.domain.states import CaptureMethod, GatewayName, PaymentMethodType
from app.gateways.contract import GatewayAnswer, GatewayError, GatewayErrorKind, Verified, no_events
from app.gateways.razorpay.actions import checkout_action, intent_action, qr_action
from app.gateways.razorpay.amounts import LIMITS, to_razorpay
from app.gateways.razorpay.callback import check_callback
from app.gateways.razorpay.calls import RazorpayClient
from app.gateways.razorpay.events import read_event
from app.gateways.razorpay.facts import payment_facts, qr_code_facts, refund_facts
from app.gateways.razorpay.pace import POLLING
from app.gateways.razorpay.parameters import (
    intent_parameters,
    order_parameters,
    qr_parameters,
    refund_key,
    refund_parameters,
)
from app.gateways.razorpay.reading import ORDERS, QR_CODES, Found, Reader
from app.gateways.razorpay.refusals import check_same, check_unpaid, rejected
from app.gateways.razorpay.signature import check_webhook
from app.gateways.razorpay.wire import WireOrder, WirePayment, WireQrCode, WireRefund, WireUpiPayment

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Mapping
    from datetime import datetime

    from app.gateways.contract import (
        CaptureRequest,
        CreateRequest,
        Notification,
        PaymentHandle,
        RefundRequest,
    )
    from app.gateways.offers import Limits
    from app.gateways.razorpay.options import RazorpaySettings

UPI_CURRENCY: Final = "INR"


class RazorpayGateway:
    """Razorpay, for one account."""

    name = GatewayName.RAZORPAY
    methods: tuple[PaymentMethodType, ...] = (
        PaymentMethodType.CARD,
        PaymentMethodType.UPI_INTENT,
        PaymentMethodType.UPI_QR,
        PaymentMethodType.NETBANKING,
        PaymentMethodType.WALLET,
    )
    polling = POLLING
    signature_header: bytes | None = b"x-razorpay-signature"
    releases = False
    available = True
    limits: Mapping[str, Limits] = LIMITS

    def __init__(self, settings: RazorpaySettings) -> None:
        self.currencies = settings.currencies
        self._settings = settings
        self._webhook_secrets = tuple(secret.encode() for secret in settings.webhook_secrets)
        self._client = RazorpayClient(settings)
        self._reader = Reader(self._client)

    def public_config(self) -> Mapping[str, Any]:
        """Return what checkout.js needs."""
        return {"keyId": self._settings.key_id, "testMode": not self._settings.live}

    async def create(self, request: CreateRequest) -> GatewayAnswer:
        """Open an order, or a QR code, unless an earlier call did so and was never answered.

        Razorpay keeps no idempotency keys for either, so what there is is looked up first.
        """
        amount = to_razorpay(request.amount)
        by_upi = request.method in (PaymentMethodType.UPI_INTENT, PaymentMethodType.UPI_QR)
        if by_upi and request.amount.currency != UPI_CURRENCY:
            raise rejected("UPI takes INR alone.", "currency_not_supported")
        if request.method is PaymentMethodType.UPI_QR:
            return await self._create_code(request, amount)
        known = await self._reader.orders_of(request.payment_id)
        if known:
            order = known[0]
            check_same(request, order.amount, amount, order.currency)
            found = await self._reader.read_order(order)
            if found.authorized or found.captured:
                return self._told(found, request.capture_method)
        else:
            order = await self._client.post(ORDERS, order_parameters(request), WireOrder)
            found = Found(reference=order.id, payments=())
        return self._told(found, request.capture_method, next_action=await self._next_action(order, request))

    async def confirm(self, payment: PaymentHandle, data: Mapping[str, Any], key: str) -> GatewayAnswer:
        """Check what checkout.js handed back, by our own reference, and look the payment up."""
        del key  # a look-up changes nothing
        if payment.reference is None:
            payment = await self._referred(payment)
        check_callback(data, payment.reference or "", self._settings.key_secret.encode())
        return await self.fetch(payment)

    async def complete(self, payment: PaymentHandle, key: str) -> GatewayAnswer:
        """Capture what is authorised where captures are automatic and Razorpay has not done so itself."""
        del key  # a payment is captured once, whoever asks how often
        found = await self._reader.read(payment)
        if not _awaits(found, payment.capture_method):
            return await self._whole(found, payment)
        asked = [held for held in found.authorized if held.amount == to_razorpay(payment.amount)]
        return await self._take((asked or found.authorized)[0], found, payment)

    async def capture(self, request: CaptureRequest) -> GatewayAnswer:
        """Capture an authorisation, whole: Razorpay takes all of it, once.

        Source: razorpay.com/docs/api/payments/capture, read in November 2026.
        """
        if not request.final:
            raise rejected("Razorpay captures a payment once.", "repeated_capture_unsupported")
        found = await self._reader.read(request.payment)
        amount, currency = to_razorpay(request.amount), request.amount.currency
        if any((taken.amount, taken.currency) == (amount, currency) for taken in found.captured):
            return await self._whole(found, request.payment)
        if not found.authorized:
            raise rejected("Razorpay holds no money of this payment.", "nothing_authorized")
        for held in found.authorized:
            if (held.amount, held.currency) == (amount, currency):
                return await self._take(held, found, request.payment)
        raise rejected(
            "Razorpay captures the whole amount that is authorised, or nothing.",
            "partial_capture_unsupported",
        )

    async def cancel(self, payment: PaymentHandle, reason: str | None, key: str) -> GatewayAnswer:
        """Give up what nobody has paid: an order is used no more, and a QR code is closed.

        Neither ends what a shopper's bank has under way, so that the payment lapses and is asked after further on.
        """
        del reason, key  # nothing that Razorpay keeps
        found = await self._reader.read(payment)
        check_unpaid(found)
        if found.code is not None and found.code.status == "active":
            found = await self._closed(found.code)
            check_unpaid(found)
        given_up = Fact(gateway=self.name, object_id=found.reference, kind=FactKind.LAPSED)
        return self._told(found, payment.capture_method, [given_up])

    async def refund(self, request: RefundRequest) -> GatewayAnswer:
        """Give money back; the refund carries our id of it.

        Of several payments for one order, the same must be asked when the call is repeated: so those refunds that
        there are already come first.
        """
        found = await self._reader.read(request.payment)
        if not found.captured:
            raise rejected("Razorpay has taken no money of this payment.", "nothing_captured")
        for paid in found.captured:
            for refund in await self._reader.refunds_of(paid):
                facts = _collected(refund_facts(refund))
                if any(fact.own_id == request.refund_id for fact in facts):
                    return GatewayAnswer(facts=facts, reference=found.reference)
        paid = max(found.captured, key=lambda each: (each.amount - (each.amount_refunded or 0), each.id))
        headers = {"X-Refund-Idempotency": refund_key(request.idempotency_key)}
        refund = await self._client.post(
            f"/v1/payments/{paid.id}/refund", refund_parameters(request), WireRefund, headers
        )
        return GatewayAnswer(facts=_collected(refund_facts(refund)), reference=found.reference)

    async def fetch(self, payment: PaymentHandle) -> GatewayAnswer:
        """Ask for the tries and their refunds. Disputes can't be asked for by payment: webhooks alone tell of them.

        Source: razorpay.com/docs/api/disputes/fetch-all, read in November 2026.
        """
        return await self._whole(await self._reader.read(payment), payment)

    def missed(self, since: datetime) -> AsyncIterator[Notification]:
        """Yield nothing: Razorpay keeps no list of events."""
        del since
        return no_events()

    async def verify(self, headers: Mapping[str, str], body: bytes, now: datetime) -> Verified:
        """Check `X-Razorpay-Signature` over the raw bytes."""
        del now  # no time is signed
        header = headers.get("x-razorpay-signature")
        check = partial(check_webhook, header, secrets=self._webhook_secrets)
        return Verified.by(check, body, headers)

    def parse(self, delivery: Verified) -> Notification:
        """Translate an event."""
        return read_event(delivery)

    async def aclose(self) -> None:
        """Close connections."""
        await self._client.aclose()

    async def _create_code(self, request: CreateRequest, amount: int) -> GatewayAnswer:
        code = await self._reader.code_of(request.payment_id)
        if code is None:
            code = await self._client.post(QR_CODES, qr_parameters(request), WireQrCode)
            found = Found(reference=code.id, payments=(), code=code)
        else:
            check_same(request, code.payment_amount, amount, UPI_CURRENCY)
            found = await self._reader.read_code(code)
        return self._told(found, request.capture_method, next_action=qr_action(code))

    async def _next_action(self, order: WireOrder, request: CreateRequest) -> dict[str, Any]:
        if request.method is not PaymentMethodType.UPI_INTENT:
            return checkout_action(order, request, self._settings)
        # A link that was lost on its way can't be asked for again, and was never shown: the order takes another try.
        body = intent_parameters(order, request, self._settings)
        return intent_action(await self._client.post("/v1/payments/create/upi", body, WireUpiPayment))

    async def _referred(self, payment: PaymentHandle) -> PaymentHandle:
        return replace(payment, reference=(await self._reader.read(payment)).reference)

    async def _take(self, held: WirePayment, found: Found, payment: PaymentHandle) -> GatewayAnswer:
        """Capture exactly what is authorised, unless somebody was faster: Razorpay itself, or an earlier call."""
        body = {"amount": held.amount, "currency": held.currency}
        try:
            taken = await self._client.post(f"/v1/payments/{held.id}/capture", body, WirePayment)
        except GatewayError as error:
            if error.kind is not GatewayErrorKind.REJECTED:
                raise
            found = await self._reader.read(payment)
            if held.id not in {each.id for each in found.captured}:
                raise
            return await self._whole(found, payment)
        return self._told(found.with_payment(taken), payment.capture_method)

    async def _closed(self, code: WireQrCode) -> Found:
        try:
            closed = await self._client.post(f"{QR_CODES}/{code.id}/close", {}, WireQrCode)
        except GatewayError as error:
            if error.kind is not GatewayErrorKind.REJECTED:
                raise
            closed = await self._client.get(f"{QR_CODES}/{code.id}", WireQrCode)
            if closed.status == "active":
                raise
        return await self._reader.read_code(closed)

    async def _whole(self, found: Found, payment: PaymentHandle) -> GatewayAnswer:
        """Return all that there is to know: what was found, and the refunds of what was captured."""
        told: list[Fact] = []
        for paid in found.captured:
            for refund in await self._reader.refunds_of(paid):
                told += _collected(refund_facts(refund, paid))
        return self._told(found, payment.capture_method, told)

    def _told(
        self,
        found: Found,
        capture_method: CaptureMethod,
        more: Iterable[Fact] = (),
        next_action: Mapping[str, Any] | None = None,
    ) -> GatewayAnswer:
        closed = qr_code_facts(found.code) if found.code and not found.captured else ()
        tries = chain.from_iterable(map(payment_facts, found.payments))
        return GatewayAnswer(
            facts=_collected(chain(tries, closed, more)),
            reference=found.reference,
            next_action=next_action,
            awaits_us=_awaits(found, capture_method),
        )


def _awaits(found: Found, capture_method: CaptureMethod) -> bool:
    """Whether money is held that is to be captured without anybody's word, and none has been."""
    return capture_method is CaptureMethod.AUTOMATIC and bool(found.authorized) and not found.captured


def _collected(told: Iterable[Fact]) -> tuple[Fact, ...]:
    """Return the facts, each once.

    Raises:
        GatewayError: UNKNOWN when an object makes no sense.
    """
    try:
        return tuple(add_facts({}, told)[0].values())
    except ValueError as error:
        raise GatewayError(GatewayErrorKind.UNKNOWN, str(error), code="unreadable_answer") from error
