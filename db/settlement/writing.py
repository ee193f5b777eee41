"""What a settlement writes, in one statement whatever the size of the batch."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from uuid import UUID

from db.rows import (
    ATTEMPT_COLUMNS,
    DISPUTE_COLUMNS,
    EVENT_COLUMNS,
    FACT_COLUMNS,
    PAYMENT_COLUMNS,
    REFUND_COLUMNS,
    SUSPENSE_COLUMNS,
)

if TYPE_CHECKING:
    from uuid import UUID

    from app.domain.states import GatewayName, InboxEventStatus
    from db.pool import Connection
    from db.rows import Row


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxMark:
    """One delivery and what became of it."""

    id: UUID
    gateway: GatewayName
    external_id: str
    type: str
    status: InboxEventStatus
    deliveries: int
    error: str | None
    body: bytes
    payment_id: UUID | None
    named_payment_id: UUID | None
    reference: str | None
    asks: bool = False


@dataclass(slots=True, kw_only=True)
class WriteSet:
    """Everything that one batch writes, as rows by table."""

    inbox: list[InboxMark] = field(default_factory=list)
    orders: list[Row] = field(default_factory=list)
    new_payments: list[Row] = field(default_factory=list)
    payments: list[Row] = field(default_factory=list)
    facts: list[Row] = field(default_factory=list)
    attempts: list[Row] = field(default_factory=list)
    refunds: list[Row] = field(default_factory=list)
    replaced_refunds: list[UUID] = field(default_factory=list)
    disputes: list[Row] = field(default_factory=list)
    events: list[Row] = field(default_factory=list)
    ledger: list[Row] = field(default_factory=list)
    suspense: dict[UUID, Row] = field(default_factory=dict)
    jobs: list[Row] = field(default_factory=list)
    answers: list[Row] = field(default_factory=list)


_WRITE: Final = f"""
WITH inbox AS (
  INSERT INTO inbox_events AS i (id, gateway, external_id, type, status, deliveries, attempts, error, body, payment_id,
                                 named_payment_id, reference, asks, received_at, applied_at)
  SELECT n.id, n.gateway, n.external_id, n.type, n.status, n.deliveries, 1, n.error, n.body, p.id, n.named_payment_id,
         n.reference, n.asks, clock_timestamp(), CASE WHEN n.status IN ('APPLIED', 'IGNORED') THEN clock_timestamp() END
    FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::int[], $7::text[], $8::bytea[],
                $9::uuid[], $22::uuid[], $23::text[], $25::bool[])
      AS n(id, gateway, external_id, type, status, deliveries, error, body, payment_id, named_payment_id, reference,
           asks)
    LEFT JOIN payments p ON p.id = n.payment_id
   ORDER BY n.gateway, n.external_id
  ON CONFLICT (gateway, external_id) DO UPDATE SET
    deliveries = i.deliveries + excluded.deliveries,
    attempts = i.attempts + 1,
    status = CASE WHEN i.applied_at IS NULL THEN excluded.status ELSE i.status END,
    error = CASE WHEN i.applied_at IS NULL THEN excluded.error ELSE i.error END,
    asks = CASE WHEN i.applied_at IS NULL THEN excluded.asks ELSE i.asks END,
    payment_id = coalesce(i.payment_id, excluded.payment_id),
    applied_at = coalesce(i.applied_at, excluded.applied_at)
  RETURNING id, gateway, status
), new AS MATERIALIZED (
  SELECT * FROM json_populate_recordset(NULL::payments, $10)
), known AS MATERIALIZED (
  SELECT * FROM json_populate_recordset(NULL::payments, $11)
), opened AS (
  INSERT INTO payments ({PAYMENT_COLUMNS}) SELECT {PAYMENT_COLUMNS} FROM new
), paid AS (
  UPDATE payments p SET
    method = n.method, status = n.status, amount_minor = n.amount_minor, authorized_minor = n.authorized_minor,
    captured_minor = n.captured_minor, refunded_minor = n.refunded_minor, disputed_minor = n.disputed_minor,
    suspended_minor = n.suspended_minor, reference = n.reference, next_action = n.next_action,
    last_error = n.last_error, late_authorized = n.late_authorized, updated_at = n.updated_at
    FROM known n WHERE p.id = n.id
), moved AS (
  UPDATE orders o SET
    status = n.status, payment_status = n.payment_status, fulfillment_status = n.fulfillment_status,
    version = n.version, paid_minor = n.paid_minor, refunded_minor = n.refunded_minor,
    payment_in_progress = n.payment_in_progress, has_suspense = n.has_suspense, called_off = n.called_off,
    updated_at = n.updated_at
    FROM json_populate_recordset(NULL::orders, $12) n WHERE o.id = n.id
), told AS (
  INSERT INTO facts AS f ({FACT_COLUMNS})
  SELECT {FACT_COLUMNS} FROM json_populate_recordset(NULL::facts, $13)
  ON CONFLICT (gateway, object_id, kind) DO UPDATE SET
    amount_minor = excluded.amount_minor, currency = excluded.currency, attempt_id = excluded.attempt_id,
    own_id = excluded.own_id, method = excluded.method, failure = excluded.failure, initiator = excluded.initiator,
    detail = excluded.detail, respond_by = excluded.respond_by, reported_at = excluded.reported_at
    WHERE f.payment_id = excluded.payment_id
  RETURNING 1
), tried AS (
  INSERT INTO payment_attempts ({ATTEMPT_COLUMNS})
  SELECT {ATTEMPT_COLUMNS} FROM json_populate_recordset(NULL::payment_attempts, $14)
  ON CONFLICT (payment_id, reference) DO UPDATE SET
    status = excluded.status, method = excluded.method, failure = excluded.failure, failed = excluded.failed,
    created_at = excluded.created_at
), replaced AS (
  DELETE FROM refunds WHERE id = ANY($15::uuid[])
), refunded AS (
  INSERT INTO refunds ({REFUND_COLUMNS})
  SELECT {REFUND_COLUMNS} FROM json_populate_recordset(NULL::refunds, $16)
  ON CONFLICT (id) DO UPDATE SET
    reference = excluded.reference, status = excluded.status, amount_minor = excluded.amount_minor,
    currency = excluded.currency, initiated_by = excluded.initiated_by, reason = excluded.reason
), disputed AS (
  INSERT INTO disputes ({DISPUTE_COLUMNS})
  SELECT {DISPUTE_COLUMNS} FROM json_populate_recordset(NULL::disputes, $17)
  ON CONFLICT (id) DO UPDATE SET
    status = excluded.status, amount_minor = excluded.amount_minor, currency = excluded.currency,
    reason = excluded.reason, respond_by = excluded.respond_by
), logged AS (
  INSERT INTO order_events ({EVENT_COLUMNS})
  SELECT {EVENT_COLUMNS} FROM json_populate_recordset(NULL::order_events, $18)
), booked AS (
  INSERT INTO ledger_entries (transaction_id, position, order_id, payment_id, account, amount_minor, currency,
                              description, created_at)
  SELECT transaction_id, position, order_id, payment_id, account, amount_minor, currency, description,
         clock_timestamp()
    FROM json_populate_recordset(NULL::ledger_entries, $19)
), owed AS (
  INSERT INTO jobs AS j (id, kind, subject_id, gateway, due_at, attempts, created_at)
  SELECT DISTINCT ON (kind, subject_id) id, kind, subject_id, gateway,
         clock_timestamp() + make_interval(secs => delay_seconds), 0, clock_timestamp()
    FROM json_to_recordset($20)
      AS n(id uuid, kind text, subject_id uuid, gateway text, delay_seconds double precision)
   ORDER BY kind, subject_id, delay_seconds
  ON CONFLICT (kind, subject_id) DO UPDATE SET
    due_at = least(j.due_at, excluded.due_at), died_at = NULL,
    attempts = CASE WHEN j.died_at IS NULL THEN j.attempts ELSE 0 END
), waiting AS (
  INSERT INTO jobs (id, kind, subject_id, gateway, due_at, attempts, created_at)
  SELECT gen_random_uuid(), 'INBOX_REPLAY', id, gateway, clock_timestamp() + interval '2 seconds', 0, clock_timestamp()
    FROM inbox WHERE status IN ('UNMATCHED', 'FAILED')
  ON CONFLICT (kind, subject_id) DO NOTHING
), woken AS (
  UPDATE jobs SET due_at = clock_timestamp(), died_at = NULL
   WHERE kind = 'INBOX_REPLAY' AND subject_id IN (
     SELECT i.id FROM new n JOIN inbox_events i ON i.named_payment_id = n.id WHERE i.status = 'UNMATCHED'
     UNION
     SELECT i.id FROM (SELECT gateway, reference FROM new UNION ALL SELECT gateway, reference FROM known) n
       JOIN inbox_events i ON i.gateway = n.gateway AND i.reference = n.reference WHERE i.status = 'UNMATCHED')
), held AS (
  INSERT INTO suspense_items AS s ({SUSPENSE_COLUMNS})
  SELECT {SUSPENSE_COLUMNS} FROM json_populate_recordset(NULL::suspense_items, $24) ORDER BY id
  ON CONFLICT (id) DO UPDATE SET
    reason = excluded.reason, currency = excluded.currency, resolution = excluded.resolution,
    message = excluded.message, resolved_at = excluded.resolved_at,
    amount_minor = CASE WHEN s.payment_id IS NULL THEN greatest(s.amount_minor, excluded.amount_minor)
                        ELSE excluded.amount_minor END
    WHERE s.payment_id IS NOT NULL OR s.resolution IS NULL
), placed AS (
  UPDATE suspense_items s SET
    resolution = 'APPLY_TO_ORDER', resolved_at = clock_timestamp(), order_id = n.order_id, payment_id = n.id
    FROM known n
   WHERE s.resolution IS NULL AND s.payment_id IS NULL AND s.gateway = n.gateway AND s.reference = n.reference
     AND (n.captured_minor > 0 OR n.status = 'CONFLICTED')
), answered AS (
  UPDATE idempotency_keys k SET answer = n.answer, locked_until = NULL
    FROM json_populate_recordset(NULL::idempotency_keys, $21) n WHERE k.id = n.id AND k.answer IS NULL
)
SELECT count(*) FROM told
"""


class ForeignFactError(Exception):
    """A fact names an object that belongs to another payment."""


async def write(connection: Connection, batch: WriteSet) -> None:
    """Write everything that a batch decided, in one statement.

    Raises:
        ForeignFactError: a fact names an object that belongs to another payment.
    """
    told = await connection.fetchval(
        _WRITE,
        [mark.id for mark in batch.inbox],
        [mark.gateway for mark in batch.inbox],
        [mark.external_id for mark in batch.inbox],
        [mark.type for mark in batch.inbox],
        [mark.status for mark in batch.inbox],
        [mark.deliveries for mark in batch.inbox],
        [mark.error for mark in batch.inbox],
        [mark.body for mark in batch.inbox],
        [mark.payment_id for mark in batch.inbox],
        batch.new_payments,
        batch.payments,
        batch.orders,
        batch.facts,
        batch.attempts,
        batch.replaced_refunds,
        batch.refunds,
        batch.disputes,
        batch.events,
        batch.ledger,
        batch.jobs,
        batch.answers,
        [mark.named_payment_id for mark in batch.inbox],
        [mark.reference for mark in batch.inbox],
        list(batch.suspense.values()),
        [mark.asks for mark in batch.inbox],
    )
    if told != len(batch.facts):
        raise ForeignFactError("A fact names an object of the gateway that belongs to another payment.")
