"""Orders whose time to pay ran out: the gateways are asked before anything is given up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from app.batch import Command
from app.domain.changes import ExpireOrder
from app.domain.states import EventSource, OrderStatus
from app.reconcile.results import Again, Done
from db import reads

if TYPE_CHECKING:
    from collections.abc import Iterable

    from app.domain.order import Payment
    from app.gateway_calls import GatewayCalls
    from app.gateways import GatewayRegistry
    from app.reconcile.results import Result
    from db.jobs import ClaimedJob
    from db.pool import Database

_UNPAID: Final = frozenset({OrderStatus.PENDING, OrderStatus.EXPIRED})
LOOK_AGAIN_SECONDS: Final = 30.0
"""When a payment that could not be given up any more is looked at again: its bank is at work."""


class OrderExpiry:
    """Lets an order expire that nobody paid.

    What is open is canceled at its gateway first, so that no shopper can pay any more. Money that arrives meanwhile
    wins: settled before the order expires it confirms the order, and after it is late, by the order's own policy.
    """

    def __init__(self, database: Database, calls: GatewayCalls, gateways: GatewayRegistry) -> None:
        self._database = database
        self._calls = calls
        self._gateways = gateways

    async def __call__(self, job: ClaimedJob) -> Result:
        """Do the job."""
        found = await reads.orders(self._database, [job.subject_id])
        order = found.get(job.subject_id)
        if order is None or order.status not in _UNPAID or order.expires_at is None:
            return Done()
        if (early_seconds := (order.expires_at - job.now).total_seconds()) > 0:
            return Again(early_seconds)
        payments = await reads.payments_of(self._database, [order.id])
        await self._give_up(payments.get(order.id, ()))
        record = await self._calls.submit(
            Command(order_id=order.id, change=ExpireOrder(source=EventSource.SYSTEM))
        )
        if record.order.status is OrderStatus.PENDING:
            return Again(LOOK_AGAIN_SECONDS)
        if record.order.status is OrderStatus.EXPIRED:  # a payment may have been opened meanwhile
            known = {payment.id for payment in payments.get(order.id, ())}
            opened = [each.payment for each in record.payments.values() if each.payment.id not in known]
            await self._give_up(opened)
        return Done()

    async def _give_up(self, payments: Iterable[Payment]) -> None:
        await self._calls.give_up_all(payments, self._gateways, EventSource.SYSTEM)
