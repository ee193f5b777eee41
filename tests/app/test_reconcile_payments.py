"""Payments that no webhook tells of: asked after by schedule, and given up where no order may keep them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from app.domain.jobs import Job
from app.domain.states import CaptureMethod, GatewayName, JobKind
from app.gateway_calls import canceled, handle_of
from app.gateways.polling import DAY
from db import jobs
from tests.app.backroom import a_schedule, open_backroom

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from db.pool import Database
    from tests.app.backroom import Backroom

POLL = JobKind.PAYMENT_POLL


@pytest.fixture
async def backroom(database: Database) -> AsyncIterator[Backroom]:
    async with open_backroom(database, polling=a_schedule(100, 5, 60, 600)) as opened:
        yield opened


async def test_a_payment_that_no_webhook_told_of_is_found_paid(backroom: Backroom) -> None:
    opened = await backroom.open()
    await backroom.pay(opened)
    await backroom.make_due(POLL)

    await backroom.work()

    assert await backroom.status(opened) == ("CONFIRMED", "PAID", "SUCCEEDED")
    assert await backroom.timeline(opened) == [("PAYMENT_SUCCEEDED", "POLL"), ("ORDER_CONFIRMED", "POLL")]
    assert await backroom.jobs() == []


async def test_a_payment_that_is_still_open_is_asked_after_again_by_schedule(backroom: Backroom) -> None:
    opened = await backroom.open()
    waits = []
    for age_seconds in (5, 61, 700):
        await backroom.aged(opened, age_seconds)
        await backroom.make_due(POLL)
        await backroom.work()
        waits.append((await backroom.job(POLL))["due_in_seconds"])

    # The schedule's steps, jittered by a tenth; the machine may have been slow in between.
    assert 30 < waits[0] <= 61
    assert 500 < waits[1] <= 594
    assert DAY - 130 < waits[2] <= DAY * 1.1
    assert (await backroom.job(POLL))["attempts"] == 0


async def test_a_failed_try_is_no_end_for_the_shopper_may_try_again(backroom: Backroom) -> None:
    opened = await backroom.open()
    await backroom.pay(opened, "4000000000000002")
    await backroom.make_due(POLL)
    await backroom.work()
    failed = await backroom.status(opened)
    await backroom.pay(opened)
    await backroom.make_due(POLL)

    await backroom.work()

    assert failed == ("PENDING", "UNPAID", "FAILED")
    assert await backroom.status(opened) == ("CONFIRMED", "PAID", "SUCCEEDED")


async def test_a_payment_that_nobody_ends_is_let_go_after_its_schedule(backroom: Backroom) -> None:
    opened = await backroom.open()
    await backroom.aged(opened, 40 * DAY)
    await backroom.make_due(POLL)

    await backroom.work()

    assert await backroom.jobs() == []
    assert await backroom.status(opened) == ("PENDING", "UNPAID", "REQUIRES_PAYMENT_METHOD")


async def test_a_creation_of_unknown_outcome_is_found_by_our_own_id(backroom: Backroom) -> None:
    opened = await backroom.open(told=False)
    paid = await backroom.pay(opened)
    await backroom.make_due(POLL)

    await backroom.work()

    assert opened.payment.reference is None
    assert (await backroom.payment(opened)).reference == paid["id"]
    assert await backroom.status(opened) == ("CONFIRMED", "PAID", "SUCCEEDED")


async def test_a_payment_that_was_opened_after_it_was_given_up_for_want_of_it_is_canceled_at_its_gateway(
    backroom: Backroom,
) -> None:
    opened = await backroom.open(at_gateway=False)
    await backroom.tell(opened.payment, (canceled(opened.payment),), None)
    await backroom.database.fetch("DELETE FROM jobs")  # whoever gave it up had its gateway asked
    answer = await backroom.create(opened.payment)
    await backroom.tell(opened.payment, answer.facts, answer.reference)

    await backroom.work()

    assert (await backroom.at_gateway(opened))["status"] == "canceled"
    assert await backroom.status(opened) == ("PENDING", "UNPAID", "CANCELED")
    assert await backroom.jobs() == []


async def test_a_payment_that_the_gateway_canceled_is_not_canceled_again(
    backroom: Backroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = await backroom.open()
    answer = await backroom.gateway.cancel(handle_of(opened.payment), None, "cancel-1")
    await backroom.tell(opened.payment, answer.facts, answer.reference)
    await backroom.make_due(POLL)
    calls: list[object] = []
    monkeypatch.setattr(backroom.gateway, "cancel", lambda *given: calls.append(given))

    await backroom.work()

    assert calls == []
    assert await backroom.status(opened) == ("PENDING", "UNPAID", "CANCELED")


async def test_a_payment_that_the_gateway_never_had_stays_open_while_it_may_still_come(
    backroom: Backroom,
) -> None:
    opened = await backroom.open(at_gateway=False)
    await backroom.aged(opened, DAY - 600)
    await backroom.make_due(POLL)

    await backroom.work()

    assert await backroom.status(opened) == ("PENDING", "UNPAID", "REQUIRES_PAYMENT_METHOD")
    assert await backroom.jobs() == [("PAYMENT_POLL", 0, False)]


async def test_a_payment_that_the_gateway_never_had_is_ended_after_a_day(backroom: Backroom) -> None:
    opened = await backroom.open(at_gateway=False)
    await backroom.aged(opened, DAY + 1)
    await backroom.make_due(POLL)

    await backroom.work()

    assert await backroom.status(opened) == ("PENDING", "UNPAID", "CANCELED")
    assert await backroom.jobs() == []


async def test_a_payment_that_the_gateway_never_had_is_ended_once_its_order_is_closed(
    backroom: Backroom,
) -> None:
    opened = await backroom.open(at_gateway=False)
    await backroom.database.fetch("UPDATE orders SET status = 'EXPIRED' WHERE id = $1", opened.order.id)
    await backroom.make_due(POLL)

    await backroom.work()

    assert await backroom.status(opened) == ("EXPIRED", "UNPAID", "CANCELED")


async def test_a_gateway_that_can_not_be_asked_costs_the_poll_a_try_and_changes_nothing(
    backroom: Backroom,
) -> None:
    opened = await backroom.open()
    await backroom.pay(opened)
    await backroom.sandbox.chaos(api_fail={"fetch_payment": {"answer": 500}})
    await backroom.make_due(POLL)

    await backroom.work()

    assert await backroom.jobs() == [("PAYMENT_POLL", 1, False)]
    assert (await backroom.job(POLL))["last_error"] == "UNKNOWN: This call fails by request."
    assert await backroom.status(opened) == ("PENDING", "UNPAID", "REQUIRES_PAYMENT_METHOD")
    await backroom.sandbox.chaos()
    await backroom.make_due(POLL)
    await backroom.work()
    assert await backroom.status(opened) == ("CONFIRMED", "PAID", "SUCCEEDED")


async def test_a_gateway_that_is_busy_rests_as_a_whole_and_no_try_is_counted(backroom: Backroom) -> None:
    payments = [await backroom.open() for _ in range(5)]
    for opened in payments:
        await backroom.pay(opened)
    await backroom.sandbox.chaos(api_fail={"fetch_payment": {"answer": 429}})
    await backroom.make_due(POLL)

    worker = await backroom.work()
    resting = await backroom.jobs()
    await backroom.sandbox.chaos()
    await backroom.database.fetch("UPDATE gateway_states SET rests_until = NULL")
    backroom.pace._queues.clear()
    await backroom.make_due(POLL)
    await backroom.work()

    assert resting == [("PAYMENT_POLL", 0, False)] * 5
    assert worker.figures.ended["put_back"] == 5
    assert {await backroom.status(opened) for opened in payments} == {("CONFIRMED", "PAID", "SUCCEEDED")}


async def test_an_authorisation_that_no_order_may_keep_is_released(backroom: Backroom) -> None:
    opened = await backroom.open(capture_method=CaptureMethod.MANUAL)
    await backroom.pay(opened)
    await backroom.make_due(POLL)
    await backroom.work()
    held = await backroom.at_gateway(opened)
    owed = Job(kind=JobKind.PAYMENT_CANCEL, subject_id=opened.payment.id, gateway=GatewayName.SANDBOX)
    await jobs.owe(backroom.database, owed)

    await backroom.work()

    there = await backroom.at_gateway(opened)
    assert (held["status"], there["status"]) == ("authorized", "canceled")
    assert (await backroom.payment(opened)).status == "CANCELED"
    assert JobKind.PAYMENT_CANCEL not in [kind for kind, _, _ in await backroom.jobs()]


async def test_a_release_whose_answer_is_lost_is_done_once(backroom: Backroom) -> None:
    opened = await backroom.open(capture_method=CaptureMethod.MANUAL)
    await backroom.pay(opened)
    await backroom.make_due(POLL)
    await backroom.work()
    owed = Job(kind=JobKind.PAYMENT_CANCEL, subject_id=opened.payment.id, gateway=GatewayName.SANDBOX)
    await jobs.owe(backroom.database, owed)
    await backroom.sandbox.chaos(api_fail={"cancel": {"answer": "hang_after", "times": 1}})
    await backroom.work()
    lost = await backroom.jobs()
    await backroom.make_due(JobKind.PAYMENT_CANCEL)

    await backroom.work()

    assert ("PAYMENT_CANCEL", 1, False) in lost
    assert (await backroom.payment(opened)).status == "CANCELED"
    assert (await backroom.at_gateway(opened))["status"] == "canceled"


async def test_a_payment_that_was_captured_meanwhile_is_not_given_up(backroom: Backroom) -> None:
    opened = await backroom.open()
    await backroom.pay(opened)
    owed = Job(kind=JobKind.PAYMENT_CANCEL, subject_id=opened.payment.id, gateway=GatewayName.SANDBOX)
    await jobs.owe(backroom.database, owed)

    await backroom.work()

    assert await backroom.status(opened) == ("CONFIRMED", "PAID", "SUCCEEDED")


async def test_a_job_whose_subject_is_gone_is_done(backroom: Backroom) -> None:
    opened = await backroom.open()
    for kind in (JobKind.PAYMENT_CANCEL, JobKind.REFUND, JobKind.SUSPENSE_REFUND):
        await jobs.owe(
            backroom.database, Job(kind=kind, subject_id=opened.order.id, gateway=GatewayName.SANDBOX)
        )
    await jobs.owe(
        backroom.database,
        Job(kind=JobKind.ORDER_EXPIRY, subject_id=opened.payment.id, gateway=None),
    )

    await backroom.work()

    assert await backroom.jobs() == [("PAYMENT_POLL", 0, False)]
