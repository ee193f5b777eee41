"""Opening, confirming, capturing, canceling, asking after and refunding payments.

The intent is written before a gateway is called, the call happens outside any transaction, and what was learned is
settled together with the answer to the caller's key. No answer from a gateway is *unknown*, never failed.
"""

from __future__ import annotations

import logging
import random
import time
from collections import OrderedDict
from dataclasses import asdict
from typing import TYPE_CHECKING, Final

import orjson

from app.batch import Command
from app.checkout.access import order_for, payment_for, require, source_of
from app.checkout.catalog import check_text
from app.checkout.new_payment import NewPaymentInput, check_limits, check_payment, new_payment
from app.checkout.ordering import REASON_LENGTH_MAX
from app.domain.changes import OpenPayment, RequestRefund
from app.domain.errors import DomainError, ErrorCode
from app.domain.money import Money
from app.domain.states import EventSource, LatePaymentPolicy, PaymentStatus, RefundInitiator
from app.gateway_calls import GatewayCalls, handle_of, is_cancelable, is_unknown_to_gateway, refusal_of
from app.gateways import (
    CaptureRequest,
    CreateRequest,
    GatewayError,
    RefundRequest,
)
from app.idempotency import Answer, Idempotency
from app.scopes import Scope
from db import reads

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from uuid import UUID

    from app.auth import Caller
    from app.domain.order import Order, Payment
    from app.gateways import Gateway, GatewayRegistry
    from app.settle import Settler
    from db.pool import Database

log = logging.getLogger(__name__)

GATEWAY_DATA_BYTES_MAX: Final = 16_384
SYNC_INTERVAL_SECONDS: Final = 2.0
"""How soon the same payment may be asked after again, by whoever asks."""
_SYNC_REMEMBERED_MAX: Final = 10_000
_CAPTURABLE: Final = frozenset({PaymentStatus.REQUIRES_CAPTURE, PaymentStatus.PARTIALLY_CAPTURED})


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
        self._calls = GatewayCalls(settler)
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
            payment = await self._open(caller, order, gateway, given, key_id)
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
            return await self._calls.call(
                gateway, payment, key_id, lambda: gateway.create(request), gives_up=True
            )

        gateway = self._gateways.get(given.gateway)
        order = await order_for(self._database, caller, order_id, "orderId", Scope.PAYMENTS)
        check_payment(given, gateway, order, self._return_origins)
        return await self._keys.once(
            f"{caller.subject}:paymentCreate", key, {"order": order.id, **asdict(given)}, work
        )

    async def _open(
        self, caller: Caller, order: Order, gateway: Gateway, given: NewPaymentInput, payment_id: UUID
    ) -> Payment:
        """Write the intent; a repeated call finds the payment of the first."""
        known = await reads.payments(self._database, [payment_id])
        if payment_id in known:
            return known[payment_id]
        check_limits(given.amount or order.balance, gateway)
        change = OpenPayment(
            payment=new_payment(order, given, payment_id),
            amount=given.amount,
            source=source_of(caller),
            poll_after_seconds=gateway.polling.first_wait_seconds(given.method, random.random),
        )
        record = await self._calls.submit(Command(order_id=order.id, change=change))
        return record.payments[payment_id].payment

    async def confirm(
        self, caller: Caller, payment_id: UUID | None, data: Mapping[str, object], key: str
    ) -> Answer:
        """Take what the gateway's browser SDK handed back, and look the payment up.

        Raises:
            DomainError: NOT_FOUND, INVALID, PAYMENT_DECLINED, GATEWAY_REJECTED, GATEWAY_UNAVAILABLE, …
        """

        async def work(key_id: UUID) -> Answer:
            return await self._calls.call(
                gateway,
                payment,
                key_id,
                lambda: gateway.confirm(handle_of(payment), data, f"{key_id}:confirm"),
            )

        if len(orjson.dumps(data)) > GATEWAY_DATA_BYTES_MAX:
            raise DomainError(ErrorCode.INVALID, "gatewayData is too large.", ("gatewayData",))
        payment, _ = await payment_for(self._database, caller, payment_id, "paymentId")
        gateway = self._gateways.get(payment.gateway)
        request = {"payment": payment.id, "data": dict(data)}
        return await self._keys.once(f"{caller.subject}:paymentConfirm", key, request, work)

    async def capture(
        self, caller: Caller, payment_id: UUID | None, amount: Money | None, key: str, *, final: bool = True
    ) -> Answer:
        """Capture an authorisation, in whole or in part. What is left is released, unless this is not the final one.

        Raises:
            DomainError: FORBIDDEN, NOT_FOUND, INVALID_STATE, AMOUNT_TOO_LARGE, CURRENCY_MISMATCH, GATEWAY_…
        """

        def decide() -> Mapping[str, int]:
            return {"amount_minor": _capture_amount(payment, amount).minor}

        async def work(key_id: UUID) -> Answer:
            wanted = order.is_open or order.late_payment_policy is LatePaymentPolicy.HONOR
            if payment.status in _CAPTURABLE and not wanted:
                raise DomainError(
                    ErrorCode.INVALID_STATE, f"The order is {order.status}: cancel the payment instead."
                )
            intent = await self._keys.intent(key_id, decide)
            request = CaptureRequest(
                payment=handle_of(payment),
                amount=Money(intent["amount_minor"], payment.currency),
                idempotency_key=f"{key_id}:capture",
                final=final,
            )
            return await self._calls.call(gateway, payment, key_id, lambda: gateway.capture(request))

        require(caller, Scope.PAYMENTS)
        payment, order = await payment_for(self._database, caller, payment_id, "paymentId")
        gateway = self._gateways.get(payment.gateway)
        asked = {"payment": payment.id, "amount": asdict(amount) if amount else None, "final": final}
        return await self._keys.once(f"{caller.subject}:paymentCapture", key, asked, work)

    async def cancel(self, caller: Caller, payment_id: UUID | None, reason: str | None, key: str) -> Answer:
        """Give a payment up at its gateway.

        Raises:
            DomainError: NOT_FOUND, INVALID_STATE, GATEWAY_REJECTED, GATEWAY_UNAVAILABLE, or an idempotency error.
        """

        def decide() -> Mapping[str, str]:
            if not is_cancelable(payment):
                raise DomainError(
                    ErrorCode.INVALID_STATE, f"The payment is {payment.status} and can't be canceled."
                )
            return {"from": payment.status}

        async def work(key_id: UUID) -> Answer:
            await self._keys.intent(key_id, decide)
            return await self._calls.call(
                gateway,
                payment,
                key_id,
                lambda: gateway.cancel(handle_of(payment), reason, f"{payment.id}:cancel"),
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
        try:
            await self._calls.give_up_all(found.get(order.id, ()), self._gateways, EventSource.API)
        except GatewayError as error:
            raise refusal_of(error) from error

    async def sync(self, caller: Caller, payment_id: UUID | None) -> Answer:
        """Ask the gateway now what became of a payment.

        Raises:
            DomainError: NOT_FOUND, RATE_LIMITED, GATEWAY_UNAVAILABLE.
        """
        payment, order = await payment_for(self._database, caller, payment_id, "id")
        self._limit_sync(payment.id)
        try:
            await self._calls.sync(self._gateways.get(payment.gateway), payment)
        except GatewayError as error:
            # One that the gateway doesn't have yet has nothing to say.
            if not is_unknown_to_gateway(error):
                raise refusal_of(error) from error
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
            record = await self._calls.submit(Command(order_id=payment.order_id, change=change))
            states = record.payments[payment.id].state.refunds
            refund = next(refund for refund in states if refund.id == key_id)
            request = RefundRequest(
                payment=handle_of(record.payments[payment.id].payment),
                refund_id=key_id,
                amount=refund.amount,
                reason=reason,
                idempotency_key=f"{key_id}:refund",
            )
            return await self._calls.call(
                gateway, payment, key_id, lambda: gateway.refund(request), refund=(key_id, refund.amount)
            )

        require(caller, Scope.REFUNDS)
        payment, _ = await payment_for(self._database, caller, payment_id, "paymentId", Scope.REFUNDS)
        gateway = self._gateways.get(payment.gateway)
        if reason is not None:
            check_text(reason, REASON_LENGTH_MAX, "reason")
        asked = {"payment": payment.id, "amount": asdict(amount) if amount else None, "reason": reason}
        return await self._keys.once(f"{caller.subject}:refundCreate", key, asked, work)


def _capture_amount(payment: Payment, amount: Money | None) -> Money:
    left = Money(payment.authorized_minor - payment.captured_minor, payment.currency)
    if payment.status not in _CAPTURABLE or left.minor <= 0:
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
