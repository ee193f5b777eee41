"""Whatever happens, in whatever order: after every history the audit finds the books in order.

Gateways tell anything of anything, people cancel, refund and decide about suspense in between. A history that fails is
the same one again under its seed.
"""

from __future__ import annotations

import contextlib
from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import TYPE_CHECKING, Final

import pytest

from app.domain.changes import CancelOrder, FulfillOrder, RequestRefund, ResolveSuspense
from app.domain.errors import DomainError
from app.domain.facts import Fact, FactKind
from app.domain.money import Money
from app.domain.states import (
    EventSource,
    FulfillmentStatus,
    LatePaymentPolicy,
    RefundInitiator,
    SuspenseResolution,
)
from app.identity import new_id
from app.settle import Settler
from tests.app.audited_shop import AuditedShop, a_fact, audit_all
from tests.making import LONG_AGO, TOTAL, a_webhook

if TYPE_CHECKING:
    from app.domain.order import Payment
    from db.pool import Database

HISTORIES: Final = 4
ORDERS: Final = 8
STEPS: Final = 80
AMOUNTS: Final = (
    TOTAL,
    TOTAL,
    TOTAL,
    *(Money(minor, "INR") for minor in (49_899, 20_000, 29_900, 100)),
    Money(49_900, "USD"),
)
KINDS: Final = (
    *[FactKind.CAPTURED] * 4,
    *[FactKind.AUTHORIZED] * 2,
    *(kind for kind in FactKind if kind is not FactKind.REFUND_REQUESTED),
)
RESOLUTIONS: Final = tuple(SuspenseResolution)


@pytest.mark.parametrize("seed", range(HISTORIES))
async def test_after_any_history_the_books_are_in_order(database: Database, seed: int) -> None:
    settler = Settler(database.dsn, on_commit=lambda _: None, on_doubt=lambda _: None)
    async with settler:
        history = _History(AuditedShop(database, settler), Random(seed))  # noqa: S311 - a history is no secret
        await history.begin()
        for _ in range(STEPS):
            with contextlib.suppress(DomainError):  # refused, and so nothing happened
                await history.step()

    found = (await audit_all(database)).violations

    # A gateway that gives back more than it took is wrong, and not the books that say so.
    assert [each for each in found if each.check != "refunds_within_captures"] == []


class _History:
    def __init__(self, shop: AuditedShop, random: Random) -> None:
        self._shop = shop
        self._random = random
        self._payments: list[Payment] = []

    async def begin(self) -> None:
        """Open a few payments for each of a few orders."""
        for number in range(ORDERS):
            policy = self._random.choice(list(LatePaymentPolicy))
            order = await self._shop.order(str(number), policy=policy)
            for turn in range(self._random.randint(1, 3)):
                manual = self._random.random() < 0.3
                payment = await self._shop.payment(f"{number} {turn}", order, manual=manual)
                self._payments.append(payment)

    async def step(self) -> None:
        """Let one thing happen."""
        payment = self._random.choice(self._payments)
        match self._random.randrange(20):
            case 0:
                confirmed_too = self._random.random() < 0.5
                cancel = CancelOrder(reason=None, source=EventSource.STAFF, confirmed_too=confirmed_too)
                await self._shop.change(payment.order_id, cancel)
            case 1:
                await self._ask_refund(payment)
            case 2:
                status = self._random.choice(list(FulfillmentStatus))
                moved = FulfillOrder(status=status, message=None, source=EventSource.STAFF)
                await self._shop.change(payment.order_id, moved)
            case 3 | 4:
                await self._resolve()
            case _:
                facts = [self._fact(payment) for _ in range(self._random.choice((1, 1, 1, 2)))]
                await self._shop.settler.submit(a_webhook(payment, *facts, reference=f"pi_{payment.id}"))

    def _fact(self, payment: Payment) -> Fact:
        kind = self._random.choice(KINDS)
        of_money = kind.startswith(("REFUND", "DISPUTE")) or kind in (
            FactKind.CAPTURED,
            FactKind.AUTHORIZED,
            FactKind.RELEASED,
        )
        amount = self._random.choice(AMOUNTS) if of_money else None
        told = a_fact(payment, kind, self._random.choice("ab"), amount)
        if kind.startswith(("REFUND", "DISPUTE")):
            made_at = LONG_AGO + timedelta(days=self._random.randrange(3))
            told = replace(told, attempt_id=self._random.choice((None, "c", "d")), reported_at=made_at)
        return told

    async def _ask_refund(self, payment: Payment) -> None:
        wish = RequestRefund(
            payment_id=payment.id,
            refund_id=new_id(),
            amount=self._random.choice((None, Money(100, "INR"))),
            reason=None,
            initiator=RefundInitiator.STAFF,
            source=EventSource.STAFF,
        )
        await self._shop.change(payment.order_id, wish)

    async def _resolve(self) -> None:
        rows = await self._shop.database.fetch(
            """SELECT id, order_id FROM suspense_items WHERE resolution IS NULL AND order_id IS NOT NULL
                ORDER BY created_at, amount_minor"""
        )
        if not rows:
            return
        item = self._random.choice(rows)
        word = ResolveSuspense(
            item_id=item["id"],
            resolution=self._random.choice(RESOLUTIONS),
            message=None,
            refund_id=new_id(),
            source=EventSource.STAFF,
        )
        await self._shop.change(item["order_id"], word)
