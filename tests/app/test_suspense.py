"""Money of unknown orders is kept, waits for its payment, and gets its place once, whoever comes first."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

import pytest

from app.auth import Caller
from app.batch import Command
from app.checkout import Suspense
from app.domain.changes import CancelOrder
from app.domain.errors import DomainError, ErrorCode
from app.domain.money import Money
from app.domain.states import (
    EventSource,
    GatewayName,
    InboxEventStatus,
    LatePaymentPolicy,
    SuspenseReason,
    SuspenseResolution,
)
from app.domain.suspense import unknown_id
from app.identity import new_id
from app.scopes import Scope
from app.settle import Settler
from tests.making import TOTAL, a_payment, a_webhook, an_order, captured, opened_payment, stored_order

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from uuid import UUID

    from app.batch import Webhook
    from db.pool import Database

STAFF: Final = Caller(subject="staff", scopes=frozenset(Scope))
REFERENCE: Final = "sbx_pay_of_somebody"
ITEM: Final = unknown_id(GatewayName.SANDBOX, REFERENCE)


def _nobody(_: object) -> None:
    """Listen to nothing."""


@pytest.fixture
async def settler(database: Database) -> AsyncIterator[Settler]:
    """A settler on the test's database."""
    async with Settler(database.dsn, on_commit=_nobody, on_doubt=_nobody) as settler:
        yield settler


@pytest.fixture
def suspense(database: Database, settler: Settler) -> Suspense:
    """The use cases."""
    return Suspense(database=database, settler=settler)


def from_nowhere(amount: Money = TOTAL) -> Webhook:
    """Return a delivery that tells of captured money for a payment that nobody here opened."""
    stranger = a_payment(an_order())
    return a_webhook(stranger, captured(stranger, amount, object_id="chg_1"), reference=REFERENCE)


async def rows(database: Database, statement: str) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in await database.fetch(statement)]


async def items(database: Database) -> list[tuple[Any, ...]]:
    return await rows(
        database,
        "SELECT id, reason, amount_minor, currency, order_id, payment_id, resolution FROM suspense_items",
    )


JOBS: Final = "SELECT kind, subject_id FROM jobs WHERE kind <> 'PAYMENT_POLL'"


async def test_money_of_an_unknown_order_is_kept_and_tried_again(
    database: Database, settler: Settler
) -> None:
    webhook = from_nowhere()

    outcomes = [await settler.submit(webhook) for _ in range(2)]

    assert [outcome.status for outcome in outcomes] == [InboxEventStatus.UNMATCHED] * 2
    unknown = (ITEM, SuspenseReason.UNKNOWN_ORDER, TOTAL.minor, TOTAL.currency, None, None, None)
    assert await items(database) == [unknown]
    assert await rows(database, JOBS) == [("INBOX_REPLAY", webhook.id)]
    assert await rows(database, "SELECT status, deliveries, reference FROM inbox_events") == [
        ("UNMATCHED", 2, REFERENCE)
    ]


async def test_news_without_money_from_nowhere_is_kept_without_an_item(
    database: Database, settler: Settler
) -> None:
    stranger = a_payment(an_order())
    refused = captured(stranger, Money(0, "INR"))

    await settler.submit(a_webhook(stranger, refused, reference=REFERENCE))

    assert await items(database) == []


async def test_when_its_payment_appears_it_is_due_at_once_and_finds_its_place(
    database: Database, settler: Settler, suspense: Suspense
) -> None:
    webhook = from_nowhere()
    await settler.submit(webhook)
    order = await stored_order(database)

    answer = await suspense.resolve(
        STAFF, ITEM, SuspenseResolution.APPLY_TO_ORDER, order.id, "They wrote to us", "key"
    )
    await settler.submit(webhook)  # as its job does, which is due now

    assert answer.suspense_id == ITEM
    (payment,) = await rows(database, "SELECT id, status, reference FROM payments")
    assert payment[1:] == ("SUCCEEDED", REFERENCE)
    assert (await items(database))[0][4:] == (order.id, payment[0], "APPLY_TO_ORDER")
    assert await rows(database, "SELECT status, payment_status, paid_minor FROM orders") == [
        ("CONFIRMED", "PAID", TOTAL.minor)
    ]
    assert await rows(database, "SELECT status, payment_id FROM inbox_events") == [("APPLIED", payment[0])]


async def test_a_job_that_waits_is_woken_by_the_payment_that_it_waits_for(
    database: Database, settler: Settler, suspense: Suspense
) -> None:
    webhook = from_nowhere()
    await settler.submit(webhook)
    await database.fetch("UPDATE jobs SET due_at = clock_timestamp() + interval '1 day', died_at = now()")
    order = await stored_order(database)

    await suspense.resolve(STAFF, ITEM, SuspenseResolution.APPLY_TO_ORDER, order.id, None, "key")

    due = "SELECT subject_id, due_at <= clock_timestamp(), died_at FROM jobs WHERE kind = 'INBOX_REPLAY'"
    assert await rows(database, due) == [(webhook.id, True, None)]


@pytest.mark.parametrize(
    ("resolution", "jobs"),
    [
        (SuspenseResolution.REFUND, [("SUSPENSE_REFUND", ITEM)]),
        (SuspenseResolution.WRITE_OFF, []),
    ],
)
async def test_unknown_money_goes_where_a_person_says_and_stays_there(
    database: Database,
    settler: Settler,
    suspense: Suspense,
    resolution: SuspenseResolution,
    jobs: list[tuple[str, UUID]],
) -> None:
    webhook = from_nowhere()
    await settler.submit(webhook)

    await suspense.resolve(STAFF, ITEM, resolution, None, "Nobody knows them", "key")
    await settler.submit(webhook)
    with pytest.raises(DomainError) as refused:
        await suspense.resolve(STAFF, ITEM, SuspenseResolution.WRITE_OFF, None, None, "another key")

    assert refused.value.code is ErrorCode.INVALID_STATE
    assert (await items(database))[0][6] == resolution
    assert await rows(database, f"{JOBS} AND kind <> 'INBOX_REPLAY'") == jobs


async def test_of_many_who_resolve_at_once_one_is_heard(settler: Settler, suspense: Suspense) -> None:
    await settler.submit(from_nowhere())
    wishes = [SuspenseResolution.REFUND, SuspenseResolution.WRITE_OFF] * 10

    answers = await asyncio.gather(
        *[
            suspense.resolve(STAFF, ITEM, resolution, None, None, f"key {number}")
            for number, resolution in enumerate(wishes)
        ],
        return_exceptions=True,
    )

    refusals = [answer for answer in answers if isinstance(answer, DomainError)]
    assert len(refusals) == len(wishes) - 1
    assert {refusal.code for refusal in refusals} == {ErrorCode.INVALID_STATE}


async def test_money_that_two_orders_want_at_once_goes_to_one_of_them(
    database: Database, settler: Settler, suspense: Suspense
) -> None:
    webhook = from_nowhere()
    await settler.submit(webhook)
    orders = [await stored_order(database) for _ in range(2)]

    answers = await asyncio.gather(
        *[
            suspense.resolve(
                STAFF, ITEM, SuspenseResolution.APPLY_TO_ORDER, order.id, None, f"key {order.id}"
            )
            for order in orders
        ],
        return_exceptions=True,
    )

    await settler.submit(webhook)

    (refusal,) = [answer for answer in answers if isinstance(answer, Exception)]
    assert isinstance(refusal, DomainError)
    assert refusal.code is ErrorCode.INVALID_STATE
    assert await rows(database, "SELECT payment_status FROM orders ORDER BY payment_status") == [
        ("PAID",),
        ("UNPAID",),
    ]


async def test_held_money_of_an_order_is_resolved_once_under_its_lock(
    database: Database, settler: Settler, suspense: Suspense
) -> None:
    opened = await opened_payment(database, settler, an_order(policy=LatePaymentPolicy.HOLD))
    cancel = CancelOrder(reason=None, source=EventSource.STAFF)
    await settler.submit(Command(order_id=opened.order.id, change=cancel))
    await settler.submit(a_webhook(opened.payment, captured(opened.payment)))
    ((item_id, reason, *_),) = await items(database)
    assert reason == SuspenseReason.LATE_PAYMENT

    answers = await asyncio.gather(
        *[
            suspense.resolve(STAFF, item_id, SuspenseResolution.REFUND, None, None, f"key {number}")
            for number in range(10)
        ],
        return_exceptions=True,
    )
    again = await suspense.resolve(STAFF, item_id, SuspenseResolution.REFUND, None, None, _key_of(answers))

    assert sum(isinstance(answer, DomainError) for answer in answers) == 9
    assert again.replayed
    assert await rows(database, "SELECT status, amount_minor, initiated_by FROM refunds") == [
        ("PENDING", TOTAL.minor, "STAFF")
    ]
    ((refund_id,),) = await rows(database, "SELECT id FROM refunds")
    assert await rows(database, JOBS) == [("REFUND", refund_id)]


def _key_of(answers: list[Any]) -> str:
    return f"key {next(n for n, answer in enumerate(answers) if not isinstance(answer, DomainError))}"


@pytest.mark.parametrize(
    ("item_id", "order", "code"),
    [
        (new_id(), None, ErrorCode.NOT_FOUND),
        (None, None, ErrorCode.NOT_FOUND),
        (ITEM, None, ErrorCode.INVALID),
        (ITEM, "missing", ErrorCode.NOT_FOUND),
        (ITEM, "foreign", ErrorCode.CURRENCY_MISMATCH),
    ],
)
async def test_what_can_t_be_is_refused_and_changes_nothing(
    database: Database,
    settler: Settler,
    suspense: Suspense,
    item_id: UUID | None,
    order: str | None,
    code: ErrorCode,
) -> None:
    await settler.submit(from_nowhere())
    foreign = await stored_order(database, an_order(total=Money(49_900, "USD")))
    order_id = {"missing": new_id(), "foreign": foreign.id}.get(order or "")
    before = await items(database)

    with pytest.raises(DomainError) as refused:
        await suspense.resolve(STAFF, item_id, SuspenseResolution.APPLY_TO_ORDER, order_id, None, "key")

    assert refused.value.code is code
    assert await items(database) == before
    assert await rows(database, "SELECT count(*) FROM payments") == [(0,)]


async def test_money_under_a_reference_that_is_not_the_payment_s_is_kept(
    database: Database, settler: Settler
) -> None:
    opened = await opened_payment(database, settler)
    first = a_webhook(opened.payment, reference="sbx_pay_own")
    await settler.submit(first)
    await settler.submit(
        a_webhook(opened.payment, captured(opened.payment, Money(1, "INR")), reference="sbx_pay_own")
    )

    outcome = await settler.submit(
        a_webhook(opened.payment, captured(opened.payment, object_id="chg_2"), reference=REFERENCE)
    )

    assert outcome.status is InboxEventStatus.FAILED
    unknown = [row for row in await items(database) if row[1] == SuspenseReason.UNKNOWN_ORDER]
    assert unknown == [(ITEM, SuspenseReason.UNKNOWN_ORDER, TOTAL.minor, TOTAL.currency, None, None, None)]
