"""Seeing owed work through: what no webhook told, refunds, expiry, deliveries that could not be applied.

Each kind of job has one handler. It calls gateways outside any transaction, at their pace, and submits what they say
to the one settler. Doing a job twice comes to the same as doing it once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.domain.states import JobKind
from app.gateway_calls import GatewayCalls
from app.reconcile.backfill import Backfill, owe_backfills
from app.reconcile.expiry import OrderExpiry
from app.reconcile.pace import GatewayRestsError, Pace
from app.reconcile.payments import PaymentCancel, PaymentPoll
from app.reconcile.refunds import RefundWork, SuspenseRefund
from app.reconcile.replay import Replay, Replayed
from app.reconcile.results import (
    LEASE,
    Again,
    Dead,
    Done,
    Failed,
    Handler,
    Handlers,
    Lease,
    LeaseLostError,
    Result,
)

if TYPE_CHECKING:
    from app.gateways import GatewayRegistry
    from app.settle import Settler
    from db.pool import Database

__all__ = [
    "LEASE",
    "Again",
    "Dead",
    "Done",
    "Failed",
    "GatewayRestsError",
    "Handler",
    "Handlers",
    "Lease",
    "LeaseLostError",
    "Pace",
    "Replay",
    "Replayed",
    "Result",
    "handlers",
    "owe_backfills",
]


def handlers(
    *, database: Database, settler: Settler, gateways: GatewayRegistry, pace: Pace, replay: Replay
) -> Handlers:
    """Return who does which kind of work."""
    calls = GatewayCalls(settler, pace)
    return {
        JobKind.PAYMENT_POLL: PaymentPoll(database, calls, gateways),
        JobKind.PAYMENT_CANCEL: PaymentCancel(database, calls, gateways),
        JobKind.REFUND: RefundWork(database, calls, gateways),
        JobKind.SUSPENSE_REFUND: SuspenseRefund(database, calls, gateways),
        JobKind.ORDER_EXPIRY: OrderExpiry(database, calls, gateways),
        JobKind.INBOX_REPLAY: replay,
        JobKind.GATEWAY_BACKFILL: Backfill(database, settler, gateways, pace),
    }
