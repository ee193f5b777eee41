"""The same webhook fifty times at once, spread over three servers on one database, for many rounds."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from db.pool import Database
from tests.faults.servers import ForkedServer
from tests.faults.stage import forked, ground
from tests.system.audit import broken_invariants, inbox, order_states
from tests.system.deliveries import open_payments, success
from tests.system.processes import server_settings
from tests.system.wire import Line, get

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

    from tests.system.deliveries import Delivery

SERVERS: Final = 3
COPIES: Final = 50
PAID_ONCE: Final = ("CONFIRMED", "PAID", 4, 49_900, 0)


@dataclass
class Duplicates:
    """What the rounds came to."""

    rounds: int
    statuses: Counter[int] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)
    """How long each answer took, from the moment that all copies were written."""
    deadlocks: int = 0
    poison: int = 0
    """Submissions that broke their batch: what the locks let by and a constraint caught."""
    flaws: list[str] = field(default_factory=list)

    def summary(self) -> str:
        """Return the line that counts."""
        ranked = sorted(self.seconds)
        p50, p99 = (1000 * ranked[int(len(ranked) * share)] for share in (0.5, 0.99))
        return (
            f"{self.rounds} rounds of {COPIES} copies at {SERVERS} servers: answers {dict(self.statuses)},"
            f" {self.deadlocks} deadlocks, {self.poison} broken batches, {len(self.flaws)} flaws;"
            f" p50 {p50:.0f} ms, p99 {p99:.0f} ms"
        )


@contextlib.asynccontextmanager
async def three_servers() -> AsyncIterator[tuple[list[ForkedServer], Database]]:
    """Run servers side by side on one database."""
    async with ground(SERVERS, "plain") as below, contextlib.AsyncExitStack() as stack:
        settings = {
            name.removeprefix("ORDERPULSE_").lower(): value for name, value in server_settings().items()
        }
        servers = []
        for number, listener in enumerate(below.listeners):
            folder = below.folder / f"server-{number}"
            folder.mkdir()
            server = ForkedServer(below.nursery, listener, folder, below.postgres.dsn, settings)
            servers.append(await stack.enter_async_context(forked(server)))
        yield servers, await stack.enter_async_context(Database(below.postgres.dsn))


async def duplicate(
    servers: Sequence[ForkedServer],
    database: Database,
    rounds: int,
    *,
    on_round: Callable[[Duplicates], None] = lambda _: None,
) -> Duplicates:
    """Send each webhook to all servers at once, and look at what was made of it."""
    result = Duplicates(rounds)
    before = (await _deadlocks(database), await _poison(servers))
    deliveries = [success(opened.payment) for opened in await open_payments(database, rounds)]
    async with contextlib.AsyncExitStack() as stack:
        lines = [
            await stack.enter_async_context(await Line.open(servers[number % len(servers)].port))
            for number in range(COPIES)
        ]
        for delivery in deliveries:
            await _send_at_once(lines, delivery, result)
            on_round(result)
    result.deadlocks, result.poison = (
        now - then
        for now, then in zip((await _deadlocks(database), await _poison(servers)), before, strict=True)
    )
    kept = await inbox(database)
    result.flaws.extend(
        f"{delivery.external_id} is {kept.get(delivery.external_id)}"
        for delivery in deliveries
        if kept.get(delivery.external_id) != ("APPLIED", COPIES)
    )
    states = await order_states(database)
    if states != {PAID_ONCE: rounds}:
        result.flaws.append(f"the orders are {states}")
    result.flaws.extend(await broken_invariants(database))
    return result


async def _send_at_once(lines: list[Line], delivery: Delivery, result: Duplicates) -> None:
    """Write a delivery to every connection before any answer is read."""
    for line in lines:
        line.writer.write(delivery.request)
    began = time.monotonic()

    async def answer(line: Line) -> int:
        status = (await line.answer()).status
        result.seconds.append(time.monotonic() - began)
        return status

    result.statuses.update(await asyncio.gather(*map(answer, lines)))


async def _deadlocks(database: Database) -> int:
    rows = await database.fetch("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
    deadlocks: int = rows[0]["deadlocks"]
    return deadlocks


async def _poison(servers: Sequence[ForkedServer]) -> int:
    total = 0
    for server in servers:
        page = await get(server.port, "/metrics")
        total += sum(
            round(float(line.split()[1]))
            for line in page.body.decode().splitlines()
            if line.startswith("orderpulse_settle_poison ")
        )
    return total
