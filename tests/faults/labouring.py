"""The troubles of whoever does owed work: a gateway that rests, a lease that runs out, too much at once, a stop."""

from __future__ import annotations

import asyncio
import signal
from typing import TYPE_CHECKING, Final
from uuid import uuid4

from app.domain.states import JobKind
from tests.faults.board import Action
from tests.faults.owed import calm, make_due

if TYPE_CHECKING:
    from tests.faults.run import Run
    from tests.faults.truth import Object

POLL: Final = JobKind.PAYMENT_POLL
BEGINS: Final = (
    "app.worker.worker:Worker._begin/"
    "task = asyncio.create_task(self._work(job, claimed_at), name=f'job-{job.…#1"
)
TURNS: Final = (
    "app.reconcile.pace:Pace._call_up/"
    "before await gateway_states.take_turns(self._database, gateway, count, i…#1"
)
CONCLUDES: Final = "app.worker.worker:Worker._conclude/database = self._database#1"
HANDLES: Final = (
    "app.reconcile.payments:PaymentPoll.__call__/"
    "found = await reads.payments(self._database, [job.subject_id])#1"
)
LOOKS: Final = "app.worker.worker:Worker._look/rooms, other_room = self._rooms()#1"
TOOK_TURNS: Final = (
    "app.reconcile.pace:Pace._call_up/"
    "after await gateway_states.take_turns(self._database, gateway, count, in…#1"
)
AWAY_SECONDS: Final = 3.0
"""Longer than a try and a lease last together."""
QUEUED_SECONDS: Final = 0.4
"""By then all jobs wait behind the one that was called first."""


async def gateway_rests(run: Run) -> None:
    """The gateway says that it is asked too much: what waits for its turn is put back, and done when it may be."""
    await _open(run, 4)
    await run.chaos("fetch_payment", run.dice.choice((429, 503)))
    await _poll(run)


async def held_up(run: Run) -> None:
    """The process is held up: once it has turns, so that they pass, and before a job, so that its lease does."""
    await _open(run, 4)
    run.accomplice(TURNS, Action.HANG)
    await make_due(run.stage.database, POLL)
    await asyncio.sleep(QUEUED_SECONDS)
    run.accomplice(TOOK_TURNS, Action.HANG, skip=1)
    await calm(run.stage.database)
    run.accomplice(BEGINS, Action.HANG)
    await _poll(run)


async def broken_work(run: Run) -> None:
    """What nobody expects comes up in a turn, in a job, in giving it back, and in looking for more."""
    await _open(run, 2)
    for point in (TURNS, HANDLES, CONCLUDES, LOOKS):
        run.accomplice(point, Action.RAISE)
        await _poll(run)


async def too_much(run: Run) -> None:
    """More is due than may be at work, and a gateway is so slow that leases are extended."""
    await _open(run, 6)
    await _slow(run, 450)
    await _poll(run)
    await _slow(run, 0)


async def taken_over(run: Run) -> None:
    """A job goes to somebody else while it is at work, and another one was begun too often by those who died of it."""
    await _open(run, 1)
    await _slow(run, 900)
    await make_due(run.stage.database, POLL)
    await asyncio.sleep(0.3)
    await run.stage.database.fetch("UPDATE jobs SET lease_id = $1 WHERE lease_id IS NOT NULL", uuid4())
    await calm(run.stage.database)
    await _slow(run, 0)
    deadly = (
        "UPDATE jobs SET attempts = 1000, due_at = statement_timestamp() WHERE kind = $1 RETURNING subject_id"
    )
    for row in await run.stage.database.fetch(deadly, POLL):
        run.given_up.add(row["subject_id"])
    await calm(run.stage.database)


async def stopped_at_work(run: Run) -> None:
    """The server is told to stop while jobs are at work that don't end in time: they are given back and done again."""
    await _open(run, 2)
    await _slow(run, 1500)
    await make_due(run.stage.database, POLL)
    await asyncio.sleep(0.3)
    async with run.stage.server.reborn():
        run.stage.server.signal(signal.SIGTERM)
    await _slow(run, 0)
    await calm(run.stage.database)


async def database_away_from_work(run: Run) -> None:
    """The database goes away while a job is at work, and stays away for longer than its lease."""
    await _open(run, 2)
    await _slow(run, 500)
    await make_due(run.stage.database, POLL)
    await asyncio.sleep(0.2)
    async with run.stage.database_away():
        await asyncio.sleep(AWAY_SECONDS)
    await _slow(run, 0)
    await calm(run.stage.database)


async def _open(run: Run, count: int) -> list[Object]:
    """Open payments that nobody pays, and forget that any was to be asked after before."""
    payments = [await run.opened(await run.order()) for _ in range(count)]
    await run.told_all()
    return payments


async def _poll(run: Run) -> None:
    await make_due(run.stage.database, POLL)
    await calm(run.stage.database)


async def _slow(run: Run, latency_ms: int) -> None:
    await run.stage.sandbox("PUT", "/v1/_chaos", {"api_latency_ms": latency_ms})
