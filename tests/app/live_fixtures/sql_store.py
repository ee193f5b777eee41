"""Orders and their events in two plain tables, to read and commit them over real connections."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.app.live_fixtures.orders import change, event, snapshot

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from uuid import UUID

    from app.domain.events import OrderEvent
    from app.domain.order import OrderChange, OrderSnapshot
    from db.pool import Database


class SqlStore:
    """An order reader, and the writer that belongs to it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def create(self, order_ids: Iterable[UUID]) -> None:
        """Make the tables, and orders at version 1."""
        async with self._database.transaction() as connection:
            await connection.execute(
                """CREATE TABLE IF NOT EXISTS live_orders (id uuid PRIMARY KEY, version int NOT NULL);
                   CREATE TABLE IF NOT EXISTS live_events (
                       order_id uuid, version int, PRIMARY KEY (order_id, version));"""
            )
            ids = list(order_ids)
            await connection.execute("INSERT INTO live_orders SELECT unnest($1::uuid[]), 1", ids)
            await connection.execute("INSERT INTO live_events SELECT unnest($1::uuid[]), 1", ids)

    async def commit(self, order_id: UUID) -> OrderChange:
        """Commit one change of an order."""
        async with self._database.transaction() as connection:
            version: int = await connection.fetchval(
                "UPDATE live_orders SET version = version + 1 WHERE id = $1 RETURNING version", order_id
            )
            await connection.execute("INSERT INTO live_events VALUES ($1, $2)", order_id, version)
        return change(order_id, version)

    async def snapshots(self, order_ids: Sequence[UUID]) -> dict[UUID, OrderSnapshot]:
        """Read orders."""
        return {i: snapshot(i, version) for i, version in (await self.versions(order_ids)).items()}

    async def events(self, after: Mapping[UUID, int], limit_per_order: int) -> dict[UUID, list[OrderEvent]]:
        """Read the log."""
        rows = await self._database.fetch(
            """SELECT e.* FROM unnest($1::uuid[], $2::int[]) AS w (order_id, version)
                CROSS JOIN LATERAL (SELECT * FROM live_events e WHERE e.order_id = w.order_id
                    AND e.version > w.version ORDER BY e.version LIMIT $3) e""",
            list(after),
            list(after.values()),
            limit_per_order,
        )
        found: dict[UUID, list[OrderEvent]] = {}
        for row in rows:
            found.setdefault(row["order_id"], []).append(event(row["order_id"], row["version"]))
        return found

    async def versions(self, order_ids: Sequence[UUID]) -> dict[UUID, int]:
        """Read versions."""
        rows = await self._database.fetch(
            "SELECT id, version FROM live_orders WHERE id = ANY($1::uuid[])", list(order_ids)
        )
        return {row["id"]: row["version"] for row in rows}
