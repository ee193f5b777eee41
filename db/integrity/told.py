"""What the facts say of each payment of a page, added up in SQL: apart from the domain's rules, and so a check on them.

A refund or dispute is all facts of one object, or of one id of ours; the highest kind that it ever reached counts.
"""

from __future__ import annotations

from typing import Final

TOLD: Final = """
refund_facts AS (
  SELECT p.id AS payment_id, f.object_id, f.amount_minor, f.currency = p.currency AS counts,
         array_position(ARRAY['REFUND_REQUESTED', 'REFUND_PENDING', 'REFUND_SUCCEEDED', 'REFUND_CANCELED',
                              'REFUND_FAILED'], f.kind) AS rank,
         max(f.own_id::text) OVER (PARTITION BY p.id, f.object_id) AS own_id
    FROM payments p JOIN facts f ON f.payment_id = p.id AND f.kind LIKE 'REFUND%'
   WHERE p.order_id = ANY($1::uuid[])
), refunds_told AS (
  SELECT payment_id, max(rank) AS rank, coalesce(max(amount_minor) FILTER (WHERE counts), 0) AS amount_minor
    FROM refund_facts GROUP BY payment_id, coalesce(own_id, object_id)
), refunded AS (
  SELECT payment_id, sum(amount_minor) FILTER (WHERE rank = 3) AS refunded,
         sum(amount_minor) FILTER (WHERE rank < 3) AS pending
    FROM refunds_told GROUP BY payment_id
), disputes_told AS (
  SELECT p.id AS payment_id, bool_or(f.kind = 'DISPUTE_WON') AS won,
         coalesce(max(f.amount_minor) FILTER (WHERE f.currency = p.currency), 0) AS amount_minor
    FROM payments p JOIN facts f ON f.payment_id = p.id AND f.kind LIKE 'DISPUTE%'
   WHERE p.order_id = ANY($1::uuid[]) GROUP BY p.id, f.object_id
), disputed AS (
  SELECT payment_id, sum(amount_minor) FILTER (WHERE NOT won) AS disputed FROM disputes_told GROUP BY payment_id
), moved AS (
  SELECT p.id AS payment_id, count(f.kind) AS facts,
         sum(f.amount_minor) FILTER (WHERE f.kind = 'CAPTURED' AND f.currency = p.currency) AS captured,
         sum(f.amount_minor) FILTER (WHERE f.kind = 'CAPTURED' AND f.currency <> p.currency) AS captured_foreign,
         sum(CASE f.kind WHEN 'AUTHORIZED' THEN f.amount_minor WHEN 'RELEASED' THEN -f.amount_minor END)
           FILTER (WHERE f.currency = p.currency) AS held,
         coalesce(bool_or(f.kind = 'CANCELED'), false) AS canceled,
         coalesce(bool_or(f.currency <> p.currency), false) AS is_foreign
    FROM payments p LEFT JOIN facts f ON f.payment_id = p.id
   WHERE p.order_id = ANY($1::uuid[]) GROUP BY p.id
), told AS (
  SELECT p.*, m.facts, m.is_foreign,
         coalesce(m.captured, 0)::bigint AS told_captured,
         coalesce(m.captured_foreign, 0)::bigint AS told_captured_foreign,
         greatest(CASE WHEN m.canceled THEN 0 ELSE m.held END, m.captured, 0)::bigint AS told_authorized,
         coalesce(r.refunded, 0)::bigint AS told_refunded,
         coalesce(r.pending, 0)::bigint AS told_pending,
         coalesce(d.disputed, 0)::bigint AS told_disputed
    FROM payments p JOIN moved m ON m.payment_id = p.id
    LEFT JOIN refunded r ON r.payment_id = p.id LEFT JOIN disputed d ON d.payment_id = p.id
)
"""
"""A chain of CTEs: `told` is every payment of the orders `$1`, beside what its facts add up to."""
