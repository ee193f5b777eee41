"""The queue of owed work: claimed once, held under a lease, given back by its holder alone."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from app.domain.jobs import Job
from app.domain.states import GatewayName, JobKind
from app.identity import new_id
from app.settle import Settler
from db import gateway_states, jobs
from db.pool import Database
from tests.app.backroom import claim_all
from tests.making import LONG_AGO, a_webhook, an_order, captured, opened_payment, stored_order

if TYPE_CHECKING:
    from uuid import UUID

    from db.jobs import ClaimedJob
    from db.pool import Record

SANDBOX = GatewayName.SANDBOX


async def owe(
    database: Database, kind: JobKind = JobKind.REFUND, gateway: GatewayName | None = SANDBOX, **more: float
) -> UUID:
    """Owe something about a new subject, and return the subject."""
    subject = new_id()
    await jobs.owe(database, Job(kind=kind, subject_id=subject, gateway=gateway, **more))
    return subject


async def rows(database: Database) -> list[Record]:
    return list(await database.fetch("SELECT * FROM jobs ORDER BY created_at"))


async def test_a_due_job_is_claimed_once_however_many_ask(database: Database) -> None:
    subjects = {await owe(database) for _ in range(40)}

    async with Database(database.dsn) as other:
        batches = await asyncio.gather(*(claim_all(each) for each in (database, other) * 4))

    claimed = [job.subject_id for batch in batches for job in batch]
    assert len(claimed) == 40
    assert set(claimed) == subjects


async def test_what_is_not_due_or_dead_or_of_another_gateway_is_left(database: Database) -> None:
    await owe(database, delay_seconds=60)
    await owe(database, gateway=GatewayName.STRIPE)
    subject = await owe(database)
    await owe(database)
    for job in await claim_all(database):
        if job.subject_id != subject:
            await jobs.die(database, job, "no use")
        else:
            await jobs.reschedule(database, job, 0)

    claimed = await claim_all(database)

    assert [job.subject_id for job in claimed] == [subject]


async def test_a_gateways_room_bounds_what_is_claimed_of_it_and_the_longest_due_go_first(
    database: Database,
) -> None:
    subjects = [await owe(database) for _ in range(5)]
    order_id = await owe(database, JobKind.ORDER_EXPIRY, None)

    claimed = await claim_all(database, room=2)

    assert [job.subject_id for job in claimed if job.gateway] == subjects[:2]
    assert [job.subject_id for job in claimed if not job.gateway] == [order_id]


async def test_a_gateway_that_rests_is_left_alone(database: Database) -> None:
    await owe(database)
    await gateway_states.rest(database, SANDBOX, 60)
    resting = await claim_all(database)
    await database.fetch("UPDATE gateway_states SET rests_until = statement_timestamp()")

    rested = await claim_all(database)

    assert (len(resting), len(rested)) == (0, 1)


async def test_a_holder_whose_lease_ran_out_changes_nothing_any_more(database: Database) -> None:
    await owe(database)
    (late,) = await claim_all(database, lease_seconds=0)
    (now,) = await claim_all(database)
    before = await rows(database)

    assert not await jobs.finish(database, late)
    assert not await jobs.reschedule(database, late, 1)
    assert not await jobs.fail(database, late, 1, "late")
    assert not await jobs.put_back(database, late, 1, "late")
    assert not await jobs.die(database, late, "late")
    assert not await jobs.extend(database, late, 600)
    assert await rows(database) == before
    assert (late.attempts, now.attempts) == (1, 2)
    assert await jobs.finish(database, now)
    assert await rows(database) == []


async def test_an_extended_lease_keeps_the_job(database: Database) -> None:
    await owe(database)
    (job,) = await claim_all(database, lease_seconds=0.2)

    extended = await jobs.extend(database, job, 60)
    await asyncio.sleep(0.3)

    assert extended
    assert await claim_all(database) == []
    assert await jobs.finish(database, job)


async def test_work_owed_again_while_it_is_done_is_not_lost(database: Database) -> None:
    async def end(job: ClaimedJob, how: str) -> None:
        match how:
            case "finish":
                await jobs.finish(database, job)
            case "reschedule":
                await jobs.reschedule(database, job, 3600)
            case "fail":
                await jobs.fail(database, job, 3600, "once")
            case _:
                await jobs.die(database, job, "for good")

    for how in ("finish", "reschedule", "fail", "die"):
        subject = await owe(database)
        (job,) = await claim_all(database)
        again = Job(kind=JobKind.REFUND, subject_id=subject, gateway=SANDBOX)

        await jobs.owe(database, again, anew=True)
        held = await claim_all(database)
        await end(job, how)
        (claimed,) = await claim_all(database)

        assert held == [], how
        assert claimed.subject_id == subject, how
        await jobs.finish(database, claimed)


async def test_tries_are_counted_only_where_the_job_itself_went_wrong(database: Database) -> None:
    await owe(database)

    async def attempts_after(give_back: str) -> tuple[int, str | None]:
        await database.fetch("UPDATE jobs SET due_at = statement_timestamp()")
        (job,) = await claim_all(database)
        match give_back:
            case "fail":
                await jobs.fail(database, job, 60, "broken")
            case "put_back":
                await jobs.put_back(database, job, 60, "away")
            case _:
                await jobs.reschedule(database, job, 60)
        (row,) = await rows(database)
        return row["attempts"], row["last_error"]

    found = [await attempts_after(word) for word in ("fail", "fail", "put_back", "again")]

    assert found == [(1, "broken"), (2, "broken"), (2, "away"), (0, None)]


async def test_a_dead_job_is_counted_shown_and_can_be_revived(database: Database) -> None:
    subject = await owe(database)
    await owe(database, JobKind.ORDER_EXPIRY, None)
    for job in await claim_all(database):
        if job.subject_id == subject:
            await jobs.die(database, job, "the bank says\x00 no")
        else:
            await jobs.reschedule(database, job, 0)

    counts = await jobs.count(database)
    (dead,) = await jobs.dead_jobs(database, 10)
    revived = await jobs.revive(database, dead.id)
    again = await jobs.revive(database, dead.id)

    assert (counts.due, counts.dead) == (1, {JobKind.REFUND: 1})
    assert (dead.subject_id, dead.last_error, dead.attempts) == (subject, "the bank says\ufffd no", 1)
    assert (revived, again) == (True, False)
    assert {job.attempts for job in await claim_all(database)} == {1}


async def test_polls_and_refunds_that_came_to_their_end_are_cleared_away_without_asking(
    database: Database,
) -> None:
    async with Settler(database.dsn, on_commit=lambda _: None, on_doubt=lambda _: None) as settler:
        paid = await opened_payment(database, settler)
        await settler.submit(a_webhook(paid.payment, captured(paid.payment)))
        await opened_payment(database, settler)
    early = await jobs.sweep(database, [SANDBOX])
    await database.fetch("UPDATE jobs SET due_at = statement_timestamp()")

    of_others = await jobs.sweep(database, [GatewayName.STRIPE])
    swept = await jobs.sweep(database, [SANDBOX])

    assert (early, of_others, swept) == (0, 0, 1)
    (left,) = await rows(database)
    assert (left["kind"], left["subject_id"] == paid.payment.id) == ("PAYMENT_POLL", False)


async def test_an_order_that_expires_owes_that_from_its_first_statement_on(database: Database) -> None:
    for_ever = await stored_order(database)
    expiring = await stored_order(database, replace(an_order(), expires_at=LONG_AGO))

    (row,) = await rows(database)

    assert (row["kind"], row["subject_id"], row["gateway"]) == ("ORDER_EXPIRY", expiring.id, None)
    assert row["due_at"] == LONG_AGO
    assert for_ever.expires_at is None
