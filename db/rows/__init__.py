"""Rows to the domain's objects and back: the one place that knows both."""

from __future__ import annotations

from db.rows.columns import Columns, Row, failure_from, money_from
from db.rows.money import job_row, posting_rows, suspense_from, suspense_row
from db.rows.orders import adjustment_from, event_from, event_row, line_from, order_from, order_row
from db.rows.payments import (
    attempt_from,
    attempt_row,
    dispute_from,
    dispute_row,
    fact_from,
    fact_row,
    payment_from,
    payment_row,
    refund_from,
    refund_row,
)

__all__ = [
    "Columns",
    "Row",
    "adjustment_from",
    "attempt_from",
    "attempt_row",
    "dispute_from",
    "dispute_row",
    "event_from",
    "event_row",
    "fact_from",
    "fact_row",
    "failure_from",
    "job_row",
    "line_from",
    "money_from",
    "order_from",
    "order_row",
    "payment_from",
    "payment_row",
    "posting_rows",
    "refund_from",
    "refund_row",
    "suspense_from",
    "suspense_row",
]
