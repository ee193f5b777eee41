"""Work that is owed: whatever is not final yet has a job that will look after it."""

from __future__ import annotations

from typing import Final

from db.integrity.statements import Question

_REFUNDS: Final = """
SELECT p.order_id AS root, 'ref' AS prefix, r.id AS subject, r.amount_minor, r.currency, j.id IS NULL AS broken
  FROM payments p JOIN refunds r ON r.payment_id = p.id AND r.status = 'PENDING'
  LEFT JOIN jobs j ON j.kind = 'REFUND' AND j.subject_id = r.id
 WHERE p.order_id = ANY($1::uuid[])
"""
_POLLS: Final = """
SELECT p.order_id AS root, 'pay' AS prefix, p.id AS subject, p.status, p.created_at, j.id IS NULL AS broken
  FROM payments p LEFT JOIN jobs j ON j.kind = 'PAYMENT_POLL' AND j.subject_id = p.id
 WHERE p.order_id = ANY($1::uuid[])
   AND p.status IN ('REQUIRES_PAYMENT_METHOD', 'REQUIRES_ACTION', 'PROCESSING')
   AND p.created_at > now() - interval '4 days'
"""
"""Only those young enough for every gateway's schedule: at its end, people look."""
_EXPIRIES: Final = """
SELECT o.id AS root, 'ord' AS prefix, o.id AS subject, o.expires_at, j.id IS NULL AS broken
  FROM orders o LEFT JOIN jobs j ON j.kind = 'ORDER_EXPIRY' AND j.subject_id = o.id
 WHERE o.id = ANY($1::uuid[]) AND o.status = 'PENDING' AND o.expires_at < now()
"""

ROWS: Final = (
    Question("refunds_owed", _REFUNDS),
    Question("payments_polled", _POLLS),
    Question("orders_expiring", _EXPIRIES),
)
