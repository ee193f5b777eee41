"""A shop with something of everything in it, all of it in order: what the audit is let loose on."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from app.batch import Command
from app.domain.changes import CancelOrder, ExpireOrder, FulfillOrder, OpenPayment, RequestRefund
from app.domain.facts import Fact, FactKind, Failure
from app.domain.money import Money
from app.domain.states import (
    CaptureMethod,
    EventSource,
    FulfillmentStatus,
    LatePaymentPolicy,
    RefundInitiator,
)
from app.identity import new_id
from app.integrity import Audited, Section, audit_ids, audit_waiting
from tests.making import LONG_AGO, TOTAL, a_payment, a_webhook, an_order, captured, stored_order

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from app.batch import Outcome
    from app.domain.changes import Change
    from app.domain.order import Order, Payment
    from app.settle import Settler
    from db.pool import Database, Reader, Record

SECTIONS = {Section.ORDERS: "orders", Section.DELIVERIES: "inbox_events", Section.KEYS: "idempotency_keys"}


@dataclass
class AuditedShop:
    """Orders and payments by what became of them."""

    database: Database
    settler: Settler
    orders: dict[str, Order] = field(default_factory=dict)
    payments: dict[str, Payment] = field(default_factory=dict)

    async def change(self, order_id: UUID, change: Change) -> Outcome:
        """Have an order changed."""
        return await self.settler.submit(Command(order_id=order_id, change=change))

    async def order(self, name: str, **given: Any) -> Order:  # noqa: ANN401 - the order's own fields
        """Write an order under a name; `given` are its total and policy, and fields to set."""
        made = {key: given.pop(key) for key in ("total", "policy") if key in given}
        self.orders[name] = await stored_order(self.database, replace(an_order(**made), **given))
        return self.orders[name]

    async def payment(
        self, name: str, order: Order, amount: Money | None = None, *, manual: bool = False
    ) -> Payment:
        """Open a payment under a name."""
        method = CaptureMethod.MANUAL if manual else CaptureMethod.AUTOMATIC
        change = OpenPayment(
            payment=a_payment(order, capture_method=method), amount=amount, source=EventSource.API
        )
        outcome = await self.change(order.id, change)
        assert outcome.record is not None
        self.payments[name] = outcome.record.payments[change.payment.id].payment
        return self.payments[name]

    async def opened(self, name: str, **given: Any) -> Payment:  # noqa: ANN401 - as above
        """Write an order and open a payment of all of it, both under a name."""
        manual = given.pop("manual", False)
        return await self.payment(name, await self.order(name, **given), manual=manual)

    async def tell(self, payment: Payment, *facts: Fact) -> None:
        """Deliver a webhook with these facts."""
        webhook = a_webhook(payment, *facts, reference=f"pi_{payment.id}", external_id=f"evt_{new_id()}")
        await self.settler.submit(webhook)

    async def paid(self, name: str, **given: Any) -> Payment:  # noqa: ANN401 - as above
        """Write an order that was paid."""
        payment = await self.opened(name, **given)
        await self.tell(payment, captured(payment))
        return payment


def a_fact(
    payment: Payment,
    kind: FactKind,
    object_id: str,
    amount: Money | None = None,
    *,
    detail: str | None = None,
    failure: Failure | None = None,
) -> Fact:
    """Return a fact about one of a payment's objects."""
    return Fact(
        gateway=payment.gateway,
        object_id=f"{object_id}_{payment.id}",
        kind=kind,
        amount=amount,
        detail=detail,
        failure=failure,
        reported_at=LONG_AGO,
    )


async def fill(shop: AuditedShop) -> None:
    """Let everything happen that can happen to orders and their money."""
    await _plain_orders(shop)
    await _refunds_and_disputes(shop)
    await _money_without_a_place(shop)
    await _deliveries(shop)


async def _plain_orders(shop: AuditedShop) -> None:
    await shop.order("unpaid")
    await shop.opened("open")
    await shop.paid("paid")
    await shop.paid("yen", total=Money(500, "JPY"))
    await shop.paid("dinar", total=Money(12_345, "KWD"))
    completed = await shop.paid("completed")
    for status in (FulfillmentStatus.PREPARING, FulfillmentStatus.SHIPPED, FulfillmentStatus.DELIVERED):
        step = FulfillOrder(status=status, message=None, source=EventSource.STAFF)
        await shop.change(completed.order_id, step)
    tried = await shop.opened("tried again")
    declined = Failure(code="card_declined", message="Declined.")
    await shop.tell(tried, a_fact(tried, FactKind.FAILED, "att1", failure=declined))
    await shop.tell(tried, a_fact(tried, FactKind.ACTION_REQUIRED, "att2"))
    await shop.tell(tried, captured(tried))
    held = await shop.opened("authorised", manual=True)
    await shop.tell(held, a_fact(held, FactKind.AUTHORIZED, "au", TOTAL))
    parts = await shop.opened("in parts", manual=True)
    await shop.tell(parts, a_fact(parts, FactKind.AUTHORIZED, "au", TOTAL))
    await shop.tell(parts, a_fact(parts, FactKind.CAPTURED, "c1", Money(10_000, "INR")))
    await shop.tell(parts, a_fact(parts, FactKind.CAPTURED, "c2", Money(20_000, "INR")))
    await shop.tell(parts, a_fact(parts, FactKind.RELEASED, "au", Money(19_900, "INR")))
    past = LONG_AGO + timedelta(days=1)
    expired = await shop.order("expired", expires_at=past)
    await shop.change(expired.id, ExpireOrder(source=EventSource.SYSTEM))
    await shop.database.fetch("DELETE FROM jobs WHERE subject_id = $1", expired.id)  # its job did that
    overtime = await shop.order("overtime", expires_at=past)
    await shop.database.fetch(
        """INSERT INTO jobs (id, kind, subject_id, due_at, attempts, created_at)
           VALUES ($1, 'ORDER_EXPIRY', $2, now(), 0, now())
           ON CONFLICT (kind, subject_id) DO UPDATE SET due_at = now()""",
        new_id(),
        overtime.id,
    )
    canceled = await shop.order("canceled")
    await shop.change(canceled.id, CancelOrder(reason="changed my mind", source=EventSource.API))


async def _refunds_and_disputes(shop: AuditedShop) -> None:
    refunded = await shop.paid("refunded")
    part = Money(9_900, "INR")
    await shop.tell(refunded, a_fact(refunded, FactKind.REFUND_SUCCEEDED, "re1", part, detail="broken cup"))
    asked = RequestRefund(
        payment_id=refunded.id,
        refund_id=new_id(),
        amount=Money(100, "INR"),
        reason="late",
        initiator=RefundInitiator.STAFF,
        source=EventSource.STAFF,
    )
    await shop.change(refunded.order_id, asked)
    again = await shop.paid("refund failed")
    await shop.tell(again, a_fact(again, FactKind.REFUND_SUCCEEDED, "re1", part))
    await shop.tell(again, a_fact(again, FactKind.REFUND_FAILED, "re1", part))
    disputed = await shop.paid("disputed")
    await shop.tell(disputed, a_fact(disputed, FactKind.DISPUTE_OPENED, "dp1", part, detail="fraudulent"))
    await shop.tell(disputed, a_fact(disputed, FactKind.DISPUTE_WON, "dp1", part))
    await shop.tell(disputed, a_fact(disputed, FactKind.DISPUTE_OPENED, "dp2", part))
    lost = await shop.paid("lost")
    await shop.tell(lost, a_fact(lost, FactKind.DISPUTE_OPENED, "dp1", TOTAL))
    await shop.tell(lost, a_fact(lost, FactKind.DISPUTE_LOST, "dp1", TOTAL))
    paid_back = await shop.paid("lost and paid back")
    claim, refund = (
        replace(a_fact(paid_back, kind, name, amount), attempt_id="c1")
        for kind, name, amount in (
            (FactKind.DISPUTE_LOST, "dp1", TOTAL),
            (FactKind.REFUND_SUCCEEDED, "re1", part),
        )
    )
    await shop.tell(paid_back, claim)
    await shop.tell(paid_back, refund)


async def _money_without_a_place(shop: AuditedShop) -> None:
    short = await shop.opened("short")
    await shop.tell(short, captured(short, Money(49_899, "INR")))
    foreign = await shop.opened("foreign")
    await shop.tell(foreign, captured(foreign, Money(49_900, "USD")))
    for policy in LatePaymentPolicy:
        late = await shop.opened(f"late {policy}", policy=policy)
        cancel = CancelOrder(reason=None, source=EventSource.API)
        await shop.change(late.order_id, cancel)
        await shop.tell(late, captured(late))
        order = await shop.order(f"surplus {policy}", policy=policy)
        first = await shop.payment(f"first {policy}", order)
        second = await shop.payment(f"second {policy}", order)
        await shop.tell(first, captured(first))
        await shop.tell(second, captured(second))
    given_back = await shop.paid("called off")
    await shop.change(
        given_back.order_id,
        CancelOrder(reason="sold out", source=EventSource.STAFF, confirmed_too=True),
    )


async def _deliveries(shop: AuditedShop) -> None:
    paid, stranger = shop.payments["paid"], a_payment(an_order())
    await shop.tell(stranger, captured(stranger))
    await shop.settler.submit(a_webhook(paid, external_id="evt_of_no_money"))
    await shop.tell(paid, captured(paid))


class OneConnection:
    """A reader of one connection, inside whatever transaction it is in."""

    def __init__(self, connection: Any) -> None:  # noqa: ANN401 - of the driver
        self._connection = connection

    async def fetch(self, statement: str, *arguments: object) -> Sequence[Record]:
        """Run one statement and return its rows."""
        rows: Sequence[Record] = await self._connection.fetch(statement, *arguments)
        return rows

    async def fetch_row(self, statement: str, *arguments: object) -> Record | None:
        """Run one statement and return its first row."""
        rows = await self.fetch(statement, *arguments)
        return rows[0] if rows else None


async def ids_of(reader: Reader, section: Section) -> list[UUID]:
    """Return the ids of all that there is in a section."""
    table = SECTIONS[section]
    return [row["id"] for row in await reader.fetch(f"SELECT id FROM {table}")]  # noqa: S608 - of this file


async def audit_all(reader: Reader) -> Audited:
    """Audit every row that the reader sees."""
    whole = await audit_waiting(reader)
    for section in Section:
        part = await audit_ids(reader, section, await ids_of(reader, section))
        whole.rows_checked |= part.rows_checked
        whole.violations.extend(part.violations)
    return whole
