"""Calling a gateway about a payment, and settling what it says. No answer is *unknown*, never failed.

Both those who are asked for something and those who do what is owed call gateways here, so that they ask, give up
and refund by the same rules.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Final, Protocol

from app.batch import Command
from app.domain.changes import Report
from app.domain.errors import DomainError, ErrorCode
from app.domain.facts import Fact, FactKind
from app.domain.states import EventSource, PaymentStatus
from app.domain.taking import wants
from app.gateways import NO_REFERENCE, GatewayAnswer, GatewayError, GatewayErrorKind, PaymentHandle
from app.idempotency import Answer

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable
    from uuid import UUID

    from app.domain.changes import OrderRecord, PaymentRecord
    from app.domain.money import Money
    from app.domain.order import Payment
    from app.gateways import Gateway, GatewayRegistry
    from app.settle import Settler

log = logging.getLogger(__name__)


_CANCELABLE: Final = frozenset(
    {
        PaymentStatus.REQUIRES_PAYMENT_METHOD,
        PaymentStatus.REQUIRES_ACTION,
        PaymentStatus.PROCESSING,
        PaymentStatus.REQUIRES_CAPTURE,
        PaymentStatus.FAILED,
    }
)
_NO_OUTCOME: Final = frozenset({GatewayErrorKind.UNKNOWN, GatewayErrorKind.UNAVAILABLE})
_REFUND_GOES_ON: Final = frozenset(
    {FactKind.REFUND_PENDING, FactKind.REFUND_SUCCEEDED, FactKind.REFUND_FAILED, FactKind.REFUND_CANCELED}
)


class Manners(Protocol):
    """How gateways are approached: what comes before each call and after it."""

    async def turn(self, gateway: Gateway) -> None:
        """Wait until the gateway may be called."""

    async def answered(self, gateway: Gateway, error: GatewayError | None) -> None:
        """Take note of how the call went."""


class AtOnce:
    """The manners of those whom a person waits for."""

    async def turn(self, gateway: Gateway) -> None:
        """Don't wait."""

    async def answered(self, gateway: Gateway, error: GatewayError | None) -> None:
        """Draw no conclusion."""


class GatewayCalls:
    """Calls gateways outside any transaction, and settles their answers, where there is one with the caller's key."""

    def __init__(self, settler: Settler, manners: Manners | None = None) -> None:
        self._settler = settler
        self._manners = manners or AtOnce()

    async def ask(self, gateway: Gateway, call: Callable[[], Awaitable[GatewayAnswer]]) -> GatewayAnswer:
        """Make one call.

        Raises:
            GatewayError: as the contract tells its kinds apart.
        """
        await self._manners.turn(gateway)
        try:
            answer = await call()
        except GatewayError as error:
            await self._manners.answered(gateway, error)
            raise
        await self._manners.answered(gateway, None)
        return answer

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
            said = await self._taken(gateway, payment, await self.ask(gateway, call), EventSource.API)
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
            if error.kind in _NO_OUTCOME:
                raise refusal from error
            said = error.answer or GatewayAnswer(facts=())
            if refund is not None:
                said, refusal = await self._after_refused_refund(gateway, payment, refund, refusal)
            elif error.kind is not GatewayErrorKind.DECLINED and gives_up:
                ended = await self._ended(gateway, payment, refusal)
                said = replace(ended, facts=(*said.facts, *ended.facts))
        answer = Answer(order_id=payment.order_id, payment_id=payment.id, refund_id=refund_id, error=refusal)
        await self.report(payment, said, EventSource.API, key_id=key_id, answer=answer)
        return answer

    async def _ended(self, gateway: Gateway, payment: Payment, refusal: DomainError) -> GatewayAnswer:
        """Give up a payment that was refused: an earlier try that was never answered may have opened it all the same.

        Raises:
            DomainError: whether there is one can't be found out now.
        """
        try:
            return await self._canceled(gateway, payment)
        except GatewayError as error:
            raise refusal_of(error) from refusal

    async def _after_refused_refund(
        self, gateway: Gateway, payment: Payment, refund: tuple[UUID, Money], refusal: DomainError
    ) -> tuple[GatewayAnswer, DomainError | None]:
        try:
            said, is_there = await self.refused_refund(gateway, payment, *refund)
        except GatewayError as error:
            raise refusal_of(error) from error
        return said, None if is_there else refusal

    async def refused_refund(
        self, gateway: Gateway, payment: Payment, refund_id: UUID, amount: Money
    ) -> tuple[GatewayAnswer, bool]:
        """Find out what a refused refund means, and return what to settle and whether the gateway has it after all.

        An earlier try that was never answered may have gone through, and be the very reason of the refusal: only
        once the gateway was asked and has none has it failed.

        Raises:
            GatewayError: it can't be found out now.
        """
        said = await self.fetch(gateway, payment, refund_id)
        if knows_refund(said.facts, refund_id):
            return said, True
        failed = Fact(
            gateway=payment.gateway,
            object_id=str(refund_id),
            kind=FactKind.REFUND_FAILED,
            amount=amount,
            own_id=refund_id,
        )
        return GatewayAnswer(facts=(*said.facts, failed), reference=said.reference), False

    async def fetch(self, gateway: Gateway, payment: Payment, *refund_ids: UUID) -> GatewayAnswer:
        """Ask after a payment and those refunds of it; one that the gateway never had has nothing to say."""
        try:
            return await self.ask(gateway, lambda: gateway.fetch(handle_of(payment, *refund_ids)))
        except GatewayError as error:
            if error.kind is GatewayErrorKind.NOT_FOUND:
                return GatewayAnswer(facts=())
            raise

    async def sync(self, gateway: Gateway, payment: Payment) -> OrderRecord:
        """Ask what became of a payment, settle it, and return its order.

        Raises:
            GatewayError: NOT_FOUND and NO_REFERENCE too.
        """
        said = await self.ask(gateway, lambda: gateway.fetch(handle_of(payment)))
        try:
            said = await self._taken(gateway, payment, said, EventSource.POLL)
        except GatewayError as error:
            if error.kind is not GatewayErrorKind.DECLINED or error.answer is None:
                raise
            said = error.answer  # that the bank refused is what became of it
        return await self.report(payment, said, EventSource.POLL)

    async def _taken(
        self, gateway: Gateway, payment: Payment, said: GatewayAnswer, source: EventSource
    ) -> GatewayAnswer:
        """Take what the shopper agreed to and the gateway left to us, where the order wants it; return what it said.

        Raises:
            GatewayError: as any call; what was said before is settled.
        """
        if not said.awaits_us:
            return said
        record = await self.report(payment, said, source)
        if not wants(record, payment.id):
            return said
        known = record.payments[payment.id].payment
        return await self.ask(gateway, lambda: gateway.complete(handle_of(known), f"{payment.id}:complete"))

    async def give_up(self, gateway: Gateway, payment: Payment, source: EventSource) -> OrderRecord:
        """Cancel a payment at its gateway, settle what it answers, and return its order.

        Raises:
            GatewayError: it could not be reached: nothing may be given up unasked.
        """
        return await self.report(payment, await self._canceled(gateway, payment), source)

    async def _canceled(self, gateway: Gateway, payment: Payment) -> GatewayAnswer:
        try:
            return await self.ask(
                gateway, lambda: gateway.cancel(handle_of(payment), None, f"{payment.id}:cancel")
            )
        except GatewayError as error:
            if is_unknown_to_gateway(error):
                return GatewayAnswer(facts=(canceled(payment),), reference=payment.reference)
            if error.kind in _NO_OUTCOME:
                raise
            return await self.fetch(gateway, payment)

    async def give_up_all(
        self, payments: Iterable[Payment], gateways: GatewayRegistry, source: EventSource
    ) -> None:
        """Cancel an order's open payments at their gateways, and settle what they answer.

        Raises:
            GatewayError: one could not be reached: nothing may be given up unasked.
        """
        for payment in payments:
            if is_cancelable(payment):
                await self.give_up(gateways.get(payment.gateway), payment, source)

    async def report(
        self,
        payment: Payment,
        said: GatewayAnswer,
        source: EventSource,
        *,
        key_id: UUID | None = None,
        answer: Answer | None = None,
    ) -> OrderRecord:
        """Settle what a gateway said, and with it the answer to the caller's key; return the order."""
        report = Report(
            payment_id=payment.id,
            source=source,
            facts=said.facts,
            reference=said.reference,
            next_action=said.next_action,
            concluded=canceled(payment) in said.facts,
        )
        command = Command(
            order_id=payment.order_id, change=report, key_id=key_id, answer=answer.to_json() if answer else {}
        )
        return await self.submit(command)

    async def submit(self, command: Command) -> OrderRecord:
        """Settle a command, and return its order as it is then."""
        outcome = await self._settler.submit(command)
        assert outcome.record is not None, "a command that was not refused has its order"  # noqa: S101
        return outcome.record


def handle_of(payment: Payment, *refund_ids: UUID) -> PaymentHandle:
    """Return what a gateway needs to find a payment, and those refunds of it."""
    return PaymentHandle(
        payment_id=payment.id,
        reference=payment.reference,
        amount=payment.amount,
        capture_method=payment.capture_method,
        refund_ids=refund_ids,
    )


def is_cancelable(payment: Payment) -> bool:
    """Whether there is anything to give up: a payment that is open, or the rest of a partial capture."""
    rest = payment.authorized_minor > payment.captured_minor
    return payment.status in _CANCELABLE or (payment.status is PaymentStatus.PARTIALLY_CAPTURED and rest)


def knows_refund(facts: Iterable[Fact], refund_id: UUID) -> bool:
    """Whether a gateway tells of a refund of ours."""
    return any(fact.own_id == refund_id and fact.kind in _REFUND_GOES_ON for fact in facts)


def is_unknown_to_gateway(error: GatewayError) -> bool:
    """Whether an error says that the gateway has no such payment, as far as it can be asked at all.

    Where it can only be asked by its own id and that never came to us, it never came to a shopper either.
    """
    return error.kind is GatewayErrorKind.NOT_FOUND or error.code == NO_REFERENCE


def canceled(payment: Payment) -> Fact:
    """Return the fact that a payment came to nothing, where the gateway has no object to say so."""
    return Fact(gateway=payment.gateway, object_id=str(payment.id), kind=FactKind.CANCELED)


def is_given_up_by_us_alone(record: PaymentRecord) -> bool:
    """Whether a payment is canceled by nothing but our conclusion that its gateway has none."""
    ours = canceled(record.payment).key
    ends = [fact.key for fact in record.facts.values() if fact.kind is FactKind.CANCELED]
    return record.payment.status is PaymentStatus.CANCELED and ends == [ours]


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
