"""A shop that has grown: so many orders, each with its payment, its facts, its books and its log, made by plain SQL."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from db.pool import Database

CHUNK: Final = 5_000

# Ids of version 7 that rise with the number, so that pages lie as they do in a shop that grew.
_FILL: Final = """
WITH o AS MATERIALIZED (
  SELECT n, now() - interval '30 days' + n * interval '1 second' AS at,
         n % 100 = 0 AS is_open, n % 10 = 1 AS is_refunded,
         (stem || '1')::uuid AS order_id, (stem || '2')::uuid AS payment_id, (stem || '3')::uuid AS refund_id,
         (stem || '4')::uuid AS row_id
    FROM (SELECT n, '01900000-' || lpad(to_hex(n / 65536), 4, '0') || '-7' || lpad(to_hex((n / 16) % 4096), 3, '0')
                    || '-8' || lpad(to_hex(n % 16), 3, '0') || '-00000000000' AS stem
            FROM generate_series($1::int, $2::int) n) g
), orders_in AS (
  INSERT INTO orders (id, number, status, payment_status, fulfillment_status, version, currency, total_minor,
                      paid_minor, refunded_minor, payment_in_progress, late_payment_policy, metadata, created_at,
                      updated_at)
  SELECT order_id, order_id::text, CASE WHEN is_open THEN 'PENDING' ELSE 'CONFIRMED' END,
         CASE WHEN is_open THEN 'UNPAID' WHEN is_refunded THEN 'PARTIALLY_REFUNDED' ELSE 'PAID' END, 'UNFULFILLED',
         CASE WHEN is_open THEN 2 WHEN is_refunded THEN 6 ELSE 4 END, 'INR', 49900,
         CASE WHEN is_open THEN 0 ELSE 49900 END, CASE WHEN is_refunded THEN 900 ELSE 0 END, false, 'REFUND', '{}', at,
         at
    FROM o
), lines_in AS (
  INSERT INTO order_lines SELECT order_id, 0, 'TEA', 'Tea', 1, 49900, 'INR' FROM o
), payments_in AS (
  INSERT INTO payments (id, order_id, gateway, status, capture_method, currency, amount_minor, authorized_minor,
                        captured_minor, refunded_minor, reference, late_authorized, created_at, updated_at)
  SELECT payment_id, order_id, 'STRIPE', CASE WHEN is_open THEN 'REQUIRES_PAYMENT_METHOD' ELSE 'SUCCEEDED' END,
         'AUTOMATIC', 'INR', 49900, CASE WHEN is_open THEN 0 ELSE 49900 END, CASE WHEN is_open THEN 0 ELSE 49900 END,
         CASE WHEN is_refunded THEN 900 ELSE 0 END, 'pi_' || n, false, at, at FROM o
), facts_in AS (
  INSERT INTO facts (gateway, object_id, kind, payment_id, amount_minor, currency, attempt_id, own_id, recorded_at,
                     reported_at)
  SELECT 'STRIPE', 'ch_' || n, 'CAPTURED', payment_id, 49900, 'INR', 'ch_' || n, NULL, at, at FROM o WHERE NOT is_open
  UNION ALL
  SELECT 'STRIPE', 're_' || n, 'REFUND_SUCCEEDED', payment_id, 900, 'INR', NULL, refund_id, at, at FROM o
   WHERE is_refunded
), attempts_in AS (
  INSERT INTO payment_attempts (payment_id, reference, status, failed, created_at)
  SELECT payment_id, 'ch_' || n, 'SUCCEEDED', false, at FROM o WHERE NOT is_open
), refunds_in AS (
  INSERT INTO refunds (id, payment_id, reference, status, amount_minor, currency, initiated_by, created_at)
  SELECT refund_id, payment_id, 're_' || n, 'SUCCEEDED', 900, 'INR', 'GATEWAY', at FROM o WHERE is_refunded
), ledger_in AS (
  INSERT INTO ledger_entries
  SELECT row_id, position, order_id, payment_id, account, sign * 49900, 'INR', 'capture', at
    FROM o, (VALUES (0, 'SALES', -1), (1, 'GATEWAY_CLEARING', 1)) e(position, account, sign) WHERE NOT is_open
  UNION ALL
  SELECT refund_id, position, order_id, payment_id, account, sign * 900, 'INR', 'refund', at
    FROM o, (VALUES (0, 'REFUNDS', 1), (1, 'GATEWAY_CLEARING', -1)) e(position, account, sign) WHERE is_refunded
), inbox_in AS (
  INSERT INTO inbox_events (id, gateway, external_id, type, status, deliveries, attempts, body, payment_id,
                            named_payment_id, reference, received_at, applied_at)
  SELECT row_id, 'STRIPE', 'evt_' || n, 'payment_intent.succeeded', 'APPLIED', 1, 1,
         convert_to(repeat('x', 900), 'UTF8'), payment_id, payment_id, 'pi_' || n, at, at FROM o WHERE NOT is_open
), keys_in AS (
  INSERT INTO idempotency_keys (id, scope, key, request_hash, answer, created_at)
  SELECT order_id, 'anyone:orderCreate', n::text, '', jsonb_build_object('order_id', order_id), at FROM o
)
INSERT INTO order_events (order_id, version, type, source, status, payment_status, fulfillment_status, payment_id,
                          occurred_at)
SELECT order_id, version, type, 'WEBHOOK',
       CASE WHEN version < 4 THEN 'PENDING' ELSE 'CONFIRMED' END,
       CASE WHEN version < 3 THEN 'UNPAID' WHEN version < 5 THEN 'PAID' ELSE 'PARTIALLY_REFUNDED' END, 'UNFULFILLED',
       CASE WHEN type LIKE 'ORDER%' THEN NULL ELSE payment_id END, at
  FROM o, (VALUES (1, 'ORDER_CREATED'), (2, 'PAYMENT_CREATED'), (3, 'PAYMENT_SUCCEEDED'), (4, 'ORDER_CONFIRMED'),
                  (5, 'REFUND_CREATED'), (6, 'REFUND_SUCCEEDED')) e(version, type)
 WHERE version <= CASE WHEN is_open THEN 2 WHEN is_refunded THEN 6 ELSE 4 END
"""


async def grow(database: Database, orders: int, *, already: int = 0) -> None:
    """Make the orders from number `already` + 1 to `orders`. A hundredth is open, a tenth was partly refunded."""
    started = time.perf_counter()
    for start in range(already + 1, orders + 1, CHUNK):
        end = min(start + CHUNK - 1, orders)
        await database.fetch(_FILL, start, end)
        print(f"\rfilled {end:,} of {orders:,} orders", end="", flush=True)
    await database.fetch("ANALYZE")
    print(f" in {time.perf_counter() - started:.0f} s", flush=True)
