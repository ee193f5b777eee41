"""Every invariant that the database can answer, as SQL: recomputed from facts and ledger, whatever wrote the rows.

A statement looks at the rows of one page, by the ids of its orders, deliveries or keys, or at a bounded number of rows
that a partial index leads to. Each row that it looks at says whether it is `broken`; what is in words about it is in
`app.integrity`, under the statement's name.
"""

from __future__ import annotations

from typing import Final

from db.integrity import ledger, orders, owed, payments, suspense
from db.integrity.deliveries import DELIVERIES, KEYS, WAITING
from db.integrity.pages import (
    beyond_deliveries,
    beyond_keys,
    beyond_orders,
    count_rows,
    newest_deliveries,
    newest_keys,
    newest_orders,
    page_moment,
)
from db.integrity.statements import Broken, Looked, Question, Statement, look
from db.integrity.told import TOLD

ORDER_STATEMENTS: Final = (
    Statement(orders.LOG, arguments=orders.EDGES),
    Statement((*orders.SUMS, *payments.SUMS, *ledger.SUMS, *suspense.SUMS), shared=TOLD),
    Statement((*payments.ROWS, *ledger.ROWS, *suspense.ROWS, *owed.ROWS)),
)
"""What is asked of a page of orders and of everything that hangs on them; the facts are added up once."""
DELIVERY_STATEMENTS: Final = (Statement(DELIVERIES),)
KEY_STATEMENTS: Final = (Statement(KEYS),)
WAITING_STATEMENTS: Final = (Statement(WAITING),)
"""What is asked without a page."""

__all__ = [
    "DELIVERY_STATEMENTS",
    "KEY_STATEMENTS",
    "ORDER_STATEMENTS",
    "WAITING_STATEMENTS",
    "Broken",
    "Looked",
    "Question",
    "Statement",
    "beyond_deliveries",
    "beyond_keys",
    "beyond_orders",
    "count_rows",
    "look",
    "newest_deliveries",
    "newest_keys",
    "newest_orders",
    "page_moment",
]
