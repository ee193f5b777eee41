"""Every invariant that the database can answer, as SQL: recomputed from facts and ledger, whatever wrote the rows.

A statement looks at the rows of one page, by the ids of its orders, deliveries or keys, or at a bounded number of rows
that a partial index leads to. Each row that it looks at says whether it is `broken`; what is in words about it is in
`app.integrity`, under the statement's name.
"""

from __future__ import annotations

from db.integrity.deliveries import DELIVERY_STATEMENTS, KEY_STATEMENTS, WAITING_STATEMENTS
from db.integrity.ledger import LEDGER_STATEMENTS
from db.integrity.orders import ORDER_STATEMENTS
from db.integrity.owed import OWED_STATEMENTS
from db.integrity.pages import (
    beyond_deliveries,
    beyond_keys,
    beyond_orders,
    count_rows,
    newest_deliveries,
    newest_keys,
    newest_orders,
)
from db.integrity.payments import PAYMENT_STATEMENTS
from db.integrity.statements import Broken, Looked, Statement, look
from db.integrity.suspense import SUSPENSE_STATEMENTS

PAGE_STATEMENTS = (
    *ORDER_STATEMENTS,
    *PAYMENT_STATEMENTS,
    *LEDGER_STATEMENTS,
    *SUSPENSE_STATEMENTS,
    *OWED_STATEMENTS,
)
"""What is asked of a page of orders and of everything that hangs on them."""

__all__ = [
    "DELIVERY_STATEMENTS",
    "KEY_STATEMENTS",
    "PAGE_STATEMENTS",
    "WAITING_STATEMENTS",
    "Broken",
    "Looked",
    "Statement",
    "beyond_deliveries",
    "beyond_keys",
    "beyond_orders",
    "count_rows",
    "look",
    "newest_deliveries",
    "newest_keys",
    "newest_orders",
]
