"""The audit of a shop in order: every row is looked at, by a fixed number of statements, and nothing is found."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

import pytest

from app.domain.facts import FactKind
from app.domain.ids import IdPrefix, encode_id
from app.domain.money import Money
from app.integrity import CHECKS, AuditLimits, Auditor, Position, Section, audit
from app.integrity.recompute import RECOMPUTED
from app.metrics import Metrics
from app.settle import Settler
from db import integrity
from tests.app.audited_shop import AuditedShop, a_fact, audit_all, fill, ids_of
from tests.making import a_webhook, captured, opened_payment

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from uuid import UUID

    from app.integrity import Violation
    from db.pool import Database

_ORDERS: Final = "SELECT count(*) FROM orders"
_PAYMENTS: Final = "SELECT count(*) FROM payments"
_STEPS: Final = "SELECT count(*) FROM order_events WHERE version > 1"
_DELIVERIES: Final = "SELECT count(*) FROM inbox_events"
_KEYS: Final = "SELECT count(*) FROM idempotency_keys"
_LEDGER_OF_FOREIGN: Final = """
  SELECT count(DISTINCT (payment_id, account)) + 2 * count(DISTINCT payment_id)
    FROM ledger_entries l JOIN payments p ON p.id = l.payment_id WHERE l.currency <> p.currency"""
ROWS: Final = {
    "order_versions": _ORDERS,
    "order_axes": _ORDERS,
    "order_steps": _STEPS,
    "fulfillment_steps": _STEPS,
    "event_payments": "SELECT count(*) FROM order_events WHERE payment_id IS NOT NULL",
    "order_total": _ORDERS,
    "order_paid": _ORDERS,
    "order_refunded": _ORDERS,
    "order_payment_status": _ORDERS,
    "payment_captured": _PAYMENTS,
    "payment_authorized": _PAYMENTS,
    "payment_refunded": _PAYMENTS,
    "payment_disputed": _PAYMENTS,
    "payment_suspended": _PAYMENTS,
    "payment_state": _PAYMENTS,
    "payment_attempts": "SELECT count(*) FROM payment_attempts",
    "payment_refunds": "SELECT count(*) FROM refunds",
    "payment_disputes": "SELECT count(*) FROM disputes",
    "refunds_within_captures": _PAYMENTS,
    "foreign_currency": _PAYMENTS,
    "payment_references": "SELECT count(*) FROM payments WHERE reference IS NOT NULL",
    "fact_gateways": "SELECT count(*) FROM facts",
    "delivery_facts": "SELECT count(*) FROM inbox_events WHERE status = 'APPLIED'",
    "ledger_balance": "SELECT count(DISTINCT (transaction_id, currency)) FROM ledger_entries",
    "ledger_owners": "SELECT count(*) FROM ledger_entries",
    "ledger_accounts": "SELECT 6 * count(*) FROM payments",
    "ledger_foreign": _LEDGER_OF_FOREIGN,
    "order_excess": _ORDERS,
    "conflicted_money": "SELECT count(*) FROM payments WHERE status = 'CONFLICTED'",
    "order_suspense_flag": _ORDERS,
    "suspense_items": "SELECT count(*) FROM suspense_items WHERE order_id IS NOT NULL",
    "refunds_owed": "SELECT count(*) FROM refunds WHERE status = 'PENDING'",
    "payments_polled": "SELECT count(*) FROM payments WHERE status = 'REQUIRES_PAYMENT_METHOD'",
    "orders_expiring": "SELECT count(*) FROM orders WHERE expires_at IS NOT NULL AND status = 'PENDING'",
    "delivery_outcomes": _DELIVERIES,
    "deliveries_once": _DELIVERIES,
    "keys_once": _KEYS,
    "key_answers": _KEYS,
    "deliveries_unapplied": "SELECT count(*) FROM inbox_events WHERE applied_at IS NULL",
    "jobs_dead": "SELECT count(*) FROM jobs WHERE died_at IS NOT NULL",
    "jobs_overdue": "SELECT count(*) FROM jobs",
    "suspense_unknown": "SELECT count(*) FROM suspense_items WHERE order_id IS NULL",
}
"""What each check has to look at in a whole shop, counted apart from it."""


@pytest.fixture
async def settler(database: Database) -> AsyncIterator[Settler]:
    async with Settler(database.dsn, on_commit=lambda _: None, on_doubt=lambda _: None) as running:
        yield running


@pytest.fixture
async def shop(database: Database, settler: Settler) -> AuditedShop:
    filled = AuditedShop(database, settler)
    await fill(filled)
    return filled


def named(violations: list[Violation] | tuple[Violation, ...]) -> set[tuple[str, str]]:
    return {(violation.check, violation.subject_id) for violation in violations}


def test_every_question_has_its_words_and_the_other_way_round() -> None:
    statements = (
        *integrity.ORDER_STATEMENTS,
        *integrity.DELIVERY_STATEMENTS,
        *integrity.KEY_STATEMENTS,
        *integrity.WAITING_STATEMENTS,
    )
    asked = [question.check for statement in statements for question in statement.questions]

    assert len(set(asked)) == len(asked)
    assert {*asked, *RECOMPUTED} == set(CHECKS) == set(ROWS)
    assert not {*asked} & {*RECOMPUTED}


async def test_a_shop_in_order_shows_no_violation_and_every_row_is_looked_at_once(shop: AuditedShop) -> None:
    report = await Auditor(shop.database).report()

    expected = {name: (await shop.database.fetch(sql))[0][0] for name, sql in ROWS.items()}
    assert report.violations == ()
    assert {tally.check.name: tally.rows_checked for tally in report.tallies} == expected
    assert [name for name, rows in expected.items() if rows == 0] == ["jobs_dead"]
    assert {tally.violations for tally in report.tallies} == {0}


async def test_the_walk_by_pages_comes_to_the_same_as_the_whole(shop: AuditedShop) -> None:
    whole = await audit_all(shop.database)
    position: Position | None = Position()
    rows: dict[str, int] = {}
    seen: dict[Section, list[UUID]] = {section: [] for section in Section}

    while position is not None:
        page = await audit(shop.database, position, 4)
        assert page.violations == []
        assert not set(seen[position.section]) & page.roots
        seen[position.section].extend(page.roots)
        for name, number in page.rows_checked.items():
            rows[name] = rows.get(name, 0) + number
        position = page.next

    assert {section: set(ids) for section, ids in seen.items()} == {
        section: set(await ids_of(shop.database, section)) for section in Section
    }
    waiting = {"deliveries_unapplied", "jobs_dead", "jobs_overdue", "suspense_unknown"}
    assert rows == {name: number for name, number in whole.rows_checked.items() if name not in waiting}


async def test_a_page_costs_the_same_statements_whatever_its_size(
    shop: AuditedShop, statements: list[str]
) -> None:
    ran = []

    for limit in (3, 30, 250):
        statements.clear()
        await audit(shop.database, Position(), limit)
        ran.append(len(statements))

    # The plans, the ids, the orders, their facts, tries, refunds, disputes, and what is in suspense where anything is.
    assert ran == [len(integrity.ORDER_STATEMENTS) + 7, *[len(integrity.ORDER_STATEMENTS) + 8] * 2]


async def test_a_report_finds_what_is_wrong_and_forgets_it_when_it_has_healed(
    shop: AuditedShop,
) -> None:
    metrics = Metrics()
    auditor = Auditor(shop.database, figures=metrics)
    order = shop.orders["paid"]
    spoil = "UPDATE orders SET payment_in_progress = $2 WHERE id = $1"
    gauge = b'orderpulse_integrity_violations{check="order_payment_status"}'

    await shop.database.fetch(spoil, order.id, True)
    spoilt = await auditor.report()
    figures = metrics.text()
    await shop.database.fetch(spoil, order.id, False)
    healed = await auditor.report()

    (violation,) = spoilt.violations
    assert violation.subject_id == encode_id(IdPrefix.ORDER, order.id)
    assert violation.message == "It is PAID, a payment in progress, and the facts of its payments say PAID."
    assert gauge + b" 1.0" in figures
    assert healed.violations == ()
    assert gauge + b" 0.0" in metrics.text()


async def test_the_walk_in_the_background_remembers_what_no_report_would_look_at(shop: AuditedShop) -> None:
    limits = AuditLimits(newest_orders=1, newest_deliveries=1, newest_keys=1, report_seconds=0.0)
    auditor = Auditor(shop.database, limits=limits)
    order = shop.orders["unpaid"]
    spoil = "UPDATE orders SET payment_in_progress = $2 WHERE id = $1"
    await shop.database.fetch(spoil, order.id, True)

    before = await auditor.report()
    looked = await auditor.turn()
    after = await auditor.report()
    await shop.database.fetch(spoil, order.id, False)
    await auditor.turn()
    healed = await auditor.report()

    assert before.violations == ()
    assert looked > len(shop.orders)
    assert named(after.violations) == {("order_payment_status", encode_id(IdPrefix.ORDER, order.id))}
    assert healed.violations == ()


async def test_it_takes_its_turns_by_itself_while_it_is_entered(shop: AuditedShop) -> None:
    metrics = Metrics()
    limits = AuditLimits(interval_seconds=0.01)
    spoil = "UPDATE orders SET payment_in_progress = true WHERE id = $1"
    await shop.database.fetch(spoil, shop.orders["paid"].id)
    gauge = b'orderpulse_integrity_violations{check="order_payment_status"} 1.0'

    async with Auditor(shop.database, figures=metrics, limits=limits), asyncio.timeout(10):
        while gauge not in metrics.text():  # noqa: ASYNC110 - figures raise no event
            await asyncio.sleep(0.01)

    rows = [
        line
        for line in metrics.text().splitlines()
        if line.startswith(b"orderpulse_integrity_rows_checked_total")
    ]
    assert float(rows[0].split()[1]) > len(shop.orders)


async def test_those_who_ask_at_once_get_one_report(shop: AuditedShop, statements: list[str]) -> None:
    auditor = Auditor(shop.database)
    await auditor.report()
    for_one = len(statements)
    statements.clear()

    first, second = await asyncio.gather(auditor.report(), auditor.report())

    assert first is second
    assert len(statements) <= for_one


async def test_more_given_back_than_taken_is_named(shop: AuditedShop) -> None:
    payment = shop.payments["paid"]
    too_much = a_fact(payment, FactKind.REFUND_SUCCEEDED, "re9", Money(49_901, "INR"))

    await shop.tell(payment, too_much)
    report = await Auditor(shop.database).report()

    assert named(report.violations) == {
        ("refunds_within_captures", encode_id(IdPrefix.PAYMENT, payment.id)),
    }
    assert report.violations[0].message == "49901 INR were given back, and 49900 were captured."


async def test_traffic_makes_no_false_alarm(database: Database, settler: Settler) -> None:
    opened = [await opened_payment(database, settler) for _ in range(60)]
    done = asyncio.Event()
    auditor = Auditor(database)

    async def pay() -> None:
        for number, each in enumerate(opened):
            facts = [captured(each.payment)]
            if number % 3 == 0:
                facts.append(a_fact(each.payment, FactKind.REFUND_SUCCEEDED, "re", Money(100, "INR")))
            await asyncio.gather(
                *[
                    settler.submit(a_webhook(each.payment, fact, reference=f"pi_{each.payment.id}"))
                    for fact in (*facts, facts[0])
                ]
            )
        done.set()

    async def audit_meanwhile() -> list[set[tuple[str, str]]]:
        found = []
        while not done.is_set():
            found.append(named((await auditor.report()).violations))
        return found

    _, reports = await asyncio.gather(pay(), audit_meanwhile())

    assert len(reports) > 1
    assert reports == [set()] * len(reports)
