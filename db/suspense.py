"""Suspense items: read, and, where no order's lock stands for them, resolved."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from app.domain.states import SuspenseResolution
from db.rows import SUSPENSE_COLUMNS, suspense_from

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    from app.domain.suspense import SuspenseItem
    from db.pool import Database, Reader


async def items(reader: Reader, ids: Sequence[UUID]) -> dict[UUID, SuspenseItem]:
    """Return the items of these ids that there are."""
    rows = await reader.fetch(
        f"SELECT {SUSPENSE_COLUMNS} FROM suspense_items WHERE id = ANY($1::uuid[])", list(ids)
    )
    return {row["id"]: suspense_from(row) for row in rows}


_RESOLVE_UNKNOWN: Final = """
WITH resolved AS (
  UPDATE suspense_items SET resolution = $2, message = $3, resolved_at = clock_timestamp()
   WHERE id = $1 AND resolution IS NULL AND payment_id IS NULL
  RETURNING id, gateway
), owed AS (
  INSERT INTO jobs (id, kind, subject_id, gateway, due_at, attempts, created_at)
  SELECT gen_random_uuid(), 'SUSPENSE_REFUND', id, gateway, clock_timestamp(), 0, clock_timestamp()
    FROM resolved WHERE $4
  ON CONFLICT (kind, subject_id) DO NOTHING
)
UPDATE idempotency_keys SET answer = $6, locked_until = NULL WHERE id = $5 AND EXISTS (SELECT FROM resolved)
RETURNING id
"""


async def resolve_unknown(
    database: Database,
    item: SuspenseItem,
    resolution: SuspenseResolution,
    message: str | None,
    key_id: UUID,
    answer: Mapping[str, Any],
) -> bool:
    """Resolve money of an unknown order, with the refund that is owed for it and the key's answer (1 statement).

    Returns whether it was still open.
    """
    rows = await database.fetch(
        _RESOLVE_UNKNOWN,
        item.id,
        resolution,
        message,
        resolution is SuspenseResolution.REFUND,
        key_id,
        dict(answer),
    )
    return bool(rows)
