"""What every contestant is given: orders with one open payment each, and a signed Stripe webhook that pays it."""

from __future__ import annotations

import hmac
import json
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from app.domain.ids import IdPrefix, encode_id
from app.identity import new_id

if TYPE_CHECKING:
    from uuid import UUID

    from db.pool import Database

WEBHOOK_SECRET: Final = "whsec_" + "b" * 32
AMOUNT_MINOR: Final = 49_900


@dataclass(frozen=True, slots=True)
class Delivery:
    """One webhook, ready to send: the order it pays, and the bytes of the HTTP request."""

    order_id: UUID
    payment_id: UUID
    request: bytes

    @property
    def public_order_id(self) -> str:
        """Return the order's id in the API."""
        return encode_id(IdPrefix.ORDER, self.order_id)


_MAKE: Final = """
WITH given AS (SELECT * FROM unnest($1::uuid[], $2::uuid[]) AS g(order_id, payment_id)),
made AS (
  INSERT INTO orders SELECT order_id, order_id::text, 'PENDING', 'UNPAID', 'UNFULFILLED', 2, 'INR', $3, 0, 0, false,
    NULL, NULL, 'REFUND', NULL, '{}', $4, $4, false, false FROM given
), lined AS (
  INSERT INTO order_lines SELECT order_id, 0, 'TEA', 'Tea', 1, $3, 'INR' FROM given
), opened AS (
  INSERT INTO payments SELECT payment_id, order_id, 'STRIPE', NULL, 'REQUIRES_PAYMENT_METHOD', 'AUTOMATIC', 'INR', $3,
    0, 0, 0, 'pi_' || payment_id, NULL, NULL, false, $4, $4, 0, 0 FROM given
)
INSERT INTO order_events (order_id, version, type, source, status, payment_status, fulfillment_status, payment_id,
                          amount_minor, currency, message, occurred_at, reported_at)
SELECT order_id, version, CASE version WHEN 1 THEN 'ORDER_CREATED' ELSE 'PAYMENT_CREATED' END, 'API', 'PENDING',
       'UNPAID', 'UNFULFILLED', CASE version WHEN 2 THEN payment_id END, NULL, NULL, NULL, $4, NULL
  FROM given, generate_series(1, 2) AS version
"""


async def make_deliveries(database: Database, count: int, path: str) -> list[Delivery]:
    """Write `count` orders with an open payment, and return the webhooks that pay them."""
    ids = [(new_id(), new_id()) for _ in range(count)]
    at = datetime.now(UTC)
    await database.fetch(_MAKE, [o for o, _ in ids], [p for _, p in ids], AMOUNT_MINOR, at)
    return [Delivery(order_id, payment_id, _request(payment_id, path)) for order_id, payment_id in ids]


def _request(payment_id: UUID, path: str) -> bytes:
    body = json.dumps(_event(payment_id)).encode()
    at = int(time.time())
    signature = hmac.digest(WEBHOOK_SECRET.encode(), f"{at}.".encode() + body, "sha256").hex()
    head = (
        f"POST {path} HTTP/1.1\r\nhost: bench\r\ncontent-type: application/json\r\n"
        f"stripe-signature: t={at},v1={signature}\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def _event(payment_id: UUID) -> dict[str, object]:
    at = int(time.time())
    intent = {
        "id": f"pi_{payment_id}",
        "object": "payment_intent",
        "amount": AMOUNT_MINOR,
        "amount_capturable": 0,
        "amount_received": AMOUNT_MINOR,
        "capture_method": "automatic",
        "client_secret": f"pi_{payment_id}_secret_x",
        "created": at,
        "currency": "inr",
        "last_payment_error": None,
        "latest_charge": f"ch_{payment_id}",
        "livemode": False,
        "metadata": {"payment_id": str(payment_id)},
        "next_action": None,
        "payment_method": f"pm_{payment_id}",
        "payment_method_types": ["card"],
        "status": "succeeded",
    }
    return {
        "id": f"evt_{payment_id}",
        "object": "event",
        "api_version": "2026-10-28.endive",
        "created": at,
        "data": {"object": intent},
        "livemode": False,
        "pending_webhooks": 1,
        "request": {"id": None, "idempotency_key": None},
        "type": "payment_intent.succeeded",
    }
