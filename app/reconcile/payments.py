"""Payments that no webhook told of: asked after by schedule, and given up where no order may keep them."""

from __future__ import annotations

import logging
import random
from typing import TYPE_CHECKING, Final

from app.domain.jobs import PAYMENT_FINAL
from app.domain.states import EventSource, PaymentStatus
from app.gateway_calls import canceled, is_cancelable, is_given_up_by_us_alone, is_unknown_to_gateway
from app.gateways import GatewayAnswer, GatewayError, GatewayErrorKind
from app.gateways.polling import DAY
from app.reconcile.results import Again, Done, Failed
from db import reads

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.domain.order import Payment
    from app.gateway_calls import GatewayCalls
    from app.gateways import Gateway, GatewayRegistry
    from app.reconcile.results import Result
    from db.jobs import ClaimedJob
    from db.pool import Database

log = logging.getLogger(__name__)

UNKNOWN_FOR_SECONDS: Final = DAY
"""How long a payment may be unknown to its gateway before it is taken for one that never was: longer than any call to
create it can still be on its way, and as long as gateways keep the key of one."""


class PaymentPoll:
    """Asks what became of a payment, along its gateway's schedule, until nothing more can become of it."""

    def __init__(
        self,
        database: Database,
        calls: GatewayCalls,
        gateways: GatewayRegistry,
        dice: Callable[[], float] = random.random,
    ) -> None:
        self._database = database
        self._calls = calls
        self._gateways = gateways
        self._dice = dice

    async def __call__(self, job: ClaimedJob) -> Result:
        """Do the job. What was canceled since it was owed is asked after once more: a hint may have owed it."""
        found = await reads.payments(self._database, [job.subject_id])
        payment = found.get(job.subject_id)
        if payment is None or payment.status is PaymentStatus.SUCCEEDED:
            return Done()
        gateway = self._gateways.get(payment.gateway)
        try:
            record = await self._calls.sync(gateway, payment)
            if is_given_up_by_us_alone(record.payments[payment.id]):  # and the gateway has it after all
                known = record.payments[payment.id].payment
                record = await self._calls.give_up(gateway, known, EventSource.POLL)
        except GatewayError as error:
            if is_unknown_to_gateway(error):
                return await self._unknown(job, gateway, payment)
            if error.kind is GatewayErrorKind.UNAVAILABLE:
                raise
            steps = gateway.polling.steps_of(payment.method)
            return Failed(f"{error.kind}: {error.message}", after_seconds_min=steps.again_seconds_min)
        return self._next(job, gateway, record.payments[payment.id].payment)

    async def _unknown(self, job: ClaimedJob, gateway: Gateway, payment: Payment) -> Result:
        """End a payment that the gateway doesn't have, once it can't come to have it any more."""
        orders = await reads.orders(self._database, [payment.order_id])
        age_seconds = (job.now - payment.created_at).total_seconds()
        if orders[payment.order_id].is_open and age_seconds < UNKNOWN_FOR_SECONDS:
            return self._next(job, gateway, payment)
        never_was = GatewayAnswer(facts=(canceled(payment),), reference=payment.reference)
        await self._calls.report(payment, never_was, EventSource.POLL)
        return Done()

    def _next(self, job: ClaimedJob, gateway: Gateway, payment: Payment) -> Result:
        if payment.status in PAYMENT_FINAL:
            return Done()
        age_seconds = (job.now - payment.created_at).total_seconds()
        wait_seconds = gateway.polling.wait_seconds(age_seconds, payment.method, self._dice)
        if wait_seconds is None:
            log.info("payment.poll_ended", extra={"payment": str(payment.id), "gateway": gateway.name})
            return Done()
        return Again(wait_seconds)


class PaymentCancel:
    """Releases an authorisation that no order may keep."""

    def __init__(self, database: Database, calls: GatewayCalls, gateways: GatewayRegistry) -> None:
        self._database = database
        self._calls = calls
        self._gateways = gateways

    async def __call__(self, job: ClaimedJob) -> Result:
        """Do the job."""
        found = await reads.payments(self._database, [job.subject_id])
        payment = found.get(job.subject_id)
        if payment is None or payment.status in PAYMENT_FINAL:
            return Done()
        gateway = self._gateways.get(payment.gateway)
        record = await self._calls.give_up(gateway, payment, EventSource.SYSTEM)
        if is_cancelable(record.payments[payment.id].payment) and gateway.releases:
            return Failed("The gateway still holds the authorisation.")
        return Done()
