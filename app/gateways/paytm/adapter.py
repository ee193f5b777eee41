"""The Paytm gateway: a payment of ours is one Paytm order, named by our id, and another try is another payment.

Paytm has no call to cancel an order or a code that nobody paid, and doesn't tell one that nobody began to pay from one
that it never had.
"""

from __future__ import annotations

from itertools import chain
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, TypeVar

from app.domain.facts import Fact, FactKind, add_facts
from app.domain.states import CaptureMethod, GatewayName, PaymentMethodType
from app.gateways.contract import GatewayAnswer, SignatureError, Verified, no_events
from app.gateways.paytm import results
from app.gateways.paytm.actions import checkout_action, intent_action, qr_action
from app.gateways.paytm.amounts import to_paytm
from app.gateways.paytm.calls import PaytmClient
from app.gateways.paytm.checksum import CHECKSUM_FIELD, check_form
from app.gateways.paytm.facts import refund_facts, status_facts
from app.gateways.paytm.pace import POLLING
from app.gateways.paytm.results import refusal_of, rejected, unreadable
from app.gateways.paytm.webhooks import check_delivery, read_delivery
from app.gateways.paytm.wire import Wire, WireIntent, WireQrCode, WireRefund, WireStatus, WireToken

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Mapping
    from datetime import datetime
    from uuid import UUID

    from app.gateways.contract import (
        CaptureRequest,
        CreateRequest,
        Notification,
        PaymentHandle,
        RefundRequest,
    )
    from app.gateways.offers import Limits
    from app.gateways.paytm.options import PaytmSettings
    from app.gateways.paytm.wire import WireResult

_Model = TypeVar("_Model", bound=Wire)
_CALLBACK_FIELDS_MAX: Final = 50
_CALLBACK_CHARS_MAX: Final = 2048


class PaytmGateway:
    """Paytm, for one account."""

    name = GatewayName.PAYTM
    methods: tuple[PaymentMethodType, ...] = (
        PaymentMethodType.UPI_INTENT,
        PaymentMethodType.UPI_QR,
        PaymentMethodType.CARD,
        PaymentMethodType.NETBANKING,
        PaymentMethodType.WALLET,
    )
    currencies: tuple[str, ...] = ("INR",)
    polling = POLLING
    signature_header: bytes | None = None
    releases = False
    available = True
    limits: Mapping[str, Limits] = MappingProxyType({})  # none was found published

    def __init__(self, settings: PaytmSettings) -> None:
        self._settings = settings
        self._key = settings.merchant_key.encode()
        self._client = PaytmClient(settings)

    def public_config(self) -> Mapping[str, Any]:
        """Return what the checkout's page may know."""
        return {"mid": self._settings.mid, "testMode": not self._settings.live}

    async def create(self, request: CreateRequest) -> GatewayAnswer:
        """Open an order, or a QR code for one. Paytm answers a repeated call for the same order as it did the first."""
        if request.capture_method is CaptureMethod.MANUAL:
            raise rejected(
                "At Paytm, holds need an activation that is not supported here.", "preauth_unsupported"
            )
        order_id, amount = str(request.payment_id), to_paytm(request.amount)
        if request.method is PaymentMethodType.UPI_QR:
            return await self._create_code(order_id, amount)
        token = await self._initiate(request, order_id, amount)
        action = checkout_action(token, order_id, amount, self._settings)
        if request.method is PaymentMethodType.UPI_INTENT:
            action = await self._intent(token, order_id)
        return GatewayAnswer(facts=(), reference=order_id, next_action=action)

    async def confirm(self, payment: PaymentHandle, data: Mapping[str, Any], key: str) -> GatewayAnswer:
        """Check what the checkout handed back, where it handed back anything, and look the payment up."""
        del key  # a look-up changes nothing
        self._check_callback(data, _order_id(payment))
        return await self.fetch(payment)

    async def complete(self, payment: PaymentHandle, key: str) -> GatewayAnswer:
        """Look the payment up: Paytm leaves nothing to the merchant."""
        del key  # a look-up changes nothing
        return await self.fetch(payment)

    async def capture(self, request: CaptureRequest) -> GatewayAnswer:
        """Refuse: what was paid was taken at once."""
        del request
        raise rejected("At Paytm, payments are taken at once.", "preauth_unsupported")

    async def cancel(self, payment: PaymentHandle, reason: str | None, key: str) -> GatewayAnswer:
        """Give up what nobody pays. Paytm can't be told, so that the payment lapses and is asked after further on.

        Source: paytmpayments.com/docs/api, which has no such call, read in November 2026.
        """
        del reason, key  # nothing is sent
        answer = await self.fetch(payment)
        kinds = {fact.kind for fact in answer.facts}
        if FactKind.CAPTURED in kinds:
            raise rejected("The money was taken already: give it back instead.", "already_captured")
        if FactKind.PROCESSING in kinds:
            raise rejected("The shopper's bank is at work on it.", "under_way")
        lapsed = Fact(gateway=self.name, object_id=_order_id(payment), kind=FactKind.LAPSED)
        return GatewayAnswer(facts=(*answer.facts, lapsed), reference=answer.reference)

    async def refund(self, request: RefundRequest) -> GatewayAnswer:
        """Give money back under our id of the refund, which Paytm takes once."""
        order_id = _order_id(request.payment)
        result, status = await self._status(order_id)
        if status is None or status.transaction_id is None or result.status not in results.SUCCEEDED:
            raise rejected("Paytm has taken no money of this payment.", "nothing_captured")
        result, told = await self._client.signed(
            "/refund/apply",
            {
                "mid": self._settings.mid,
                "txnType": "REFUND",
                "orderId": order_id,
                "txnId": status.transaction_id,
                "refId": str(request.refund_id),
                "refundAmount": to_paytm(request.amount),
            },
        )
        if result.code in results.REFUND_THERE_CODES:
            facts = await self._refund_facts(order_id, request.refund_id)
            if not facts:
                # It is there, and not yet where it is looked up: called refused, it would be paid out once more.
                raise unreadable()
            return GatewayAnswer(facts=facts, reference=order_id)
        if result.status not in results.SUCCEEDED and result.status != results.PENDING:
            raise refusal_of(result)
        if results.is_system_error(result):
            raise refusal_of(result)
        return GatewayAnswer(facts=_facts(refund_facts(result, _read(WireRefund, told))), reference=order_id)

    async def fetch(self, payment: PaymentHandle) -> GatewayAnswer:
        """Ask for the order, and for those refunds of ours that are named. What nobody began to pay has no record.

        Disputes can't be asked for by payment: webhooks alone tell of them.
        Source: paytmpayments.com/docs/api/dispute-status-api, which asks by the dispute's id, read in November 2026.
        """
        order_id = _order_id(payment)
        result, status = await self._status(order_id)
        facts = () if status is None else _facts(status_facts(result, status))
        refunds = [await self._refund_facts(order_id, refund_id) for refund_id in payment.refund_ids]
        return GatewayAnswer(facts=tuple(chain(facts, *refunds)), reference=order_id)

    def missed(self, since: datetime) -> AsyncIterator[Notification]:
        """Yield nothing: Paytm keeps no list of events."""
        del since
        return no_events()

    async def verify(self, headers: Mapping[str, str], body: bytes, now: datetime) -> Verified:
        """Check the checksum, which is in the body. No time is signed."""
        del now
        return Verified.by(lambda raw: check_delivery(raw, self._key), body, headers)

    def parse(self, delivery: Verified) -> Notification:
        """Translate a webhook."""
        return read_delivery(delivery.body)

    async def aclose(self) -> None:
        """Close connections."""
        await self._client.aclose()

    async def _initiate(self, request: CreateRequest, order_id: str, amount: str) -> WireToken:
        body: dict[str, Any] = {
            "requestType": "Payment",
            "mid": self._settings.mid,
            "websiteName": self._settings.website,
            "orderId": order_id,
            "txnAmount": {"value": amount, "currency": request.amount.currency},
            "userInfo": {"custId": str(request.order_id)},
        }
        if request.return_url:
            body["callbackUrl"] = request.return_url
        if request.customer_email:
            body["userInfo"]["email"] = request.customer_email
        result, told = await self._client.signed(
            "/theia/api/v1/initiateTransaction", body, mid=self._settings.mid, orderId=order_id
        )
        if result.status not in results.SUCCEEDED:
            raise refusal_of(result)
        return _read(WireToken, told)

    async def _intent(self, token: WireToken, order_id: str) -> dict[str, Any]:
        body = {
            "requestType": "NATIVE",
            "mid": self._settings.mid,
            "orderId": order_id,
            "paymentMode": "UPI_INTENT",
        }
        result, told = await self._client.with_token(
            "/theia/api/v1/processTransaction", token.token, body, mid=self._settings.mid, orderId=order_id
        )
        if result.status not in results.SUCCEEDED:
            raise refusal_of(result)
        return intent_action(_read(WireIntent, told))

    async def _create_code(self, order_id: str, amount: str) -> GatewayAnswer:
        body = {
            "mid": self._settings.mid,
            "orderId": order_id,
            "amount": amount,
            "businessType": "UPI_QR_CODE",
            "posId": "web",
        }
        result, told = await self._client.signed("/paymentservices/qr/create", body)
        if result.status not in results.SUCCEEDED:
            raise refusal_of(result)
        action = qr_action(_read(WireQrCode, told))
        return GatewayAnswer(facts=(), reference=order_id, next_action=action)

    async def _status(self, order_id: str) -> tuple[WireResult, WireStatus | None]:
        """Ask for an order; None where Paytm has no record of it."""
        result, told = await self._client.signed(
            "/v3/order/status", {"mid": self._settings.mid, "orderId": order_id}
        )
        if results.is_no_record(result):
            return result, None
        if results.is_about_us(result):
            raise refusal_of(result)
        if "orderId" not in told and results.is_system_error(result):
            raise refusal_of(result)
        status = _read(WireStatus, told)
        if status.order_id != order_id or status.merchant not in (None, self._settings.mid):
            raise unreadable()
        return result, status

    async def _refund_facts(self, order_id: str, refund_id: UUID) -> tuple[Fact, ...]:
        body = {"mid": self._settings.mid, "orderId": order_id, "refId": str(refund_id)}
        result, told = await self._client.signed("/v2/refund/status", body)
        if result.code in results.NO_REFUND_CODES or results.is_no_record(result):
            return ()
        if results.is_about_us(result):
            raise refusal_of(result)
        if "refundId" not in told:
            if results.is_system_error(result) or result.status != results.FAILED:
                raise unreadable()
            return ()
        return _facts(refund_facts(result, _read(WireRefund, told)))

    def _check_callback(self, data: Mapping[str, Any], order_id: str) -> None:
        """Check that what a browser claims is about this order and, where it claims to be signed, that it is."""
        fields = {name: value for name, value in data.items() if isinstance(value, str)}
        if len(fields) > _CALLBACK_FIELDS_MAX or any(
            len(value) > _CALLBACK_CHARS_MAX for value in fields.values()
        ):
            raise rejected("Paytm's callback is a form of short texts.", "invalid_callback")
        if fields.get("ORDERID", fields.get("orderId", order_id)) != order_id:
            raise rejected("The browser came back from another payment.", "payment_mismatch")
        if CHECKSUM_FIELD not in fields:
            return
        try:
            check_form(fields, self._key)
        except SignatureError as error:
            raise rejected("The checksum of Paytm's callback is not valid.", "signature_mismatch") from error


def _order_id(payment: PaymentHandle) -> str:
    return payment.reference or str(payment.payment_id)


def _read(model: type[_Model], told: Mapping[str, Any]) -> _Model:
    try:
        return model.model_validate(told)
    except ValueError as error:
        raise unreadable(error) from error


def _facts(told: Iterable[Fact]) -> tuple[Fact, ...]:
    """Return the facts, each once.

    Raises:
        GatewayError: UNKNOWN when an object makes no sense.
    """
    try:
        return tuple(add_facts({}, told)[0].values())
    except ValueError as error:
        raise unreadable(error) from error
