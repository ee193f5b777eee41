"""Orders and their log: versions, axes, steps, and the sums over their payments."""

from __future__ import annotations

from typing import Final

from app.domain.machines import FULFILLMENT_MACHINE, ORDER_MACHINE
from db.integrity.statements import Question

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
_PAID: Final = """
SELECT o.id AS root, 'ord' AS prefix, o.id AS subject, o.paid_minor, o.currency,
       coalesce(sum(t.told_captured), 0) AS told, o.paid_minor <> coalesce(sum(t.told_captured), 0) AS broken
  FROM orders o LEFT JOIN told t ON t.order_id = o.id AND t.status <> 'CONFLICTED' AND t.currency = o.currency
 WHERE o.id = ANY($1::uuid[]) GROUP BY o.id
"""
_REFUNDED: Final = """
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


def _steps(check: str, axis: str, edges: str) -> Question:
    rows = f"""
SELECT order_id AS root, 'ord' AS prefix, order_id AS subject, version, before, {axis} AS after,
       before <> {axis} AND (before, {axis}) NOT IN (SELECT * FROM unnest({edges})) AS broken
  FROM (SELECT order_id, version, {axis}, lag({axis}) OVER (PARTITION BY order_id ORDER BY version) AS before
          FROM order_events WHERE order_id = ANY($1::uuid[])) e
 WHERE before IS NOT NULL
"""
    return Question(check, rows)


LOG: Final = (
    Question("order_versions", _VERSIONS),
    Question("order_axes", _AXES),
    _steps("order_steps", "status", "$2::text[], $3::text[]"),
    _steps("fulfillment_steps", "fulfillment_status", "$4::text[], $5::text[]"),
    Question("event_payments", _EVENTS),
    Question("order_total", _TOTAL),
)
EDGES: Final = tuple(
    [getattr(edge, end) for edge in machine.transitions]
    for machine in (ORDER_MACHINE, FULFILLMENT_MACHINE)
    for end in ("source", "target")
)
"""The arguments of `LOG`: the edges that the domain's machines have."""
SUMS: Final = (Question("order_paid", _PAID), Question("order_refunded", _REFUNDED))
