"""Defects in settling: locks, batches, commits, constraints, and what is told before and after."""

from __future__ import annotations

from typing import Final

from tests.mutants.defect import Defect

_SETTLE: Final = "tests/app/test_settle.py"
_PROMISES: Final = "tests/app/test_settle_promises.py"
_MONEY_GUARDS: Final = "tests/db/test_money_guards.py"
_OWED: Final = "tests/system/test_owed_work.py"
_DUPLICATES: Final = "tests/system/test_duplicates.py"
_TABLES: Final = "db/migrations/versions/0001_first_tables.py"
_GUARDS: Final = "db/migrations/versions/0002_suspense_jobs_and_guards.py"

SETTLING: Final = (
    Defect(
        name="the same delivery may be in the inbox twice",
        file=_TABLES,
        old='        sa.UniqueConstraint("gateway", "external_id",'
        ' name=op.f("uq_inbox_events_gateway_external_id")),\n',
        new="",
        tests=(f"{_SETTLE}::test_fifty_identical_deliveries_at_once_are_applied_once",),
    ),
    Defect(
        name="a fact may be stored twice",
        file=_TABLES,
        old='sa.PrimaryKeyConstraint("gateway", "object_id", "kind", name=op.f("pk_facts"))',
        new='sa.PrimaryKeyConstraint("gateway", "object_id", "kind", "payment_id", name=op.f("pk_facts"))',
        tests=(f"{_SETTLE}::test_an_object_of_another_payment_is_never_counted_twice",),
    ),
    Defect(
        name="one gateway reference may belong to two payments",
        file=_TABLES,
        old='        sa.UniqueConstraint("gateway", "reference", name=op.f("uq_payments_gateway_reference")),\n',
        new="",
        tests=(f"{_MONEY_GUARDS}::test_a_payment_of_a_gateway_is_one_payment_here",),
    ),
    Defect(
        name="a key may be claimed twice",
        file=_TABLES,
        old='        sa.UniqueConstraint("scope", "key", name=op.f("uq_idempotency_keys_scope_key")),\n',
        new="",
        tests=(
            "tests/app/test_idempotency.py::test_of_two_hundred_calls_at_once_one_works_and_the_others_are_told",
        ),
    ),
    Defect(
        name="orders are not locked while they are decided",
        file="db/settlement/reading.py",
        old="   ORDER BY o.id\n     FOR UPDATE\n",
        new="   ORDER BY o.id\n",
        tests=(f"{_DUPLICATES}::test_fifty_copies_at_once_are_one_application_and_fifty_times_2xx[2]",),
    ),
    Defect(
        name="one who stops inside of a transaction keeps its orders locked",
        file="db/pool.py",
        old='    "idle_in_transaction_session_timeout": f"{IDLE_TRANSACTION_SECONDS_MAX}s",\n',
        new="",
        tests=(f"{_OWED}::test_a_worker_paused_inside_of_its_transaction_keeps_nobody_else_from_the_order",),
    ),
    Defect(
        name="orders are locked in any order",
        file="db/settlement/reading.py",
        old="   ORDER BY o.id\n     FOR UPDATE\n",
        new="   ORDER BY md5(o.id::text || pg_backend_pid()::text)\n     FOR UPDATE\n",
        tests=(f"{_PROMISES}::test_batches_of_the_same_orders_wait_for_each_other_and_never_in_a_circle",),
    ),
    Defect(
        name="a delivery that comes twice in one batch is written twice",
        file="app/batch.py",
        old="        key = (webhook.gateway, webhook.external_id)\n",
        new="        key = (webhook.gateway, str(webhook.id))\n",
        tests=(f"{_PROMISES}::test_copies_that_wait_together_are_one_row_of_one_batch",),
    ),
    Defect(
        name="the deliveries of a batch are decided in reverse",
        file="app/batch.py",
        old="        number = 0\n        for item in batch:\n",
        new="        number = 0\n        for item in reversed(batch):\n",
        tests=(f"{_SETTLE}::test_two_deliveries_of_one_order_in_a_batch_are_applied_in_order",),
    ),
    Defect(
        name="one poisoned delivery takes its whole batch with it",
        file="app/settle.py",
        old="        if len(batch) > 1:\n            middle",
        new="        if False:\n            middle",
        tests=(f"{_SETTLE}::test_poison_is_kept_with_its_reason_while_the_rest_commits",),
    ),
    Defect(
        name="senders are answered before the commit",
        file="app/settle.py",
        old="            outcomes = await settle_batch(connection, [waiting.submission for waiting in batch])\n",
        new="            async with connection.transaction():\n"
        "                outcomes = await settle_batch(connection, [waiting.submission for waiting in batch])\n"
        "                for waiting, outcome in zip(batch, outcomes):\n"
        "                    waiting.future.set_result(outcome)\n",
        tests=(f"{_PROMISES}::test_nobody_is_told_of_what_is_not_committed",),
    ),
    Defect(
        name="subscribers are told before the commit",
        file="app/settle.py",
        old="            outcomes = await settle_batch(connection, [waiting.submission for waiting in batch])\n",
        new="            async with connection.transaction():\n"
        "                outcomes = await settle_batch(connection, [waiting.submission for waiting in batch])\n"
        "                self._on_commit([o.change for o in outcomes if isinstance(o, Outcome) and o.change])\n",
        tests=(f"{_PROMISES}::test_nobody_is_told_of_what_is_not_committed",),
    ),
    Defect(
        name="a commit without an answer is taken for done",
        file="app/settle.py",
        old="            waiting.in_doubt = True\n",
        new="            if not waiting.future.done():\n"
        "                waiting.future.set_result(Outcome(status='APPLIED'))\n"
        "            waiting.in_doubt = True\n",
        tests=(f"{_SETTLE}::test_a_lost_connection_is_made_again_and_nothing_is_lost_or_doubled",),
    ),
    Defect(
        name="what an interrupted batch held is forgotten",
        file="app/settle.py",
        old="            if now >= waiting.deadline and not waiting.future.done():\n",
        new="            if not waiting.future.done():\n",
        tests=(f"{_SETTLE}::test_a_lost_connection_is_made_again_and_nothing_is_lost_or_doubled",),
    ),
    Defect(
        name="an applied delivery becomes unapplied when it comes again",
        file="db/settlement/writing.py",
        old="    status = CASE WHEN i.applied_at IS NULL THEN excluded.status ELSE i.status END,\n",
        new="    status = excluded.status,\n",
        tests=(f"{_PROMISES}::test_what_was_applied_stays_applied_however_it_comes_again",),
    ),
    Defect(
        name="a failed delivery stays failed when it comes again readable",
        file="db/settlement/writing.py",
        old="    status = CASE WHEN i.applied_at IS NULL THEN excluded.status ELSE i.status END,\n",
        new="    status = i.status,\n",
        tests=(f"{_SETTLE}::test_a_failed_delivery_is_applied_when_it_comes_again_readable",),
    ),
    Defect(
        name="copies of a delivery are not counted",
        file="db/settlement/writing.py",
        old="    deliveries = i.deliveries + excluded.deliveries,\n",
        new="",
        tests=(f"{_DUPLICATES}::test_fifty_copies_at_once_are_one_application_and_fifty_times_2xx[1]",),
    ),
    Defect(
        name="an object of another payment is taken over without a word",
        file="db/settlement/writing.py",
        old="    if told != len(batch.facts):\n",
        new="    if False:\n",
        tests=(f"{_SETTLE}::test_an_object_of_another_payment_is_never_counted_twice",),
    ),
    Defect(
        name="a delivery that names two payments is applied to one of them",
        file="app/batch.py",
        old="        if len(matches) > 1:\n",
        new="        matches = dict(list(matches.items())[:1])\n        if False:\n",
        tests=(f"{_SETTLE}::test_a_delivery_whose_ids_name_two_payments_is_refused",),
    ),
    Defect(
        name="one side of an entry has the wrong sign",
        file="app/domain/ledger.py",
        old="    cleared = -sum(",
        new="    cleared = sum(",
        tests=("tests/domain/test_ledger.py",),
    ),
    Defect(
        name="the database takes a ledger that does not balance",
        file=_GUARDS,
        old="  IF FOUND THEN\n    RAISE EXCEPTION 'ledger",
        new="  IF FALSE THEN\n    RAISE EXCEPTION 'ledger",
        tests=(f"{_MONEY_GUARDS}::test_books_that_do_not_balance_in_each_currency_are_refused",),
    ),
    Defect(
        name="the database balances over all currencies at once",
        file=_GUARDS,
        old="  SELECT currency, sum(amount_minor) AS amount_minor INTO imbalance\n"
        "    FROM ledger_entries WHERE transaction_id = NEW.transaction_id\n   GROUP BY currency HAVING",
        new="  SELECT min(currency) AS currency, sum(amount_minor) AS amount_minor INTO imbalance\n"
        "    FROM ledger_entries WHERE transaction_id = NEW.transaction_id\n   HAVING",
        tests=(f"{_MONEY_GUARDS}::test_books_that_do_not_balance_in_each_currency_are_refused",),
    ),
    Defect(
        name="what was booked may be changed",
        file=_GUARDS,
        old='    for table in ("order_events", "ledger_entries"):\n        op.execute(\n',
        new='    for table in ("order_events",):\n        op.execute(\n',
        tests=(f"{_MONEY_GUARDS}::test_what_was_booked_or_logged_stays_as_it_was",),
    ),
    Defect(
        name="a holder whose lease ran out still finishes the job",
        file="db/jobs.py",
        old="DELETE FROM jobs WHERE id = $1 AND lease_id = $2 AND due_at >= leased_until RETURNING id",
        new="DELETE FROM jobs WHERE id = $1 AND $2::uuid IS NOT NULL AND due_at >= leased_until RETURNING id",
        tests=("tests/app/test_jobs.py::test_a_holder_whose_lease_ran_out_changes_nothing_any_more",),
    ),
    Defect(
        name="work that is owed again while it is done is lost",
        file="db/jobs.py",
        old="DELETE FROM jobs WHERE id = $1 AND lease_id = $2 AND due_at >= leased_until RETURNING id",
        new="DELETE FROM jobs WHERE id = $1 AND lease_id = $2 RETURNING id",
        tests=("tests/app/test_jobs.py::test_work_owed_again_while_it_is_done_is_not_lost",),
    ),
)
