"""A breach of each kind, planted in a shop in order: exactly the check for it names exactly what is wrong.

Each is planted in a transaction that is rolled back. Where the database itself refuses the breach, its guard is taken
away first: the audit is for what gets past the guards.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import pytest

from app.domain.ids import IdPrefix, encode_id
from app.integrity import CHECKS
from app.settle import Settler
from db.pool import Database
from tests.app.audited_shop import AuditedShop, OneConnection, audit_all, fill
from tests.conftest import empty

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@dataclass(frozen=True, slots=True)
class Breach:
    """SQL that plants a breach, and SQL for the ids of what is then to be named, with the prefix of their kind.

    `{order[name]}` and `{payment[name]}` are the quoted ids of the shop's.
    """

    check: str
    plant: str
    subjects: str
    prefix: IdPrefix


FREE_LOG: Final = "ALTER TABLE order_events DISABLE TRIGGER only_grows;"
FREE_LEDGER: Final = """
  ALTER TABLE ledger_entries DISABLE TRIGGER only_grows; ALTER TABLE ledger_entries DISABLE TRIGGER balanced;"""
MOVED_TO_SUSPENSE: Final = """
  UPDATE ledger_entries SET account = 'SUSPENSE', amount_minor = 1
   WHERE description = 'breach' AND account = 'GATEWAY_CLEARING'"""
A_KEY: Final = "SELECT min(id::text)::uuid FROM idempotency_keys"
ORDER: Final = "SELECT {order[%s]}::uuid"
PAYMENT: Final = "SELECT {payment[%s]}::uuid"


def an_order(check: str, plant: str, name: str = "paid") -> Breach:
    return Breach(check, plant, ORDER % name, IdPrefix.ORDER)


def a_payment(check: str, plant: str, name: str = "paid") -> Breach:
    return Breach(check, plant, PAYMENT % name, IdPrefix.PAYMENT)


def booked(payment: str, account: str, minor: int, currency: str = "INR") -> str:
    """Return SQL that books an amount once more, against the money at the gateway."""
    return f"""{FREE_LEDGER}
        WITH given AS (
          SELECT gen_random_uuid() AS transaction_id, * FROM payments WHERE id = {{payment[{payment}]}}
        )
        INSERT INTO ledger_entries
        SELECT g.transaction_id, e.position, g.order_id, g.id, e.account, e.minor, '{currency}', 'breach', now()
          FROM given g,
               (VALUES (0, '{account}', {minor}), (1, 'GATEWAY_CLEARING', {-minor})) e(position, account, minor);
    """


def column(name: str, minor: int, payment: str) -> str:
    """Return SQL that changes what a payment's row holds."""
    return f"UPDATE payments SET {name}_minor = {name}_minor + {minor} WHERE id = {{payment[{payment}]}};"


BREACHES: Final = (
    an_order("order_versions", "UPDATE orders SET version = version + 1 WHERE id = {order[paid]}"),
    an_order(
        "order_versions",
        f"{FREE_LOG} DELETE FROM order_events WHERE order_id = {{order[paid]}} AND version = 2",
    ),
    an_order("order_axes", "UPDATE orders SET fulfillment_status = 'PREPARING' WHERE id = {order[paid]}"),
    an_order(
        "order_steps",
        f"{FREE_LOG} UPDATE order_events SET status = 'COMPLETED' WHERE order_id = {{order[paid]}} AND version = 1",
    ),
    an_order(
        "fulfillment_steps",
        f"{FREE_LOG} UPDATE order_events SET fulfillment_status = 'DELIVERED'"
        " WHERE order_id = {order[paid]} AND version = 1",
    ),
    an_order(
        "event_payments",
        f"{FREE_LOG} UPDATE order_events SET payment_id = {{payment[open]}}"
        " WHERE order_id = {order[paid]} AND version = 3",
    ),
    an_order("order_total", "UPDATE order_lines SET quantity = 2 WHERE order_id = {order[paid]}"),
    an_order("order_paid", "UPDATE orders SET paid_minor = paid_minor - 1 WHERE id = {order[paid]}"),
    an_order(
        "order_refunded",
        "UPDATE orders SET refunded_minor = refunded_minor + 1 WHERE id = {order[refunded]}",
        "refunded",
    ),
    an_order(
        "order_payment_status",
        f"{FREE_LOG} UPDATE orders SET payment_status = 'UNPAID' WHERE id = {{order[paid]}};"
        "UPDATE order_events SET payment_status = 'UNPAID' WHERE order_id = {order[paid]}",
    ),
    an_order(
        "order_payment_status",
        f"{FREE_LOG} UPDATE orders SET payment_status = 'PAID' WHERE id = {{order[late HOLD]}};"
        "UPDATE order_events SET payment_status = 'PAID' WHERE order_id = {order[late HOLD]}",
        "late HOLD",
    ),
    a_payment("payment_captured", column("captured", -1, "paid") + booked("paid", "SALES", 1)),
    a_payment("payment_authorized", column("authorized", 1, "authorised"), "authorised"),
    a_payment(
        "payment_refunded", column("refunded", -1, "refunded") + booked("refunded", "REFUNDS", -1), "refunded"
    ),
    a_payment("payment_disputed", column("disputed", -1, "lost") + booked("lost", "DISPUTES", -1), "lost"),
    a_payment("payment_state", "UPDATE payments SET late_authorized = true WHERE id = {payment[paid]}"),
    a_payment("payment_state", "UPDATE payments SET status = 'FAILED' WHERE id = {payment[open]}", "open"),
    a_payment(
        "payment_attempts",
        "UPDATE payment_attempts SET failed = NOT failed WHERE payment_id = {payment[paid]}",
    ),
    a_payment("payment_attempts", "DELETE FROM payment_attempts WHERE payment_id = {payment[paid]}"),
    a_payment(
        "payment_refunds",
        "UPDATE refunds SET amount_minor = 1 WHERE payment_id = {payment[refunded]}",
        "refunded",
    ),
    a_payment("payment_disputes", "DELETE FROM disputes WHERE payment_id = {payment[disputed]}", "disputed"),
    a_payment(
        "foreign_currency",
        "UPDATE orders SET currency = 'USD' WHERE id = {order[open]};"
        "UPDATE order_lines SET currency = 'USD' WHERE order_id = {order[open]}",
        "open",
    ),
    Breach(
        "payment_references",
        "ALTER TABLE payments DROP CONSTRAINT uq_payments_gateway_reference;"
        "UPDATE payments SET reference = (SELECT reference FROM payments WHERE id = {payment[paid]})"
        " WHERE id = {payment[open]}",
        "SELECT unnest(ARRAY[{payment[paid]}, {payment[open]}]::uuid[])",
        IdPrefix.PAYMENT,
    ),
    a_payment(
        "fact_gateways",
        "UPDATE facts SET gateway = 'STRIPE' WHERE payment_id = {payment[tried again]} AND kind = 'CAPTURED'",
        "tried again",
    ),
    Breach(
        "delivery_facts",
        "UPDATE inbox_events SET payment_id = {payment[open]} WHERE id ="
        " (SELECT min(id::text)::uuid FROM inbox_events WHERE payment_id = {payment[yen]})",
        "SELECT id FROM inbox_events WHERE payment_id = {payment[open]}",
        IdPrefix.INBOX_EVENT,
    ),
    Breach(
        "ledger_balance",
        f"{FREE_LEDGER} UPDATE ledger_entries l SET amount_minor = l.amount_minor + n.change"
        " FROM (SELECT transaction_id, CASE row_number() OVER (ORDER BY created_at) WHEN 1 THEN 1 ELSE -1 END AS change"
        "         FROM ledger_entries WHERE payment_id = {payment[in parts]} AND account = 'SALES') n"
        " WHERE l.transaction_id = n.transaction_id AND l.account = 'SALES'",
        "SELECT DISTINCT transaction_id FROM ledger_entries WHERE payment_id = {payment[in parts]}",
        IdPrefix.LEDGER_TRANSACTION,
    ),
    Breach(
        "ledger_owners",
        f"{FREE_LEDGER} UPDATE ledger_entries SET order_id = {{order[unpaid]}} WHERE payment_id = {{payment[paid]}}",
        "SELECT DISTINCT transaction_id FROM ledger_entries WHERE payment_id = {payment[paid]}",
        IdPrefix.LEDGER_TRANSACTION,
    ),
    a_payment("ledger_accounts", booked("paid", "CUSTOMER", 1)),
    a_payment("ledger_accounts", booked("paid", "SALES", -1)),
    a_payment("ledger_foreign", booked("foreign", "SALES", 1, "USD"), "foreign"),
    a_payment("ledger_foreign", booked("paid", "SALES", 1, "USD")),
    an_order(
        "order_excess",
        f"{FREE_LOG} UPDATE orders SET status = 'CANCELED' WHERE id = {{order[paid]}};"
        "UPDATE order_events SET status = 'CANCELED' WHERE order_id = {order[paid]} AND version = 4",
    ),
    a_payment(
        "conflicted_money",
        "UPDATE suspense_items SET amount_minor = amount_minor - 1 WHERE payment_id = {payment[short]};"
        + column("suspended", -1, "short")
        + booked("short", "SALES", -1)
        + MOVED_TO_SUSPENSE,
        "short",
    ),
    a_payment(
        "payment_suspended",
        column("suspended", -1, "short") + booked("short", "SALES", -1) + MOVED_TO_SUSPENSE,
        "short",
    ),
    an_order("order_suspense_flag", "UPDATE orders SET has_suspense = true WHERE id = {order[paid]}"),
    Breach(
        "suspense_items",
        "ALTER TABLE suspense_items DROP CONSTRAINT ck_suspense_items_resolved;"
        "UPDATE suspense_items SET resolved_at = now() WHERE payment_id = {payment[short]}",
        "SELECT id FROM suspense_items WHERE payment_id = {payment[short]}",
        IdPrefix.SUSPENSE_ITEM,
    ),
    Breach(
        "refunds_owed",
        "DELETE FROM jobs WHERE subject_id IN (SELECT id FROM refunds WHERE payment_id = {payment[late REFUND]})",
        "SELECT id FROM refunds WHERE payment_id = {payment[late REFUND]}",
        IdPrefix.REFUND,
    ),
    a_payment("payments_polled", "DELETE FROM jobs WHERE subject_id = {payment[open]}", "open"),
    an_order("orders_expiring", "DELETE FROM jobs WHERE subject_id = {order[overtime]}", "overtime"),
    Breach(
        "delivery_outcomes",
        "UPDATE inbox_events SET applied_at = NULL WHERE payment_id = {payment[yen]}",
        "SELECT id FROM inbox_events WHERE payment_id = {payment[yen]}",
        IdPrefix.INBOX_EVENT,
    ),
    Breach(
        "delivery_outcomes",
        "UPDATE inbox_events SET payment_id = NULL WHERE payment_id = {payment[yen]}",
        "SELECT id FROM inbox_events WHERE status = 'APPLIED' AND payment_id IS NULL",
        IdPrefix.INBOX_EVENT,
    ),
    Breach(
        "deliveries_once",
        "ALTER TABLE inbox_events DROP CONSTRAINT uq_inbox_events_gateway_external_id;"
        "INSERT INTO inbox_events SELECT (json_populate_record(i, json_build_object('id', gen_random_uuid()))).*"
        "  FROM inbox_events i WHERE payment_id = {payment[yen]}",
        "SELECT id FROM inbox_events WHERE payment_id = {payment[yen]}",
        IdPrefix.INBOX_EVENT,
    ),
    Breach(
        "keys_once",
        f"UPDATE idempotency_keys SET locked_until = now() WHERE id = ({A_KEY})",
        A_KEY,
        IdPrefix.IDEMPOTENCY_KEY,
    ),
    Breach(
        "keys_once",
        "ALTER TABLE idempotency_keys DROP CONSTRAINT uq_idempotency_keys_scope_key;"
        "INSERT INTO idempotency_keys SELECT (json_populate_record(k, json_build_object('id', gen_random_uuid()))).*"
        "  FROM idempotency_keys k ORDER BY id LIMIT 1",
        "SELECT id FROM idempotency_keys"
        " WHERE key = (SELECT key FROM idempotency_keys GROUP BY key HAVING count(*) > 1)",
        IdPrefix.IDEMPOTENCY_KEY,
    ),
    Breach(
        "key_answers",
        "UPDATE idempotency_keys SET answer = jsonb_build_object('order_id', gen_random_uuid())"
        f" WHERE id = ({A_KEY})",
        A_KEY,
        IdPrefix.IDEMPOTENCY_KEY,
    ),
    Breach(
        "deliveries_unapplied",
        "UPDATE inbox_events SET status = 'RECEIVED', received_at = now() - interval '61 seconds', applied_at = NULL"
        " WHERE payment_id = {payment[yen]}",
        "SELECT id FROM inbox_events WHERE payment_id = {payment[yen]}",
        IdPrefix.INBOX_EVENT,
    ),
    Breach(
        "deliveries_unapplied",
        "UPDATE inbox_events SET status = 'FAILED', error = 'poison', applied_at = NULL"
        " WHERE payment_id = {payment[yen]}",
        "SELECT id FROM inbox_events WHERE payment_id = {payment[yen]}",
        IdPrefix.INBOX_EVENT,
    ),
    Breach(
        "deliveries_unapplied",
        "UPDATE jobs SET died_at = now() WHERE kind = 'INBOX_REPLAY'",
        "SELECT id FROM inbox_events WHERE status = 'UNMATCHED'",
        IdPrefix.INBOX_EVENT,
    ),
    Breach(
        "jobs_dead",
        "UPDATE jobs SET died_at = now(), last_error = 'refused' WHERE subject_id = {payment[open]}",
        "SELECT id FROM jobs WHERE subject_id = {payment[open]}",
        IdPrefix.JOB,
    ),
    Breach(
        "jobs_overdue",
        "UPDATE jobs SET due_at = now() - interval '601 seconds' WHERE subject_id = {payment[open]}",
        "SELECT id FROM jobs WHERE subject_id = {payment[open]}",
        IdPrefix.JOB,
    ),
    Breach(
        "suspense_unknown",
        "UPDATE suspense_items SET reference = 'gone', created_at = now() - interval '601 seconds'"
        " WHERE payment_id IS NULL",
        "SELECT id FROM suspense_items WHERE payment_id IS NULL",
        IdPrefix.SUSPENSE_ITEM,
    ),
)


@pytest.fixture(scope="module")
async def shop(database_dsn: str) -> AsyncIterator[AuditedShop]:
    """One filled shop for all breaches: each is rolled back."""
    async with (
        Database(database_dsn) as database,
        Settler(database_dsn, on_commit=lambda _: None, on_doubt=lambda _: None) as settler,
    ):
        async with database.connection() as connection:
            await empty(connection)
        filled = AuditedShop(database, settler)
        await fill(filled)
        yield filled


@pytest.mark.parametrize("breach", BREACHES, ids=lambda breach: breach.check)
async def test_a_breach_is_named_by_the_check_for_it(shop: AuditedShop, breach: Breach) -> None:
    names = {
        "order": {name: f"'{order.id}'" for name, order in shop.orders.items()},
        "payment": {name: f"'{payment.id}'" for name, payment in shop.payments.items()},
    }

    async with shop.database.connection() as connection:
        undone = connection.transaction()
        await undone.start()
        try:
            await connection.execute(breach.plant.format_map(names))
            rows = await connection.fetch(breach.subjects.format_map(names))
            found = (await audit_all(OneConnection(connection))).violations
        finally:
            await undone.rollback()

    expected = {(breach.check, encode_id(breach.prefix, row[0])) for row in rows}
    assert expected
    assert {(violation.check, violation.subject_id) for violation in found} == expected, found


def test_there_is_a_breach_of_every_kind() -> None:
    told_by_a_gateway = {"refunds_within_captures"}  # of which a breach is planted with facts, not with SQL

    assert {breach.check for breach in BREACHES} | told_by_a_gateway == set(CHECKS)
