"""What can be watched. Whoever may not is told so before the stream begins."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator
from contextlib import aclosing
from typing import Final, TypeVar
from uuid import UUID

import strawberry

from app.checkout.access import require
from app.domain.errors import DomainError, ErrorCode
from app.domain.order import Order as DomainOrder
from app.domain.order import OrderSnapshot, PaymentDetails
from app.error_catalog import CloseCode
from app.live import CursorAheadError, HubFullError, HubStoppedError, LogGapError, OrderUnknownError
from app.scopes import Scope
from app.settle import DatabaseUnavailableError
from app.views import LogPosition, Views
from schema.context import Change, Context, Info
from schema.cursors import decode_log, decode_version, encode_log
from schema.events import OrderEvent
from schema.fields import subscription
from schema.inputs import order_id_of, payment_id_of
from schema.orders import Order
from schema.payments import Payment
from schema.scalars import Cursor

LOG_PAGE: Final = 100
"""Events of all orders in one read of the log."""
LOG_POLL_SECONDS: Final = 0.25
"""How long the log of all orders is left alone after it had nothing new."""
LOG_RETRY_SECONDS: Final = 1.0
_T = TypeVar("_T")


@strawberry.type(description="Over websockets (graphql-transport-ws) and event streams (graphql-sse).")
class Subscription:
    """The subscriptions. Each checks the caller first, and returns the stream then."""

    @subscription("The order now, and again after every committed change; a slow reader skips to the newest.")
    async def order_updated(self, info: Info, id: strawberry.ID) -> AsyncIterable[Order]:  # noqa: A002 - the contract's name
        """Watch an order."""
        return FollowedOrder(info.context, await _watchable(info.context, order_id_of(id), "id"))

    @subscription(
        "Every event once, in order: all after the cursor first, then live. Without a cursor, from now on."
    )
    async def order_events(
        self, info: Info, order_id: strawberry.ID, after: Cursor | None = None
    ) -> AsyncIterable[OrderEvent]:
        """Follow an order's log."""
        order = await _watchable(info.context, order_id_of(order_id), "orderId")
        version = None if after is None else decode_version(after, order.id)
        if version is not None and version > order.version:
            raise _beyond_the_log()
        return FollowedEvents(info.context, order, version)

    @subscription("The payment now, and again whenever it has changed.")
    async def payment_updated(self, info: Info, id: strawberry.ID) -> AsyncGenerator[Payment, None]:  # noqa: A002 - the contract's name
        """Watch a payment."""
        context = info.context
        payment_id = payment_id_of(id)
        payment = await context.services.views.payment(context.caller, payment_id) if payment_id else None
        if payment is None:
            raise DomainError(ErrorCode.NOT_FOUND, "There is no such payment, or it is not yours.", ("id",))
        order = await _watchable(context, payment.order_id, "id")
        return _ending(context, _payments(context, order, payment.id))

    @subscription("Staff: every order's events, in commit order, resumable.")
    async def all_order_events(
        self, info: Info, after: Cursor | None = None
    ) -> AsyncGenerator[OrderEvent, None]:
        """Follow the log of all orders."""
        context = info.context
        require(context.caller, Scope.READ)
        views = context.services.views
        position = await views.log_end() if after is None else decode_log(after)
        return _log(context, views, position)


class FollowedOrder:
    """The states of an order that its watcher may see. Whoever knows better than to iterate shares them with others."""

    def __init__(self, context: Context, known: DomainOrder) -> None:
        self.context = context
        self.known = known

    def __aiter__(self) -> AsyncIterator[Order]:
        return _ending(self.context, _orders(self.context, self.known))


class FollowedEvents:
    """The events of an order, likewise, from the one that follows a version on."""

    def __init__(self, context: Context, known: DomainOrder, after: int | None) -> None:
        self.context = context
        self.known = known
        self.after = after

    def __aiter__(self) -> AsyncIterator[OrderEvent]:
        return _ending(self.context, _events(self.context, self.known, self.after))


async def _watchable(context: Context, order_id: UUID | None, field: str) -> DomainOrder:
    order = await context.services.views.order(context.caller, order_id) if order_id else None
    if order is None:
        raise DomainError(ErrorCode.NOT_FOUND, "There is no such order, or it is not yours.", (field,))
    return order


async def _orders(context: Context, known: DomainOrder) -> AsyncGenerator[Order, None]:
    async with aclosing(context.services.hub.orders(known.id)) as snapshots:
        async for snapshot in snapshots:
            _tell(context, known, snapshot.order.version)
            yield Order.of_snapshot(snapshot)


async def _events(
    context: Context, known: DomainOrder, after: int | None
) -> AsyncGenerator[OrderEvent, None]:
    async with aclosing(context.services.hub.events(known.id, after)) as events:
        async for event, snapshot in events:
            _tell(context, known, event.version)
            yield OrderEvent.of(event, holder=Order.of_snapshot(snapshot))


async def _payments(context: Context, known: DomainOrder, payment_id: UUID) -> AsyncGenerator[Payment, None]:
    shown: PaymentDetails | None = None
    async with aclosing(context.services.hub.orders(known.id)) as snapshots:
        async for snapshot in snapshots:
            details = _payment_in(snapshot, payment_id)
            if details is None or details == shown:
                continue
            shown = details
            _tell(context, known, snapshot.order.version)
            yield Payment.of_details(details, snapshot)


def _payment_in(snapshot: OrderSnapshot, payment_id: UUID) -> PaymentDetails | None:
    return next((details for details in snapshot.payments if details.payment.id == payment_id), None)


async def _log(context: Context, views: Views, position: LogPosition) -> AsyncGenerator[OrderEvent, None]:
    while True:
        try:
            page = await views.log(position, LOG_PAGE)
        except DatabaseUnavailableError:
            await asyncio.sleep(LOG_RETRY_SECONDS)  # the stream outlives a database that is away
            continue
        for reached, event in page:
            position = reached
            context.forget()
            yield OrderEvent.of(event, cursor=encode_log(reached))
        if len(page) < LOG_PAGE:
            await asyncio.sleep(LOG_POLL_SECONDS)


def _tell(context: Context, known: DomainOrder, version: int) -> None:
    """Note what the next frame tells of, and have what is not in it read anew."""
    context.forget()
    context.change = Change(known.id, version) if version > known.version else None


async def _ending(context: Context, stream: AsyncGenerator[_T, None]) -> AsyncGenerator[_T, None]:
    """Pass a stream of the hub's on, and say how its end is meant."""
    async with aclosing(stream) as items:
        try:
            async for item in items:
                yield item
        except (HubStoppedError, HubFullError) as error:
            context.close_code = close_code_of(error)
            raise
        except LookupError as error:
            raise shown(error) from error


def close_code_of(error: HubStoppedError | HubFullError) -> CloseCode:
    """Return with what a socket is closed whose stream is not over, but can't go on here."""
    is_over = isinstance(error, HubStoppedError)
    return CloseCode.SERVICE_RESTART if is_over else CloseCode.TRY_AGAIN_LATER


def shown(error: LookupError) -> Exception:
    """Return what is told of an end by the hub."""
    match error:
        case CursorAheadError():
            return _beyond_the_log()
        case LogGapError():
            return DomainError(
                ErrorCode.INVALID,
                "The log no longer goes back to this cursor. Read the order, and follow it without a cursor.",
                ("after",),
            )
        case OrderUnknownError():
            return DomainError(ErrorCode.NOT_FOUND, "There is no such order, or it is not yours.", ("id",))
        case _:
            return error


def _beyond_the_log() -> DomainError:
    return DomainError(
        ErrorCode.INVALID,
        "The order has not come as far as this cursor: it is another order's. Send one that this order's log gave.",
        ("after",),
    )
