"""Refunds: asked after before they are repeated, repeated under one key, given up only when the gateway has none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from app.batch import Command
from app.domain.changes import RequestRefund
from app.domain.jobs import Job
from app.domain.money import Money
from app.domain.states import EventSource, GatewayName, JobKind, RefundInitiator
from app.gateway_calls import handle_of
from app.gateways import RefundRequest
from app.identity import new_id
from db import jobs, reads
from tests.app.backroom import a_schedule, open_backroom

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from uuid import UUID

    from db.pool import Database
    from tests.app.backroom import Backroom
    from tests.making import Opened

REFUND = JobKind.REFUND
HALF = Money(20_000, "INR")


@pytest.fixture
async def backroom(database: Database) -> AsyncIterator[Backroom]:
    async with open_backroom(database, polling=a_schedule(100), timeout_seconds=0.5) as opened:
        yield opened


async def paid(backroom: Backroom, card: str = "4242424242424242") -> Opened:
    """Return a payment that is paid and known to be."""
    opened = await backroom.open()
    await backroom.pay(opened, card)
    await backroom.make_due(JobKind.PAYMENT_POLL)
    await backroom.work()
    return opened


async def request(backroom: Backroom, opened: Opened, amount: Money | None = HALF) -> UUID:
    """Ask for a refund here, as staff."""
    refund_id = new_id()
    change = RequestRefund(
        payment_id=opened.payment.id,
        refund_id=refund_id,
        amount=amount,
        reason="Broken",
        initiator=RefundInitiator.STAFF,
        source=EventSource.STAFF,
    )
    await backroom.settler.submit(Command(order_id=opened.order.id, change=change))
    await jobs.owe(
        backroom.database, Job(kind=REFUND, subject_id=refund_id, gateway=GatewayName.SANDBOX), anew=True
    )
    return refund_id


async def refunds(backroom: Backroom, opened: Opened) -> list[tuple[str, int]]:
    """Return status and amount of the refunds here."""
    found = await reads.refunds_of(backroom.database, [opened.payment.id])
    return [(refund.status, refund.amount.minor) for refund in found.get(opened.payment.id, [])]


async def refunds_there(backroom: Backroom, opened: Opened) -> list[tuple[str, int]]:
    """Return status and amount of the refunds at the gateway."""
    payment = await backroom.at_gateway(opened)
    return [(refund["status"], refund["amount"]) for refund in payment["refunds"]]


async def test_a_refund_that_was_only_asked_for_here_is_made(backroom: Backroom) -> None:
    opened = await paid(backroom)
    await request(backroom, opened)

    await backroom.work()

    assert await refunds(backroom, opened) == [("SUCCEEDED", 20_000)]
    assert await refunds_there(backroom, opened) == [("succeeded", 20_000)]
    assert await backroom.jobs() == []


async def test_a_refund_that_the_gateway_has_already_is_not_made_again(backroom: Backroom) -> None:
    opened = await paid(backroom)
    refund_id = await request(backroom, opened)
    asked = RefundRequest(
        payment=handle_of(await backroom.payment(opened)),
        refund_id=refund_id,
        amount=HALF,
        reason=None,
        idempotency_key="not-the-key-that-the-job-would-use",
    )
    await backroom.gateway.refund(asked)

    await backroom.work()

    assert await refunds(backroom, opened) == [("SUCCEEDED", 20_000)]
    assert await refunds_there(backroom, opened) == [("succeeded", 20_000)]


@pytest.mark.parametrize("mishap", ["hang", "hang_after", "garbage_after", 500, 503])
async def test_a_refund_of_unknown_outcome_is_settled_at_the_next_look_with_one_refund_at_the_gateway(
    backroom: Backroom, mishap: str | int
) -> None:
    opened = await paid(backroom)
    await request(backroom, opened)
    await backroom.sandbox.chaos(api_fail={"refund": {"answer": mishap, "times": 1}})
    await backroom.work()
    unknown = await refunds(backroom, opened)
    await backroom.database.fetch("UPDATE gateway_states SET rests_until = NULL")
    backroom.pace._queues.clear()
    await backroom.make_due(REFUND)

    await backroom.work()

    assert unknown == [("PENDING", 20_000)]
    assert await refunds(backroom, opened) == [("SUCCEEDED", 20_000)]
    assert await refunds_there(backroom, opened) == [("succeeded", 20_000)]
    assert await backroom.jobs() == []


async def test_while_the_gateway_can_not_be_asked_nothing_is_repeated(backroom: Backroom) -> None:
    opened = await paid(backroom)
    await request(backroom, opened)
    await backroom.sandbox.chaos(api_fail={"fetch_payment": {"answer": 500}})

    await backroom.work()

    assert await refunds(backroom, opened) == [("PENDING", 20_000)]
    assert await refunds_there(backroom, opened) == []
    assert await backroom.jobs() == [("REFUND", 1, False)]


async def test_a_refused_refund_has_failed_only_once_the_gateway_was_asked_and_has_none(
    backroom: Backroom,
) -> None:
    opened = await paid(backroom)
    await request(backroom, opened)
    await backroom.sandbox.chaos(api_fail={"refund": {"answer": 400, "times": 1}})

    await backroom.work()

    assert await refunds(backroom, opened) == [("FAILED", 20_000)]
    assert await refunds_there(backroom, opened) == []
    assert await backroom.jobs() == []


async def test_a_refusal_that_comes_of_our_own_earlier_try_is_not_written_as_a_failure(
    backroom: Backroom,
) -> None:
    """All of it went back by a try that was never answered, so the next try finds nothing left to give back."""
    opened = await paid(backroom)
    refund_id = await request(backroom, opened, None)
    payment = await backroom.payment(opened)
    work: Any = backroom.handlers[REFUND]

    class Late:
        """Asked first, it has no refund; by the second question the lost try has gone through."""

        asked = 0

        def __getattr__(self, name: str) -> object:
            return getattr(backroom.gateway, name)

        async def refund(self, request: RefundRequest) -> object:
            if not Late.asked:
                Late.asked += 1
                there = f"/v1/payments/{payment.reference}/refunds"
                body = {"amount": request.amount.minor, "metadata": {"refund_id": str(refund_id)}}
                await backroom.sandbox.post(there, body)
            return await backroom.gateway.refund(request)

    work._gateways = type(backroom.gateways)([Late()])  # type: ignore[list-item]  # as good as a gateway

    await backroom.work()

    assert await refunds(backroom, opened) == [("SUCCEEDED", 49_900)]
    assert await refunds_there(backroom, opened) == [("succeeded", 49_900)]


async def test_a_refund_that_fails_after_it_had_gone_through_is_told_by_the_list_of_events(
    backroom: Backroom,
) -> None:
    opened = await paid(backroom, "4000000000007726")
    await request(backroom, opened)
    await backroom.work()
    before = await refunds(backroom, opened)
    payment = await backroom.at_gateway(opened)
    while payment["refunds"][0]["status"] != "failed":
        payment = await backroom.at_gateway(opened)
    subject = new_id()
    await jobs.owe(
        backroom.database,
        Job(kind=JobKind.GATEWAY_BACKFILL, subject_id=subject, gateway=GatewayName.SANDBOX),
    )

    await backroom.work()

    assert before in ([("SUCCEEDED", 20_000)], [("FAILED", 20_000)])
    assert await refunds(backroom, opened) == [("FAILED", 20_000)]


async def suspended(backroom: Backroom) -> tuple[UUID, dict[str, Any]]:
    """Return an item of money that belongs to nobody here, and the gateway's payment of it."""
    payment = await backroom.sandbox.paid()
    item_id = new_id()
    await backroom.database.fetch(
        """INSERT INTO suspense_items (id, reason, gateway, reference, amount_minor, currency, created_at)
           VALUES ($1, 'UNKNOWN_ORDER', 'SANDBOX', $2, 49900, 'INR', clock_timestamp())""",
        item_id,
        payment["id"],
    )
    await jobs.owe(
        backroom.database,
        Job(kind=JobKind.SUSPENSE_REFUND, subject_id=item_id, gateway=GatewayName.SANDBOX),
    )
    return item_id, payment


async def test_money_of_an_unknown_order_goes_back_once(backroom: Backroom) -> None:
    item_id, payment = await suspended(backroom)
    await backroom.sandbox.chaos(api_fail={"refund": {"answer": "hang_after", "times": 1}})
    await backroom.work()
    lost = await backroom.jobs()
    await backroom.make_due(JobKind.SUSPENSE_REFUND)

    await backroom.work()

    there = await backroom.sandbox.payment(payment)
    assert lost == [("SUSPENSE_REFUND", 1, False)]
    assert [(refund["status"], refund["amount"]) for refund in there["refunds"]] == [("succeeded", 49_900)]
    assert there["refunds"][0]["metadata"] == {"refund_id": str(item_id)}
    assert await backroom.jobs() == []


async def test_a_refund_of_unknown_money_that_is_refused_for_good_lies_dead_in_the_end(
    backroom: Backroom,
) -> None:
    await suspended(backroom)
    await backroom.sandbox.chaos(api_fail={"refund": {"answer": 400}})
    await backroom.database.fetch("UPDATE jobs SET attempts = 39")

    await backroom.work()

    assert await backroom.jobs() == [("SUSPENSE_REFUND", 40, True)]
    (dead,) = await jobs.dead_jobs(backroom.database, 10)
    assert dead.last_error == "REJECTED: This call fails by request."
