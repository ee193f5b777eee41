"""Every webhook dropped: payments that only polls, or the gateway's list, can find; and what the gateway was asked."""

from __future__ import annotations

import asyncio
import socket
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

import uvicorn

from app.domain.states import JobKind
from app.simulators.sandbox import SandboxConfig
from app.simulators.sandbox.app import sandbox_app
from tests.app.backroom import open_backroom
from tests.simulators.sandbox_world import SECRET_KEY, WEBHOOK_SECRET, Sandbox, calling
from tests.system.owed_work import workers

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, MutableMapping
    from pathlib import Path

    from starlette.applications import Starlette

    from db.pool import Database
    from tests.app.backroom import Backroom
    from tests.making import Opened

AT_ONCE: Final = 25
DEADLINE_SECONDS: Final = 120.0
AS_SHIPPED: Final = {"ORDERPULSE_LOG_LEVEL": "info", "ORDERPULSE_WORKER_LEASE_SECONDS": "60"}
NOWHERE: Final = "http://127.0.0.1:9/webhooks/sandbox"


@dataclass
class Counted:
    """The sandbox, with a note of when each call of its API came in."""

    app: Starlette
    asked_at: list[float] = field(default_factory=list)

    async def __call__(self, scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:  # noqa: ANN401 - ASGI
        """Serve one request."""
        if scope["type"] == "http" and "/_" not in scope["path"]:
            self.asked_at.append(time.monotonic())
        await self.app(scope, receive, send)

    def most_within(self, seconds: float) -> int:
        """Return the largest number of calls in any stretch of that length."""
        calls, first, most = sorted(self.asked_at), 0, 0
        for last, at in enumerate(calls):
            while calls[first] <= at - seconds:
                first += 1
            most = max(most, last - first + 1)
        return most


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What came of a run. Times are since the payment's poll was due."""

    statuses: set[tuple[str, str, str]]
    median_seconds: float
    slowest_seconds: float
    calls: int
    peak_per_second: int
    peak_in_two_seconds: int
    lost_webhooks: int


async def measure(
    database: Database, folder: Path, count: int, *, processes: int = 2, list_too: bool = False
) -> Figures:
    """Pay `count` payments of which no webhook comes, have their polls come due at once, and wait for the truth.

    Without `list_too` the gateway's list of events is broken as well, so that every payment has to be asked after.
    """
    config = SandboxConfig(secret_key=SECRET_KEY, webhook_secret=WEBHOOK_SECRET, webhook_url=NOWHERE)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        counted = Counted(sandbox_app(replace(config, public_url=url)))
        served = _served(counted, listener, url)
        async with open_backroom(database, sandbox_served=served, timeout_seconds=10) as backroom:
            fails = {} if list_too else {"list_events": {"answer": 400}}
            await backroom.sandbox.chaos(drop=1.0, api_fail=fails)
            payments = await _paid(backroom, count)
            async with workers(backroom, folder, processes, **AS_SHIPPED) as started:
                await asyncio.gather(*(each.start() for each in started))
                await _until_working(backroom)
                counted.asked_at.clear()
                await backroom.make_due(JobKind.PAYMENT_POLL)
                due_at = (await backroom.job_times())[0]
                await _until_none_is_owed(database)
            statuses = {await backroom.status(opened) for opened in payments}
            return await _figures(backroom, counted, statuses, due_at)


@asynccontextmanager
async def _served(app: Counted, listener: socket.socket, url: str) -> AsyncIterator[Sandbox]:
    server = uvicorn.Server(
        uvicorn.Config(
            app, log_level="critical", access_log=False, lifespan="on", timeout_graceful_shutdown=1
        )
    )
    running = asyncio.create_task(server.serve(sockets=[listener]))
    while not server.started:  # noqa: ASYNC110 - uvicorn raises no event
        await asyncio.sleep(0.01)
    try:
        async with calling(url) as sandbox:
            yield sandbox
    finally:
        server.should_exit = True
        await running


async def _paid(backroom: Backroom, count: int) -> list[Opened]:
    slots = asyncio.Semaphore(AT_ONCE)

    async def one() -> Opened:
        async with slots:
            opened = await backroom.open()
            await backroom.pay(opened)
            return opened

    payments = list(await asyncio.gather(*(one() for _ in range(count))))
    # Polls that came due while the others were being paid wait for the rest.
    await backroom.database.fetch("UPDATE jobs SET due_at = statement_timestamp() + interval '1 hour'")
    return payments


async def _until_working(backroom: Backroom) -> None:
    """Wait until a worker has begun with the gateway's list, and so with everything."""
    async with asyncio.timeout(DEADLINE_SECONDS):
        while not await backroom.database.fetch(  # noqa: ASYNC110 - other processes raise no event here
            "SELECT 1 FROM jobs WHERE kind = 'GATEWAY_BACKFILL' AND (attempts > 0 OR due_at > statement_timestamp())"
        ):
            await asyncio.sleep(0.05)
        await asyncio.sleep(1.0)


async def _until_none_is_owed(database: Database) -> None:
    async with asyncio.timeout(DEADLINE_SECONDS):
        while await database.fetch(  # noqa: ASYNC110 - other processes raise no event here
            "SELECT 1 FROM jobs WHERE kind = 'PAYMENT_POLL' LIMIT 1"
        ):
            await asyncio.sleep(0.1)


async def _figures(
    backroom: Backroom, counted: Counted, statuses: set[tuple[str, str, str]], due_at: object
) -> Figures:
    row = await backroom.database.fetch_row(
        """SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY after) AS median, max(after) AS slowest
             FROM (SELECT extract(epoch FROM occurred_at - $1::timestamptz)::float8 AS after
                     FROM order_events WHERE type = 'PAYMENT_SUCCEEDED') e""",
        due_at,
    )
    assert row is not None
    truth = await backroom.sandbox.truth()
    return Figures(
        statuses=statuses,
        median_seconds=row["median"],
        slowest_seconds=row["slowest"],
        calls=len(counted.asked_at),
        peak_per_second=counted.most_within(1.0),
        peak_in_two_seconds=counted.most_within(2.0),
        lost_webhooks=truth["deliveries"].get("lost", 0),
    )
