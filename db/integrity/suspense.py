"""Money without a place: what no order may keep is held in suspense or on its way back, and the order says so."""

from __future__ import annotations

from typing import Final

from db.integrity.statements import Statement
from db.integrity.told import TOLD

_EXCESS: Final = f"""
WITH {TOLD}, kept AS (
  SELECT order_id, sum(amount_minor) AS amount_minor FROM suspense_items
   WHERE order_id = ANY($1::uuid[]) AND reason IN ('LATE_PAYMENT', 'SURPLUS', 'UNKNOWN_ORDER')
     AND (resolution IS NULL OR resolution = 'WRITE_OFF')
   GROUP BY order_id
), held AS (
  SELECT order_id, sum(told_captured - told_refunded - told_pending - told_disputed) AS amount_minor
    FROM told WHERE status <> 'CONFLICTED' GROUP BY order_id
), sums AS (
  SELECT o.id, o.currency, o.status, coalesce(h.amount_minor, 0) AS held, coalesce(k.amount_minor, 0) AS suspended,
         CASE WHEN o.status IN ('CANCELED', 'EXPIRED') THEN 0 ELSE o.total_minor END AS keeps
    FROM orders o LEFT JOIN held h ON h.order_id = o.id LEFT JOIN kept k ON k.order_id = o.id
   WHERE o.id = ANY($1::uuid[])
)
SELECT id AS root, 'ord' AS prefix, id AS subject, currency, status, held, keeps, suspended,
       held - keeps - suspended AS excess, held > keeps + suspended AS broken FROM sums
"""
_CONFLICTED: Final = f"""
WITH {TOLD}, kept AS (
  SELECT payment_id, sum(amount_minor) AS amount_minor FROM suspense_items
   WHERE order_id = ANY($1::uuid[]) AND (resolution IS NULL OR resolution = 'WRITE_OFF') GROUP BY payment_id
), sums AS (
  SELECT t.order_id, t.id, t.currency, coalesce(k.amount_minor, 0) AS suspended,
         t.told_captured + t.told_captured_foreign - t.told_refunded - t.told_pending - t.told_disputed AS held
    FROM told t LEFT JOIN kept k ON k.payment_id = t.id WHERE t.status = 'CONFLICTED'
)
SELECT order_id AS root, 'pay' AS prefix, id AS subject, held, suspended, held > suspended AS broken FROM sums
"""
_SUSPENDED: Final = """
SELECT p.order_id AS root, 'pay' AS prefix, p.id AS subject, p.currency, p.suspended_minor AS held,
       coalesce(sum(s.amount_minor), 0) AS told, p.suspended_minor <> coalesce(sum(s.amount_minor), 0) AS broken
  FROM payments p LEFT JOIN suspense_items s
    ON s.payment_id = p.id AND s.order_id = p.order_id AND s.resolution IS NULL AND s.currency = p.currency
 WHERE p.order_id = ANY($1::uuid[]) GROUP BY p.id
"""
_FLAG: Final = """
SELECT o.id AS root, 'ord' AS prefix, o.id AS subject, o.has_suspense, count(s.id) AS items,
       o.has_suspense <> (count(s.id) > 0) AS broken
  FROM orders o LEFT JOIN suspense_items s ON s.order_id = o.id
 WHERE o.id = ANY($1::uuid[]) GROUP BY o.id
"""
_REVIEW: Final = """
SELECT o.id AS root, 'ord' AS prefix, o.id AS subject, o.payment_status, count(s.id) AS items,
       count(s.id) > 0 AND o.payment_status <> 'REVIEW' AS broken
  FROM orders o LEFT JOIN suspense_items s ON s.order_id = o.id AND s.resolution IS NULL
 WHERE o.id = ANY($1::uuid[]) GROUP BY o.id
"""
_ITEMS: Final = """
SELECT s.order_id AS root, 'sus' AS prefix, s.id AS subject, s.resolution, s.resolved_at, s.reason,
       (s.resolution IS NULL) <> (s.resolved_at IS NULL) OR s.resolved_at < s.created_at
         OR p.order_id IS DISTINCT FROM s.order_id AS broken
  FROM suspense_items s LEFT JOIN payments p ON p.id = s.payment_id
 WHERE s.order_id = ANY($1::uuid[])
"""

SUSPENSE_STATEMENTS: Final = (
    Statement("order_excess", _EXCESS),
    Statement("conflicted_money", _CONFLICTED),
    Statement("payment_suspended", _SUSPENDED),
    Statement("order_suspense_flag", _FLAG),
    Statement("order_review", _REVIEW),
    Statement("suspense_items", _ITEMS),
)
