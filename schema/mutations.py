"""What can be done: each translates its input, calls one use case, and shows the outcome as it is now."""

import strawberry

from app.domain.errors import DomainError
from app.domain.ids import IdPrefix, decode_as
from schema.context import Info
from schema.fields import field
from schema.inputs import (
    OrderCancelInput,
    OrderCreateInput,
    OrderFulfillInput,
    PaymentCancelInput,
    PaymentCaptureInput,
    PaymentConfirmInput,
    PaymentCreateInput,
    ProductUpsertInput,
    RefundCreateInput,
    SuspenseResolveInput,
    json_object,
    order_id_of,
    payment_id_of,
)
from schema.payloads import (
    InboxEventPayload,
    OrderAccessTokenPayload,
    OrderAccessTokenRevokePayload,
    OrderPayload,
    PaymentPayload,
    ProductPayload,
    RefundPayload,
    SuspensePayload,
    answer_of,
    errors_of,
)
from schema.products import Product
from schema.staff import InboxEvent

_TOKEN_TTL_SECONDS = 604_800


@strawberry.type(
    description=(
        "Expected failures are data: `errors` of the payload. GraphQL errors are for bad requests and our own "
        "faults."
    )
)
class Mutation:
    """The mutations. `input` is the contract's name for what they take."""

    @field("Staff.")
    async def product_upsert(self, info: Info, input: ProductUpsertInput) -> ProductPayload:  # noqa: A002 - as above
        """Write a product."""
        context = info.context
        try:
            product = await context.services.catalog.upsert(context.caller, input.to_domain())
        except DomainError as refusal:
            return ProductPayload(product=None, errors=errors_of(refusal))
        return ProductPayload(product=Product.of(product), errors=[])

    @field(
        "Anyone may order from the catalogue (rate-limited); the answer's `accessToken` opens this order to "
        "pay and to watch."
    )
    async def order_create(self, info: Info, input: OrderCreateInput) -> OrderPayload:  # noqa: A002 - as above
        """Make an order."""
        context = info.context
        answer = await answer_of(
            lambda: context.services.ordering.create(context.caller, input.to_domain(), input.idempotency_key)
        )
        return await OrderPayload.of(context, answer)

    @field("Open payments are canceled at their gateways first. A confirmed order is canceled by staff only.")
    async def order_cancel(self, info: Info, input: OrderCancelInput) -> OrderPayload:  # noqa: A002 - as above
        """Cancel an order."""
        context = info.context
        answer = await answer_of(
            lambda: context.services.ordering.cancel(
                context.caller,
                order_id_of(input.order_id),
                input.reason,
                input.expected_version,
                input.idempotency_key,
            )
        )
        return await OrderPayload.of(context, answer)

    @field("Staff.")
    async def order_fulfill(self, info: Info, input: OrderFulfillInput) -> OrderPayload:  # noqa: A002 - as above
        """Say where the goods are."""
        context = info.context
        answer = await answer_of(
            lambda: context.services.ordering.fulfill(
                context.caller,
                order_id_of(input.order_id),
                input.status,
                input.message,
                input.expected_version,
                input.idempotency_key,
            )
        )
        return await OrderPayload.of(context, answer)

    @field("A scoped, expiring secret for one order: a guest's live tracking link.")
    async def order_access_token_create(
        self, info: Info, order_id: strawberry.ID, ttl_seconds: int | None = _TOKEN_TTL_SECONDS
    ) -> OrderAccessTokenPayload:
        """Make a key to an order."""
        context = info.context
        seconds = _TOKEN_TTL_SECONDS if ttl_seconds is None else ttl_seconds
        try:
            token, expires_at = await context.services.ordering.create_token(
                context.caller, order_id_of(order_id), seconds
            )
        except DomainError as refusal:
            return OrderAccessTokenPayload(access_token=None, expires_at=None, errors=errors_of(refusal))
        return OrderAccessTokenPayload(access_token=token, expires_at=expires_at, errors=[])

    @field(
        "Revokes one access token of an order, or without `accessToken` all of them. What is watched by it ends within"
        " half a minute."
    )
    async def order_access_token_revoke(
        self, info: Info, order_id: strawberry.ID, access_token: str | None = None
    ) -> OrderAccessTokenRevokePayload:
        """Take keys to an order back."""
        context = info.context
        try:
            revoked = await context.services.ordering.revoke_tokens(
                context.caller, order_id_of(order_id), access_token
            )
        except DomainError as refusal:
            return OrderAccessTokenRevokePayload(revoked=0, errors=errors_of(refusal))
        return OrderAccessTokenRevokePayload(revoked=revoked, errors=[])

    @field("Opens a payment at a gateway. `nextAction` says how the shopper goes on.")
    async def payment_create(self, info: Info, input: PaymentCreateInput) -> PaymentPayload:  # noqa: A002 - as above
        """Open a payment."""
        context = info.context
        answer = await answer_of(
            lambda: context.services.paying.create(
                context.caller, order_id_of(input.order_id), input.to_domain(), input.idempotency_key
            )
        )
        return await PaymentPayload.of(context, answer)

    @field("After the shopper came back from the gateway: shows the outcome at once.")
    async def payment_confirm(self, info: Info, input: PaymentConfirmInput) -> PaymentPayload:  # noqa: A002 - as above
        """Take what the gateway's browser SDK handed back."""
        context = info.context
        answer = await answer_of(
            lambda: context.services.paying.confirm(
                context.caller,
                payment_id_of(input.payment_id),
                json_object(input.gateway_data, "gatewayData") or {},
                input.idempotency_key,
            )
        )
        return await PaymentPayload.of(context, answer)

    @field("Staff.")
    async def payment_capture(self, info: Info, input: PaymentCaptureInput) -> PaymentPayload:  # noqa: A002 - as above
        """Capture an authorisation."""
        context = info.context
        answer = await answer_of(
            lambda: context.services.paying.capture(
                context.caller,
                payment_id_of(input.payment_id),
                input.amount.to_domain("amount") if input.amount else None,
                input.idempotency_key,
                final=input.final_capture is not False,
            )
        )
        return await PaymentPayload.of(context, answer)

    @field(
        "Gives a payment up at its gateway, and releases what is held. It becomes CANCELED, or EXPIRED where the"
        " gateway can't promise that no money comes any more: such a payment is still asked after."
    )
    async def payment_cancel(self, info: Info, input: PaymentCancelInput) -> PaymentPayload:  # noqa: A002 - as above
        """Cancel a payment."""
        context = info.context
        answer = await answer_of(
            lambda: context.services.paying.cancel(
                context.caller, payment_id_of(input.payment_id), input.reason, input.idempotency_key
            )
        )
        return await PaymentPayload.of(context, answer)

    @field("Ask the gateway now; rate-limited.")
    async def payment_sync(self, info: Info, id: strawberry.ID) -> PaymentPayload:  # noqa: A002 - the contract's name
        """Ask after a payment."""
        context = info.context
        answer = await answer_of(lambda: context.services.paying.sync(context.caller, payment_id_of(id)))
        return await PaymentPayload.of(context, answer)

    @field(
        "Staff. Tries a delivery again that failed or matched nothing, also one that was given up: a worker takes it "
        "up at once."
    )
    async def inbox_event_replay(self, info: Info, id: strawberry.ID) -> InboxEventPayload:  # noqa: A002 - the contract's name
        """Have a delivery tried again."""
        context = info.context
        event_id = decode_as(IdPrefix.INBOX_EVENT, id)
        try:
            await context.services.replays.replay(context.caller, event_id)
        except DomainError as refusal:
            return InboxEventPayload(inbox_event=None, errors=errors_of(refusal))
        context.forget()
        views = context.services.views.staff
        event = await views.inbox_event(context.caller, event_id) if event_id else None
        return InboxEventPayload(inbox_event=InboxEvent.of(event) if event else None, errors=[])

    @field("Staff.")
    async def refund_create(self, info: Info, input: RefundCreateInput) -> RefundPayload:  # noqa: A002 - as above
        """Give captured money back."""
        context = info.context
        answer = await answer_of(
            lambda: context.services.paying.refund(
                context.caller,
                payment_id_of(input.payment_id),
                input.amount.to_domain("amount") if input.amount else None,
                input.reason,
                input.idempotency_key,
            )
        )
        return await RefundPayload.of(context, answer)

    @field("Staff. Gives money in suspense its place, once.")
    async def suspense_resolve(self, info: Info, input: SuspenseResolveInput) -> SuspensePayload:  # noqa: A002 - as above
        """Give held money a place."""
        context = info.context
        answer = await answer_of(
            lambda: context.services.suspense.resolve(
                context.caller,
                decode_as(IdPrefix.SUSPENSE_ITEM, input.id),
                input.resolution,
                order_id_of(input.order_id) if input.order_id else None,
                input.message,
                input.idempotency_key,
            )
        )
        return await SuspensePayload.of(context, answer)
