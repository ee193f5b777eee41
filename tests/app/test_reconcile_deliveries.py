"""Deliveries that could not be applied, and what no webhook brought: read from the inbox and the gateway's list."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from app.batch import Webhook
from app.domain.changes import OpenPayment
from app.domain.errors import DomainError, ErrorCode
from app.domain.states import EventSource, GatewayName, InboxEventStatus, JobKind
from app.gateways import CreateRequest, Verified
from app.identity import new_id
from app.reconcile import owe_backfills
from app.reconcile.replay import WAITS_SECONDS_MAX
from app.settle import Command
from db import gateway_states, jobs
from tests.app.backroom import a_schedule, open_backroom
from tests.making import a_payment, stored_order

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from uuid import UUID

    from app.domain.order import Order, Payment
    from db.pool import Database
    from tests.app.backroom import Backroom

REPLAY = JobKind.INBOX_REPLAY
BACKFILL = JobKind.GATEWAY_BACKFILL


@pytest.fixture
async def backroom(database: Database) -> AsyncIterator[Backroom]:
    async with open_backroom(database, polling=a_schedule(200)) as opened:
        yield opened


async def paid_before_it_is_known(backroom: Backroom) -> tuple[Order, Payment]:
    """Return a payment that is paid at the gateway and not written here yet, as after a crash or a lost database."""
    order = await stored_order(backroom.database)
    payment = a_payment(order)
    request = CreateRequest(
        payment_id=payment.id,
        order_id=order.id,
        order_number=order.number,
        amount=order.balance,
        capture_method=payment.capture_method,
        method=None,
        return_url=None,
        customer_email=None,
        idempotency_key=f"{payment.id}:create",
    )
    answer = await backroom.gateway.create(request)
    await backroom.sandbox.pay({"id": answer.reference})
    return order, payment


async def delivered(backroom: Backroom, event: dict[str, Any], *, body: bytes | None = None) -> UUID:
    """Settle an event as the endpoint does, and return its row's id."""
    raw = body or orjson.dumps(event)
    said = backroom.gateway.parse(Verified.kept(orjson.dumps(event)))
    webhook = Webhook(
        id=new_id(),
        gateway=GatewayName.SANDBOX,
        external_id=said.external_id,
        type=said.type,
        body=raw,
        payment_id=said.payment_id,
        reference=said.reference,
        facts=said.facts,
        error="It could not be read." if body else None,
    )
    await backroom.settler.submit(webhook)
    return webhook.id


async def last_event(backroom: Backroom) -> dict[str, Any]:
    """Return the newest event of the gateway."""
    event: dict[str, Any] = (await backroom.sandbox.get("/v1/events"))["data"][-1]
    return event


async def inbox(backroom: Backroom) -> list[tuple[str, str]]:
    """Return type and status of the stored deliveries."""
    rows = await backroom.database.fetch("SELECT type, status FROM inbox_events ORDER BY received_at, id")
    return [(row["type"], row["status"]) for row in rows]


async def write(backroom: Backroom, order: Order, payment: Payment) -> None:
    """Write the payment here, late."""
    change = OpenPayment(payment=payment, amount=None, source=EventSource.API)
    await backroom.settler.submit(Command(order_id=order.id, change=change))


async def test_a_delivery_waits_for_its_payment_and_is_applied_when_that_is_there(backroom: Backroom) -> None:
    order, payment = await paid_before_it_is_known(backroom)
    await delivered(backroom, await last_event(backroom))
    await backroom.make_due(REPLAY)
    await backroom.work()
    waiting = await inbox(backroom), await backroom.jobs()

    await write(backroom, order, payment)
    await backroom.work()

    rows = await backroom.database.fetch("SELECT status, payment_status FROM orders")
    assert waiting == ([("payment.succeeded", "UNMATCHED")], [("INBOX_REPLAY", 1, False)])
    assert await inbox(backroom) == [("payment.succeeded", "APPLIED")]
    assert [tuple(row) for row in rows] == [("CONFIRMED", "PAID")]
    assert [kind for kind, _, _ in await backroom.jobs()] == ["PAYMENT_POLL"]


async def test_a_delivery_whose_payment_never_comes_lies_dead_after_three_days(backroom: Backroom) -> None:
    await paid_before_it_is_known(backroom)
    await delivered(backroom, await last_event(backroom))
    await backroom.database.fetch(
        "UPDATE jobs SET attempts = 70, created_at = statement_timestamp() - $1::interval",
        timedelta(seconds=WAITS_SECONDS_MAX + 1),
    )
    await backroom.make_due(REPLAY)

    await backroom.work()

    assert await backroom.jobs() == [("INBOX_REPLAY", 71, True)]
    assert await inbox(backroom) == [("payment.succeeded", "UNMATCHED")]


async def test_a_delivery_that_an_older_adapter_could_not_read_is_applied_by_todays(
    backroom: Backroom,
) -> None:
    opened = await backroom.open()
    await backroom.pay(opened)
    inbox_id = await delivered(backroom, await last_event(backroom), body=b"not what it was")
    event = await last_event(backroom)
    failed = await inbox(backroom)
    await backroom.database.fetch(
        "UPDATE inbox_events SET body = $2 WHERE id = $1", inbox_id, orjson.dumps(event)
    )

    replayed = await backroom.replay.replay(inbox_id)
    again = await backroom.replay.replay(inbox_id)

    assert failed == [("payment.succeeded", "FAILED")]
    assert replayed.delivery.status is InboxEventStatus.APPLIED
    assert replayed.outcome is not None
    assert again.outcome is None
    assert await backroom.status(opened) == ("CONFIRMED", "PAID", "SUCCEEDED")
    assert await inbox(backroom) == [("payment.succeeded", "APPLIED")]


async def test_a_delivery_that_still_can_not_be_read_stays_with_its_reason(backroom: Backroom) -> None:
    await paid_before_it_is_known(backroom)
    inbox_id = await delivered(backroom, await last_event(backroom), body=b"{}")

    replayed = await backroom.replay.replay(inbox_id)

    assert replayed.delivery.status is InboxEventStatus.FAILED
    assert "WireEvent" in (replayed.delivery.error or "")


async def test_there_is_nothing_to_replay_where_nothing_is_stored(backroom: Backroom) -> None:
    with pytest.raises(DomainError) as refused:
        await backroom.replay.replay(new_id())

    assert refused.value.code is ErrorCode.NOT_FOUND


async def test_two_replays_at_once_apply_a_delivery_once(backroom: Backroom) -> None:
    order, payment = await paid_before_it_is_known(backroom)
    inbox_id = await delivered(backroom, await last_event(backroom))
    await write(backroom, order, payment)

    await asyncio.gather(*(backroom.replay.replay(inbox_id) for _ in range(8)), backroom.work())

    rows = await backroom.database.fetch(
        "SELECT count(*) FILTER (WHERE type = 'PAYMENT_SUCCEEDED') AS paid FROM order_events"
    )
    assert [row["paid"] for row in rows] == [1]
    assert await inbox(backroom) == [("payment.succeeded", "APPLIED")]


async def test_the_gateways_list_brings_what_no_webhook_brought(backroom: Backroom) -> None:
    payments = [await backroom.open() for _ in range(3)]
    for opened in payments:
        await backroom.pay(opened)
    await owe_backfills(backroom.database, backroom.gateways)

    await backroom.work()

    assert {await backroom.status(opened) for opened in payments} == {("CONFIRMED", "PAID", "SUCCEEDED")}
    assert sorted(await inbox(backroom)) == [
        *[("payment.created", "IGNORED")] * 3,
        *[("payment.succeeded", "APPLIED")] * 3,
    ]
    assert 29 < (await backroom.job(BACKFILL))["due_in_seconds"] <= 30


async def test_the_list_is_read_on_from_where_it_was_left_and_nothing_is_stored_twice(
    backroom: Backroom,
) -> None:
    await owe_backfills(backroom.database, backroom.gateways)
    opened = await backroom.open()
    await backroom.work()
    first = await gateway_states.listed_until(backroom.database, GatewayName.SANDBOX)
    await backroom.pay(opened)
    await owe_backfills(backroom.database, backroom.gateways)
    await backroom.make_due(BACKFILL)

    await backroom.work()

    second = await gateway_states.listed_until(backroom.database, GatewayName.SANDBOX)
    rows = await backroom.database.fetch("SELECT deliveries FROM inbox_events")
    assert first is not None
    assert second is not None
    assert first < second
    assert [row["deliveries"] for row in rows] == [0, 0]  # nobody delivered them
    assert await backroom.status(opened) == ("CONFIRMED", "PAID", "SUCCEEDED")


async def test_after_an_outage_everything_that_was_missed_is_caught_up_with_page_by_page(
    backroom: Backroom,
) -> None:
    payments = [await backroom.open() for _ in range(70)]
    await asyncio.gather(*(backroom.pay(opened) for opened in payments))
    await backroom.sandbox.chaos(api_fail={"list_events": {"answer": 500, "times": 1}})
    await owe_backfills(backroom.database, backroom.gateways)
    await backroom.work()
    broken = await backroom.jobs()
    await backroom.make_due(BACKFILL)

    await backroom.work()

    assert ("GATEWAY_BACKFILL", 1, False) in broken
    assert {await backroom.status(opened) for opened in payments} == {("CONFIRMED", "PAID", "SUCCEEDED")}
    assert len(await inbox(backroom)) == 140


async def test_what_the_list_brings_can_be_replayed_like_any_delivery(backroom: Backroom) -> None:
    order, payment = await paid_before_it_is_known(backroom)
    await owe_backfills(backroom.database, backroom.gateways)
    await backroom.work()
    unmatched = await inbox(backroom)

    await write(backroom, order, payment)
    await backroom.make_due(REPLAY)
    await backroom.work()

    assert ("payment.succeeded", "UNMATCHED") in unmatched
    assert ("payment.succeeded", "APPLIED") in await inbox(backroom)
    assert (await jobs.count(backroom.database)).dead == {}
