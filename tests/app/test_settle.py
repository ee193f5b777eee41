"""The heart: what is submitted together commits together, once, in order, and nothing acknowledged is lost."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from app.batch import Command, settle_batch
from app.domain.changes import CancelOrder, Report
from app.domain.errors import DomainError, ErrorCode
from app.domain.facts import Fact, FactKind
from app.domain.money import Money
from app.domain.states import (
    EventSource,
    InboxEventStatus,
    OrderEventType,
    OrderPaymentStatus,
    OrderStatus,
    PaymentStatus,
)
from app.identity import new_id
from app.settle import SettleBusyError, Settler, SettlerLimits
from db import reads
from db.pool import connect
from tests.making import TOTAL, a_webhook, an_order, captured, opened_payment, stored_order

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from uuid import UUID

    from app.domain.order import OrderChange
    from db.pool import Database


@pytest.fixture
def changes() -> list[OrderChange]:
    """What subscribers were told."""
    return []


@pytest.fixture
def doubts() -> list[tuple[UUID, int]]:
    """Which orders may have changed untold."""
    return []


@pytest.fixture
async def settler(
    database: Database, changes: list[OrderChange], doubts: list[tuple[UUID, int]]
) -> AsyncIterator[Settler]:
    """A settler on the test's database."""
    async with Settler(database.dsn, on_commit=changes.extend, on_doubt=doubts.extend) as settler:
        yield settler


def _nobody(_: object) -> None:
    """Listen to nothing."""


async def versions_of(database: Database, order_id: UUID) -> list[tuple[int, str]]:
    """Return the versions and types of an order's events."""
    rows = await database.fetch(
        "SELECT version, type FROM order_events WHERE order_id = $1 ORDER BY version", order_id
    )
    return [(row["version"], row["type"]) for row in rows]


async def test_a_captured_payment_makes_its_order_paid_and_confirmed_in_one_commit(
    database: Database, settler: Settler, changes: list[OrderChange]
) -> None:
    opened = await opened_payment(database, settler)

    outcome = await settler.submit(a_webhook(opened.payment, captured(opened.payment), reference="pi_1"))

    assert outcome.status is InboxEventStatus.APPLIED
    assert outcome.record is not None
    order = (await reads.orders(database, [opened.order.id]))[opened.order.id]
    assert order == outcome.record.order == changes[-1].order
    assert order.status is OrderStatus.CONFIRMED
    assert order.payment_status is OrderPaymentStatus.PAID
    assert (order.paid_minor, order.version) == (TOTAL.minor, 4)
    assert await versions_of(database, order.id) == [
        (1, OrderEventType.ORDER_CREATED),
        (2, OrderEventType.PAYMENT_CREATED),
        (3, OrderEventType.PAYMENT_SUCCEEDED),
        (4, OrderEventType.ORDER_CONFIRMED),
    ]
    payment = (await reads.payments(database, [opened.payment.id]))[opened.payment.id]
    assert (payment.status, payment.captured_minor, payment.reference) == (
        PaymentStatus.SUCCEEDED,
        TOTAL.minor,
        "pi_1",
    )
    ledger = await database.fetch(
        "SELECT account, amount_minor, currency FROM ledger_entries WHERE order_id = $1 ORDER BY position",
        order.id,
    )
    assert [tuple(row) for row in ledger] == [("SALES", -49_900, "INR"), ("GATEWAY_CLEARING", 49_900, "INR")]


async def test_a_try_whose_time_is_told_later_is_kept_with_that_time(
    database: Database, settler: Settler
) -> None:
    opened = await opened_payment(database, settler)
    timed = captured(opened.payment)

    await settler.submit(a_webhook(opened.payment, replace(timed, reported_at=None)))
    (untold,) = (await reads.attempts_of(database, [opened.payment.id]))[opened.payment.id]
    outcome = await settler.submit(a_webhook(opened.payment, timed))

    (told,) = (await reads.attempts_of(database, [opened.payment.id]))[opened.payment.id]
    assert outcome.record is not None
    assert (told,) == outcome.record.payments[opened.payment.id].state.attempts
    assert told.created_at == timed.reported_at
    assert untold.created_at > told.created_at


async def test_what_subscribers_are_told_is_what_the_database_holds(
    database: Database, settler: Settler, changes: list[OrderChange]
) -> None:
    opened = await opened_payment(database, settler)
    refunded = Fact(
        gateway=opened.payment.gateway,
        object_id="re_1",
        kind=FactKind.REFUND_SUCCEEDED,
        amount=Money(100, "INR"),
        detail="broken cup",
    )
    opened_dispute = Fact(
        gateway=opened.payment.gateway,
        object_id="dp_1",
        kind=FactKind.DISPUTE_OPENED,
        amount=TOTAL,
        detail="fraudulent",
    )

    await settler.submit(a_webhook(opened.payment, captured(opened.payment), refunded, opened_dispute))

    snapshot = (await reads.OrderReader(database).snapshots([opened.order.id]))[opened.order.id]
    assert changes[-1].order == snapshot.order
    assert changes[-1].payments == snapshot.payments
    stored = await reads.OrderReader(database).events({opened.order.id: 2}, 100)
    assert list(changes[-1].events) == stored[opened.order.id]


async def test_fifty_identical_deliveries_at_once_are_applied_once(
    database: Database, settler: Settler, changes: list[OrderChange]
) -> None:
    opened = await opened_payment(database, settler)
    changes.clear()
    fact = captured(opened.payment)

    outcomes = await asyncio.gather(
        *[settler.submit(a_webhook(opened.payment, fact, external_id="evt_1")) for _ in range(50)]
    )

    assert Counter(outcome.status for outcome in outcomes) == {InboxEventStatus.APPLIED: 50}
    assert sum(outcome.change is not None for outcome in outcomes) == 1
    assert len(changes) == 1
    inbox = await database.fetch("SELECT status, deliveries FROM inbox_events")
    assert [tuple(row) for row in inbox] == [("APPLIED", 50)]
    assert len(await versions_of(database, opened.order.id)) == 4
    assert (await database.fetch("SELECT count(*) FROM ledger_entries"))[0][0] == 2


async def test_the_number_of_statements_does_not_grow_with_the_batch(
    database: Database, settler: Settler
) -> None:
    opened = [await opened_payment(database, settler) for _ in range(20)]
    connection = await connect(database.dsn, application_name="test")
    batches = [opened[:1], opened[1:2], opened[2:]]
    ran: list[list[str]] = []

    for batch in batches:
        await asyncio.sleep(0)
        ran.append([])
        logger = lambda record, into=ran[-1]: into.append(record.query)  # noqa: E731 - one for each batch
        connection.add_query_logger(logger)
        await settle_batch(connection, [a_webhook(each.payment, captured(each.payment)) for each in batch])
        await asyncio.sleep(0)
        connection.remove_query_logger(logger)
    await connection.close()

    # The first batch of a connection also looks up types.
    assert len(ran[1]) == 5, ran[1]
    assert len(ran[2]) == 5, ran[2]


async def test_two_deliveries_of_one_order_in_a_batch_are_applied_in_order(
    database: Database, settler: Settler
) -> None:
    opened = await opened_payment(database, settler)
    payment = opened.payment
    trying = Fact(
        gateway=payment.gateway, object_id=f"att_{payment.id}", kind=FactKind.PROCESSING, reported_at=None
    )
    connection = await connect(database.dsn, application_name="test")

    first, second = await settle_batch(
        connection, [a_webhook(payment, trying), a_webhook(payment, captured(payment))]
    )
    await connection.close()

    assert not isinstance(first, DomainError)
    assert not isinstance(second, DomainError)
    assert first.change is not None
    assert second.change is not None
    assert [event.version for event in (*first.change.events, *second.change.events)] == [3, 4, 5]
    assert await versions_of(database, opened.order.id) == [
        (1, OrderEventType.ORDER_CREATED),
        (2, OrderEventType.PAYMENT_CREATED),
        (3, OrderEventType.PAYMENT_PROCESSING),
        (4, OrderEventType.PAYMENT_SUCCEEDED),
        (5, OrderEventType.ORDER_CONFIRMED),
    ]


@pytest.mark.parametrize("position", [0, 3, 7])
async def test_poison_is_kept_with_its_reason_while_the_rest_commits(
    database: Database, settler: Settler, position: int
) -> None:
    opened = [await opened_payment(database, settler) for _ in range(8)]
    webhooks = [a_webhook(each.payment, captured(each.payment)) for each in opened]
    sick = opened[position].payment
    unstorable = Fact(
        gateway=sick.gateway, object_id="re_1", kind=FactKind.REFUND_PENDING, amount=TOTAL, detail="a\x00b"
    )
    webhooks[position] = a_webhook(sick, unstorable, external_id="evt_poison")

    outcomes = await asyncio.gather(*[settler.submit(webhook) for webhook in webhooks])

    assert Counter(outcome.status for outcome in outcomes) == {
        InboxEventStatus.APPLIED: 7,
        InboxEventStatus.FAILED: 1,
    }
    (row,) = await database.fetch("SELECT external_id, error FROM inbox_events WHERE status = 'FAILED'")
    assert row["external_id"] == "evt_poison"
    assert row["error"].startswith("UntranslatableCharacterError: ")
    paid = await database.fetch("SELECT id FROM orders WHERE payment_status = 'PAID'")
    assert {row["id"] for row in paid} == {
        each.order.id for number, each in enumerate(opened) if number != position
    }


async def test_a_failed_delivery_is_applied_when_it_comes_again_readable(
    database: Database, settler: Settler
) -> None:
    opened = await opened_payment(database, settler)
    broken = a_webhook(opened.payment, external_id="evt_1").failed(ValueError("no amount"))
    await settler.submit(broken)

    outcome = await settler.submit(a_webhook(opened.payment, captured(opened.payment), external_id="evt_1"))

    assert outcome.status is InboxEventStatus.APPLIED
    (row,) = await database.fetch("SELECT status, deliveries, attempts, error FROM inbox_events")
    assert tuple(row) == ("APPLIED", 2, 2, None)


async def test_a_delivery_that_names_no_payment_of_ours_is_kept_unmatched(
    database: Database, settler: Settler
) -> None:
    opened = await opened_payment(database, settler)
    stranger = a_webhook(
        opened.payment, captured(opened.payment), payment_id=new_id(), reference="pi_unknown"
    )

    outcome = await settler.submit(stranger)

    assert outcome.status is InboxEventStatus.UNMATCHED
    assert len(await versions_of(database, opened.order.id)) == 2
    (row,) = await database.fetch("SELECT status, payment_id FROM inbox_events")
    assert tuple(row) == ("UNMATCHED", None)


async def test_a_delivery_may_name_its_payment_by_reference_or_by_a_known_object(
    database: Database, settler: Settler
) -> None:
    opened = await opened_payment(database, settler)
    payment = opened.payment
    await settler.submit(a_webhook(payment, captured(payment, object_id="ch_1"), reference="pi_1"))
    refund = Fact(gateway=payment.gateway, object_id="re_1", kind=FactKind.REFUND_SUCCEEDED, amount=TOTAL)
    nameless = a_webhook(payment, payment_id=new_id())

    by_reference = await settler.submit(a_webhook(payment, refund, payment_id=new_id(), reference="pi_1"))
    dispute = Fact(gateway=payment.gateway, object_id="dp_1", kind=FactKind.DISPUTE_OPENED, amount=TOTAL)
    by_object = await settler.submit(
        type(nameless)(
            id=new_id(),
            gateway=payment.gateway,
            external_id="evt_dispute",
            type="dispute",
            body=b"{}",
            payment_id=None,
            reference=None,
            object_ids=("ch_1",),
            facts=(dispute,),
        )
    )

    assert (by_reference.payment_id, by_object.payment_id) == (payment.id, payment.id)
    order = (await reads.orders(database, [opened.order.id]))[opened.order.id]
    assert order.payment_status is OrderPaymentStatus.DISPUTED


async def test_an_object_of_another_payment_is_never_counted_twice(
    database: Database, settler: Settler
) -> None:
    first = await opened_payment(database, settler)
    second = await opened_payment(database, settler)
    await settler.submit(a_webhook(first.payment, captured(first.payment, object_id="ch_1")))

    outcome = await settler.submit(a_webhook(second.payment, captured(second.payment, object_id="ch_1")))

    assert outcome.status is InboxEventStatus.FAILED
    order = (await reads.orders(database, [second.order.id]))[second.order.id]
    assert (order.payment_status, order.version) == (OrderPaymentStatus.UNPAID, 2)


async def test_a_delivery_whose_ids_name_two_payments_is_refused(
    database: Database, settler: Settler
) -> None:
    first = await opened_payment(database, settler)
    second = await opened_payment(database, settler)
    await settler.submit(a_webhook(first.payment, captured(first.payment), reference="pi_1"))

    outcome = await settler.submit(a_webhook(second.payment, captured(second.payment), reference="pi_1"))

    assert outcome.status is InboxEventStatus.FAILED
    order = (await reads.orders(database, [second.order.id]))[second.order.id]
    assert order.payment_status is OrderPaymentStatus.UNPAID


async def test_a_refused_command_changes_nothing_and_says_why(database: Database, settler: Settler) -> None:
    opened = await opened_payment(database, settler)
    await settler.submit(a_webhook(opened.payment, captured(opened.payment)))
    cancel = CancelOrder(reason=None, source=EventSource.API)

    with pytest.raises(DomainError) as refused:
        await settler.submit(Command(order_id=opened.order.id, change=cancel))

    assert refused.value.code is ErrorCode.INVALID_STATE
    assert len(await versions_of(database, opened.order.id)) == 4


async def test_a_command_for_an_order_that_is_not_there_is_refused(settler: Settler) -> None:
    cancel = CancelOrder(reason=None, source=EventSource.API)

    with pytest.raises(DomainError) as refused:
        await settler.submit(Command(order_id=new_id(), change=cancel))

    assert refused.value.code is ErrorCode.NOT_FOUND


async def test_a_lost_connection_is_made_again_and_nothing_is_lost_or_doubled(
    database: Database, settler: Settler
) -> None:
    opened = [await opened_payment(database, settler) for _ in range(60)]
    cutting = asyncio.create_task(_keep_cutting(database))

    outcomes = []
    try:
        for each in opened:
            outcomes.append(await settler.submit(a_webhook(each.payment, captured(each.payment))))
            await asyncio.sleep(0.02)
    finally:
        cutting.cancel()
        await asyncio.wait([cutting])

    assert Counter(outcome.status for outcome in outcomes) == {InboxEventStatus.APPLIED: 60}
    assert settler.figures.retried > 0, "no connection was lost: the test shows nothing"
    rows = await database.fetch("SELECT payment_status, paid_minor, version FROM orders")
    assert Counter(tuple(row) for row in rows) == {("PAID", 49_900, 4): 60}
    assert (await database.fetch("SELECT count(*) FROM ledger_entries"))[0][0] == 120


async def _keep_cutting(database: Database) -> None:
    while True:
        await database.fetch(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name LIKE 'orderpulse-settle-%'"
        )
        await asyncio.sleep(0.2)


async def test_a_commit_without_an_answer_is_submitted_again_and_counts_once(
    database: Database, settler: Settler, doubts: list[tuple[UUID, int]]
) -> None:
    opened = await opened_payment(database, settler)
    webhook = a_webhook(opened.payment, captured(opened.payment))
    connection = await connect(database.dsn, application_name="test")
    await settle_batch(connection, [webhook])
    await connection.close()

    # The same submission again is what settle does when the answer to its COMMIT never came.
    outcome = await settler.submit(webhook)

    assert outcome.status is InboxEventStatus.APPLIED
    assert outcome.change is None
    order = (await reads.orders(database, [opened.order.id]))[opened.order.id]
    assert (order.paid_minor, order.version) == (49_900, 4)
    assert doubts == []


async def test_a_full_queue_turns_senders_away(database: Database) -> None:
    limits = SettlerLimits(queue_max=2)
    order = an_order()
    report = Report(payment_id=new_id(), source=EventSource.API, facts=())
    settler = Settler(
        "postgresql://nobody@/none?host=/nonexistent", on_commit=_nobody, on_doubt=_nobody, limits=limits
    )
    waiting = [
        asyncio.create_task(settler.submit(Command(order_id=order.id, change=report))) for _ in range(2)
    ]
    await asyncio.sleep(0)

    with pytest.raises(SettleBusyError):
        await settler.submit(Command(order_id=order.id, change=report))

    for task in waiting:
        task.cancel()
    await stored_order(database)


async def test_a_database_that_stays_away_is_told_after_the_time_limit() -> None:
    limits = SettlerLimits(retry_for_seconds=0.2)
    change = CancelOrder(reason=None, source=EventSource.API)

    async with Settler(
        "postgresql://nobody@/none?host=/nonexistent", on_commit=_nobody, on_doubt=_nobody, limits=limits
    ) as settler:
        with pytest.raises(SettleBusyError):
            await settler.submit(Command(order_id=new_id(), change=change))


async def test_stopping_settles_what_is_queued(database: Database) -> None:
    async with Settler(database.dsn, on_commit=_nobody, on_doubt=_nobody) as first:
        opened = [await opened_payment(database, first) for _ in range(100)]
    settler = Settler(database.dsn, on_commit=_nobody, on_doubt=_nobody)

    async with settler:
        tasks = [
            asyncio.create_task(settler.submit(a_webhook(each.payment, captured(each.payment))))
            for each in opened
        ]
        await asyncio.sleep(0)

    outcomes = await asyncio.gather(*tasks)
    assert Counter(outcome.status for outcome in outcomes) == {InboxEventStatus.APPLIED: 100}


async def test_two_settlers_on_the_same_orders_neither_deadlock_nor_double(database: Database) -> None:
    async with (
        Settler(database.dsn, on_commit=_nobody, on_doubt=_nobody) as one,
        Settler(database.dsn, on_commit=_nobody, on_doubt=_nobody) as other,
    ):
        opened = [await opened_payment(database, one) for _ in range(40)]
        deliveries = [(settler, each) for each in [*opened, *reversed(opened)] for settler in (one, other)]

        outcomes = await asyncio.gather(
            *[
                settler.submit(
                    a_webhook(each.payment, captured(each.payment), external_id=f"e{each.order.id}")
                )
                for settler, each in deliveries
            ]
        )

    assert Counter(outcome.status for outcome in outcomes) == {InboxEventStatus.APPLIED: 160}
    rows = await database.fetch("SELECT payment_status, version FROM orders")
    assert Counter(tuple(row) for row in rows) == {("PAID", 4): 40}
    inbox = await database.fetch("SELECT status, deliveries FROM inbox_events")
    assert Counter(tuple(row) for row in inbox) == {("APPLIED", 4): 40}
