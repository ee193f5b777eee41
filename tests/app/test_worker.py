"""The loop: what goes wrong with one job stays with it, outages cost no try, and stopping leaves nothing half done."""

from __future__ import annotations

import asyncio
import time
from functools import partial
from typing import TYPE_CHECKING, Final, Literal

import asyncpg
import pytest

from app.domain.jobs import Job
from app.domain.states import GatewayName, JobKind
from app.identity import new_id
from app.metrics import Metrics
from app.reconcile import Again, Dead, Done, Failed
from app.worker import Worker, WorkerLimits, watch_worker
from db import jobs, migrate
from db.embedded import EmbeddedPostgres
from db.pool import Database, DatabaseUnavailableError
from tests.app.backroom import QUICK
from tests.db.embedded_process import short_folder

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from app.reconcile import Result
    from db.jobs import ClaimedJob
    from db.pool import Record

KIND: Final = JobKind.REFUND
DEADLINE_SECONDS: Final = 15.0


async def owe(database: Database, count: int = 1, *, delay_seconds: float = 0.0) -> None:
    for _ in range(count):
        job = Job(kind=KIND, subject_id=new_id(), gateway=GatewayName.SANDBOX, delay_seconds=delay_seconds)
        await jobs.owe(database, job)


async def rows(database: Database) -> list[Record]:
    return list(
        await database.fetch(
            """SELECT *, extract(epoch FROM due_at - statement_timestamp())::float8 AS due_in_seconds
                 FROM jobs ORDER BY created_at"""
        )
    )


def a_worker(
    database: Database,
    handler: Callable[[ClaimedJob], Awaitable[Result]],
    limits: WorkerLimits = QUICK,
    prepare: Callable[[], Awaitable[None]] | None = None,
) -> Worker:
    return Worker(
        database=database,
        handlers={KIND: handler},
        gateways=[GatewayName.SANDBOX],
        limits=limits,
        dice=lambda: 1.0,
        prepare=prepare,
    )


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(DEADLINE_SECONDS):
        while not await holds():  # noqa: ASYNC110 - the database raises no event here
            await asyncio.sleep(0.02)


async def none_is_held(database: Database) -> bool:
    return not [row for row in await rows(database) if row["lease_id"] or row["due_in_seconds"] <= 0]


@pytest.mark.parametrize(
    ("result", "attempts", "due_in_seconds", "error"),
    [
        (Again(90), 0, 90, None),
        (Failed("not yet"), 1, 60, "not yet"),
        (Failed("not yet", after_seconds_min=600), 1, 600, "not yet"),
    ],
    ids=["again", "failed", "failed, and soon again is not allowed"],
)
async def test_a_job_comes_again_when_its_result_says(
    database: Database, result: Result, attempts: int, due_in_seconds: int, error: str | None
) -> None:
    async def handler(_: ClaimedJob) -> Result:
        return result

    await owe(database)

    async with a_worker(database, handler):
        await until(lambda: none_is_held(database))

    (row,) = await rows(database)
    assert (row["attempts"], row["last_error"], row["died_at"]) == (attempts, error, None)
    assert due_in_seconds - 2 < row["due_in_seconds"] <= due_in_seconds


async def test_a_job_that_breaks_is_tried_with_doubling_waits_until_it_lies_dead(database: Database) -> None:
    async def handler(_: ClaimedJob) -> Result:
        raise ZeroDivisionError("a bug")

    await owe(database)
    limits = WorkerLimits(look_every_seconds=0.02, attempts_max=4, backoff_first_seconds=100)
    waits = []

    async with a_worker(database, handler, limits) as worker:
        for tries in range(1, 5):
            await until(partial(_tried, database, tries))
            (row,) = await rows(database)
            waits.append(round(row["due_in_seconds"] / 10) * 10)
            await database.fetch("UPDATE jobs SET due_at = statement_timestamp()")

    (row,) = await rows(database)
    assert waits[:3] == [100, 200, 400]
    assert (row["attempts"], row["last_error"]) == (4, "ZeroDivisionError: a bug")
    assert row["died_at"] is not None
    assert worker.figures.ended == {"failed": 3, "died": 1}


async def _tried(database: Database, times: int) -> bool:
    (row,) = await rows(database)
    return row["attempts"] == times and row["lease_id"] is None


async def test_a_job_that_is_no_use_to_try_again_lies_dead_at_once_and_the_others_go_on(
    database: Database,
) -> None:
    async def handler(job: ClaimedJob) -> Result:
        return Dead("a person has to look") if job.subject_id == first else Done()

    await owe(database, 10)
    first = (await rows(database))[0]["subject_id"]

    async with a_worker(database, handler) as worker:
        await until(lambda: _left(database, 1))

    (row,) = await rows(database)
    assert (row["subject_id"], row["last_error"]) == (first, "a person has to look")
    assert worker.figures.ended == {"done": 9, "died": 1}


async def _left(database: Database, count: int) -> bool:
    found = await rows(database)
    return len(found) == count and not any(row["lease_id"] for row in found)


async def test_a_job_whose_holders_never_come_back_lies_dead_without_being_begun_again(
    database: Database,
) -> None:
    begun = []

    async def handler(job: ClaimedJob) -> Result:
        begun.append(job)
        return Done()

    await owe(database)
    await database.fetch("UPDATE jobs SET attempts = $1", QUICK.attempts_max)

    async with a_worker(database, handler):
        await until(lambda: _dead(database))

    assert begun == []
    assert (await rows(database))[0]["last_error"] == "It was begun 40 times and never ended."


async def _dead(database: Database) -> bool:
    return bool((await jobs.count(database)).dead)


async def test_a_rung_bell_is_heard_at_once(database: Database) -> None:
    done = asyncio.Event()

    async def handler(_: ClaimedJob) -> Result:
        done.set()
        return Done()

    async with a_worker(database, handler, WorkerLimits(look_every_seconds=60)) as worker:
        await asyncio.sleep(0.3)
        await owe(database)
        began = time.monotonic()
        worker.ring()
        async with asyncio.timeout(DEADLINE_SECONDS):
            await done.wait()
        waited = time.monotonic() - began

    assert waited < 30


async def test_more_jobs_than_there_is_room_for_are_done_without_waiting_for_the_next_look(
    database: Database,
) -> None:
    most = running = 0

    async def handler(_: ClaimedJob) -> Result:
        nonlocal most, running
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.01)
        running -= 1
        return Done()

    await owe(database, 60)
    limits = WorkerLimits(look_every_seconds=60, jobs_max=8, jobs_per_gateway_max=5)

    async with a_worker(database, handler, limits):
        await until(lambda: _left(database, 0))

    assert most <= 5


async def test_a_worker_that_stops_lets_its_work_end_and_gives_back_what_does_not(database: Database) -> None:
    begun = asyncio.Semaphore(0)

    async def handler(job: ClaimedJob) -> Result:
        begun.release()
        await asyncio.sleep(0.2 if job.subject_id == quick else 3600)
        return Done()

    await owe(database, 2)
    quick = (await rows(database))[0]["subject_id"]
    limits = WorkerLimits(look_every_seconds=0.02, stop_seconds_max=0.5)

    async with a_worker(database, handler, limits):
        await begun.acquire()
        await begun.acquire()

    (row,) = await rows(database)
    assert row["subject_id"] != quick
    assert (row["lease_id"], row["attempts"], row["due_in_seconds"] <= 0) == (None, 0, True)
    assert row["last_error"] == "The worker stopped."


async def test_a_long_piece_of_work_keeps_its_lease(database: Database) -> None:
    begun = 0

    async def handler(_: ClaimedJob) -> Result:
        nonlocal begun
        begun += 1
        await asyncio.sleep(2.0)
        return Done()

    await owe(database)
    limits = WorkerLimits(look_every_seconds=0.02, lease_seconds=0.6)

    async with a_worker(database, handler, limits) as one, a_worker(database, handler, limits) as other:
        await until(lambda: _left(database, 0))

    assert begun == 1
    assert one.figures.ended + other.figures.ended == {"done": 1}


async def test_outages_of_the_database_cost_no_try_and_end_no_loop() -> None:
    async def handler(job: ClaimedJob) -> Result:
        if job.attempts == 1 and len(seen) < 3:
            seen.append(job)
            raise DatabaseUnavailableError("away")
        return Done()

    async def prepare() -> None:
        if not prepared:
            prepared.append("failed")
            raise DatabaseUnavailableError("not there yet")
        prepared.append("done")

    seen: list[ClaimedJob] = []
    prepared: list[str] = []
    limits = WorkerLimits(look_every_seconds=0.02, away_seconds=0.05, pause_seconds_max=0.2)
    with short_folder() as folder:
        async with EmbeddedPostgres(folder, durable=False) as server:
            await migrate.upgrade(server.dsn)
            async with Database(server.dsn) as database:
                await owe(database, 20)
                async with a_worker(database, handler, limits, prepare) as worker:
                    for _ in range(5):
                        await _cut(server.superuser_dsn)
                    await until(lambda: _left(database, 0))

    assert prepared == ["failed", "done"]
    assert worker.figures.ended["failed"] == 0
    assert worker.figures.ended["put_back"] == 3


async def _cut(superuser_dsn: str) -> None:
    connection = await asyncpg.connect(superuser_dsn)
    await connection.fetch(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'orderpulse'"
    )
    await connection.close()
    await asyncio.sleep(0.1)


async def test_the_figures_are_among_the_metrics(database: Database) -> None:
    async def handler(_: ClaimedJob) -> Result:
        return Dead("a person has to look")

    await owe(database, 2)
    await owe(database, delay_seconds=3600)
    metrics = Metrics()
    limits = WorkerLimits(look_every_seconds=0.02, count_every_seconds=0.02)
    async with a_worker(database, handler, limits) as worker:
        watch_worker(metrics, worker.figures)
        await until(lambda: _died(worker, 2))

    text = metrics.text().decode()

    assert 'orderpulse_jobs_dead{kind="REFUND"} 2.0' in text
    assert 'orderpulse_jobs_ended{outcome="died"} 2.0' in text
    assert "orderpulse_jobs_due 0.0" in text


async def _died(worker: Worker, count: int) -> bool:
    return worker.figures.counts.dead.get(KIND, 0) == count


async def test_a_loop_that_breaks_between_two_looks_begins_again(database: Database) -> None:
    class Bell(asyncio.Event):
        broken = False

        async def wait(self) -> Literal[True]:
            if not self.broken:
                self.broken = True
                raise ZeroDivisionError("a bug")
            return await super().wait()

    async def handler(_: ClaimedJob) -> Result:
        return Done()

    limits = WorkerLimits(look_every_seconds=0.02, pause_seconds_max=0.05)
    worker = a_worker(database, handler, limits)
    worker._bell = bell = Bell()

    async with worker:
        await until(partial(_is_broken, bell))
        await owe(database)
        await until(lambda: _tried_none(database))

    assert await rows(database) == []


async def _is_broken(bell: asyncio.Event) -> bool:
    return bool(vars(bell).get("broken"))


async def _tried_none(database: Database) -> bool:
    return await rows(database) == []
