"""What staff see beyond orders: deliveries as they came, money in suspense, the ledger, what a time came to."""

from datetime import datetime
from typing import Self
from uuid import UUID

import strawberry

from app import staff
from app.domain import order, suspense
from app.domain.ids import IdPrefix, encode_id
from app.scopes import Scope
from app.views import Page
from schema.bodies import shown_body
from schema.connections import PageInfo, page_info
from schema.context import Context, Info
from schema.cursors import encode_inbox_event, encode_payment, encode_suspense_item
from schema.enums import Gateway, InboxEventStatus, LedgerAccount, SuspenseReason, SuspenseResolution
from schema.fields import field
from schema.money import Money
from schema.node import Node
from schema.orders import Order
from schema.payments import Payment
from schema.scalars import JSON, Cursor


@strawberry.type(description="One webhook delivery as it came, kept before anything was made of it.")
class InboxEvent(Node):
    """One delivery."""

    gateway: Gateway
    external_id: str = strawberry.field(description="What the gateway calls the event.")
    type: str = strawberry.field(description="What the gateway calls this kind of event.")
    status: InboxEventStatus
    deliveries: int = strawberry.field(description="How often the gateway sent it.")
    attempts: int = strawberry.field(description="How often it was tried to be applied.")
    error: str | None = strawberry.field(description="Why it was not applied.")
    received_at: datetime
    applied_at: datetime | None
    row: strawberry.Private[staff.InboxEvent]

    @classmethod
    def of(cls, event: staff.InboxEvent) -> Self:
        """Return the API's form of a delivery."""
        return cls(
            id=strawberry.ID(encode_id(IdPrefix.INBOX_EVENT, event.id)),
            gateway=event.gateway,
            external_id=event.external_id,
            type=event.type,
            status=event.status,
            deliveries=event.deliveries,
            attempts=event.attempts,
            error=event.error,
            received_at=event.received_at,
            applied_at=event.applied_at,
            row=event,
        )

    @field(
        "As it came: JSON, or a string when it is none. Integers beyond ±2^53 are strings; card numbers and VPAs are"
        " masked."
    )
    def body(self) -> JSON:
        """Return the body."""
        return shown_body(self.row.body)

    @field("The payment that it was applied to, or would have been; with `orders:read` only.")
    async def payment(self, info: Info) -> Payment | None:
        """Return the payment."""
        return await _payment(info.context, self.row.payment_id)


@strawberry.type(description="A delivery and its place in the list.")
class InboxEventEdge:
    """A delivery in a page."""

    node: InboxEvent
    cursor: Cursor


@strawberry.type(description="A page of deliveries, newest first.")
class InboxEventConnection:
    """A page of deliveries."""

    edges: list[InboxEventEdge]
    nodes: list[InboxEvent]
    page_info: PageInfo

    @classmethod
    def of(cls, page: Page[staff.InboxEvent], *, after: str | None) -> Self:
        """Return the API's form of a page of deliveries."""
        nodes = [InboxEvent.of(event) for event in page.items]
        cursors = [encode_inbox_event(event.id) for event in page.items]
        return cls(
            edges=[
                InboxEventEdge(node=node, cursor=cursor) for node, cursor in zip(nodes, cursors, strict=True)
            ],
            nodes=nodes,
            page_info=page_info(cursors, has_more=page.has_more, after=after),
        )


@strawberry.type(description="A payment and its place in the list of all.")
class PaymentEdge:
    """A payment in a page."""

    node: Payment
    cursor: Cursor


@strawberry.type(description="A page of payments, newest first.")
class PaymentConnection:
    """A page of payments."""

    edges: list[PaymentEdge]
    nodes: list[Payment]
    page_info: PageInfo

    @classmethod
    def of(cls, page: Page[order.Payment], *, after: str | None) -> Self:
        """Return the API's form of a page of payments."""
        nodes = [Payment.of(payment) for payment in page.items]
        cursors = [encode_payment(payment.id) for payment in page.items]
        return cls(
            edges=[
                PaymentEdge(node=node, cursor=cursor) for node, cursor in zip(nodes, cursors, strict=True)
            ],
            nodes=nodes,
            page_info=page_info(cursors, has_more=page.has_more, after=after),
        )


@strawberry.type(description="Money that we hold and that no order may keep yet.")
class SuspenseItem(Node):
    """One item."""

    reason: SuspenseReason
    amount: Money
    gateway: Gateway
    reference: str = strawberry.field(
        description="The gateway's id of the payment, or ours where the gateway gave none."
    )
    resolution: SuspenseResolution | None = strawberry.field(
        description="What became of it; null while it is open."
    )
    created_at: datetime
    resolved_at: datetime | None
    row: strawberry.Private[suspense.SuspenseItem]

    @classmethod
    def of(cls, item: suspense.SuspenseItem) -> Self:
        """Return the API's form of a suspense item."""
        return cls(
            id=strawberry.ID(encode_id(IdPrefix.SUSPENSE_ITEM, item.id)),
            reason=item.reason,
            amount=Money.of(item.amount),
            gateway=item.gateway,
            reference=item.reference,
            resolution=item.resolution,
            created_at=item.created_at,
            resolved_at=item.resolved_at,
            row=item,
        )

    @field("The order that it came for; null when nobody knows, or without `orders:read`.")
    async def order(self, info: Info) -> Order | None:
        """Return the order."""
        order_id = self.row.order_id
        may_see = info.context.caller.has(Scope.READ)
        found = await info.context.loaders.orders.load(order_id) if order_id and may_see else None
        return Order.of(found) if found else None

    @field("The payment that it came with; null when nobody knows, or without `orders:read`.")
    async def payment(self, info: Info) -> Payment | None:
        """Return the payment."""
        return await _payment(info.context, self.row.payment_id)


@strawberry.type(description="A suspense item and its place in the list.")
class SuspenseEdge:
    """A suspense item in a page."""

    node: SuspenseItem
    cursor: Cursor


@strawberry.type(description="A page of suspense items, newest first.")
class SuspenseConnection:
    """A page of suspense items."""

    edges: list[SuspenseEdge]
    nodes: list[SuspenseItem]
    page_info: PageInfo

    @classmethod
    def of(cls, page: Page[suspense.SuspenseItem], *, after: str | None) -> Self:
        """Return the API's form of a page of suspense items."""
        nodes = [SuspenseItem.of(item) for item in page.items]
        cursors = [encode_suspense_item(item) for item in page.items]
        return cls(
            edges=[
                SuspenseEdge(node=node, cursor=cursor) for node, cursor in zip(nodes, cursors, strict=True)
            ],
            nodes=nodes,
            page_info=page_info(cursors, has_more=page.has_more, after=after),
        )


@strawberry.type(description="Double entry: the amounts of one transaction add up to zero in each currency.")
class LedgerEntry:
    """One entry."""

    transaction_id: strawberry.ID
    account: LedgerAccount
    amount: Money = strawberry.field(
        description="Above zero for a debit of the account, below zero for a credit."
    )
    payment_id: strawberry.ID | None
    description: str
    created_at: datetime

    @classmethod
    def of(cls, entry: staff.LedgerEntry) -> Self:
        """Return the API's form of an entry."""
        return cls(
            transaction_id=strawberry.ID(encode_id(IdPrefix.LEDGER_TRANSACTION, entry.transaction_id)),
            account=entry.account,
            amount=Money.of(entry.amount),
            payment_id=strawberry.ID(encode_id(IdPrefix.PAYMENT, entry.payment_id)),
            description=entry.description,
            created_at=entry.created_at,
        )


@strawberry.type(description="What came in since an instant, and what waits now.")
class PaymentStatistics:
    """The figures."""

    received: int = strawberry.field(description="Webhook deliveries that came, each counted once.")
    applied: int = strawberry.field(
        description="Those of them that changed a payment, or had nothing to change."
    )
    succeeded: int = strawberry.field(description="Payments opened since then that have succeeded.")
    failed: int = strawberry.field(description="Payments opened since then whose last try failed.")
    pending_oldest_seconds: float | None = strawberry.field(
        description="The age of the oldest payment opened since then whose outcome is still open; null when none is."
    )
    unmatched: int = strawberry.field(description="Deliveries that match no payment, now.")
    suspense_open: int = strawberry.field(description="Suspense items that are open, now.")
    push_latency_p50: float | None = strawberry.field(
        name="pushLatencyP50",
        description=(
            "Webhook received to subscription frame written, in milliseconds, by this process; null without any."
        ),
    )
    push_latency_p99: float | None = strawberry.field(name="pushLatencyP99")

    @classmethod
    def of(cls, given: staff.Statistics, latencies: tuple[float, float] | None) -> Self:
        """Return the API's form; `latencies` are the median and the 99th percentile in seconds."""
        median, slowest = latencies or (None, None)
        return cls(
            received=given.received,
            applied=given.applied,
            succeeded=given.succeeded,
            failed=given.failed,
            pending_oldest_seconds=given.pending_oldest_seconds,
            unmatched=given.unmatched,
            suspense_open=given.suspense_open,
            push_latency_p50=None if median is None else median * 1000,
            push_latency_p99=None if slowest is None else slowest * 1000,
        )


@strawberry.type(
    description="What one gateway's payments that were opened in one minute have come to so far."
)
class PaymentActivity:
    """A minute of a gateway."""

    starts_at: datetime = strawberry.field(description="The minute's beginning.")
    gateway: Gateway
    opened: int
    succeeded: int
    failed: int = strawberry.field(description="Those whose last try failed.")

    @classmethod
    def of(cls, given: staff.Activity) -> Self:
        """Return the API's form."""
        return cls(
            starts_at=given.starts_at,
            gateway=given.gateway,
            opened=given.opened,
            succeeded=given.succeeded,
            failed=given.failed,
        )


@strawberry.type(description="Whether a gateway that is set up here answers.")
class GatewayHealth:
    """A gateway's health."""

    gateway: Gateway
    available: bool = strawberry.field(
        description=(
            "Whether calls are sent to it now. False while it is left alone because it did not answer, as far as this "
            "process knows."
        )
    )


async def _payment(context: Context, payment_id: UUID | None) -> Payment | None:
    """Lead from what staff see to the payment, and by it to its order: for those who may see every order."""
    may_see = context.caller.has(Scope.READ)
    payment = await context.loaders.payment.load(payment_id) if payment_id and may_see else None
    return Payment.of(payment) if payment else None
