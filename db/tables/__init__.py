"""The tables. What must be unique, present, positive or one of a few words is so by the database, not by care.

`money` columns are integers of the currency's minor unit. Facts are the truth; payments, attempts, refunds and
disputes are what follows from them, kept for reading. The order row is the mutex for everything below it.
"""

from __future__ import annotations

from sqlmodel import SQLModel

from db.guards import BALANCED, BALANCES, ONLY_GROWS, guard, only_grows
from db.tables.deliveries import GatewayStateRow, IdempotencyKeyRow, InboxEventRow, JobRow
from db.tables.orders import (
    ApiKeyRow,
    OrderAccessTokenRow,
    OrderAdjustmentRow,
    OrderEventRow,
    OrderLineRow,
    OrderRow,
    ProductRow,
)
from db.tables.payments import (
    DisputeRow,
    FactRow,
    LedgerEntryRow,
    PaymentAttemptRow,
    PaymentRow,
    RefundRow,
    SuspenseItemRow,
)

__all__ = [
    "ApiKeyRow",
    "DisputeRow",
    "FactRow",
    "GatewayStateRow",
    "IdempotencyKeyRow",
    "InboxEventRow",
    "JobRow",
    "LedgerEntryRow",
    "OrderAccessTokenRow",
    "OrderAdjustmentRow",
    "OrderEventRow",
    "OrderLineRow",
    "OrderRow",
    "PaymentAttemptRow",
    "PaymentRow",
    "ProductRow",
    "RefundRow",
    "SuspenseItemRow",
]

_tables = SQLModel.metadata.tables
guard(_tables["orders"], ONLY_GROWS, BALANCES)
guard(_tables["order_events"], only_grows("order_events"))
guard(_tables["ledger_entries"], only_grows("ledger_entries"), BALANCED)
