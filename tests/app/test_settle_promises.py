"""What settle owes to senders and subscribers while commits fail: silence until it is true, then the same for ever."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import pytest

from app.domain.facts import FactKind
from app.domain.states import InboxEventStatus
from app.identity import new_id
from app.settle import Settler, SettlerLimits
from tests.making import a_webhook, captured, opened_payment

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from app.domain.order import OrderChange
    from db.pool import Database

SECONDS_MAX: Final = 10.0
REFUSE_COMMITS: Final = """
  CREATE SEQUENCE commits;
  CREATE FUNCTION lose_commit() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    PERFORM nextval('commits');  -- survives the rollback
    PERFORM pg_terminate_backend(pg_backend_pid());
    RETURN NULL;
  END $$;
  CREATE CONSTRAINT TRIGGER lose_commit AFTER INSERT ON order_events DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION lose_commit()
"""
WAITING: Final = """
  SELECT count(*) FROM pg_stat_activity
   WHERE application_name LIKE 'orderpulse-settle-%' AND wait_event_type = 'Lock'
"""
ALLOW_COMMITS: Final = """
  DROP TRIGGER IF EXISTS lose_commit ON order_events; DROP FUNCTION IF EXISTS lose_commit;
  DROP SEQUENCE IF EXISTS commits
"""


@pytest.fixture
def told() -> list[OrderChange]:
    """What subscribers were told."""
    return []


@pytest.fixture
async def settler(database: Database, told: list[OrderChange]) -> AsyncIterator[Settler]:
    """A settler on the test's database."""
    async with Settler(database.dsn, on_commit=told.extend, on_doubt=lambda _: None) as settler:
        yield settler


async def test_nobody_is_told_of_what_is_not_committed(
    database: Database, settler: Settler, told: list[OrderChange]
) -> None:
    opened = await opened_payment(database, settler)
    told.clear()
    try:
        async with database.connection() as connection:
            await connection.execute(REFUSE_COMMITS)
        sending = asyncio.create_task(settler.submit(a_webhook(opened.payment, captured(opened.payment))))
        async with asyncio.timeout(SECONDS_MAX):
            while (await database.fetch("SELECT last_value FROM commits"))[0][0] < 3:  # noqa: ASYNC110 - no event
                await asyncio.sleep(0.01)
        early = (sending.done(), list(told), await database.fetch("SELECT id FROM inbox_events"))
    finally:
        async with database.connection() as connection:
            await connection.execute(ALLOW_COMMITS)
    outcome = await sending

    assert early == (False, [], [])
    assert outcome.status is InboxEventStatus.APPLIED
    assert [(change.order.version, len(change.events)) for change in told] == [(4, 2)]
    assert (await database.fetch("SELECT version, paid_minor FROM orders"))[0][:] == (4, 49_900)


@pytest.mark.parametrize("how", ["unreadable", "without facts", "of an object of another payment"])
async def test_what_was_applied_stays_applied_however_it_comes_again(
    database: Database, settler: Settler, how: str
) -> None:
    opened, other = [await opened_payment(database, settler) for _ in range(2)]
    await settler.submit(a_webhook(other.payment, captured(other.payment, object_id="theirs")))
    webhook = a_webhook(opened.payment, captured(opened.payment))
    again = {
        "unreadable": replace(webhook, facts=(), error="It makes no sense."),
        "without facts": replace(webhook, facts=()),
        "of an object of another payment": replace(
            webhook, facts=(replace(captured(opened.payment, object_id="theirs"), kind=FactKind.CAPTURED),)
        ),
    }[how]

    await settler.submit(webhook)
    await settler.submit(again)

    (row,) = await database.fetch(
        "SELECT status, error, deliveries, applied_at IS NOT NULL FROM inbox_events WHERE external_id = $1",
        webhook.external_id,
    )
    assert tuple(row) == ("APPLIED", None, 2, True)


async def test_batches_of_the_same_orders_wait_for_each_other_and_never_in_a_circle(
    database: Database,
) -> None:
    """Two batches are stopped in the middle of their locks; taken in any other order than one, they would deadlock."""
    limits = SettlerLimits(lanes=1)
    async with AsyncExitStack() as stack:
        settlers = [
            await stack.enter_async_context(
                Settler(database.dsn, on_commit=lambda _: None, on_doubt=lambda _: None, limits=limits)
            )
            for _ in range(2)
        ]
        for _ in range(4):
            opened = [await opened_payment(database, settlers[0]) for _ in range(20)]
            held = sorted(each.order.id for each in opened)[2::4]
            async with database.connection() as blocker, blocker.transaction():
                await blocker.fetch("SELECT id FROM orders WHERE id = ANY($1) FOR UPDATE", held)
                sending = [
                    asyncio.create_task(settler.submit(a_webhook(each.payment, captured(each.payment))))
                    for settler in settlers
                    for each in opened
                ]
                async with asyncio.timeout(SECONDS_MAX):
                    while (await database.fetch(WAITING))[0][0] < 2:  # noqa: ASYNC110 - no event of the database's
                        await asyncio.sleep(0.01)
            outcomes = await asyncio.gather(*sending)
            assert {outcome.status for outcome in outcomes} == {InboxEventStatus.APPLIED}

        assert [settler.figures.retried for settler in settlers] == [0, 0]
    rows = await database.fetch("SELECT DISTINCT version, paid_minor FROM orders")
    assert [tuple(row) for row in rows] == [(4, 49_900)]


async def test_copies_that_wait_together_are_one_row_of_one_batch(database: Database) -> None:
    """Written as two rows of one statement, they would break it, and halving would hide that at the price of speed."""
    limits = SettlerLimits(lanes=1)
    async with Settler(
        database.dsn, on_commit=lambda _: None, on_doubt=lambda _: None, limits=limits
    ) as settler:
        opened = await opened_payment(database, settler)
        webhook = a_webhook(opened.payment, captured(opened.payment))
        copies = [replace(webhook, id=new_id()) for _ in range(50)]
        before = settler.figures.batches

        outcomes = await asyncio.gather(*(settler.submit(copy) for copy in copies))

    assert {outcome.status for outcome in outcomes} == {InboxEventStatus.APPLIED}
    assert settler.figures.batches - before == 1
    rows = await database.fetch("SELECT status, deliveries FROM inbox_events")
    assert [tuple(row) for row in rows] == [("APPLIED", 50)]
