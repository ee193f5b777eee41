"""Opening, confirming, capturing, canceling, asking after and refunding payments.

The intent is written before a gateway is called, the call happens outside any transaction, and what was learned is
settled together with the answer to the caller's key. No answer from a gateway is *unknown*, never failed.
"""

from __future__ import annotations

import logging
import time
from collections import OrderedDict
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import orjson

from app.batch import Command
from app.checkout.access import order_for, payment_for, require_staff
from app.checkout.catalog import check_text
from app.checkout.ordering import REASON_LENGTH_MAX
from app.domain.changes import OpenPayment, Report, RequestRefund
from app.domain.errors import DomainError, ErrorCode
from app.domain.facts import Fact, FactKind
from app.domain.money import Money
from app.domain.order import Order, Payment
from app.domain.states import (
    CaptureMethod,
    EventSource,
    PaymentMethodType,
    PaymentStatus,
    RefundInitiator,
)
from app.gateways import (
    CaptureRequest,
    CreateRequest,
    GatewayAnswer,
    GatewayError,
    GatewayErrorKind,
    PaymentHandle,
    RefundRequest,
)
from app.idempotency import Answer, Idempotency
from db import reads

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from uuid import UUID

    from app.auth import Caller
    from app.domain.changes import OrderRecord
    from app.domain.states import GatewayName
    from app.gateways import Gateway, GatewayRegistry
    from app.settle import Settler
    from db.pool import Database

log = logging.getLogger(__name__)

RETURN_URL_LENGTH_MAX: Final = 2048
GATEWAY_DATA_BYTES_MAX: Final = 16_384
SYNC_INTERVAL_SECONDS: Final = 2.0
"""How soon the same payment may be asked after again, by whoever asks."""
_SYNC_REMEMBERED_MAX: Final = 10_000
_CANCELABLE: Final = frozenset(
    {
        PaymentStatus.REQUIRES_PAYMENT_METHOD,
        PaymentStatus.REQUIRES_ACTION,
        PaymentStatus.PROCESSING,
        PaymentStatus.REQUIRES_CAPTURE,
        PaymentStatus.FAILED,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPaymentInput:
    """A payment as it is asked for. Without an amount, whatever is left to pay."""

    gateway: GatewayName
    method: PaymentMethodType | None = None
    amount: Money | None = None
    capture_method: CaptureMethod = CaptureMethod.AUTOMATIC
    return_url: str | None = None


class Paying:
    """The use cases around payments."""

    def __init__(
        self,
        *,
        database: Database,
        settler: Settler,
        gateways: GatewayRegistry,
        return_origins: frozenset[str],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`return_origins` are the origins that a shopper may be sent back to; empty for any (development)."""
        self._database = database
        self._settler = settler
        self._gateways = gateways
        self._return_origins = return_origins
        self._clock = clock
        self._asked: OrderedDict[UUID, float] = OrderedDict()
        self._keys = Idempotency(database)

    async def create(self, caller: Caller, order_id: UUID | None, given: NewPaymentInput, key: str) -> Answer:
        """Open a payment at a gateway.

        Raises:
            DomainError: NOT_FOUND, INVALID, ALREADY_PAID, PAYMENT_IN_PROGRESS, AMOUNT_TOO_LARGE, CURRENCY_MISMATCH,
                CURRENCY_NOT_SUPPORTED, GATEWAY_UNAVAILABLE, or an idempotency error.
        """

        async def work(key_id: UUID) -> Answer:
            payment = await self._open(caller, order, given, key_id)
            request = CreateRequest(
                payment_id=payment.id,
                order_id=order.id,
                order_number=order.number,
                amount=payment.amount,
                capture_method=payment.capture_method,
                method=payment.method,
                return_url=given.return_url,
                customer_email=order.customer_email,
                idempotency_key=f"{payment.id}:create",
            )
            return await self._call(gateway, payment, key_id, lambda: gateway.create(request), gives_up=True)

        gateway = self._gateways.get(given.gateway)
        order = await order_for(self._database, caller, order_id, "orderId")
        self._check(given, gateway, order)
        return await self._keys.once(
            f"{caller.subject}:paymentCreate", key, {"order": order.id, **asdict(given)}, work
        )

    def _check(self, given: NewPaymentInput, gateway: Gateway, order: Order) -> None:
        if given.return_url is not None:
            self._check_return_url(given.return_url)
        if given.method is not None and given.method not in gateway.methods:
            raise DomainError(
                ErrorCode.INVALID,
                f"{gateway.name} takes {', '.join(gateway.methods)}, not {given.method}.",
                ("method",),
            )
        if gateway.currencies and order.currency not in gateway.currencies:
            raise DomainError(
                ErrorCode.CURRENCY_NOT_SUPPORTED,
                f"{gateway.name} does not take {order.currency}.",
                ("gateway",),
            )

    def _check_return_url(self, url: str) -> None:
        check_text(url, RETURN_URL_LENGTH_MAX, "returnUrl")
        parts = urlsplit(url)
        origin = f"{parts.scheme}://{parts.netloc}"
        allowed = parts.scheme in {"http", "https"} and parts.hostname and "@" not in parts.netloc
        if not allowed or (self._return_origins and origin not in self._return_origins):
            raise DomainError(
                ErrorCode.INVALID, "returnUrl is not one of this shop's own addresses.", ("returnUrl",)
            )

    async def _open(self, caller: Caller, order: Order, given: NewPaymentInput, payment_id: UUID) -> Payment:
        """Write the intent; a repeated call finds the payment of the first."""
        known = await reads.payments(self._database, [payment_id])
        if payment_id in known:
            return known[payment_id]
        payment = Payment(
            id=payment_id,
            order_id=order.id,
            gateway=given.gateway,
            method=given.method,
            status=PaymentStatus.REQUIRES_PAYMENT_METHOD,
            capture_method=given.capture_method,
            currency=order.currency,
            amount_minor=0,
            authorized_minor=0,
            captured_minor=0,
            refunded_minor=0,
            reference=None,
            next_action=None,
            last_error=None,
            late_authorized=False,
            created_at=order.created_at,
            updated_at=order.updated_at,
        )
        change = OpenPayment(payment=payment, amount=given.amount, source=_source(caller))
        record = await self._submit(Command(order_id=order.id, change=change))
        return record.payments[payment_id].payment

    async def confirm(
        self, caller: Caller, payment_id: UUID | None, data: Mapping[str, object], key: str
    ) -> Answer:
        """Take what the gateway's browser SDK handed back, and look the payment up.

        Raises:
            DomainError: NOT_FOUND, INVALID, PAYMENT_DECLINED, GATEWAY_REJECTED, GATEWAY_UNAVAILABLE, …
        """

        async def work(key_id: UUID) -> Answer:
            return await self._call(
                gateway, payment, key_id, lambda: gateway.confirm(_handle(payment), data, f"{key_id}:confirm")
            )

        if len(orjson.dumps(data)) > GATEWAY_DATA_BYTES_MAX:
            raise DomainError(ErrorCode.INVALID, "gatewayData is too large.", ("gatewayData",))
        payment, _ = await payment_for(self._database, caller, payment_id, "paymentId")
        gateway = self._gateways.get(payment.gateway)
        request = {"payment": payment.id, "data": dict(data)}
        return await self._keys.once(f"{caller.subject}:paymentConfirm", key, request, work)

    async def capture(
        self, caller: Caller, payment_id: UUID | None, amount: Money | None, key: str
    ) -> Answer:
        """Capture an authorisation, in whole or in part.

        Raises:
            DomainError: FORBIDDEN, NOT_FOUND, INVALID_STATE, AMOUNT_TOO_LARGE, CURRENCY_MISMATCH, GATEWAY_…
        """

        async def work(key_id: UUID) -> Answer:
            request = CaptureRequest(
                payment=_handle(payment),
                amount=_capture_amount(payment, amount),
                idempotency_key=f"{key_id}:capture",
            )
            return await self._call(gateway, payment, key_id, lambda: gateway.capture(request))

        require_staff(caller)
        payment, _ = await payment_for(self._database, caller, payment_id, "paymentId")
        gateway = self._gateways.get(payment.gateway)
        asked = {"payment": payment.id, "amount": asdict(amount) if amount else None}
        return await self._keys.once(f"{caller.subject}:paymentCapture", key, asked, work)

    async def cancel(self, caller: Caller, payment_id: UUID | None, reason: str | None, key: str) -> Answer:
        """Give a payment up at its gateway.

        Raises:
            DomainError: NOT_FOUND, INVALID_STATE, GATEWAY_REJECTED, GATEWAY_UNAVAILABLE, or an idempotency error.
        """

        async def work(key_id: UUID) -> Answer:
            if payment.status not in _CANCELABLE:
                raise DomainError(
                    ErrorCode.INVALID_STATE, f"The payment is {payment.status} and can't be canceled."
                )
            return await self._call(
                gateway,
                payment,
                key_id,
                lambda: gateway.cancel(_handle(payment), reason, f"{payment.id}:cancel"),
            )

        payment, _ = await payment_for(self._database, caller, payment_id, "paymentId")
        gateway = self._gateways.get(payment.gateway)
        if reason is not None:
            check_text(reason, REASON_LENGTH_MAX, "reason")
        request = {"payment": payment.id, "reason": reason}
        return await self._keys.once(f"{caller.subject}:paymentCancel", key, request, work)

    async def give_up_all(self, order: Order) -> None:
        """Cancel the order's open payments at their gateways, and settle what they answer.

        Raises:
            DomainError: GATEWAY_UNAVAILABLE when one could not be reached: nothing may be given up unasked.
        """
        found = await reads.payments_of(self._database, [order.id])
        for payment in found.get(order.id, ()):
            if payment.status not in _CANCELABLE:
                continue
            gateway = self._gateways.get(payment.gateway)
            try:
                answer = await gateway.cancel(_handle(payment), None, f"{payment.id}:cancel")
            except GatewayError as error:
                answer = await self._after_refused_cancel(gateway, payment, error)
            await self._report(payment, answer, EventSource.API)

    async def _after_refused_cancel(
        self, gateway: Gateway, payment: Payment, error: GatewayError
    ) -> GatewayAnswer:
        """Ask what became of a payment that could not be canceled; one the gateway never had is ours to cancel."""
        if error.kind is GatewayErrorKind.NOT_FOUND:
            return GatewayAnswer(facts=(_canceled(payment),))
        if error.kind in (GatewayErrorKind.UNKNOWN, GatewayErrorKind.UNAVAILABLE):
            raise _refusal(error)
        return await self._fetch(gateway, payment)

    async def sync(self, caller: Caller, payment_id: UUID | None) -> Answer:
        """Ask the gateway now what became of a payment.

        Raises:
            DomainError: NOT_FOUND, RATE_LIMITED, GATEWAY_UNAVAILABLE.
        """
        payment, order = await payment_for(self._database, caller, payment_id, "id")
        self._limit_sync(payment.id)
        try:
            answer = await self._fetch(self._gateways.get(payment.gateway), payment)
        except GatewayError as error:
            raise _refusal(error) from error
        await self._report(payment, answer, EventSource.POLL)
        return Answer(order_id=order.id, payment_id=payment.id)

    def _limit_sync(self, payment_id: UUID) -> None:
        now = self._clock()
        last = self._asked.pop(payment_id, None)
        self._asked[payment_id] = now if last is None or now - last >= SYNC_INTERVAL_SECONDS else last
        while len(self._asked) > _SYNC_REMEMBERED_MAX:
            self._asked.popitem(last=False)
        if self._asked[payment_id] is not now:
            raise DomainError(
                ErrorCode.RATE_LIMITED, f"Ask after a payment at most every {SYNC_INTERVAL_SECONDS:g} s."
            )

    async def refund(
        self, caller: Caller, payment_id: UUID | None, amount: Money | None, reason: str | None, key: str
    ) -> Answer:
        """Give captured money back.

        Raises:
            DomainError: FORBIDDEN, NOT_FOUND, INVALID_STATE, AMOUNT_TOO_LARGE, CURRENCY_MISMATCH, GATEWAY_…
        """

        async def work(key_id: UUID) -> Answer:
            change = RequestRefund(
                payment_id=payment.id,
                refund_id=key_id,
                amount=amount,
                reason=reason,
                initiator=RefundInitiator.STAFF,
                source=EventSource.STAFF,
            )
            record = await self._submit(Command(order_id=payment.order_id, change=change))
            states = record.payments[payment.id].state.refunds
            refund = next(refund for refund in states if refund.id == key_id)
            request = RefundRequest(
                payment=_handle(record.payments[payment.id].payment),
                refund_id=key_id,
                amount=refund.amount,
                reason=reason,
                idempotency_key=f"{key_id}:refund",
            )
            return await self._call(
                gateway, payment, key_id, lambda: gateway.refund(request), refund=(key_id, refund.amount)
            )

        require_staff(caller)
        payment, _ = await payment_for(self._database, caller, payment_id, "paymentId")
        gateway = self._gateways.get(payment.gateway)
        if reason is not None:
            check_text(reason, REASON_LENGTH_MAX, "reason")
        asked = {"payment": payment.id, "amount": asdict(amount) if amount else None, "reason": reason}
        return await self._keys.once(f"{caller.subject}:refundCreate", key, asked, work)

    async def _call(
        self,
        gateway: Gateway,
        payment: Payment,
        key_id: UUID,
        call: Callable[[], Awaitable[GatewayAnswer]],
        *,
        gives_up: bool = False,
        refund: tuple[UUID, Money] | None = None,
    ) -> Answer:
        """Call the gateway, and settle what it said together with the answer to the caller's key."""
        refund_id = refund[0] if refund else None
        refusal: DomainError | None = None
        try:
            said = await call()
        except GatewayError as error:
            log.warning(
                "gateway.refused",
                extra={
                    "gateway": gateway.name,
                    "kind": error.kind,
                    "code": error.code,
                    "payment": str(payment.id),
                },
            )
            refusal = _refusal(error)
            if error.kind in (GatewayErrorKind.UNKNOWN, GatewayErrorKind.UNAVAILABLE):
                raise refusal from error
            said = error.answer or GatewayAnswer(facts=())
            if error.kind is not GatewayErrorKind.DECLINED:
                said = GatewayAnswer(facts=(*said.facts, *_void(payment, gives_up=gives_up, refund=refund)))
        answer = Answer(order_id=payment.order_id, payment_id=payment.id, refund_id=refund_id, error=refusal)
        await self._report(payment, said, EventSource.API, key_id=key_id, answer=answer)
        return answer

    async def _fetch(self, gateway: Gateway, payment: Payment) -> GatewayAnswer:
        """Ask after a payment; one that the gateway never had has nothing to say."""
        try:
            return await gateway.fetch(_handle(payment))
        except GatewayError as error:
            if error.kind is GatewayErrorKind.NOT_FOUND:
                return GatewayAnswer(facts=())
            raise

    async def _report(
        self,
        payment: Payment,
        said: GatewayAnswer,
        source: EventSource,
        *,
        key_id: UUID | None = None,
        answer: Answer | None = None,
    ) -> None:
        report = Report(
            payment_id=payment.id,
            source=source,
            facts=said.facts,
            reference=said.reference,
            next_action=said.next_action,
        )
        command = Command(
            order_id=payment.order_id, change=report, key_id=key_id, answer=answer.to_json() if answer else {}
        )
        await self._submit(command)

    async def _submit(self, command: Command) -> OrderRecord:
        outcome = await self._settler.submit(command)
        assert outcome.record is not None, "a command that was not refused has its order"  # noqa: S101
        return outcome.record


def _source(caller: Caller) -> EventSource:
    return EventSource.STAFF if caller.is_staff else EventSource.API


def _handle(payment: Payment) -> PaymentHandle:
    return PaymentHandle(
        payment_id=payment.id,
        reference=payment.reference,
        amount=payment.amount,
        capture_method=payment.capture_method,
    )


def _capture_amount(payment: Payment, amount: Money | None) -> Money:
    left = Money(payment.authorized_minor - payment.captured_minor, payment.currency)
    if payment.status is not PaymentStatus.REQUIRES_CAPTURE or left.minor <= 0:
        raise DomainError(
            ErrorCode.INVALID_STATE, f"The payment is {payment.status}: nothing can be captured."
        )
    if amount is None:
        return left
    if amount.currency != left.currency:
        raise DomainError(
            ErrorCode.CURRENCY_MISMATCH, f"The payment is in {left.currency}.", ("amount", "currency")
        )
    if amount.minor <= 0:
        raise DomainError(ErrorCode.AMOUNT_TOO_SMALL, "The amount must be above zero.", ("amount",))
    if amount > left:
        raise DomainError(ErrorCode.AMOUNT_TOO_LARGE, f"Only {left} can be captured.", ("amount",))
    return amount


def _void(payment: Payment, *, gives_up: bool, refund: tuple[UUID, Money] | None) -> tuple[Fact, ...]:
    """Return the fact that ends what the gateway will never do."""
    if refund is not None:
        refund_id, amount = refund
        return (
            Fact(
                gateway=payment.gateway,
                object_id=str(refund_id),
                kind=FactKind.REFUND_FAILED,
                amount=amount,
                own_id=refund_id,
            ),
        )
    return (_canceled(payment),) if gives_up else ()


def _canceled(payment: Payment) -> Fact:
    return Fact(gateway=payment.gateway, object_id=str(payment.id), kind=FactKind.CANCELED)


_REFUSALS: Final = {
    GatewayErrorKind.UNKNOWN: ErrorCode.GATEWAY_UNAVAILABLE,
    GatewayErrorKind.UNAVAILABLE: ErrorCode.GATEWAY_UNAVAILABLE,
    GatewayErrorKind.REJECTED: ErrorCode.GATEWAY_REJECTED,
    GatewayErrorKind.NOT_FOUND: ErrorCode.GATEWAY_REJECTED,
    GatewayErrorKind.DECLINED: ErrorCode.PAYMENT_DECLINED,
}


def _refusal(error: GatewayError) -> DomainError:
    hint = " Send it again with the same key." if error.kind is GatewayErrorKind.UNKNOWN else ""
    return DomainError(_REFUSALS[error.kind], f"{error.message}{hint}")
