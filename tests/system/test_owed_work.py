"""Owed work in processes of its own: paused past their lease, side by side, and killed between call and commit."""

from __future__ import annotations

import asyncio
import signal
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

import pytest

from app.batch import Command
from app.domain.changes import RequestRefund
from app.domain.jobs import Job
from app.domain.states import EventSource, GatewayName, JobKind, RefundInitiator
from app.gateways.sandbox.gateway import POLLING
from app.identity import new_id
from db import jobs
from tests.app.backroom import open_backroom
from tests.system.dropped import measure
from tests.system.owed_work import settings, workers
from tests.system.processes import (
    Server,
    eventually,
    free_port,
    run_command,
    serving,
)
from tests.system.sessions import is_idle_in_transaction, is_waiting_for_a_lock, locked

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path
    from uuid import UUID

    from db.pool import Database
    from tests.app.backroom import Backroom
    from tests.making import Opened
    from tests.system.owed_work import WorkerProcess

PAID: Final = ("CONFIRMED", "PAID", "SUCCEEDED")


@pytest.fixture
async def backroom(database: Database) -> AsyncIterator[Backroom]:
    async with open_backroom(database) as opened:
        yield opened


async def refund_owed(backroom: Backroom) -> tuple[Opened, UUID]:
    """Return a paid payment with a refund that is due."""
    opened = await backroom.open()
    await backroom.pay(opened)
    await backroom.make_due(JobKind.PAYMENT_POLL, subject=opened.payment.id)
    await backroom.work()
    refund_id = new_id()
    change = RequestRefund(
        payment_id=opened.payment.id,
        refund_id=refund_id,
        amount=None,
        reason=None,
        initiator=RefundInitiator.STAFF,
        source=EventSource.STAFF,
    )
    await backroom.settler.submit(Command(order_id=opened.order.id, change=change))
    await backroom.make_due(JobKind.REFUND, subject=refund_id)
    return opened, refund_id


async def everything(database: Database) -> dict[str, list[dict[str, object]]]:
    """Return all rows that a refund can touch.

    Deliveries are not among them: who goes through the gateway's list keeps what is there, whenever that is, and who
    was paused over it has some applied again. What follows from them is.
    """
    tables = ("orders", "payments", "refunds", "facts", "order_events", "ledger_entries")
    return {
        table: [dict(row) for row in await database.fetch(f"SELECT * FROM {table} ORDER BY 1, 2, 3")]  # noqa: S608 - the names are ours
        for table in tables
    }


async def left(database: Database, kind: JobKind) -> int:
    return len(await database.fetch("SELECT 1 FROM jobs WHERE kind = $1", kind))


async def is_held(database: Database, kind: JobKind) -> bool:
    rows = await database.fetch("SELECT lease_id FROM jobs WHERE kind = $1", kind)
    return all(row["lease_id"] for row in rows)


async def test_with_every_webhook_dropped_payments_reach_the_truth_soon_after_they_are_due(
    database: Database, tmp_path: Path
) -> None:
    figures = await measure(database, tmp_path, 100)

    assert figures.statuses == {PAID}
    assert figures.calls >= 100
    assert figures.lost_webhooks >= 200
    assert figures.peak_in_two_seconds <= 2 * POLLING.calls_per_second_max


@pytest.mark.parametrize(
    "chaos",
    [{"api_latency_ms": 4000}, {"api_fail": {"refund": {"answer": "hang_after", "times": 1}}}],
    ids=["paused while it asks", "paused while it waits for the refund's answer"],
)
async def test_a_worker_paused_past_its_lease_changes_nothing_when_it_wakes(
    backroom: Backroom, tmp_path: Path, chaos: dict[str, Any]
) -> None:
    opened, _ = await refund_owed(backroom)
    await backroom.sandbox.chaos(**chaos)
    async with workers(backroom, tmp_path, 2) as (paused, other):
        await paused.start()
        await eventually(lambda: is_held(backroom.database, JobKind.REFUND))
        if "api_fail" in chaos:
            await eventually(lambda: _refunds_there(backroom, opened, 1))
        paused.signal(signal.SIGSTOP)
        await backroom.sandbox.chaos()
        await other.start()
        await eventually(lambda: _none_left(backroom.database))
        before = await everything(backroom.database)

        paused.signal(signal.SIGCONT)
        await eventually(lambda: _lost_its_refund(paused))

        done = [line["outcome"] for line in other.said("job.ended") if line["kind"] == "REFUND"]
        after = await everything(backroom.database)

    assert done == ["done"]
    assert after == before
    assert await left(backroom.database, JobKind.REFUND) == 0
    assert (await backroom.sandbox.truth())["counts"]["refunds"] == 1
    assert (await backroom.payment(opened)).refunded_minor == 49_900


async def test_a_worker_paused_inside_of_its_transaction_keeps_nobody_else_from_the_order(
    backroom: Backroom, tmp_path: Path
) -> None:
    opened, _ = await refund_owed(backroom)
    async with workers(backroom, tmp_path, 2) as (paused, other):
        async with locked(backroom.database, opened.order.id):
            await paused.start()
            await eventually(lambda: is_waiting_for_a_lock(backroom.database))
            await eventually(lambda: is_held(backroom.database, JobKind.REFUND))
            paused.signal(signal.SIGSTOP)
        await eventually(lambda: is_idle_in_transaction(backroom.database))  # and the order is locked
        await other.start()
        await eventually(lambda: _none_left(backroom.database))
        before = await everything(backroom.database)

        paused.signal(signal.SIGCONT)
        await eventually(lambda: _lost_its_refund(paused))
        after = await everything(backroom.database)

    assert after == before
    assert (await backroom.sandbox.truth())["counts"]["refunds"] == 1
    assert (await backroom.payment(opened)).refunded_minor == 49_900


async def _none_left(database: Database) -> bool:
    """Whether the refund is done, and nothing else is being done either."""
    held = await database.fetch("SELECT 1 FROM jobs WHERE lease_id IS NOT NULL")
    return await left(database, JobKind.REFUND) == 0 and not held


async def _lost_its_refund(process: WorkerProcess) -> bool:
    return [line["kind"] for line in process.said("job.lease_lost")].count("REFUND") == 1


async def _refunds_there(backroom: Backroom, opened: Opened, count: int) -> bool:
    return len((await backroom.at_gateway(opened))["refunds"]) == count


async def test_two_workers_side_by_side_do_every_job_once(backroom: Backroom, tmp_path: Path) -> None:
    count = 40
    owed = [await backroom.open() for _ in range(count)]
    await asyncio.gather(*(backroom.pay(opened) for opened in owed))
    async with workers(backroom, tmp_path, 2) as both:
        await asyncio.gather(*(each.start() for each in both))
        await eventually(lambda: _looked(both))
        await backroom.make_due(JobKind.PAYMENT_POLL)
        await eventually(lambda: _all_done(backroom.database))
        done = [
            Counter(line["outcome"] for line in each.said("job.ended") if line["kind"] == "PAYMENT_POLL")
            for each in both
        ]

    assert {await backroom.status(opened) for opened in owed} == {PAID}
    # A payment that the list of events told of first is cleared away without a job being done.
    assert sum(done, Counter()).keys() <= {"done"}
    assert sum(each["done"] for each in done) <= count
    assert not any(each.said("job.lease_lost") for each in both)


async def _looked(processes: list[WorkerProcess]) -> bool:
    """Whether both work, and one of them has read the gateway's list."""
    return all([await each.is_up() for each in processes]) and any(
        each.said("job.ended") for each in processes
    )


async def _all_done(database: Database) -> bool:
    return await left(database, JobKind.PAYMENT_POLL) == 0


async def test_a_worker_killed_between_the_gateways_answer_and_the_commit_leaves_one_refund(
    backroom: Backroom, tmp_path: Path
) -> None:
    opened, refund_id = await refund_owed(backroom)
    await backroom.sandbox.chaos(api_fail={"refund": {"answer": "hang_after", "times": 1}})
    async with workers(backroom, tmp_path, 2) as (killed, next_one):
        await killed.start()
        await eventually(lambda: _refunds_there(backroom, opened, 1))
        killed.signal(signal.SIGKILL)
        assert await killed.ended() == -signal.SIGKILL
        unknown = (await backroom.payment(opened)).refunded_minor
        await next_one.start()
        await eventually(lambda: _none_left(backroom.database))

    there = await backroom.at_gateway(opened)
    assert unknown == 0
    assert (await backroom.payment(opened)).refunded_minor == 49_900
    assert [refund["metadata"] for refund in there["refunds"]] == [{"refund_id": str(refund_id)}]


async def test_the_server_does_owed_work_unless_it_is_told_not_to(backroom: Backroom, tmp_path: Path) -> None:
    opened = await backroom.open()
    await backroom.pay(opened)
    given = {**settings(backroom, tmp_path), "ORDERPULSE_STAFF_KEYS": "k" * 40}
    without = Server(free_port(), tmp_path / "without.log", {**given, "ORDERPULSE_WORKER": "false"})
    async with serving(without):
        await backroom.make_due(JobKind.PAYMENT_POLL)
        await asyncio.sleep(1.5)
        untouched = await backroom.status(opened)

    async with serving(Server(free_port(), tmp_path / "with.log", given)):
        await eventually(lambda: _is_paid(backroom, opened))

    assert untouched == ("PENDING", "UNPAID", "REQUIRES_PAYMENT_METHOD")


async def _is_paid(backroom: Backroom, opened: Opened) -> bool:
    return await backroom.status(opened) == PAID


async def test_dead_jobs_are_shown_and_revived_on_the_command_line(
    backroom: Backroom, tmp_path: Path
) -> None:
    subject = new_id()
    await jobs.owe(
        backroom.database, Job(kind=JobKind.REFUND, subject_id=subject, gateway=GatewayName.SANDBOX)
    )
    (claimed,) = await jobs.claim(backroom.database, {GatewayName.SANDBOX: 1}, 1, 60)
    await jobs.die(backroom.database, claimed, "the bank says no")
    given = settings(backroom, tmp_path)

    shown = await run_command("jobs", **given)
    doctor = await run_command("doctor", **given)
    revived = await run_command("jobs", "--revive", str(claimed.id), **given)
    again = await run_command("jobs", "--revive", str(claimed.id), **given)
    empty = await run_command("jobs", **given)

    assert shown.code == 0
    assert str(subject) in shown.output
    assert "the bank says no" in shown.output
    assert "1 dead" in doctor.output
    assert "orderpulse jobs" in doctor.output
    assert (revived.code, again.code) == (0, 1)
    assert empty.output.startswith("1 due")
    assert "None is dead." in empty.output
