"""Payments: what their rows hold, against what their facts add up to."""

from __future__ import annotations

from typing import Final

from db.integrity.statements import Question


def _column(name: str) -> Question:
    rows = f"""
SELECT order_id AS root, 'pay' AS prefix, id AS subject, currency, {name}_minor AS held, told_{name} AS told,
       {name}_minor <> told_{name} AS broken
  FROM told
"""
    return Question(f"payment_{name}", rows)


_WITHIN: Final = """
SELECT order_id AS root, 'pay' AS prefix, id AS subject, currency, told_refunded AS refunded,
       told_captured AS captured, told_refunded > told_captured
         AND (told_captured > 0 OR updated_at < now() - interval '10 minutes') AS broken
  FROM told
"""
"""A refund may be told before its capture, but not for long."""
_FOREIGN: Final = """
SELECT t.order_id AS root, 'pay' AS prefix, t.id AS subject, t.currency, o.currency AS order_currency, t.status,
       t.currency <> o.currency OR (t.is_foreign AND t.status <> 'CONFLICTED') AS broken
  FROM told t JOIN orders o ON o.id = t.order_id
"""
_REFERENCES: Final = """
SELECT p.order_id AS root, 'pay' AS prefix, p.id AS subject, p.gateway, p.reference, count(other.id) AS others,
       count(other.id) > 0 AS broken
  FROM payments p LEFT JOIN payments other
    ON other.gateway = p.gateway AND other.reference = p.reference AND other.id <> p.id
 WHERE p.order_id = ANY($1::uuid[]) AND p.reference IS NOT NULL GROUP BY p.id
"""
_FACTS: Final = """
SELECT p.order_id AS root, 'pay' AS prefix, p.id AS subject, f.gateway, f.object_id, f.kind,
       p.gateway AS payment_gateway, f.gateway <> p.gateway AS broken
  FROM payments p JOIN facts f ON f.payment_id = p.id
 WHERE p.order_id = ANY($1::uuid[])
"""
_DELIVERIES: Final = """
SELECT p.order_id AS root, 'inb' AS prefix, i.id AS subject, i.gateway, i.external_id,
       NOT i.asks AND NOT EXISTS (SELECT FROM facts f WHERE f.payment_id = p.id AND f.gateway = i.gateway) AS broken
  FROM payments p JOIN inbox_events i ON i.payment_id = p.id AND i.status = 'APPLIED'
 WHERE p.order_id = ANY($1::uuid[])
"""

SUMS: Final = (
    _column("captured"),
    _column("authorized"),
    _column("refunded"),
    _column("disputed"),
    Question("refunds_within_captures", _WITHIN),
    Question("foreign_currency", _FOREIGN),
)
ROWS: Final = (
    Question("payment_references", _REFERENCES),
    Question("fact_gateways", _FACTS),
    Question("delivery_facts", _DELIVERIES),
)
