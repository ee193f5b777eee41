"""Calling a gateway about a payment, and settling what it says. No answer is *unknown*, never failed."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from app.batch import Command
from app.domain.changes import Report
from app.domain.errors import DomainError, ErrorCode
from app.domain.facts import Fact, FactKind
from app.domain.states import EventSource
from app.gateways import GatewayAnswer, GatewayError, GatewayErrorKind, PaymentHandle
from app.idempotency import Answer

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from uuid import UUID

    from app.domain.changes import OrderRecord
    from app.domain.money import Money
    from app.domain.order import Payment
    from app.gateways import Gateway
    from app.settle import Settler

log = logging.getLogger(__name__)


class GatewayCalls:
    """Calls gateways outside any transaction, and settles their answers together with the caller's key."""

    def __init__(self, settler: Settler) -> None:
        self._settler = settler

    async def call(
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
            refusal = refusal_of(error)
            if error.kind in (GatewayErrorKind.UNKNOWN, GatewayErrorKind.UNAVAILABLE):
                raise refusal from error
            said = error.answer or GatewayAnswer(facts=())
            if error.kind is not GatewayErrorKind.DECLINED:
                said = GatewayAnswer(facts=(*said.facts, *_void(payment, gives_up=gives_up, refund=refund)))
        answer = Answer(order_id=payment.order_id, payment_id=payment.id, refund_id=refund_id, error=refusal)
        await self.report(payment, said, EventSource.API, key_id=key_id, answer=answer)
        return answer

    async def fetch(self, gateway: Gateway, payment: Payment) -> GatewayAnswer:
        """Ask after a payment; one that the gateway never had has nothing to say."""
        try:
            return await gateway.fetch(handle_of(payment))
        except GatewayError as error:
            if error.kind is GatewayErrorKind.NOT_FOUND:
                return GatewayAnswer(facts=())
            raise

    async def report(
        self,
        payment: Payment,
        said: GatewayAnswer,
        source: EventSource,
        *,
        key_id: UUID | None = None,
        answer: Answer | None = None,
    ) -> None:
        """Settle what a gateway said, and with it the answer to the caller's key."""
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
        await self.submit(command)

    async def submit(self, command: Command) -> OrderRecord:
        """Settle a command, and return its order as it is then."""
        outcome = await self._settler.submit(command)
        assert outcome.record is not None, "a command that was not refused has its order"  # noqa: S101
        return outcome.record


def handle_of(payment: Payment) -> PaymentHandle:
    """Return what a gateway needs to find a payment."""
    return PaymentHandle(
        payment_id=payment.id,
        reference=payment.reference,
        amount=payment.amount,
        capture_method=payment.capture_method,
    )


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
    return (canceled(payment),) if gives_up else ()


def canceled(payment: Payment) -> Fact:
    """Return the fact that a payment came to nothing, where the gateway has no object to say so."""
    return Fact(gateway=payment.gateway, object_id=str(payment.id), kind=FactKind.CANCELED)


_REFUSALS: Final = {
    GatewayErrorKind.UNKNOWN: ErrorCode.GATEWAY_UNAVAILABLE,
    GatewayErrorKind.UNAVAILABLE: ErrorCode.GATEWAY_UNAVAILABLE,
    GatewayErrorKind.REJECTED: ErrorCode.GATEWAY_REJECTED,
    GatewayErrorKind.NOT_FOUND: ErrorCode.GATEWAY_REJECTED,
    GatewayErrorKind.DECLINED: ErrorCode.PAYMENT_DECLINED,
}


def refusal_of(error: GatewayError) -> DomainError:
    """Return what the caller is told of a gateway's error."""
    hint = " Send it again with the same key." if error.kind is GatewayErrorKind.UNKNOWN else ""
    return DomainError(_REFUSALS[error.kind], f"{error.message}{hint}")
