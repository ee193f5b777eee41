"""The bare SQL, as a yardstick: the statements of settle with ready-made rows, in batches of 64.

No HTTP, no signatures, no rules.
"""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from app.domain.states import GatewayName, InboxEventStatus
from app.identity import new_id
from bench.dataset import AMOUNT_MINOR
from db.pool import connect
from db.settlement import InboxMark, Probe, WriteSet, load, lock, write

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.dataset import Delivery

BATCH: Final = 64
LANES: Final = 2


async def settle_bare(dsn: str, deliveries: Sequence[Delivery]) -> float:
    """Write what settle would write for these deliveries, and return how many a second."""
    batches = [deliveries[start : start + BATCH] for start in range(0, len(deliveries), BATCH)]
    ready = [(batch, _rows(batch)) for batch in batches]
    started = time.perf_counter()
    await asyncio.gather(*[_lane(dsn, ready[lane::LANES]) for lane in range(LANES)])
    return len(deliveries) / (time.perf_counter() - started)


async def _lane(dsn: str, work: Sequence[tuple[Sequence[Delivery], WriteSet]]) -> None:
    connection = await connect(
        dsn,
        application_name="bench-bare",
        plan_cache_mode="force_generic_plan",
        enable_seqscan="off",
        enable_hashjoin="off",
        enable_mergejoin="off",
    )
    for batch, rows in work:
        async with connection.transaction():
            probes = [
                Probe(
                    gateway=GatewayName.STRIPE, payment_id=each.payment_id, reference=f"pi_{each.payment_id}"
                )
                for each in batch
            ]
            locked = await lock(connection, probes, [])
            await load(connection, locked.orders)
            await write(connection, rows)
    await connection.close()


def _rows(batch: Sequence[Delivery]) -> WriteSet:
    rows = WriteSet()
    for each in batch:
        _add(rows, each, datetime.now(UTC))
    return rows


def _add(rows: WriteSet, each: Delivery, now: datetime) -> None:
    charge = f"ch_{each.payment_id}"
    money = {"amount_minor": AMOUNT_MINOR, "currency": "INR"}
    axes = {"status": "CONFIRMED", "payment_status": "PAID", "fulfillment_status": "UNFULFILLED"}
    rows.inbox.append(
        InboxMark(
            id=new_id(),
            gateway=GatewayName.STRIPE,
            external_id=f"evt_{each.payment_id}",
            type="payment_intent.succeeded",
            status=InboxEventStatus.APPLIED,
            deliveries=1,
            error=None,
            body=each.request,
            payment_id=each.payment_id,
            named_payment_id=each.payment_id,
            reference=f"pi_{each.payment_id}",
        )
    )
    rows.orders.append(
        {
            "id": each.order_id,
            **axes,
            "version": 4,
            "paid_minor": AMOUNT_MINOR,
            "refunded_minor": 0,
            "payment_in_progress": False,
            "has_suspense": False,
            "called_off": False,
            "updated_at": now,
        }
    )
    rows.payments.append(
        {
            "id": each.payment_id,
            "status": "SUCCEEDED",
            "authorized_minor": AMOUNT_MINOR,
            "captured_minor": AMOUNT_MINOR,
            "refunded_minor": 0,
            "amount_minor": AMOUNT_MINOR,
            "disputed_minor": 0,
            "suspended_minor": 0,
            "reference": f"pi_{each.payment_id}",
            "late_authorized": False,
            "updated_at": now,
        }
    )
    rows.facts.append(
        {
            "gateway": "STRIPE",
            "object_id": charge,
            "kind": "CAPTURED",
            "payment_id": each.payment_id,
            **money,
            "attempt_id": charge,
            "recorded_at": now,
        }
    )
    rows.attempts.append(
        {
            "payment_id": each.payment_id,
            "reference": charge,
            "status": "SUCCEEDED",
            "failed": False,
            "created_at": now,
        }
    )
    for version, type_ in ((3, "PAYMENT_SUCCEEDED"), (4, "ORDER_CONFIRMED")):
        rows.events.append(
            {
                "order_id": each.order_id,
                "version": version,
                "type": type_,
                "source": "WEBHOOK",
                **axes,
                "occurred_at": now,
            }
        )
    transaction_id = new_id()
    for position, (account, sign) in enumerate((("SALES", -1), ("GATEWAY_CLEARING", 1))):
        rows.ledger.append(
            {
                "transaction_id": transaction_id,
                "position": position,
                "order_id": each.order_id,
                "payment_id": each.payment_id,
                "account": account,
                "amount_minor": sign * AMOUNT_MINOR,
                "currency": "INR",
                "description": "capture",
            }
        )
