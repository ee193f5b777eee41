"""What the facts say of each payment of a page, added up in SQL: apart from the domain's rules, and so a check on them.

A refund or dispute is all facts of one object, or of one id of ours; the highest kind that it ever reached counts. What
a gateway gave back of a capture by itself, once it was disputed, is taken off what is disputed of it.
"""

from __future__ import annotations

from typing import Final

TOLD: Final = """
captures AS (
  SELECT p.id AS payment_id, f.currency, f.currency = p.currency AS own, sum(f.amount_minor) AS amount_minor
    FROM payments p JOIN facts f ON f.payment_id = p.id AND f.kind = 'CAPTURED' AND f.amount_minor > 0
   WHERE p.order_id = ANY($1::uuid[]) GROUP BY p.id, f.currency
), foreign_captures AS (
  SELECT DISTINCT ON (payment_id) * FROM captures WHERE NOT own
   ORDER BY payment_id, amount_minor DESC, currency DESC
), refund_facts AS (
  SELECT p.id AS payment_id, f.object_id, f.amount_minor, f.currency, f.currency = p.currency AS own, f.attempt_id,
         f.reported_at,
         array_position(ARRAY['REFUND_REQUESTED', 'REFUND_PENDING', 'REFUND_SUCCEEDED', 'REFUND_CANCELED',
                              'REFUND_FAILED'], f.kind) AS rank,
         max(f.own_id::text) OVER (PARTITION BY p.id, f.object_id) AS own_id
    FROM payments p JOIN facts f ON f.payment_id = p.id AND f.kind LIKE 'REFUND%'
   WHERE p.order_id = ANY($1::uuid[])
), refund_groups AS (
  SELECT payment_id, max(rank) AS rank, max(amount_minor) FILTER (WHERE own) AS amount_minor,
         (array_agg(currency ORDER BY amount_minor DESC, currency DESC) FILTER (WHERE NOT own))[1] AS foreign_currency,
         max(amount_minor) FILTER (WHERE NOT own) AS foreign_minor, bool_and(own_id IS NULL) AS unasked,
         max(attempt_id COLLATE "C") AS capture_id, min(reported_at) AS made_at
    FROM refund_facts GROUP BY payment_id, coalesce(own_id, object_id)
), refunds_told AS (
  SELECT g.payment_id, sum(g.amount_minor) FILTER (WHERE g.rank = 3) AS refunded,
         sum(g.amount_minor) FILTER (WHERE g.rank < 3) AS pending,
         sum(g.foreign_minor) FILTER (WHERE g.rank = 3 AND g.amount_minor IS NULL AND g.foreign_currency = f.currency)
           AS foreign_refunded,
         sum(g.foreign_minor) FILTER (WHERE g.rank < 3 AND g.amount_minor IS NULL AND g.foreign_currency = f.currency)
           AS foreign_pending
    FROM refund_groups g LEFT JOIN foreign_captures f ON f.payment_id = g.payment_id
   GROUP BY g.payment_id
), dispute_groups AS (
  SELECT p.id AS payment_id, f.object_id, bool_or(f.kind = 'DISPUTE_WON') AS won,
         (array_agg(f.amount_minor ORDER BY array_position(ARRAY['DISPUTE_WON', 'DISPUTE_LOST', 'DISPUTE_UNDER_REVIEW',
                                                                 'DISPUTE_OPENED'], f.kind))
           FILTER (WHERE f.currency = p.currency))[1] AS amount_minor,
         max(f.attempt_id COLLATE "C") AS capture_id, min(f.reported_at) AS opened_at
    FROM payments p JOIN facts f ON f.payment_id = p.id AND f.kind LIKE 'DISPUTE%'
   WHERE p.order_id = ANY($1::uuid[]) GROUP BY p.id, f.object_id
), claims AS (
  SELECT payment_id, CASE WHEN opened_at IS NOT NULL THEN capture_id END AS capture_id, sum(amount_minor) AS claimed,
         min(opened_at) AS opened_at
    FROM dispute_groups WHERE NOT won AND amount_minor > 0 GROUP BY 1, 2
), disputes_told AS (
  SELECT c.payment_id, sum(greatest(c.claimed - coalesce(r.returned, 0), 0)) AS disputed
    FROM claims c LEFT JOIN LATERAL (
      SELECT sum(g.amount_minor) AS returned FROM refund_groups g
       WHERE g.payment_id = c.payment_id AND g.unasked AND g.rank <= 3 AND g.capture_id = c.capture_id
         AND g.made_at >= c.opened_at) r ON true
   GROUP BY c.payment_id
), authorizations AS (
  SELECT p.id AS payment_id,
         sum(CASE f.kind WHEN 'AUTHORIZED' THEN f.amount_minor WHEN 'RELEASED' THEN -f.amount_minor END)
           FILTER (WHERE f.currency = p.currency) AS held,
         coalesce(bool_or(f.kind = 'CANCELED'), false) AS canceled,
         coalesce(bool_or(f.currency <> p.currency), false) AS is_foreign
    FROM payments p LEFT JOIN facts f ON f.payment_id = p.id
   WHERE p.order_id = ANY($1::uuid[]) GROUP BY p.id
), told AS (
  SELECT p.*, a.is_foreign,
         coalesce(c.amount_minor, 0)::bigint AS told_captured,
         greatest(CASE WHEN a.canceled THEN 0 ELSE a.held END, c.amount_minor, 0)::bigint AS told_authorized,
         coalesce(r.refunded, 0)::bigint AS told_refunded,
         coalesce(r.pending, 0)::bigint AS told_pending,
         coalesce(d.disputed, 0)::bigint AS told_disputed,
         f.currency AS foreign_currency,
         coalesce(f.amount_minor, 0)::bigint AS foreign_captured,
         coalesce(r.foreign_refunded, 0)::bigint AS foreign_refunded,
         coalesce(r.foreign_pending, 0)::bigint AS foreign_pending
    FROM payments p JOIN authorizations a ON a.payment_id = p.id
    LEFT JOIN captures c ON c.payment_id = p.id AND c.own
    LEFT JOIN foreign_captures f ON f.payment_id = p.id
    LEFT JOIN refunds_told r ON r.payment_id = p.id
    LEFT JOIN disputes_told d ON d.payment_id = p.id
)
"""
"""A chain of CTEs: `told` is every payment of the orders `$1`, beside what its facts add up to.

`foreign_…` is the money that came in another currency than asked; the largest, should there be several.
"""
