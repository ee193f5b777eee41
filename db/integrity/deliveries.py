"""Deliveries, keys and jobs: each delivery has an outcome, each key one answer, and no work lies about."""

from __future__ import annotations

from typing import Final

from db.integrity.statements import Question

WAITING_ROWS_MAX: Final = 10_000
"""The most rows that one look at what waits reads: the oldest of those that an index leads to."""

_OUTCOMES: Final = """
SELECT i.id AS root, 'inb' AS prefix, i.id AS subject, i.gateway, i.external_id, i.status, i.applied_at,
       (i.status IN ('APPLIED', 'IGNORED')) <> (i.applied_at IS NOT NULL)
         OR (i.status = 'APPLIED' AND i.payment_id IS NULL) AS broken
  FROM inbox_events i WHERE i.id = ANY($1::uuid[])
"""
_ONCE: Final = """
SELECT i.id AS root, 'inb' AS prefix, i.id AS subject, i.gateway, i.external_id, count(other.id) AS others,
       count(other.id) > 0 AS broken
  FROM inbox_events i LEFT JOIN inbox_events other
    ON other.gateway = i.gateway AND other.external_id = i.external_id AND other.id <> i.id
 WHERE i.id = ANY($1::uuid[]) GROUP BY i.id
"""
_KEYS: Final = """
SELECT k.id AS root, 'key' AS prefix, k.id AS subject, count(other.id) AS others,
       k.answer IS NOT NULL AND k.locked_until IS NOT NULL AS taken,
       count(other.id) > 0 OR (k.answer IS NOT NULL AND k.locked_until IS NOT NULL) AS broken
  FROM idempotency_keys k LEFT JOIN idempotency_keys other
    ON other.scope = k.scope AND other.key = k.key AND other.id <> k.id
 WHERE k.id = ANY($1::uuid[]) GROUP BY k.id
"""
_ANSWERS: Final = """
SELECT k.id AS root, 'key' AS prefix, k.id AS subject, k.answer,
       (k.answer ? 'order_id' AND o.id IS NULL) OR (k.answer ? 'payment_id' AND p.id IS NULL)
         OR (k.answer ? 'refund_id' AND r.id IS NULL) OR (k.answer ? 'suspense_id' AND s.id IS NULL) AS broken
  FROM idempotency_keys k
  LEFT JOIN orders o ON o.id = (k.answer->>'order_id')::uuid
  LEFT JOIN payments p ON p.id = (k.answer->>'payment_id')::uuid
  LEFT JOIN refunds r ON r.id = (k.answer->>'refund_id')::uuid
  LEFT JOIN suspense_items s ON s.id = (k.answer->>'suspense_id')::uuid
 WHERE k.id = ANY($1::uuid[]) AND k.answer IS NOT NULL AND NOT k.answer ? 'error'
"""
_UNAPPLIED: Final = f"""
WITH unknown AS (
  SELECT gateway, reference, bool_or(resolution IS NULL) AS is_open FROM suspense_items
   WHERE reason = 'UNKNOWN_ORDER' GROUP BY gateway, reference
)
SELECT i.id AS root, 'inb' AS prefix, i.id AS subject, i.gateway, i.external_id, i.status, i.received_at, i.error,
       CASE i.status
         WHEN 'RECEIVED' THEN i.received_at < now() - interval '1 minute'
         WHEN 'FAILED' THEN j.id IS NULL OR j.died_at IS NOT NULL
         ELSE (j.id IS NULL OR j.died_at IS NOT NULL) AND coalesce(s.is_open, true)
       END AS broken
  FROM (SELECT * FROM inbox_events WHERE status IN ('RECEIVED', 'UNMATCHED', 'FAILED')
         ORDER BY received_at LIMIT {WAITING_ROWS_MAX}) i
  LEFT JOIN jobs j ON j.kind = 'INBOX_REPLAY' AND j.subject_id = i.id
  LEFT JOIN unknown s ON i.status = 'UNMATCHED' AND s.gateway = i.gateway AND s.reference = i.reference
"""
_DEAD: Final = f"""
SELECT j.id AS root, 'job' AS prefix, j.id AS subject, j.kind, j.attempts, j.last_error, j.died_at,
       j.kind <> 'INBOX_REPLAY' AS broken
  FROM (SELECT * FROM jobs WHERE died_at IS NOT NULL ORDER BY died_at LIMIT {WAITING_ROWS_MAX}) j
"""
"""A delivery whose replay was given up is named itself, by `deliveries_unapplied`."""
_OVERDUE: Final = f"""
SELECT j.id AS root, 'job' AS prefix, j.id AS subject, j.kind, j.due_at, j.attempts,
       j.due_at < now() - interval '10 minutes' AND (j.leased_until IS NULL OR j.leased_until < now()) AS broken
  FROM (SELECT * FROM jobs WHERE died_at IS NULL ORDER BY due_at LIMIT {WAITING_ROWS_MAX}) j
"""
_UNKNOWN: Final = f"""
SELECT s.id AS root, 'sus' AS prefix, s.id AS subject, s.gateway, s.reference, s.created_at, p.id IS NOT NULL AS known,
       s.created_at < now() - interval '10 minutes'
         AND (p.id IS NOT NULL OR NOT EXISTS (
           SELECT FROM inbox_events i WHERE i.gateway = s.gateway AND i.status = 'UNMATCHED'
              AND (i.reference = s.reference OR i.reference IS NULL))) AS broken
  FROM (SELECT * FROM suspense_items WHERE resolution IS NULL AND payment_id IS NULL
         ORDER BY gateway, reference LIMIT {WAITING_ROWS_MAX}) s
  LEFT JOIN payments p ON p.gateway = s.gateway AND p.reference = s.reference
   AND (p.captured_minor > 0 OR p.status = 'CONFLICTED')
"""
"""A delivery that names its payment by an object alone has no reference to be found by."""

DELIVERIES: Final = (Question("delivery_outcomes", _OUTCOMES), Question("deliveries_once", _ONCE))
KEYS: Final = (Question("keys_once", _KEYS), Question("key_answers", _ANSWERS))
WAITING: Final = (
    Question("deliveries_unapplied", _UNAPPLIED),
    Question("jobs_dead", _DEAD),
    Question("jobs_overdue", _OVERDUE),
    Question("suspense_unknown", _UNKNOWN),
)
