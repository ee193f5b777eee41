"""What can be asked."""

from collections.abc import Sequence
from datetime import datetime

import strawberry

from app.checkout.access import require
from app.domain.ids import IdPrefix, decode_id
from app.domain.machines import MACHINES
from app.gateways import Gateway as GatewayAdapter
from app.scopes import Scope
from schema.connections import page_size
from schema.context import Info
from schema.cursors import decode_product, decode_suspense_item
from schema.enums import OrderSort, PaymentMethodType, StateMachineKind
from schema.fields import field
from schema.filters import (
    InboxFilter,
    OrderFilter,
    PaymentFilter,
    criteria_of,
    inbox_criteria_of,
    payment_criteria_of,
)
from schema.inputs import order_id_of, payment_id_of
from schema.integrity import IntegrityReport
from schema.machines import StateMachine
from schema.node import Node
from schema.orders import Order, OrderConnection
from schema.payments import Payment, PaymentGatewayOption
from schema.products import Product, ProductConnection
from schema.refunds import Dispute, Refund
from schema.scalars import JSON, CountryCode, CurrencyCode, Cursor
from schema.staff import (
    GatewayHealth,
    InboxEvent,
    InboxEventConnection,
    LedgerEntry,
    PaymentActivity,
    PaymentConnection,
    PaymentStatistics,
    SuspenseConnection,
    SuspenseItem,
)
from schema.viewer import Viewer

_PRODUCTS_DEFAULT = 50
_ORDERS_DEFAULT = 20
_STAFF_DEFAULT = 50
_MINUTES_DEFAULT = 60


@strawberry.type(
    description="What is somebody else's looks exactly like what is missing: null, or NOT_FOUND."
)
class Query:
    """The queries."""

    @field("Anything that has an id.")
    async def node(self, info: Info, id: strawberry.ID) -> Node | None:  # noqa: A002, PLR0911 - the contract's name; a table
        """Find a thing by its id."""
        views, caller = info.context.services.views, info.context.caller
        match decode_id(id):
            case IdPrefix.ORDER, order_id:
                order = await views.order(caller, order_id)
                return Order.of(order) if order else None
            case IdPrefix.PAYMENT, payment_id:
                payment = await views.payment(caller, payment_id)
                return Payment.of(payment) if payment else None
            case IdPrefix.REFUND, refund_id:
                refund = await views.refund(caller, refund_id)
                return Refund.of(refund) if refund else None
            case IdPrefix.DISPUTE, dispute_id:
                dispute = await views.dispute(caller, dispute_id)
                return Dispute.of(dispute) if dispute else None
            case IdPrefix.PRODUCT, product_id:
                product = await views.product(caller, product_id)
                return Product.of(product) if product else None
            case IdPrefix.INBOX_EVENT, event_id:
                event = await views.staff.inbox_event(caller, event_id)
                return InboxEvent.of(event) if event else None
            case IdPrefix.SUSPENSE_ITEM, item_id:
                item = await views.staff.suspense_item(caller, item_id)
                return SuspenseItem.of(item) if item else None
            case _:
                return None

    @field("The catalogue. Staff see what is no longer sold, too.")
    async def products(
        self, info: Info, first: int | None = _PRODUCTS_DEFAULT, after: Cursor | None = None
    ) -> ProductConnection:
        """Return a page of the catalogue."""
        context = info.context
        size = page_size(first, _PRODUCTS_DEFAULT)
        position = None if after is None else decode_product(after)
        page = await context.services.views.products(context.caller, position, size)
        return ProductConnection.of(page, after=after)

    @strawberry.field
    async def order(self, info: Info, id: strawberry.ID) -> Order | None:  # noqa: A002 - the contract's name
        """Find an order by its id."""
        order_id = order_id_of(id)
        context = info.context
        order = await context.services.views.order(context.caller, order_id) if order_id else None
        return Order.of(order) if order else None

    @field("The order that a guest's `accessToken` opens, until it expires.")
    async def order_by_access_token(self, info: Info, token: str) -> Order | None:
        """Find an order by a guest's token."""
        order = await info.context.services.views.order_by_token(token)
        return Order.of(order) if order else None

    @field("A customer's own, or with staff scope all.")
    async def orders(
        self,
        info: Info,
        filter: OrderFilter | None = None,  # noqa: A002 - the contract's name
        sort: OrderSort | None = OrderSort.CREATED_AT_DESC,
        first: int | None = _ORDERS_DEFAULT,
        after: Cursor | None = None,
    ) -> OrderConnection:
        """Return a page of the caller's orders."""
        context = info.context
        sorting = sort or OrderSort.CREATED_AT_DESC
        criteria = criteria_of(filter, sorting, after)
        size = page_size(first, _ORDERS_DEFAULT)
        page = await context.services.views.orders(context.caller, criteria, size)
        return OrderConnection.of(page, sorting, after=after)

    @strawberry.field
    async def payment(self, info: Info, id: strawberry.ID) -> Payment | None:  # noqa: A002 - the contract's name
        """Find a payment by its id."""
        payment_id = payment_id_of(id)
        context = info.context
        payment = await context.services.views.payment(context.caller, payment_id) if payment_id else None
        return Payment.of(payment) if payment else None

    @field(
        "The gateways that can take what this order has left to pay: by currency, amount and health, each with its"
        " methods, the usual one first. With the shopper's country, without methods that nobody has there."
    )
    async def payment_gateways(
        self, info: Info, order_id: strawberry.ID, country: CountryCode | None = None
    ) -> list[PaymentGatewayOption]:
        """Return the choices for the shopper."""
        context = info.context
        options = await context.services.views.payment_options(context.caller, order_id_of(order_id), country)
        return [_option(gateway, methods) for gateway, methods in options]

    @field("The machines as data; the documentation and the database's checks come from the same tables.")
    def state_machine(self, kind: StateMachineKind) -> StateMachine:
        """Return a machine."""
        return StateMachine.of(MACHINES[kind])

    @field("Who is asking: what the credentials of this request may do.")
    def viewer(self, info: Info) -> Viewer:
        """Return the caller."""
        return Viewer.of(info.context.caller)

    @field(
        "Staff. The payments of all orders, newest first. Without `createdAfter`, `reference` or `awaited`, all that"
        " there ever were are looked through."
    )
    async def payments(
        self,
        info: Info,
        filter: PaymentFilter | None = None,  # noqa: A002 - the contract's name
        first: int | None = _STAFF_DEFAULT,
        after: Cursor | None = None,
    ) -> PaymentConnection:
        """Return a page of payments."""
        context = info.context
        size = page_size(first, _STAFF_DEFAULT)
        criteria = payment_criteria_of(filter, after)
        page = await context.services.views.staff.payments(context.caller, criteria, size)
        return PaymentConnection.of(page, after=after)

    @field("Staff. The deliveries of the gateways, newest first.")
    async def inbox_events(
        self,
        info: Info,
        filter: InboxFilter | None = None,  # noqa: A002 - the contract's name
        first: int | None = _STAFF_DEFAULT,
        after: Cursor | None = None,
    ) -> InboxEventConnection:
        """Return a page of deliveries."""
        context = info.context
        size = page_size(first, _STAFF_DEFAULT)
        criteria = inbox_criteria_of(filter, after)
        page = await context.services.views.staff.inbox_events(context.caller, criteria, size)
        return InboxEventConnection.of(page, after=after)

    @field(
        "Staff. Money that no order may keep yet, newest first; `open: false` shows what became of the rest."
    )
    async def suspense_items(
        self,
        info: Info,
        open: bool | None = True,  # noqa: A002 - the contract's name
        first: int | None = _STAFF_DEFAULT,
        after: Cursor | None = None,
    ) -> SuspenseConnection:
        """Return a page of suspense items."""
        context = info.context
        size = page_size(first, _STAFF_DEFAULT)
        before = None if after is None else decode_suspense_item(after)
        page = await context.services.views.staff.suspense_items(
            context.caller, is_open=open, before=before, first=size
        )
        return SuspenseConnection.of(page, after=after)

    @field("Staff. Everything that was booked for an order, oldest first.")
    async def ledger_entries(self, info: Info, order_id: strawberry.ID) -> list[LedgerEntry]:
        """Return an order's ledger."""
        context = info.context
        views = context.services.views.staff
        found = await views.ledger_entries(context.caller, order_id_of(order_id))
        return [LedgerEntry.of(entry) for entry in found]

    @field("Staff. Every invariant that the data breaks at this moment. Empty is the only good answer.")
    async def integrity_report(self, info: Info) -> IntegrityReport:
        """Return what is wrong."""
        require(info.context.caller, Scope.BOOKS)
        return IntegrityReport.of(await info.context.services.auditor.report())

    @field("Staff.")
    async def payment_statistics(self, info: Info, since: datetime) -> PaymentStatistics:
        """Return what came in, and what waits."""
        context = info.context
        figures = await context.services.views.staff.statistics(context.caller, since)
        return PaymentStatistics.of(figures, context.services.metrics.push_latency(since))

    @field(
        "Staff. Minute by minute, what the payments of each gateway came to; minutes without any are left out."
    )
    async def payment_activity(
        self, info: Info, minutes: int | None = _MINUTES_DEFAULT
    ) -> list[PaymentActivity]:
        """Return what came of the last minutes' payments."""
        context = info.context
        asked = _MINUTES_DEFAULT if minutes is None else minutes
        found = await context.services.views.staff.activity(context.caller, asked)
        return [PaymentActivity.of(activity) for activity in found]

    @field("Staff. The gateways that are set up here, and whether they answer.")
    async def gateway_health(self, info: Info) -> list[GatewayHealth]:
        """Return every gateway."""
        found = info.context.services.views.gateways(info.context.caller)
        return [GatewayHealth(gateway=gateway.name, available=gateway.available) for gateway in found]


def _option(gateway: GatewayAdapter, methods: Sequence[PaymentMethodType]) -> PaymentGatewayOption:
    return PaymentGatewayOption(
        gateway=gateway.name,
        methods=list(methods),
        currencies=[CurrencyCode(currency) for currency in gateway.currencies],
        public_config=JSON(dict(gateway.public_config())),
    )
