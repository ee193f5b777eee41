"""The tutorial way, as a yardstick: a SQLModel session and a transaction for each request, rows through the ORM.

The official SDK checks the signature. The same tables, the same rows, the same answer.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

import stripe
from sqlalchemy.ext.asyncio import create_async_engine
from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

from app.identity import new_id
from bench.dataset import WEBHOOK_SECRET
from db.tables import (
    FactRow,
    InboxEventRow,
    LedgerEntryRow,
    OrderEventRow,
    OrderRow,
    PaymentAttemptRow,
    PaymentRow,
)

if TYPE_CHECKING:
    from starlette.requests import Request

engine = create_async_engine(os.environ["BENCH_SQLALCHEMY_URL"], pool_size=20, max_overflow=60)


async def webhook(request: Request) -> JSONResponse:
    """Settle one delivery."""
    body = await request.body()
    stripe.Webhook.construct_event(body, request.headers["stripe-signature"], WEBHOOK_SECRET)
    event = await request.json()
    intent = event["data"]["object"]
    async with AsyncSession(engine, expire_on_commit=False) as session:
        known = await session.exec(
            select(InboxEventRow).where(
                InboxEventRow.gateway == "STRIPE", InboxEventRow.external_id == event["id"]
            )
        )
        if known.first() is None:
            await _settle(session, event, intent, body)
            await session.commit()
    return JSONResponse({"status": "APPLIED"})


async def _settle(session: AsyncSession, event: dict[str, Any], intent: dict[str, Any], body: bytes) -> None:
    now = datetime.now(UTC)
    payment = await session.get_one(PaymentRow, UUID(intent["metadata"]["payment_id"]))
    order = await session.get_one(OrderRow, payment.order_id, with_for_update=True)
    charge = intent["latest_charge"]
    amount = {"amount_minor": intent["amount_received"], "currency": "INR"}
    session.add(
        InboxEventRow(
            id=new_id(),
            gateway="STRIPE",
            external_id=event["id"],
            type=event["type"],
            status="APPLIED",
            deliveries=1,
            attempts=1,
            error=None,
            body=body,
            payment_id=payment.id,
            named_payment_id=payment.id,
            reference=intent["id"],
            received_at=now,
            applied_at=now,
        )
    )
    session.add(
        FactRow(
            gateway="STRIPE",
            object_id=charge,
            kind="CAPTURED",
            payment_id=payment.id,
            attempt_id=charge,
            recorded_at=now,
            reported_at=now,
            own_id=None,
            **amount,
        )
    )
    session.add(
        PaymentAttemptRow(
            payment_id=payment.id,
            reference=charge,
            status="SUCCEEDED",
            method=None,
            failure=None,
            failed=False,
            created_at=now,
        )
    )
    payment.status = "SUCCEEDED"
    payment.captured_minor = payment.authorized_minor = intent["amount_received"]
    payment.updated_at = now
    order.status, order.payment_status = "CONFIRMED", "PAID"
    order.paid_minor = intent["amount_received"]
    order.version += 2
    order.updated_at = now
    for step, type_ in ((1, "PAYMENT_SUCCEEDED"), (0, "ORDER_CONFIRMED")):
        session.add(
            OrderEventRow(
                order_id=order.id,
                version=order.version - step,
                type=type_,
                source="WEBHOOK",
                status="CONFIRMED",
                payment_status="PAID",
                fulfillment_status="UNFULFILLED",
                payment_id=payment.id if step else None,
                occurred_at=now,
                **(amount if step else {}),
            )
        )
    transaction_id = new_id()
    for position, (account, sign) in enumerate((("SALES", -1), ("GATEWAY_CLEARING", 1))):
        session.add(
            LedgerEntryRow(
                transaction_id=transaction_id,
                position=position,
                order_id=order.id,
                payment_id=payment.id,
                account=account,
                amount_minor=sign * intent["amount_received"],
                currency="INR",
                description="capture",
                created_at=now,
            )
        )


app = Starlette(routes=[Route("/webhooks/stripe", webhook, methods=["POST"])])
