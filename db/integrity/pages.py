"""Which rows are looked at next: pages by id, which for ids of version 7 is by time, or the newest ones."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Final
from uuid import UUID

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from db.pool import Database, Moment, Reader, Record

_FIRST: Final = UUID(int=0)


@contextlib.asynccontextmanager
async def page_moment(database: Database) -> AsyncIterator[Moment]:
    """Lend a reader for one page, as of one moment.

    Its plans are made for a few ids, whatever the number: each thing is then found by an index. Plans for the very
    number read whole tables as soon as a page is a few thousandths of one.
    """
    async with database.moment() as moment:
        await moment.fetch("SELECT set_config('plan_cache_mode', 'force_generic_plan', true)")
        yield moment


async def beyond_orders(reader: Reader, after: UUID | None, limit: int) -> list[UUID]:
    """Return the ids of the orders that follow an id."""
    statement = "SELECT id FROM orders WHERE id > $1 ORDER BY id LIMIT $2"
    return _ids(await reader.fetch(statement, after or _FIRST, limit))


async def beyond_deliveries(reader: Reader, after: UUID | None, limit: int) -> list[UUID]:
    """Return the ids of the deliveries that follow an id."""
    statement = "SELECT id FROM inbox_events WHERE id > $1 ORDER BY id LIMIT $2"
    return _ids(await reader.fetch(statement, after or _FIRST, limit))


async def beyond_keys(reader: Reader, after: UUID | None, limit: int) -> list[UUID]:
    """Return the ids of the idempotency keys that follow an id."""
    statement = "SELECT id FROM idempotency_keys WHERE id > $1 ORDER BY id LIMIT $2"
    return _ids(await reader.fetch(statement, after or _FIRST, limit))


async def newest_orders(reader: Reader, limit: int) -> list[UUID]:
    """Return the ids of the orders that changed last."""
    statement = "SELECT id FROM orders ORDER BY updated_at DESC, id DESC LIMIT $1"
    return _ids(await reader.fetch(statement, limit))


async def newest_deliveries(reader: Reader, limit: int) -> list[UUID]:
    """Return the ids of the deliveries that came last."""
    return _ids(await reader.fetch("SELECT id FROM inbox_events ORDER BY id DESC LIMIT $1", limit))


async def newest_keys(reader: Reader, limit: int) -> list[UUID]:
    """Return the ids of the idempotency keys that were used last."""
    return _ids(await reader.fetch("SELECT id FROM idempotency_keys ORDER BY id DESC LIMIT $1", limit))


async def count_rows(reader: Reader) -> int:
    """Return about how many orders, deliveries and keys there are, as the planner has it: for showing progress."""
    row = await reader.fetch_row(
        """SELECT coalesce(sum(greatest(reltuples, 0)), 0)::bigint AS rows FROM pg_class
            WHERE oid IN ('orders'::regclass, 'inbox_events'::regclass, 'idempotency_keys'::regclass)"""
    )
    assert row is not None, "a sum always has a row"  # noqa: S101 - holds by construction
    rows: int = row["rows"]
    return rows


def _ids(rows: Sequence[Record]) -> list[UUID]:
    return [row["id"] for row in rows]
