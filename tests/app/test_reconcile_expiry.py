"""Orders whose time ran out: the gateways are asked first, and money that comes at the same instant is never lost."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from app.domain.changes import ExpireOrder
from app.domain.states import EventSource, JobKind, LatePaymentPolicy
from app.settle import Command
from db import reads
from tests.app.backroom import a_schedule, open_backroom
from tests.making import a_webhook, captured

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from db.pool import Database
    from tests.app.backroom import Backroom

EXPIRY = JobKind.ORDER_EXPIRY
EXPIRED = ("EXPIRED", "UNPAID", "CANCELED")
PAID = ("CONFIRMED", "PAID", "SUCCEEDED")
POLICIES = list(LatePaymentPolicy)


@pytest.fixture
async def backroom(database: Database) -> AsyncIterator[Backroom]:
    async with open_backroom(database, polling=a_schedule(200), timeout_seconds=0.5) as opened:
        yield opened


async def test_an_unpaid_order_expires_and_its_payment_is_given_up_at_the_gateway_first(
    backroom: Backroom,
) -> None:
    opened = await backroom.open(expired=True)

    await backroom.work()

    assert await backroom.status(opened) == EXPIRED
    assert (await backroom.at_gateway(opened))["status"] == "canceled"
    assert await backroom.timeline(opened) == [("PAYMENT_CANCELED", "SYSTEM"), ("ORDER_EXPIRED", "SYSTEM")]
    assert await backroom.jobs() == [("PAYMENT_POLL", 0, False)]


async def test_an_order_without_payments_expires(backroom: Backroom) -> None:
    opened = await backroom.open(expired=True, at_gateway=False)

    await backroom.work()

    assert await backroom.status(opened) == EXPIRED


async def test_an_order_that_was_paid_without_our_knowing_is_confirmed_instead(backroom: Backroom) -> None:
    opened = await backroom.open(expired=True)
    await backroom.pay(opened)

    await backroom.work()

    assert await backroom.status(opened) == PAID
    assert EXPIRY not in [kind for kind, _, _ in await backroom.jobs()]


async def test_an_order_whose_time_was_not_yet_up_is_looked_at_when_it_is(backroom: Backroom) -> None:
    opened = await backroom.open(expired=True)
    await backroom.database.fetch("UPDATE orders SET expires_at = statement_timestamp() + interval '1 hour'")

    await backroom.work()

    assert 3590 < (await backroom.job(EXPIRY))["due_in_seconds"] <= 3600
    assert (await backroom.order(opened)).status == "PENDING"


@pytest.mark.parametrize(("answer", "counted"), [("hang", 1), (500, 1), (429, 0)])
async def test_a_gateway_that_can_not_be_reached_postpones_the_expiry(
    backroom: Backroom, answer: str | int, counted: int
) -> None:
    opened = await backroom.open(expired=True)
    await backroom.sandbox.chaos(api_fail={"cancel": {"answer": answer}})

    await backroom.work()

    assert await backroom.status(opened) == ("PENDING", "UNPAID", "REQUIRES_PAYMENT_METHOD")
    assert ("ORDER_EXPIRY", counted, False) in await backroom.jobs()
    await backroom.sandbox.chaos()
    await backroom.database.fetch("UPDATE gateway_states SET rests_until = NULL")
    backroom.pace._queues.clear()
    await backroom.make_due(EXPIRY)
    await backroom.work()
    assert await backroom.status(opened) == EXPIRED


async def test_a_payment_that_was_opened_while_the_order_expired_is_given_up_too(backroom: Backroom) -> None:
    opened = await backroom.open(expired=True)
    listing = reads.payments_of

    async def before_it_was_opened(*_: object) -> dict[object, list[object]]:
        return {}

    try:
        reads.payments_of = before_it_was_opened  # type: ignore[assignment]  # what a reader saw a moment ago
        await backroom.work()
    finally:
        reads.payments_of = listing

    assert await backroom.status(opened) == EXPIRED
    assert (await backroom.at_gateway(opened))["status"] == "canceled"


@pytest.mark.parametrize("policy", POLICIES)
async def test_paying_and_expiring_at_the_same_instant_come_to_one_of_two_ends(
    backroom: Backroom, policy: LatePaymentPolicy
) -> None:
    orders = [await backroom.open(policy=policy, expired=True) for _ in range(12)]
    found = [await backroom.at_gateway(opened) for opened in orders]
    barrier = asyncio.Barrier(len(orders) + 1)

    async def pay(payment: dict[str, object]) -> None:
        await barrier.wait()
        await backroom.sandbox.pay(payment)

    async def expire() -> None:
        await barrier.wait()
        await backroom.work()

    await asyncio.gather(expire(), *(pay(payment) for payment in found))
    await backroom.make_due(
        JobKind.PAYMENT_POLL, JobKind.ORDER_EXPIRY
    )  # a gateway that was busy is asked again
    await backroom.work()

    for opened in orders:
        here, there = await backroom.status(opened), await backroom.at_gateway(opened)
        assert (here, there["status"]) in ((PAID, "succeeded"), (EXPIRED, "canceled"))
    assert await backroom.jobs() == []


@pytest.mark.parametrize("policy", POLICIES)
async def test_money_that_is_settled_before_the_order_expires_wins(
    backroom: Backroom, policy: LatePaymentPolicy
) -> None:
    opened = await backroom.open(policy=policy, expired=True)
    await asyncio.gather(
        backroom.settler.submit(a_webhook(opened.payment, captured(opened.payment))),
        backroom.settler.submit(
            Command(order_id=opened.order.id, change=ExpireOrder(source=EventSource.SYSTEM))
        ),
    )

    assert await backroom.status(opened) == PAID


@pytest.mark.parametrize(
    ("policy", "order_status", "refunded"),
    [
        (LatePaymentPolicy.REFUND, ("EXPIRED", "REFUNDED", "SUCCEEDED"), 49_900),
        (LatePaymentPolicy.HOLD, ("EXPIRED", "REVIEW", "SUCCEEDED"), 0),
        (LatePaymentPolicy.HONOR, ("CONFIRMED", "PAID", "SUCCEEDED"), 0),
    ],
)
async def test_a_poll_that_finds_the_late_success_of_an_expired_order_goes_by_its_policy(
    backroom: Backroom,
    policy: LatePaymentPolicy,
    order_status: tuple[str, str, str],
    refunded: int,
) -> None:
    opened = await backroom.open(policy=policy, expired=True)
    await backroom.settler.submit(
        Command(order_id=opened.order.id, change=ExpireOrder(source=EventSource.SYSTEM))
    )
    expired = (await backroom.order(opened)).status
    await backroom.pay(opened)
    await backroom.make_due(JobKind.PAYMENT_POLL)

    await backroom.work()

    there = await backroom.at_gateway(opened)
    assert expired == "EXPIRED"
    assert await backroom.status(opened) == order_status
    assert sum(refund["amount"] for refund in there["refunds"]) == refunded
    assert (await backroom.payment(opened)).refunded_minor == refunded
    assert await backroom.jobs() == []
