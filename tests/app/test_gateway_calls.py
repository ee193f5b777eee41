"""What a refusal means: an earlier try that was never answered may have done what is refused now."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from app.batch import Command
from app.domain.changes import RequestRefund
from app.domain.errors import DomainError, ErrorCode
from app.domain.money import Money
from app.domain.states import EventSource, JobKind, PaymentStatus, RefundInitiator
from app.gateway_calls import GatewayCalls, canceled
from app.gateways import GatewayAnswer, GatewayError, GatewayErrorKind
from app.idempotency import Answer, Idempotency
from app.identity import new_id
from db import reads
from tests.app.backroom import a_schedule, open_backroom

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from uuid import UUID

    from db.pool import Database
    from tests.app.backroom import Backroom
    from tests.making import Opened

AMOUNT = Money(20_000, "INR")


@pytest.fixture
async def backroom(database: Database) -> AsyncIterator[Backroom]:
    async with open_backroom(database, polling=a_schedule(100)) as opened:
        yield opened


async def asked_for(backroom: Backroom) -> tuple[Opened, UUID]:
    """Return a paid payment and a refund of it that was written before the gateway is called."""
    opened = await backroom.open()
    await backroom.pay(opened)
    await backroom.make_due(JobKind.PAYMENT_POLL)
    await backroom.work()
    refund_id = new_id()
    change = RequestRefund(
        payment_id=opened.payment.id,
        refund_id=refund_id,
        amount=AMOUNT,
        reason=None,
        initiator=RefundInitiator.STAFF,
        source=EventSource.STAFF,
    )
    await backroom.settler.submit(Command(order_id=opened.order.id, change=change))
    return opened, refund_id


async def refused(backroom: Backroom, opened: Opened, refund_id: UUID) -> Answer:
    """Call for the refund as a mutation does, and have the call refused."""

    async def call() -> GatewayAnswer:
        raise GatewayError(GatewayErrorKind.REJECTED, "Only 0 can be refunded.", code="amount_too_large")

    return await GatewayCalls(backroom.settler).call(
        backroom.gateway,
        await backroom.payment(opened),
        refund_id,
        call,
        refund=(refund_id, AMOUNT),
    )


async def statuses(backroom: Backroom, opened: Opened) -> list[str]:
    found = await reads.refunds_of(backroom.database, [opened.payment.id])
    return [refund.status for refund in found[opened.payment.id]]


async def test_a_refused_refund_that_the_gateway_has_is_no_failure(backroom: Backroom) -> None:
    opened, refund_id = await asked_for(backroom)
    there = await backroom.at_gateway(opened)
    await backroom.sandbox.post(
        f"/v1/payments/{there['id']}/refunds",
        {"amount": AMOUNT.minor, "metadata": {"refund_id": str(refund_id)}},
    )

    answer = await refused(backroom, opened, refund_id)

    assert answer.error is None
    assert await statuses(backroom, opened) == ["SUCCEEDED"]


async def test_a_refused_refund_that_the_gateway_does_not_have_has_failed(backroom: Backroom) -> None:
    opened, refund_id = await asked_for(backroom)

    answer = await refused(backroom, opened, refund_id)

    assert answer.error is not None
    assert answer.error.code is ErrorCode.GATEWAY_REJECTED
    assert await statuses(backroom, opened) == ["FAILED"]


async def test_while_the_gateway_can_not_say_the_refund_stays_unknown(backroom: Backroom) -> None:
    opened, refund_id = await asked_for(backroom)
    await backroom.sandbox.chaos(api_fail={"fetch_payment": {"answer": 500}})

    with pytest.raises(DomainError) as error:
        await refused(backroom, opened, refund_id)

    assert error.value.code is ErrorCode.GATEWAY_UNAVAILABLE
    assert await statuses(backroom, opened) == ["PENDING"]


async def opening_refused(backroom: Backroom, opened: Opened) -> Answer:
    """Call for the payment as a mutation does, and have the call refused."""

    async def call() -> GatewayAnswer:
        raise GatewayError(GatewayErrorKind.REJECTED, "The amount is too small.", code="amount_too_small")

    return await GatewayCalls(backroom.settler).call(
        backroom.gateway, opened.payment, new_id(), call, gives_up=True
    )


async def test_a_refused_payment_that_an_earlier_try_opened_is_canceled_there(backroom: Backroom) -> None:
    opened = await backroom.open(told=False)

    answer = await opening_refused(backroom, opened)

    assert answer.error is not None
    assert answer.error.code is ErrorCode.GATEWAY_REJECTED
    assert (await backroom.payment(opened)).status is PaymentStatus.CANCELED
    assert (await backroom.at_gateway(opened))["status"] == "canceled"


async def test_a_refused_payment_that_was_paid_all_the_same_is_paid(backroom: Backroom) -> None:
    opened = await backroom.open(told=False)
    await backroom.pay(opened)

    await opening_refused(backroom, opened)

    assert await backroom.status(opened) == ("CONFIRMED", "PAID", "SUCCEEDED")


async def test_a_refused_payment_that_the_gateway_never_had_is_canceled_here(backroom: Backroom) -> None:
    opened = await backroom.open(at_gateway=False)

    answer = await opening_refused(backroom, opened)

    assert answer.error is not None
    assert (await backroom.payment(opened)).status is PaymentStatus.CANCELED


async def test_while_the_gateway_can_not_say_a_refused_payment_stays_open(backroom: Backroom) -> None:
    opened = await backroom.open(told=False)
    await backroom.sandbox.chaos(
        api_fail={
            "cancel": {"answer": 500},
            "fetch_payment": {"answer": 500},
            "list_payments": {"answer": 500},
        }
    )

    with pytest.raises(DomainError) as error:
        await opening_refused(backroom, opened)

    assert error.value.code is ErrorCode.GATEWAY_UNAVAILABLE
    assert (await backroom.payment(opened)).status is PaymentStatus.REQUIRES_PAYMENT_METHOD


async def test_a_conclusion_does_not_stand_once_another_try_opened_the_payment(backroom: Backroom) -> None:
    opened = await backroom.open(at_gateway=False)
    unknown_then = opened.payment
    calls = GatewayCalls(backroom.settler)
    opened_since = GatewayAnswer(facts=(), reference="sbx_pay_1")
    await calls.report(unknown_then, opened_since, EventSource.API)

    await calls.report(unknown_then, GatewayAnswer(facts=(canceled(unknown_then),)), EventSource.API)

    assert (await backroom.payment(opened)).status is PaymentStatus.REQUIRES_PAYMENT_METHOD


async def test_a_conclusion_about_a_payment_that_its_gateway_lost_stands(backroom: Backroom) -> None:
    opened = await backroom.open(at_gateway=False)
    calls = GatewayCalls(backroom.settler)
    await calls.report(opened.payment, GatewayAnswer(facts=(), reference="sbx_pay_1"), EventSource.API)
    known = await backroom.payment(opened)

    lost = GatewayAnswer(facts=(canceled(known),), reference=known.reference)
    await calls.report(known, lost, EventSource.POLL)

    assert (await backroom.payment(opened)).status is PaymentStatus.CANCELED


async def test_the_first_answer_under_a_key_is_kept(backroom: Backroom) -> None:
    opened = await backroom.open()
    keys = Idempotency(backroom.database)
    calls = GatewayCalls(backroom.settler)
    nothing = GatewayAnswer(facts=())
    late = DomainError(ErrorCode.GATEWAY_REJECTED, "Too late.")

    async def twice(key_id: UUID) -> Answer:
        answers = [Answer(order_id=opened.order.id), Answer(order_id=opened.order.id, error=late)]
        for answer in answers:
            await calls.report(opened.payment, nothing, EventSource.API, key_id=key_id, answer=answer)
        return answers[0]

    await keys.once("staff:x", "key-1", {}, twice)

    assert (await keys.once("staff:x", "key-1", {}, twice)).error is None
