"""The ledger: balanced in each transaction and currency, and on each account what the payment's row says."""

from __future__ import annotations

from typing import Final

from db.integrity.statements import Question

_BALANCE: Final = """
SELECT (array_agg(order_id ORDER BY order_id))[1] AS root, 'ltx' AS prefix, transaction_id AS subject, currency,
       sum(amount_minor) AS surplus, sum(amount_minor) <> 0 AS broken
  FROM ledger_entries WHERE order_id = ANY($1::uuid[]) GROUP BY transaction_id, currency
"""
_OWNERS: Final = """
SELECT l.order_id AS root, 'ltx' AS prefix, l.transaction_id AS subject, l.position, l.order_id,
       p.order_id AS payment_order, p.order_id IS DISTINCT FROM l.order_id AS broken
  FROM ledger_entries l LEFT JOIN payments p ON p.id = l.payment_id
 WHERE l.order_id = ANY($1::uuid[])
"""
_ACCOUNTS: Final = """
WITH booked AS (
  SELECT l.payment_id, l.account, sum(l.amount_minor) AS amount_minor
    FROM ledger_entries l JOIN payments p ON p.id = l.payment_id AND p.currency = l.currency
   WHERE l.order_id = ANY($1::uuid[]) GROUP BY l.payment_id, l.account
)
SELECT p.order_id AS root, 'pay' AS prefix, p.id AS subject, a.account, p.currency, a.expected,
       coalesce(b.amount_minor, 0) AS booked, a.expected <> coalesce(b.amount_minor, 0) AS broken
  FROM payments p
 CROSS JOIN LATERAL (VALUES
   ('SALES', p.suspended_minor - p.captured_minor), ('SUSPENSE', -p.suspended_minor),
   ('REFUNDS', p.refunded_minor), ('DISPUTES', p.disputed_minor),
   ('GATEWAY_CLEARING', p.captured_minor - p.refunded_minor - p.disputed_minor), ('CUSTOMER', 0)
 ) a(account, expected)
  LEFT JOIN booked b ON b.payment_id = p.id AND b.account = a.account
 WHERE p.order_id = ANY($1::uuid[])
"""
_FOREIGN: Final = """
WITH booked AS (
  SELECT l.payment_id, l.account, l.currency, sum(l.amount_minor) AS amount_minor
    FROM ledger_entries l JOIN payments p ON p.id = l.payment_id AND p.currency <> l.currency
   WHERE l.order_id = ANY($1::uuid[]) GROUP BY l.payment_id, l.account, l.currency
), suspended AS (
  SELECT t.id AS payment_id,
         least(coalesce(sum(s.amount_minor), 0), greatest(t.foreign_captured - t.foreign_refunded, 0)) AS held
    FROM told t LEFT JOIN suspense_items s
      ON s.payment_id = t.id AND s.resolution IS NULL AND s.currency = t.foreign_currency
   WHERE t.foreign_currency IS NOT NULL GROUP BY t.id, t.foreign_captured, t.foreign_refunded
), expected AS (
  SELECT t.id AS payment_id, a.account, t.foreign_currency AS currency, a.amount_minor
    FROM told t JOIN suspended s ON s.payment_id = t.id
   CROSS JOIN LATERAL (VALUES
     ('SALES', s.held - t.foreign_captured), ('SUSPENSE', -s.held), ('REFUNDS', t.foreign_refunded),
     ('GATEWAY_CLEARING', t.foreign_captured - t.foreign_refunded)
   ) a(account, amount_minor)
), both_sides AS (
  SELECT payment_id, account, currency, coalesce(e.amount_minor, 0) AS expected, coalesce(b.amount_minor, 0) AS booked
    FROM expected e FULL JOIN booked b USING (payment_id, account, currency)
)
SELECT p.order_id AS root, 'pay' AS prefix, p.id AS subject, account, b.currency, expected, booked,
       expected <> booked AS broken
  FROM both_sides b JOIN payments p ON p.id = b.payment_id
"""

SUMS: Final = (Question("ledger_foreign", _FOREIGN),)
ROWS: Final = (
    Question("ledger_balance", _BALANCE),
    Question("ledger_owners", _OWNERS),
    Question("ledger_accounts", _ACCOUNTS),
)
