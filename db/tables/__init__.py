"""The tables. What must be unique, present, positive or one of a few words is so by the database, not by care.

`money` columns are integers of the currency's minor unit. Facts are the truth; payments, attempts, refunds and
disputes are what follows from them, kept for reading. The order row is the mutex for everything below it.
"""

from __future__ import annotations

from db.tables.deliveries import IdempotencyKeyRow, InboxEventRow, JobRow
from db.tables.orders import (
    OrderAccessTokenRow,
    OrderAdjustmentRow,
    OrderEventRow,
    OrderLineRow,
    OrderRow,
    ProductRow,
)
from db.tables.payments import DisputeRow, FactRow, LedgerEntryRow, PaymentAttemptRow, PaymentRow, RefundRow

__all__ = [
    "DisputeRow",
    "FactRow",
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
]
