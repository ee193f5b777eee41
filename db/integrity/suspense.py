"""Money without a place: what no order may keep is held in suspense or on its way back, and the order says so."""

from __future__ import annotations

from typing import Final

from db.integrity.statements import Question

_EXCESS: Final = """
WITH parked AS (
  SELECT payment_id, sum(amount_minor) AS amount_minor FROM suspense_items
   WHERE order_id = ANY($1::uuid[]) AND reason NOT IN ('AMOUNT_MISMATCH', 'CURRENCY_MISMATCH')
     AND (resolution IS NULL OR resolution = 'WRITE_OFF')
   GROUP BY payment_id
), counted AS (
  SELECT order_id, held, least(coalesce(p.amount_minor, 0), held) AS suspended
    FROM (SELECT id, order_id, greatest(told_captured - told_refunded - told_pending - told_disputed, 0) AS held
            FROM told WHERE status <> 'CONFLICTED') t LEFT JOIN parked p ON p.payment_id = t.id
), sums AS (
  SELECT o.id, o.currency, o.status, coalesce(sum(c.held), 0) AS held, coalesce(sum(c.suspended), 0) AS suspended,
         CASE WHEN o.status IN ('CANCELED', 'EXPIRED') THEN 0 ELSE o.total_minor END AS keeps
    FROM orders o LEFT JOIN counted c ON c.order_id = o.id
   WHERE o.id = ANY($1::uuid[]) GROUP BY o.id
)
SELECT id AS root, 'ord' AS prefix, id AS subject, currency, status, held, keeps, suspended,
       held - keeps - suspended AS excess, held > keeps + suspended AS broken FROM sums
"""
_CONFLICTED: Final = """
WITH conflicted AS (
  SELECT id, order_id, coalesce(foreign_currency, currency) AS currency,
         greatest(CASE WHEN foreign_currency IS NULL
                       THEN told_captured - told_refunded - told_pending - told_disputed
                       ELSE foreign_captured - foreign_refunded - foreign_pending END, 0) AS held
    FROM told WHERE status = 'CONFLICTED' AND (told_captured > 0 OR foreign_captured > 0)
), sums AS (
  SELECT c.*, coalesce(sum(s.amount_minor), 0) AS suspended,
         coalesce(sum(s.amount_minor) FILTER (WHERE s.resolution IS NULL), 0) AS open
    FROM conflicted c LEFT JOIN suspense_items s
      ON s.payment_id = c.id AND s.currency = c.currency AND s.reason IN ('AMOUNT_MISMATCH', 'CURRENCY_MISMATCH')
     AND (s.resolution IS NULL OR s.resolution = 'WRITE_OFF')
   GROUP BY c.id, c.order_id, c.currency, c.held
)
SELECT order_id AS root, 'pay' AS prefix, id AS subject, currency, held, suspended, open,
       held > suspended OR open > held AS broken FROM sums
"""
_SUSPENDED: Final = """
SELECT t.order_id AS root, 'pay' AS prefix, t.id AS subject, t.currency, t.suspended_minor AS held, s.told,
       t.suspended_minor <> s.told AS broken
  FROM told t
 CROSS JOIN LATERAL (
   SELECT least(coalesce(sum(amount_minor), 0), greatest(t.told_captured - t.told_refunded, 0)) AS told
     FROM suspense_items WHERE order_id = t.order_id AND payment_id = t.id AND currency = t.currency
      AND resolution IS NULL
 ) s
"""
"""What is only authorised is in nobody's books yet."""
_FLAG: Final = """
SELECT o.id AS root, 'ord' AS prefix, o.id AS subject, o.has_suspense, count(s.id) AS items,
       CASE WHEN o.has_suspense THEN count(s.id) = 0
            ELSE count(s.id) FILTER (WHERE s.reason <> 'UNKNOWN_ORDER') > 0 END AS broken
  FROM orders o LEFT JOIN suspense_items s ON s.order_id = o.id
 WHERE o.id = ANY($1::uuid[]) GROUP BY o.id
"""
"""An item of an unknown order that came to an order is closed by then, and of no use to it."""
_ITEMS: Final = """
SELECT s.order_id AS root, 'sus' AS prefix, s.id AS subject, s.reason, s.resolution, s.created_at, s.resolved_at,
       p.order_id AS payment_order,
       (s.resolution IS NULL) <> (s.resolved_at IS NULL) OR coalesce(s.resolved_at < s.created_at, false)
         OR p.order_id IS DISTINCT FROM s.order_id AS broken
  FROM suspense_items s LEFT JOIN payments p ON p.id = s.payment_id
 WHERE s.order_id = ANY($1::uuid[])
"""

SUMS: Final = (
    Question("order_excess", _EXCESS),
    Question("conflicted_money", _CONFLICTED),
    Question("payment_suspended", _SUSPENDED),
)
ROWS: Final = (Question("order_suspense_flag", _FLAG), Question("suspense_items", _ITEMS))
