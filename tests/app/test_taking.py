"""Hints and approvals: the gateway is asked at once, and what it leaves to the merchant is taken where it is wanted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from app.batch import Command, Webhook
from app.domain.changes import CancelOrder, RequestRefund
from app.domain.facts import Fact, FactKind, Failure
from app.domain.money import Money
from app.domain.states import (
    CaptureMethod,
    EventSource,
    GatewayName,
    InboxEventStatus,
    JobKind,
    LatePaymentPolicy,
    PaymentStatus,
    RefundInitiator,
)
from app.gateway_calls import GatewayCalls, canceled
from app.gateways import CaptureRequest, GatewayAnswer, GatewayError, GatewayErrorKind, PaymentHandle
from app.identity import new_id
from app.settle import Settler
from tests.app.audited_shop import audit_all
from tests.app.backroom import a_schedule, open_backroom

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from uuid import UUID

    from db.pool import Database
    from tests.app.backroom import Backroom
    from tests.making import Opened

POLL = JobKind.PAYMENT_POLL


@pytest.fixture
async def backroom(database: Database) -> AsyncIterator[Backroom]:
    async with open_backroom(database, polling=a_schedule(100, 60)) as opened:
        yield opened


class Approvals:
    """Makes the sandbox a gateway at which a hold is what the shopper agreed to, and the capture is left to us."""

    def __init__(self, backroom: Backroom, monkeypatch: pytest.MonkeyPatch) -> None:
        self.keys: list[str] = []
        self.refusal: GatewayError | None = None
        self._gateway = backroom.gateway
        self._fetch = backroom.gateway.fetch
        monkeypatch.setattr(backroom.gateway, "fetch", self._told)
        monkeypatch.setattr(backroom.gateway, "complete", self._complete)

    async def _told(self, payment: PaymentHandle) -> GatewayAnswer:
        said = await self._fetch(payment)
        kinds = {fact.kind for fact in said.facts}
        if FactKind.AUTHORIZED not in kinds or FactKind.CAPTURED in kinds:
            return said
        return GatewayAnswer(facts=(), reference=said.reference, awaits_us=True)

    async def _complete(self, payment: PaymentHandle, key: str) -> GatewayAnswer:
        self.keys.append(key)
        if self.refusal is not None:
            raise self.refusal
        return await self._gateway.capture(
            CaptureRequest(payment=payment, amount=payment.amount, idempotency_key=key)
        )


@pytest.fixture
def approvals(backroom: Backroom, monkeypatch: pytest.MonkeyPatch) -> Approvals:
    return Approvals(backroom, monkeypatch)


async def agreed(backroom: Backroom) -> Opened:
    """Return a payment that its shopper agreed to, of which nothing was told here."""
    opened = await backroom.open(capture_method=CaptureMethod.MANUAL)
    await backroom.pay(opened)
    return opened


def hint(opened: Opened, *, payment_id: UUID | None = None) -> Webhook:
    return Webhook(
        id=new_id(),
        gateway=GatewayName.SANDBOX,
        external_id=str(new_id()),
        type="approved",
        body=b"{}",
        payment_id=payment_id or opened.payment.id,
        reference=None,
        asks=True,
    )


async def test_what_a_shopper_agreed_to_is_taken_once(backroom: Backroom, approvals: Approvals) -> None:
    opened = await agreed(backroom)
    for _ in range(2):
        await backroom.make_due(POLL)
        await backroom.work()

    assert await backroom.status(opened) == ("CONFIRMED", "PAID", "SUCCEEDED")
    assert approvals.keys == [f"{opened.payment.id}:complete"]


async def test_a_shopper_who_is_back_from_the_gateway_pays_at_once(
    backroom: Backroom, approvals: Approvals
) -> None:
    opened = await agreed(backroom)
    payment = await backroom.payment(opened)

    answer = await GatewayCalls(backroom.settler).call(
        backroom.gateway,
        payment,
        new_id(),
        lambda: backroom.gateway.confirm(
            PaymentHandle(
                payment_id=payment.id,
                reference=payment.reference,
                amount=payment.amount,
                capture_method=payment.capture_method,
            ),
            {},
            "key",
        ),
    )

    assert answer.error is None
    assert await backroom.status(opened) == ("CONFIRMED", "PAID", "SUCCEEDED")
    assert len(approvals.keys) == 1


async def test_nothing_is_taken_for_an_order_that_was_called_off(
    backroom: Backroom, approvals: Approvals
) -> None:
    opened = await agreed(backroom)
    change = CancelOrder(reason=None, source=EventSource.STAFF)
    await backroom.settler.submit(Command(order_id=opened.order.id, change=change))
    await backroom.make_due(POLL)
    await backroom.work()

    assert approvals.keys == []
    assert (await backroom.at_gateway(opened))["amount_captured"] == 0


async def test_a_bank_that_refuses_what_was_agreed_to_leaves_a_failed_try(
    backroom: Backroom, approvals: Approvals
) -> None:
    opened = await agreed(backroom)
    failure = Failure(code="card_declined", message="Your bank said no.")
    failed = Fact(gateway=GatewayName.SANDBOX, object_id="try-1", kind=FactKind.FAILED, failure=failure)
    approvals.refusal = GatewayError(
        GatewayErrorKind.DECLINED, "Your bank said no.", answer=GatewayAnswer(facts=(failed,))
    )
    await backroom.make_due(POLL)
    await backroom.work()

    assert await backroom.status(opened) == ("PENDING", "UNPAID", "FAILED")
    assert (await backroom.job(POLL))["attempts"] == 0, "it is an outcome, and asked after by schedule"


async def test_a_hint_has_the_gateway_asked_at_once(backroom: Backroom) -> None:
    opened = await backroom.open()
    await backroom.pay(opened)

    outcome = await backroom.settler.submit(hint(opened))
    due_in_seconds = (await backroom.job(POLL))["due_in_seconds"]
    unasked = await audit_all(backroom.database)
    await backroom.work()

    assert (outcome.status, outcome.change, outcome.owes) == (InboxEventStatus.APPLIED, None, True)
    assert due_in_seconds <= 0
    assert unasked.violations == []
    assert await backroom.status(opened) == ("CONFIRMED", "PAID", "SUCCEEDED")


async def test_a_hint_rings_for_the_worker(backroom: Backroom) -> None:
    opened = await backroom.open()
    rung: list[None] = []
    async with Settler(
        backroom.database.dsn,
        on_commit=lambda _: None,
        on_doubt=lambda _: None,
        on_owed=lambda: rung.append(None),
    ) as settler:
        await settler.submit(hint(opened))

    assert rung == [None]


async def test_a_hint_about_a_payment_at_its_end_owes_nothing(backroom: Backroom) -> None:
    opened = await backroom.open()
    await backroom.pay(opened)
    await backroom.make_due(POLL)
    await backroom.work()

    outcome = await backroom.settler.submit(hint(opened))

    assert not outcome.owes
    assert await backroom.jobs() == []


async def test_a_hint_about_a_payment_that_we_canceled_finds_its_money(backroom: Backroom) -> None:
    opened = await backroom.open(policy=LatePaymentPolicy.HOLD)
    given_up = GatewayAnswer(facts=(canceled(opened.payment),), reference=opened.payment.reference)
    await GatewayCalls(backroom.settler).report(opened.payment, given_up, EventSource.API)
    before = (await backroom.payment(opened)).status
    await backroom.settler.submit(
        Command(order_id=opened.order.id, change=CancelOrder(reason=None, source=EventSource.STAFF))
    )
    await backroom.pay(opened)

    outcome = await backroom.settler.submit(hint(opened))
    await backroom.work()

    assert before is PaymentStatus.CANCELED
    assert outcome.owes
    assert await backroom.status(opened) == ("CANCELED", "REVIEW", "SUCCEEDED")
    assert await backroom.jobs() == []


async def test_a_hint_has_refunds_under_way_asked_after(backroom: Backroom) -> None:
    opened = await backroom.open()
    await backroom.pay(opened)
    await backroom.make_due(POLL)
    await backroom.work()
    change = RequestRefund(
        payment_id=opened.payment.id,
        refund_id=new_id(),
        amount=Money(100, "INR"),
        reason=None,
        initiator=RefundInitiator.STAFF,
        source=EventSource.STAFF,
    )
    await backroom.settler.submit(Command(order_id=opened.order.id, change=change))
    before = (await backroom.job(JobKind.REFUND))["due_in_seconds"]

    await backroom.settler.submit(hint(opened))

    assert before > 0 >= (await backroom.job(JobKind.REFUND))["due_in_seconds"]


async def test_a_hint_of_an_unknown_payment_waits_for_it(backroom: Backroom) -> None:
    opened = await backroom.open()

    outcome = await backroom.settler.submit(hint(opened, payment_id=new_id()))

    assert outcome.status is InboxEventStatus.UNMATCHED
    assert (await backroom.job(JobKind.INBOX_REPLAY))["attempts"] == 0
