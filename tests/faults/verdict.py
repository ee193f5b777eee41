"""The verdict on a run: what was lost, doubled or made inconsistent, by SQL and compared with the gateway's truth."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from db.jobs import hasten
from tests.faults.owed import calm, owed_by_nobody
from tests.system.audit import broken_invariants

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    from db.pool import Database
    from tests.faults.insisting import Client, Gateway
    from tests.faults.run import Run
    from tests.faults.truth import Object, Truth

LOOKS_MAX: Final = 8
LOOK_AGAIN_SECONDS: Final = 0.25
_STATUSES: Final = {
    "succeeded": {"SUCCEEDED", "PARTIALLY_CAPTURED"},
    "authorized": {"REQUIRES_CAPTURE"},
    "canceled": {"CANCELED"},
    "requires_payment_method": {"REQUIRES_PAYMENT_METHOD", "FAILED"},
    "requires_action": {"REQUIRES_ACTION"},
}
_REFUND_STATUSES: Final = {"succeeded": "SUCCEEDED", "failed": "FAILED", "pending": "PENDING"}
_NAMED: Final = {
    "orders": "SELECT id FROM orders WHERE id = ANY($1)",
    "payments": "SELECT id FROM payments WHERE id = ANY($1)",
    "refunds": "SELECT id FROM refunds WHERE id = ANY($1)",
}
_KEPT: Final = {"APPLIED", "IGNORED"}


@dataclass(slots=True)
class Verdict:
    """What is wrong, in sentences. Empty is the only good one."""

    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    inconsistent: list[str] = field(default_factory=list)

    @property
    def is_good(self) -> bool:
        """Whether nothing is wrong."""
        return not (self.lost or self.doubled or self.inconsistent)

    def lines(self) -> list[str]:
        """Return every sentence, with its kind."""
        return [
            f"{kind}: {sentence}"
            for kind in ("lost", "doubled", "inconsistent")
            for sentence in getattr(self, kind)
        ]


async def judge(run: Run) -> Verdict:
    """Judge a run that has come to its end: every call has its outcome, and everything is told by and by.

    What the server still owes, it may do meanwhile; what is wrong stays wrong.
    """
    for _ in range(LOOKS_MAX):
        await run.told_all()
        if run.stage.works:
            await calm(run.stage.database)
        verdict = await _look(run)
        if verdict.is_good:
            break
        if run.stage.works:  # what failed waits longer each time, and what it is for isn't lost
            await hasten(run.stage.database)
        await asyncio.sleep(LOOK_AGAIN_SECONDS)
    return verdict


async def _look(run: Run) -> Verdict:
    verdict = Verdict()
    database = run.stage.database
    await _deliveries(verdict, database, run.gateway, run.hopeless)
    await _answers(verdict, database, run.client)
    await _orders(verdict, database, run)
    await compare(verdict, database, run.gateway.truth, run.order_ids)
    if run.stage.works:
        verdict.lost.extend(await owed_by_nobody(database, run.order_ids, run.given_up))
    verdict.inconsistent.extend(await broken_invariants(database))
    return verdict


async def _deliveries(
    verdict: Verdict, database: Database, gateway: Gateway, hopeless: Mapping[str, str]
) -> None:
    """Every delivery that was accepted is kept, and applied unless it can't be."""
    accepted = {event_id: hopeless.get(event_id, event_id) for event_id in gateway.accepted}
    rows = await database.fetch(
        "SELECT external_id, status, error FROM inbox_events WHERE external_id = ANY($1)",
        list(accepted.values()),
    )
    kept = {row["external_id"]: row for row in rows}
    for event_id, kept_as in accepted.items():
        row = kept.get(kept_as)
        if row is None:
            verdict.lost.append(f"the delivery {event_id} was accepted and is not kept")
        elif event_id not in hopeless and row["status"] not in _KEPT:
            verdict.lost.append(f"the delivery {event_id} is {row['status']} for ever: {row['error']}")
        elif event_id in hopeless and row["status"] in _KEPT:
            verdict.inconsistent.append(f"the delivery {event_id} was applied, and can't be")


async def _answers(verdict: Verdict, database: Database, client: Client) -> None:
    """Everything that an answer named is there."""
    for table, statement in _NAMED.items():
        named = {own_id for kind, own_id in client.told if kind == table}
        rows = await database.fetch(statement, list(named))
        missing = named - {row["id"] for row in rows}
        verdict.lost.extend(f"an answer named {each} of {table}, which is not there" for each in missing)


async def _orders(verdict: Verdict, database: Database, run: Run) -> None:
    """A key makes one thing: no more orders, payments and refunds than keys."""
    order_ids = list(run.order_ids)
    made = await database.fetch(
        "SELECT o.id FROM orders o WHERE o.created_at >= (SELECT min(created_at) FROM orders WHERE id = ANY($1))"
        " AND NOT o.id = ANY($1)",
        order_ids,
    )
    verdict.doubled.extend(f"the order {row['id']} is nobody's" for row in made)
    payments = await database.fetch(
        "SELECT p.id, k.id AS key FROM payments p LEFT JOIN idempotency_keys k ON k.id = p.id"
        " WHERE p.order_id = ANY($1)",
        order_ids,
    )
    verdict.doubled.extend(f"the payment {row['id']} has no key" for row in payments if row["key"] is None)
    most = run.client.keys["paymentCreate"]
    if len(payments) > most:
        verdict.doubled.append(f"{len(payments)} payments of {most} keys")


async def compare(verdict: Verdict, database: Database, truth: Truth, order_ids: set[UUID]) -> None:
    """Compare what is known here of some orders' payments with what happened at the gateway."""
    rows = await database.fetch("SELECT * FROM payments WHERE order_id = ANY($1)", list(order_ids))
    refunds = await database.fetch(
        "SELECT r.* FROM refunds r JOIN payments p ON p.id = r.payment_id WHERE p.order_id = ANY($1)",
        list(order_ids),
    )
    known = {str(row["id"]): row for row in rows}
    at_gateway = truth.of_orders(order_ids)
    for payment_id, found in at_gateway.items():
        if len(found) > 1:
            verdict.doubled.append(f"the payment {payment_id} is there {len(found)} times at the gateway")
        if payment_id not in known:
            verdict.lost.append(f"the gateway's payment {payment_id} is not known here")
            continue
        _compare_payment(verdict, known[payment_id], found[0])
        _compare_refunds(verdict, refunds, found[0])
    for payment_id, row in known.items():
        if payment_id not in at_gateway and row["captured_minor"]:
            verdict.inconsistent.append(f"{payment_id} has money that the gateway never took")


def _compare_payment(verdict: Verdict, row: Any, shown: Object) -> None:  # noqa: ANN401 - a record
    here = (row["captured_minor"], row["refunded_minor"], row["reference"])
    there = (shown["amount_captured"], shown["amount_refunded"], shown["id"])
    told = f"{row['id']} is {here} {row['status']} here, {there} {shown['status']} at the gateway"
    if here[0] > there[0] or here[1] > there[1]:
        verdict.doubled.append(told)
    elif here != there:
        verdict.lost.append(told)
    elif row["status"] not in _STATUSES[shown["status"]]:
        verdict.inconsistent.append(told)


def _compare_refunds(verdict: Verdict, rows: Sequence[Any], shown: Object) -> None:
    known: Mapping[str, Any] = {row["reference"]: row for row in rows}
    asked = Counter(refund["metadata"].get("refund_id") for refund in shown["refunds"])
    verdict.doubled.extend(
        f"the refund {own_id} was made {times} times" for own_id, times in asked.items() if times > 1
    )
    for refund in shown["refunds"]:
        row = known.get(refund["id"])
        if row is None:
            verdict.lost.append(f"the gateway's refund {refund['id']} is not known here")
        elif (row["amount_minor"], row["status"]) != (refund["amount"], _REFUND_STATUSES[refund["status"]]):
            verdict.inconsistent.append(f"the refund {row['id']} is {row['status']}, not {refund['status']}")
