"""Money on its way back: the gateway is asked before anything is repeated, and until the refund has come to its end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from app.domain.facts import FactKind
from app.domain.jobs import REFUND_FINAL
from app.domain.states import CaptureMethod, EventSource
from app.gateway_calls import handle_of, knows_refund
from app.gateways import GatewayError, GatewayErrorKind, PaymentHandle, RefundRequest
from app.reconcile.results import Again, Dead, Done, Failed
from db import owed, suspense

if TYPE_CHECKING:
    from uuid import UUID

    from app.domain.changes import OrderRecord
    from app.domain.facts import Fact
    from app.domain.order import Payment
    from app.domain.refunds import Refund
    from app.domain.suspense import SuspenseItem
    from app.gateway_calls import GatewayCalls
    from app.gateways import Gateway, GatewayRegistry
    from app.reconcile.results import Result
    from db.jobs import ClaimedJob
    from db.pool import Database

ASK_AFTER_SECONDS: Final = (60.0, 600.0, 3600.0)
"""When a refund that the gateway has is asked after, by its age; then daily. Banks take days over some."""
ASK_DAILY_SECONDS: Final = 86_400.0
_TAKEN: Final = frozenset({FactKind.REFUND_PENDING, FactKind.REFUND_SUCCEEDED})


class RefundWork:
    """Sees a refund of a payment through."""

    def __init__(self, database: Database, calls: GatewayCalls, gateways: GatewayRegistry) -> None:
        self._database = database
        self._calls = calls
        self._gateways = gateways

    async def __call__(self, job: ClaimedJob) -> Result:
        """Do the job."""
        found = await owed.refund_and_payment(self._database, job.subject_id)
        if found is None or found[0].status in REFUND_FINAL:
            return Done()
        refund, payment = found
        gateway = self._gateways.get(payment.gateway)
        said = await self._calls.fetch(gateway, payment, refund.id)
        record = await self._calls.report(payment, said, EventSource.POLL)
        if not knows_refund(said.facts, refund.id) and refund.reference is None:
            record = await self._repeat(gateway, payment, refund)
        return _next(job, _refund_in(record, payment, refund.id))

    async def _repeat(self, gateway: Gateway, payment: Payment, refund: Refund) -> OrderRecord:
        """Ask for the refund with the key that every try of it has."""
        request = RefundRequest(
            payment=handle_of(payment),
            refund_id=refund.id,
            amount=refund.amount,
            reason=refund.reason,
            idempotency_key=f"{refund.id}:refund",
        )
        try:
            said = await self._calls.ask(gateway, lambda: gateway.refund(request))
        except GatewayError as error:
            if error.kind in (GatewayErrorKind.UNKNOWN, GatewayErrorKind.UNAVAILABLE):
                raise
            said, _ = await self._calls.refused_refund(gateway, payment, refund.id, refund.amount)
        return await self._calls.report(payment, said, EventSource.SYSTEM)


def _refund_in(record: OrderRecord, payment: Payment, refund_id: UUID) -> Refund | None:
    refunds = record.payments[payment.id].state.refunds
    return next((refund for refund in refunds if refund.id == refund_id), None)


def _next(job: ClaimedJob, refund: Refund | None) -> Result:
    if refund is None or refund.status in REFUND_FINAL:
        return Done()
    later = (step - job.age_seconds for step in ASK_AFTER_SECONDS if step > job.age_seconds)
    return Again(next(later, ASK_DAILY_SECONDS))


class SuspenseRefund:
    """Sends back money of which no order is known."""

    def __init__(self, database: Database, calls: GatewayCalls, gateways: GatewayRegistry) -> None:
        self._database = database
        self._calls = calls
        self._gateways = gateways

    async def __call__(self, job: ClaimedJob) -> Result:
        """Do the job. There is no order to settle it on: the item says that it goes back, the gateway that it did."""
        item = (await suspense.items(self._database, [job.subject_id])).get(job.subject_id)
        if item is None:
            return Done()
        gateway = self._gateways.get(item.gateway)
        payment = PaymentHandle(
            payment_id=item.id,
            reference=item.reference,
            amount=item.amount,
            capture_method=CaptureMethod.AUTOMATIC,
            refund_ids=(item.id,),
        )
        said = await self._calls.ask(gateway, lambda: gateway.fetch(payment))
        facts = _of_refund(said.facts, item.id)
        if not facts:
            facts = await self._ask_for(gateway, payment, item)
        return _outcome(job, facts)

    async def _ask_for(self, gateway: Gateway, payment: PaymentHandle, item: SuspenseItem) -> set[FactKind]:
        request = RefundRequest(
            payment=payment,
            refund_id=item.id,
            amount=item.amount,
            reason=item.message,
            idempotency_key=f"{item.id}:refund",
        )
        said = await self._calls.ask(gateway, lambda: gateway.refund(request))
        return _of_refund(said.facts, item.id)


def _of_refund(facts: tuple[Fact, ...], refund_id: UUID) -> set[FactKind]:
    return {fact.kind for fact in facts if fact.own_id == refund_id}


def _outcome(job: ClaimedJob, told: set[FactKind]) -> Result:
    if told & {FactKind.REFUND_FAILED, FactKind.REFUND_CANCELED}:
        return Dead("The gateway could not send the money back.")
    if FactKind.REFUND_SUCCEEDED in told:
        return Done()
    if not told & _TAKEN:
        return Failed("The gateway did not say that it took the refund.")
    later = (step - job.age_seconds for step in ASK_AFTER_SECONDS if step > job.age_seconds)
    return Again(next(later, ASK_DAILY_SECONDS))
