"""Orders and their log: versions, axes, steps, and the sums over their payments."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from app.domain.machines import FULFILLMENT_MACHINE, ORDER_MACHINE
from db.integrity.statements import Statement
from db.integrity.told import TOLD

if TYPE_CHECKING:
    from app.domain.machines import StateMachine

_VERSIONS: Final = """
SELECT o.id AS root, 'ord' AS prefix, o.id AS subject, o.version, count(e.version) AS events,
       min(e.version) AS first, max(e.version) AS last,
       (count(e.version), min(e.version), max(e.version)) IS DISTINCT FROM (o.version, 1, o.version) AS broken
  FROM orders o LEFT JOIN order_events e ON e.order_id = o.id
 WHERE o.id = ANY($1::uuid[]) GROUP BY o.id
"""
_AXES: Final = """
SELECT o.id AS root, 'ord' AS prefix, o.id AS subject, o.status, o.payment_status, o.fulfillment_status, e.version,
       e.status AS told_status, e.payment_status AS told_payment_status,
       e.fulfillment_status AS told_fulfillment_status,
       (e.status, e.payment_status, e.fulfillment_status)
         IS DISTINCT FROM (o.status, o.payment_status, o.fulfillment_status) AS broken
  FROM orders o
 CROSS JOIN LATERAL (SELECT * FROM order_events e WHERE e.order_id = o.id ORDER BY e.version DESC LIMIT 1) e
 WHERE o.id = ANY($1::uuid[])
"""
_EVENTS: Final = """
SELECT e.order_id AS root, 'ord' AS prefix, e.order_id AS subject, e.version, e.type,
       e.payment_id, p.order_id AS payment_order, p.order_id IS DISTINCT FROM e.order_id AS broken
  FROM order_events e LEFT JOIN payments p ON p.id = e.payment_id
 WHERE e.order_id = ANY($1::uuid[]) AND e.payment_id IS NOT NULL
"""
_PAID: Final = f"""
WITH {TOLD}
SELECT o.id AS root, 'ord' AS prefix, o.id AS subject, o.paid_minor, o.currency,
       coalesce(sum(t.told_captured), 0) AS told, o.paid_minor <> coalesce(sum(t.told_captured), 0) AS broken
  FROM orders o LEFT JOIN told t ON t.order_id = o.id AND t.status <> 'CONFLICTED' AND t.currency = o.currency
 WHERE o.id = ANY($1::uuid[]) GROUP BY o.id
"""
_REFUNDED: Final = f"""
WITH {TOLD}
SELECT o.id AS root, 'ord' AS prefix, o.id AS subject, o.refunded_minor, o.currency,
       coalesce(sum(t.told_refunded), 0) AS told, o.refunded_minor <> coalesce(sum(t.told_refunded), 0) AS broken
  FROM orders o LEFT JOIN told t ON t.order_id = o.id AND t.status <> 'CONFLICTED' AND t.currency = o.currency
 WHERE o.id = ANY($1::uuid[]) GROUP BY o.id
"""
_TOTAL: Final = """
SELECT o.id AS root, 'ord' AS prefix, o.id AS subject, o.total_minor, o.currency, s.total AS told,
       s.total IS DISTINCT FROM o.total_minor OR s.is_foreign AS broken
  FROM orders o
 CROSS JOIN LATERAL (
   SELECT sum(amount_minor) AS total, bool_or(currency <> o.currency) AS is_foreign
     FROM (SELECT quantity * unit_price_minor AS amount_minor, currency FROM order_lines WHERE order_id = o.id
           UNION ALL SELECT amount_minor, currency FROM order_adjustments WHERE order_id = o.id) parts
 ) s
 WHERE o.id = ANY($1::uuid[])
"""


def _steps(check: str, axis: str, machine: StateMachine) -> Statement:
    rows = f"""
SELECT order_id AS root, 'ord' AS prefix, order_id AS subject, version, before, {axis} AS after,
       before <> {axis} AND (before, {axis}) NOT IN (SELECT * FROM unnest($2::text[], $3::text[])) AS broken
  FROM (SELECT order_id, version, {axis}, lag({axis}) OVER (PARTITION BY order_id ORDER BY version) AS before
          FROM order_events WHERE order_id = ANY($1::uuid[])) e
 WHERE before IS NOT NULL
"""
    sources = [edge.source for edge in machine.transitions]
    targets = [edge.target for edge in machine.transitions]
    return Statement(check, rows, (sources, targets))


ORDER_STATEMENTS: Final = (
    Statement("order_versions", _VERSIONS),
    Statement("order_axes", _AXES),
    _steps("order_steps", "status", ORDER_MACHINE),
    _steps("fulfillment_steps", "fulfillment_status", FULFILLMENT_MACHINE),
    Statement("event_payments", _EVENTS),
    Statement("order_total", _TOTAL),
    Statement("order_paid", _PAID),
    Statement("order_refunded", _REFUNDED),
)
