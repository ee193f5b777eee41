"""Writing what is not settled: new orders, access tokens, products, idempotency keys."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from app.domain.money import Money
from app.identity import new_id
from db.rows import (
    ADJUSTMENT_COLUMNS,
    EVENT_COLUMNS,
    LINE_COLUMNS,
    ORDER_COLUMNS,
    event_row,
    order_row,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    from app.domain.events import OrderEvent
    from app.domain.order import Order, OrderAdjustment, OrderLine
    from db.pool import Database, Reader, Record
    from db.rows import Columns


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """What the shop sells."""

    id: UUID
    sku: str
    name: str
    unit_price: Money
    image_url: str | None
    active: bool


_PRODUCT_COLUMNS: Final = "id, sku, name, unit_price_minor, currency, image_url, active"


def product_from(row: Columns) -> Product:
    """Return the product of a row of `products`."""
    return Product(
        id=row["id"],
        sku=row["sku"],
        name=row["name"],
        unit_price=Money(row["unit_price_minor"], row["currency"]),
        image_url=row["image_url"],
        active=row["active"],
    )


async def upsert_product(database: Database, product: Product) -> Product:
    """Write a product under its SKU; a known SKU keeps its id."""
    row = await database.fetch_row(
        f"""INSERT INTO products (id, sku, name, unit_price_minor, currency, image_url, active, created_at, updated_at)
           VALUES ($1, $2, $3, $4, $5, $6, $7, clock_timestamp(), clock_timestamp())
           ON CONFLICT (sku) DO UPDATE SET
             name = excluded.name, unit_price_minor = excluded.unit_price_minor, currency = excluded.currency,
             image_url = excluded.image_url, active = excluded.active, updated_at = excluded.updated_at
           RETURNING {_PRODUCT_COLUMNS}""",
        product.id,
        product.sku,
        product.name,
        product.unit_price.minor,
        product.unit_price.currency,
        product.image_url,
        product.active,
    )
    assert row is not None, "an upsert returns its row"  # noqa: S101 - holds by construction
    return product_from(row)


async def products_by_sku(reader: Reader, skus: Sequence[str]) -> dict[str, Product]:
    """Return the products of these SKUs that there are."""
    rows = await reader.fetch(
        f"SELECT {_PRODUCT_COLUMNS} FROM products WHERE sku = ANY($1::text[])", list(skus)
    )
    return {row["sku"]: product_from(row) for row in rows}


async def products(reader: Reader, ids: Sequence[UUID]) -> dict[UUID, Product]:
    """Return the products of these ids that there are."""
    rows = await reader.fetch(
        f"SELECT {_PRODUCT_COLUMNS} FROM products WHERE id = ANY($1::uuid[])", list(ids)
    )
    return {row["id"]: product_from(row) for row in rows}


async def products_page(
    reader: Reader, after: UUID | None, limit: int, *, active_only: bool
) -> list[Product]:
    """Return up to `limit` products, oldest first, by keyset."""
    rows = await reader.fetch(
        f"""SELECT {_PRODUCT_COLUMNS} FROM products WHERE ($1::uuid IS NULL OR id > $1) AND (active OR NOT $3)
            ORDER BY id LIMIT $2""",
        after,
        limit,
        active_only,
    )
    return [product_from(row) for row in rows]


@dataclass(frozen=True, slots=True, kw_only=True)
class NewToken:
    """A guest's key to one order, as it is stored."""

    id: UUID
    token_hash: bytes
    ttl_seconds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NewOrder:
    """Everything that makes an order; written together or not at all. Its times are the database's."""

    order: Order
    lines: tuple[OrderLine, ...]
    adjustments: tuple[OrderAdjustment, ...]
    events: tuple[OrderEvent, ...]
    token: NewToken


_INSERT_ORDER: Final = f"""
WITH made AS (
  INSERT INTO orders ({ORDER_COLUMNS}) SELECT {ORDER_COLUMNS} FROM json_populate_record(NULL::orders, $1)
  RETURNING id
), lined AS (
  INSERT INTO order_lines ({LINE_COLUMNS})
  SELECT {LINE_COLUMNS} FROM json_populate_recordset(NULL::order_lines, $2)
), adjusted AS (
  INSERT INTO order_adjustments ({ADJUSTMENT_COLUMNS})
  SELECT {ADJUSTMENT_COLUMNS} FROM json_populate_recordset(NULL::order_adjustments, $3)
), logged AS (
  INSERT INTO order_events ({EVENT_COLUMNS})
  SELECT {EVENT_COLUMNS} FROM json_populate_recordset(NULL::order_events, $4)
), owed AS (
  INSERT INTO jobs (id, kind, subject_id, due_at, attempts, created_at)
  SELECT $10, 'ORDER_EXPIRY', o.id, o.expires_at, 0, clock_timestamp()
    FROM json_populate_record(NULL::orders, $1) o WHERE o.expires_at IS NOT NULL AND o.status = 'PENDING'
), keyed AS (
  INSERT INTO order_access_tokens (id, order_id, token_hash, expires_at, created_at)
  SELECT $5, made.id, $6, clock_timestamp() + $7, clock_timestamp() FROM made
)
UPDATE idempotency_keys SET answer = $9, locked_until = NULL WHERE id = $8
"""


async def insert_order(database: Database, new: NewOrder, key_id: UUID, answer: Mapping[str, Any]) -> None:
    """Write a new order with its first events, token and expiry, and answer its idempotency key (1 statement)."""
    order = new.order
    await database.fetch(
        _INSERT_ORDER,
        order_row(order),
        [_line_row(order.id, line) for line in new.lines],
        [_adjustment_row(order.id, adjustment) for adjustment in new.adjustments],
        [event_row(event) for event in new.events],
        new.token.id,
        new.token.token_hash,
        timedelta(seconds=new.token.ttl_seconds),
        key_id,
        dict(answer),
        new_id(),
    )


def _line_row(order_id: UUID, line: OrderLine) -> dict[str, Any]:
    return {
        "order_id": order_id,
        "position": line.position,
        "sku": line.sku,
        "name": line.name,
        "quantity": line.quantity,
        "unit_price_minor": line.unit_price.minor,
        "currency": line.unit_price.currency,
    }


def _adjustment_row(order_id: UUID, adjustment: OrderAdjustment) -> dict[str, Any]:
    return {
        "order_id": order_id,
        "position": adjustment.position,
        "kind": adjustment.kind,
        "label": adjustment.label,
        "amount_minor": adjustment.amount.minor,
        "currency": adjustment.amount.currency,
    }


async def insert_token(database: Database, order_id: UUID, token: NewToken) -> datetime:
    """Write a guest's key to an order, and return when it expires."""
    row = await database.fetch_row(
        """INSERT INTO order_access_tokens (id, order_id, token_hash, expires_at, created_at)
           VALUES ($1, $2, $3, clock_timestamp() + $4, clock_timestamp())
           ON CONFLICT (id) DO UPDATE SET id = excluded.id RETURNING expires_at""",
        token.id,
        order_id,
        token.token_hash,
        timedelta(seconds=token.ttl_seconds),
    )
    assert row is not None, "an insert returns its row"  # noqa: S101 - holds by construction
    expires_at: datetime = row["expires_at"]
    return expires_at


async def now(database: Database) -> datetime:
    """Return the database's clock: the one that orders, expiry and events go by."""
    row = await database.fetch_row("SELECT clock_timestamp() AS now")
    assert row is not None, "the clock always answers"  # noqa: S101 - holds by construction
    at: datetime = row["now"]
    return at


_KEY_COLUMNS: Final = "id, request_hash, answer"
_CLAIM_KEY: Final = f"""
INSERT INTO idempotency_keys AS k (id, scope, key, request_hash, locked_until, created_at)
VALUES ($1, $2, $3, $4, clock_timestamp() + $5, clock_timestamp())
ON CONFLICT (scope, key) DO UPDATE
   SET locked_until = excluded.locked_until
 WHERE k.answer IS NULL AND k.request_hash = excluded.request_hash
   AND (k.locked_until IS NULL OR k.locked_until < clock_timestamp())
RETURNING {_KEY_COLUMNS}
"""


async def claim_key(
    database: Database, key_id: UUID, scope: str, key: str, request_hash: bytes, lease_seconds: float
) -> tuple[Record, bool]:
    """Take an idempotency key, or read who has it. Returns its row, and whether it is now ours to answer.

    A key whose holder died before it answered is taken over once its lease has run out.
    """
    row = await database.fetch_row(
        _CLAIM_KEY, key_id, scope, key, request_hash, timedelta(seconds=lease_seconds)
    )
    if row is not None:
        return row, True
    row = await database.fetch_row(
        f"SELECT {_KEY_COLUMNS} FROM idempotency_keys WHERE scope = $1 AND key = $2", scope, key
    )
    assert row is not None, "a key that could not be taken is there"  # noqa: S101 - keys are never deleted in use
    return row, False


async def answer_key(database: Database, key_id: UUID, answer: Mapping[str, Any]) -> None:
    """Store the answer that a key got."""
    await database.fetch(
        "UPDATE idempotency_keys SET answer = $2, locked_until = NULL WHERE id = $1", key_id, dict(answer)
    )


async def intent_of_key(database: Database, key_id: UUID) -> Mapping[str, Any] | None:
    """Return what a key's first use set out to do, where it was written down."""
    row = await database.fetch_row("SELECT intent FROM idempotency_keys WHERE id = $1", key_id)
    assert row is not None, "a key is there while it is worked on"  # noqa: S101 - keys are never deleted in use
    intent: Mapping[str, Any] | None = row["intent"]
    return intent


async def write_intent(database: Database, key_id: UUID, intent: Mapping[str, Any]) -> None:
    """Write down what a key's first use sets out to do."""
    await database.fetch("UPDATE idempotency_keys SET intent = $2 WHERE id = $1", key_id, dict(intent))


async def release_key(database: Database, key_id: UUID) -> None:
    """Let the same key be tried again at once: its first use had no outcome yet."""
    await database.fetch(
        "UPDATE idempotency_keys SET locked_until = NULL WHERE id = $1 AND answer IS NULL", key_id
    )
