"""Reads of one operation agree with each other, whatever is committed between them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.auth import Authenticator, Caller
from app.domain.states import OrderStatus, PaymentStatus
from app.gateways import GatewayRegistry
from app.scopes import Scope
from app.settle import Settler
from app.views import Views
from db.credentials import CredentialStore
from tests.making import a_webhook, captured, opened_payment

if TYPE_CHECKING:
    from db.pool import Database

STAFF = Caller(subject="staff:test", scopes=frozenset(Scope))


async def test_a_commit_between_two_reads_is_seen_by_both_or_by_neither(database: Database) -> None:
    authenticator = Authenticator(staff_keys=(), secret="s" * 32, store=CredentialStore(database))
    views = Views(database, authenticator, GatewayRegistry([]))
    async with Settler(database.dsn, on_commit=lambda _: None, on_doubt=lambda _: None) as settler:
        opened = await opened_payment(database, settler)

        async with views.at_one_moment() as moment:
            before = await moment.order(STAFF, opened.order.id)
            await settler.submit(a_webhook(opened.payment, captured(opened.payment)))
            (payment_before,) = (await moment.payments_of([opened.order.id]))[opened.order.id]
            events_before = await moment.events(opened.order.id, 0, 100)
            moment.renew()
            after = await moment.order(STAFF, opened.order.id)
            (payment_after,) = (await moment.payments_of([opened.order.id]))[opened.order.id]

    assert before is not None
    assert (before.status, payment_before.status) == (
        OrderStatus.PENDING,
        PaymentStatus.REQUIRES_PAYMENT_METHOD,
    )
    assert events_before.items[-1].version == before.version == 2
    assert after is not None
    assert (after.status, payment_after.status) == (OrderStatus.CONFIRMED, PaymentStatus.SUCCEEDED)
