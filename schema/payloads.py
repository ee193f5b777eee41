"""What mutations answer: the things as they are now, or why not. Expected failures are data."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Self

import strawberry

from app.domain.errors import DomainError
from app.idempotency import Answer
from schema.context import Context
from schema.enums import ErrorCode
from schema.orders import Order
from schema.payments import Payment
from schema.products import Product
from schema.refunds import Refund
from schema.staff import InboxEvent, SuspenseItem

_REPLAYED = "This key was used before, and this is the first call's answer again."


@strawberry.type(description="Why a request was refused, and what to do about it.")
class UserError:
    """One refusal."""

    code: ErrorCode
    message: str
    field: list[str] | None = strawberry.field(description="The path of the input that is at fault.")

    @classmethod
    def of(cls, refusal: DomainError) -> Self:
        """Return the API's form of a refusal."""
        return cls(code=refusal.code, message=refusal.message, field=list(refusal.field) or None)


def errors_of(refusal: DomainError | None) -> list[UserError]:
    """Return a payload's `errors`."""
    return [UserError.of(refusal)] if refusal else []


async def answer_of(call: Callable[[], Awaitable[Answer]]) -> Answer:
    """Make the call and return its answer; a refusal is an answer, too."""
    try:
        return await call()
    except DomainError as refusal:
        return Answer(error=refusal)


@strawberry.type(description="What became of a request around an order.")
class OrderPayload:
    """An order, or why not."""

    order: Order | None
    access_token: str | None = strawberry.field(
        description="Opens the new order, to pay and to watch it: `Authorization: Bearer oat_…`. Keep it secret."
    )
    replayed: bool = strawberry.field(description=_REPLAYED)
    errors: list[UserError]

    @classmethod
    async def of(cls, context: Context, answer: Answer) -> Self:
        """Return an answer with its things as they are now."""
        token_id = answer.token_id
        return cls(
            order=await _order(context, answer),
            access_token=context.services.authenticator.order_token(token_id) if token_id else None,
            replayed=answer.replayed,
            errors=errors_of(answer.error),
        )


@strawberry.type(description="What became of a request around a payment.")
class PaymentPayload:
    """A payment, or why not."""

    payment: Payment | None
    order: Order | None
    replayed: bool = strawberry.field(description=_REPLAYED)
    errors: list[UserError]

    @classmethod
    async def of(cls, context: Context, answer: Answer) -> Self:
        """Return an answer with its things as they are now."""
        order = await _order(context, answer)
        return cls(
            payment=await _payment(context, answer),
            order=order,
            replayed=answer.replayed,
            errors=errors_of(answer.error),
        )


@strawberry.type(description="What became of a refund.")
class RefundPayload:
    """A refund, or why not."""

    refund: Refund | None
    payment: Payment | None
    order: Order | None
    replayed: bool = strawberry.field(description=_REPLAYED)
    errors: list[UserError]

    @classmethod
    async def of(cls, context: Context, answer: Answer) -> Self:
        """Return an answer with its things as they are now."""
        order = await _order(context, answer)
        return cls(
            refund=await _refund(context, answer),
            payment=await _payment(context, answer),
            order=order,
            replayed=answer.replayed,
            errors=errors_of(answer.error),
        )


@strawberry.type(description="What became of a product.")
class ProductPayload:
    """A product, or why not."""

    product: Product | None
    errors: list[UserError]


@strawberry.type(description="A key to one order.")
class OrderAccessTokenPayload:
    """A guest's key, or why not."""

    access_token: str | None = strawberry.field(
        description="Opens this one order, to pay and to watch it. Keep it secret."
    )
    expires_at: datetime | None
    errors: list[UserError]


@strawberry.type(description="What became of keys to one order.")
class OrderAccessTokenRevokePayload:
    """How many are good no more, or why not."""

    revoked: int = strawberry.field(description="How many were good until now.")
    errors: list[UserError]


@strawberry.type(description="What became of a delivery that was to be tried again.")
class InboxEventPayload:
    """A delivery, or why not."""

    inbox_event: InboxEvent | None
    errors: list[UserError]


@strawberry.type(description="What became of a word on money in suspense.")
class SuspensePayload:
    """An item, or why not."""

    item: SuspenseItem | None
    errors: list[UserError]

    @classmethod
    async def of(cls, context: Context, answer: Answer) -> Self:
        """Return an answer with its item as it is now."""
        context.forget()
        views = context.services.views.staff
        item = await views.suspense_item(context.caller, answer.suspense_id) if answer.suspense_id else None
        return cls(item=SuspenseItem.of(item) if item else None, errors=errors_of(answer.error))


async def _order(context: Context, answer: Answer) -> Order | None:
    """Read the order of an answer. The use case has checked that it is the caller's, or has just made it."""
    context.forget()
    order = await context.loaders.orders.load(answer.order_id) if answer.order_id else None
    return Order.of(order) if order else None


async def _payment(context: Context, answer: Answer) -> Payment | None:
    if answer.order_id is None or answer.payment_id is None:
        return None
    payments = await context.loaders.payments.load(answer.order_id)
    return next((Payment.of(payment) for payment in payments if payment.id == answer.payment_id), None)


async def _refund(context: Context, answer: Answer) -> Refund | None:
    if answer.payment_id is None or answer.refund_id is None:
        return None
    refunds = await context.loaders.refunds.load(answer.payment_id)
    return next((Refund.of(refund) for refund in refunds if refund.id == answer.refund_id), None)
