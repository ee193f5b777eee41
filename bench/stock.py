"""The stock way, as a yardstick: Strawberry's own websocket handler, a generator for each subscription, broadcaster.

The webhook is the tutorial's, and publishes the order's id in memory after its commit; each watcher then has its own
execution over what it reads for itself.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncGenerator  # noqa: TC003 - Strawberry reads it
from typing import TYPE_CHECKING
from uuid import UUID

import strawberry
from broadcaster import Broadcast
from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession
from starlette.applications import Starlette
from starlette.routing import Route, WebSocketRoute
from strawberry.asgi import GraphQL
from strawberry.subscriptions import GRAPHQL_TRANSPORT_WS_PROTOCOL

from app.domain.ids import IdPrefix, decode_as
from bench import tutorial
from db.tables import OrderRow, PaymentRow

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request
    from starlette.responses import JSONResponse

_broadcast = Broadcast("memory://")


@strawberry.type
class Payment:
    """A payment."""

    id: strawberry.ID
    status: str


@strawberry.type
class Order:
    """An order, as far as it is watched."""

    id: strawberry.ID
    version: int
    status: str
    payment_status: str
    payments: list[Payment]


@strawberry.type
class Query:
    """A schema has one."""

    there: bool = True


@strawberry.type
class Subscription:
    """What can be watched."""

    @strawberry.subscription
    async def order_updated(self, id: strawberry.ID) -> AsyncGenerator[Order, None]:  # noqa: A002 - the contract's name
        """The order now, and again after every change."""
        order_id = decode_as(IdPrefix.ORDER, id)
        assert order_id is not None
        async with _broadcast.subscribe(channel=str(order_id)) as changes:
            yield await _read(id, order_id)
            async for _ in changes:  # type: ignore[union-attr]  # as its documentation has it
                yield await _read(id, order_id)


async def _read(public_id: strawberry.ID, order_id: UUID) -> Order:
    async with AsyncSession(tutorial.engine) as session:
        row = await session.get_one(OrderRow, order_id)
        payments = await session.exec(select(PaymentRow).where(PaymentRow.order_id == order_id))
        return Order(
            id=public_id,
            version=row.version,
            status=row.status,
            payment_status=row.payment_status,
            payments=[Payment(id=strawberry.ID(str(each.id)), status=each.status) for each in payments],
        )


async def webhook(request: Request) -> JSONResponse:
    """Settle one delivery, and tell of it."""
    answer = await tutorial.webhook(request)
    intent = json.loads(await request.body())["data"]["object"]
    async with AsyncSession(tutorial.engine) as session:
        payment = await session.get_one(PaymentRow, UUID(intent["metadata"]["payment_id"]))
    await _broadcast.publish(channel=str(payment.order_id), message="changed")
    return answer


@contextlib.asynccontextmanager
async def _connected(_: Starlette) -> AsyncIterator[None]:
    async with _broadcast:
        yield


_graphql = GraphQL[None, None](
    strawberry.Schema(query=Query, subscription=Subscription),
    subscription_protocols=[GRAPHQL_TRANSPORT_WS_PROTOCOL],
)
app = Starlette(
    routes=[Route("/webhooks/stripe", webhook, methods=["POST"]), WebSocketRoute("/graphql", _graphql)],
    lifespan=_connected,
)
