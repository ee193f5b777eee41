"""A process of its own that commits to orders and announces it, as a replica without the reader does.

    python -m tests.app.live_fixtures.committing_process DSN NAMESPACE VERSIONS ORDER_ID...

Prints `connected` when its relay is, and ends when every order is at VERSIONS and everything is announced.
"""

from __future__ import annotations

import asyncio
import sys
from functools import partial
from uuid import UUID

from app.live import LiveHub
from app.relay import LineBackend, Relay
from db.pool import Database
from tests.app.live_fixtures.following import until
from tests.app.live_fixtures.notifications import open_line
from tests.app.live_fixtures.sql_store import SqlStore


async def main(dsn: str, namespace: str, versions: int, order_ids: list[UUID]) -> None:
    async with Database(dsn, size=2) as database:
        store = SqlStore(database)
        backend = LineBackend(partial(open_line, dsn), namespace=namespace)
        async with LiveHub(store) as hub, Relay(backend, hub, namespace=namespace) as relay:
            await until(lambda: relay.connected)
            sys.stdout.write("connected\n")
            sys.stdout.flush()
            for _ in range(1, versions):
                changes = [await store.commit(order_id) for order_id in order_ids]
                hub.publish(changes)
                relay.announce(changes)


if __name__ == "__main__":
    _, dsn_argument, namespace_argument, versions_argument, *ids = sys.argv
    asyncio.run(main(dsn_argument, namespace_argument, int(versions_argument), [UUID(text) for text in ids]))
