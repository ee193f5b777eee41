"""A sample of the orders of `tests.gateways.test_every_order`, with copies, over real HTTP on the real database."""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import pytest

from app.batch import Command
from app.domain.changes import OpenPayment
from app.domain.states import EventSource, GatewayName
from app.settle import Settler
from tests.gateways.six_webhooks import SANDBOX_TOTAL, STRIPE_TOTAL, sandbox_bodies, stripe_bodies
from tests.making import a_payment, an_order, stored_order
from tests.system.audit import broken_invariants
from tests.system.deliveries import signed
from tests.system.stripe_news import signed_by_stripe
from tests.system.wire import Line

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from uuid import UUID

    from app.domain.money import Money
    from db.pool import Database
    from tests.system.conftest import System
    from tests.system.processes import Server

ORDERS: Final = 24
WITH_COPIES: Final = 6
_END: Final = """
  SELECT o.status, o.payment_status, o.paid_minor, o.refunded_minor, o.payment_in_progress,
         p.status, p.captured_minor, p.refunded_minor, p.late_authorized, p.last_error->>'code',
         (SELECT array_agg(r.status || r.amount_minor) FROM refunds r WHERE r.payment_id = p.id),
         (SELECT array_agg(d.status || d.amount_minor) FROM disputes d WHERE d.payment_id = p.id),
         (SELECT array_agg(a.status ORDER BY a.status) FROM payment_attempts a WHERE a.payment_id = p.id),
         (SELECT array_agg(account || minor ORDER BY account)
            FROM (SELECT account, sum(amount_minor) AS minor FROM ledger_entries l
                   WHERE l.payment_id = p.id GROUP BY account HAVING sum(amount_minor) <> 0) booked)
    FROM orders o JOIN payments p ON p.order_id = o.id
"""


async def open_payments(
    database: Database, gateway: GatewayName, total: Money, reference: str, count: int
) -> list[UUID]:
    """Write orders with one open payment each, known to its gateway, and return the payments' ids."""
    opened = []
    async with Settler(database.dsn, on_commit=lambda _: None, on_doubt=lambda _: None) as settler:
        for _ in range(count):
            order = await stored_order(database, an_order(total=total))
            payment = replace(a_payment(order), gateway=gateway)
            payment = replace(payment, reference=reference.format(payment.id.hex, payment.id))
            change = OpenPayment(payment=payment, amount=None, source=EventSource.API)
            await settler.submit(Command(order_id=order.id, change=change))
            opened.append(payment.id)
    return opened


async def deliver(server: Server, requests: Sequence[bytes]) -> set[int]:
    """Post webhooks one after the other over one connection."""
    async with await Line.open(server.port) as line:
        return {(await line.ask(request)).status for request in requests}


@pytest.mark.parametrize(
    ("gateway", "bodies", "total", "reference", "sign"),
    [
        (GatewayName.STRIPE, stripe_bodies, STRIPE_TOTAL, "pi_{0}", signed_by_stripe),
        (GatewayName.SANDBOX, sandbox_bodies, SANDBOX_TOTAL, "sbx_pay_{1}", signed),
    ],
)
async def test_webhooks_in_any_order_and_number_leave_the_same_rows(
    system: System,
    database: Database,
    gateway: GatewayName,
    bodies: Callable[[UUID], list[bytes]],
    total: Money,
    reference: str,
    sign: Callable[[bytes], bytes],
) -> None:
    choose = random.Random(str(gateway))  # noqa: S311 - an order of arrival is no secret
    stories = []
    for number, payment_id in enumerate(await open_payments(database, gateway, total, reference, ORDERS)):
        told = bodies(payment_id) * (2 if number < WITH_COPIES else 1)
        choose.shuffle(told)
        stories.append([sign(body) for body in told])

    servers = (system.first, system.second)
    statuses = await asyncio.gather(
        *(deliver(servers[number % 2], story) for number, story in enumerate(stories))
    )

    assert statuses == [{200}] * ORDERS
    ends: list[tuple[Any, ...]] = [tuple(row) for row in await database.fetch(_END)]
    assert len(ends) == ORDERS
    assert len({repr(end) for end in ends}) == 1, ends
    assert await broken_invariants(database) == []
