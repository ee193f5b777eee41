"""A shop in memory behind the contract's names, for the pages to talk to in these tests.

The pages are under test here, not the server: it does what a test tells it and keeps a log of what it was
asked. It holds one order; the connections to it are in `tiny_transport`.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from graphql import GraphQLError, build_schema

from app.domain.money import Money
from app.domain.states import FulfillmentStatus, OrderEventType, OrderPaymentStatus, OrderStatus
from app.web.demo_products import DEMO_PRODUCTS
from app.web.tracked import TrackedEvent, TrackedLine, TrackedOrder
from tests.web.tiny_transport import TinyTransport

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


SDL: Final = Path(__file__).with_name("tiny_shop.graphql").read_text("utf-8")
EPOCH: Final = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
TOKEN: Final = "guest-token_1"
TOTAL: Final = Money(179_600, "INR")
NOTHING: Final = Money(0, "INR")


@dataclass
class TinyShop:
    """One order and whoever watches it."""

    number: str = "K7Q-4MD"
    line_name: str = "Kulhad clay cups, set of six"
    status: OrderStatus = OrderStatus.PENDING
    payment_status: OrderPaymentStatus = OrderPaymentStatus.UNPAID
    fulfillment_status: FulfillmentStatus = FulfillmentStatus.UNFULFILLED
    paid: Money = NOTHING
    refunded: Money = NOTHING
    payment_in_progress: bool = False
    token_opens: bool = True
    events: list[TrackedEvent] = field(default_factory=list)
    payments: list[dict[str, Any]] = field(default_factory=list)
    gateways: list[dict[str, Any]] = field(
        default_factory=lambda: [{"gateway": "SANDBOX", "methods": ["CARD"]}]
    )
    next_action: dict[str, Any] | None = None
    order_errors: list[dict[str, Any]] = field(default_factory=list)
    payment_errors: list[dict[str, Any]] = field(default_factory=list)
    cancel_errors: list[dict[str, Any]] = field(default_factory=list)
    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    """Field name and arguments of every mutation and subscription, in order."""

    def __post_init__(self) -> None:
        """Place the order."""
        self._payment_ids: dict[int, str | None] = {}
        self._changed = asyncio.Event()
        schema = build_schema(SDL)
        schema.type_map["Subscription"].fields["orderEvents"].subscribe = self._order_events  # type: ignore[attr-defined] # graphql-core types it as a plain named type
        self.transport = TinyTransport(schema, self._root())
        self.happen(OrderEventType.ORDER_CREATED, amount=TOTAL)

    def happen(
        self,
        type_: OrderEventType,
        *,
        amount: Money | None = None,
        message: str | None = None,
        payment_id: str | None = None,
        **changes: object,
    ) -> None:
        """Commit one change: set the given fields, write the event, wake everyone who watches."""
        for name, value in changes.items():
            setattr(self, name, value)
        version = len(self.events) + 1
        self._payment_ids[version] = payment_id
        self.events.append(
            TrackedEvent(
                version=version,
                cursor=f"c{version}",
                type=type_,
                occurred_at=EPOCH + timedelta(minutes=version),
                message=message,
                amount=amount,
            )
        )
        self._changed.set()
        self._changed = asyncio.Event()

    async def load_order(self, token: str) -> TrackedOrder | None:
        """Open the order for the tracking page."""
        if token != TOKEN or not self.token_opens:
            return None
        return TrackedOrder(
            id="order-1",
            number=self.number,
            status=self.status,
            payment_status=self.payment_status,
            fulfillment_status=self.fulfillment_status,
            version=len(self.events),
            total=TOTAL,
            paid=self.paid,
            refunded=self.refunded,
            balance=self._balance(),
            payment_in_progress=self.payment_in_progress,
            lines=(TrackedLine(name=self.line_name, quantity=4, total=TOTAL),),
            events=tuple(self.events),
        )

    def _balance(self) -> Money:
        return TOTAL - self.paid if self.status is OrderStatus.PENDING else NOTHING

    def _order(self) -> dict[str, Any]:
        return {
            "id": "order-1",
            "number": self.number,
            "status": self.status,
            "paymentStatus": self.payment_status,
            "fulfillmentStatus": self.fulfillment_status,
            "version": len(self.events),
            "lines": [
                {
                    "sku": "CUP",
                    "name": self.line_name,
                    "quantity": 4,
                    "unitPrice": _money(TOTAL),
                    "total": _money(TOTAL),
                }
            ],
            "total": _money(TOTAL),
            "paid": _money(self.paid),
            "refunded": _money(self.refunded),
            "balance": _money(self._balance()),
            "payments": self.payments,
            "events": lambda _info, **_: {"nodes": [self._event(event) for event in self.events]},
            "paymentInProgress": self.payment_in_progress,
        }

    def _event(self, event: TrackedEvent) -> dict[str, Any]:
        return {
            "cursor": event.cursor,
            "orderId": "order-1",
            "version": event.version,
            "type": event.type,
            "source": "WEBHOOK",
            "status": self.status,
            "paymentStatus": self.payment_status,
            "fulfillmentStatus": self.fulfillment_status,
            "paymentId": self._payment_ids[event.version],
            "amount": _money(event.amount) if event.amount else None,
            "message": event.message,
            "occurredAt": event.occurred_at.isoformat(),
            "order": self._order(),
        }

    async def _order_events(
        self, _root: object, _info: object, **arguments: str | None
    ) -> AsyncIterator[dict[str, Any]]:
        self.asked.append(("orderEvents", arguments))
        if not self.token_opens:
            raise GraphQLError("No such order.", extensions={"code": "NOT_FOUND"})
        after = arguments.get("after")
        place = int(after[1:]) if after else len(self.events)
        return self._follow(place)

    async def _follow(self, place: int) -> AsyncIterator[dict[str, Any]]:
        while True:
            changed = self._changed
            while place < len(self.events):
                place += 1
                yield {"orderEvents": self._event(self.events[place - 1])}
            await changed.wait()

    def _root(self) -> dict[str, Any]:
        return {
            "products": lambda _info, **_: {"nodes": _products()},
            "orderByAccessToken": lambda _info, token: (
                self._order() if token == TOKEN and self.token_opens else None
            ),
            "paymentGateways": lambda _info, **_: self.gateways,
            "orderCreate": lambda _info, input: self._order_create(input),  # noqa: A006 - the contract's name
            "paymentCreate": lambda _info, input: self._payment_create(input),  # noqa: A006 - the contract's name
            "paymentConfirm": lambda _info, input: self._payment_confirm(input),  # noqa: A006 - likewise
            "paymentCancel": lambda _info, input: self._payment_cancel(input),  # noqa: A006 - likewise
        }

    def _order_create(self, arguments: dict[str, Any]) -> dict[str, Any]:
        self.asked.append(("orderCreate", arguments))
        if self.order_errors:
            return {"order": None, "accessToken": None, "replayed": False, "errors": self.order_errors}
        return {"order": self._order(), "accessToken": TOKEN, "replayed": False, "errors": []}

    def _payment_create(self, arguments: dict[str, Any]) -> dict[str, Any]:
        self.asked.append(("paymentCreate", arguments))
        if self.payment_errors:
            return {"payment": None, "order": None, "replayed": False, "errors": self.payment_errors}
        payment = {
            "id": f"payment-{len(self.payments) + 1}",
            "gateway": arguments["gateway"],
            "status": "REQUIRES_ACTION",
            "amount": _money(TOTAL),
            "reference": "sandbox-1",
            "nextAction": self.next_action,
            "createdAt": (EPOCH + timedelta(minutes=len(self.payments))).isoformat(),
        }
        self.payments.append(payment)
        return {"payment": payment, "order": self._order(), "replayed": False, "errors": []}

    def _payment_cancel(self, arguments: dict[str, Any]) -> dict[str, Any]:
        self.asked.append(("paymentCancel", arguments))
        if self.cancel_errors:
            return {"payment": None, "order": None, "replayed": False, "errors": self.cancel_errors}
        (payment,) = (each for each in self.payments if each["id"] == arguments["paymentId"])
        payment["status"] = "CANCELED"
        self.happen(OrderEventType.PAYMENT_CANCELED, payment_id=payment["id"])
        return {"payment": payment, "order": None, "replayed": False, "errors": []}

    def _payment_confirm(self, arguments: dict[str, Any]) -> dict[str, Any]:
        self.asked.append(("paymentConfirm", arguments))
        return {"payment": None, "order": None, "replayed": False, "errors": []}


def _money(money: Money) -> dict[str, Any]:
    return {"amount": str(money.to_decimal()), "minorUnits": money.minor, "currency": money.currency}


def _products() -> list[dict[str, Any]]:
    return [
        {
            "id": product.sku,
            "sku": product.sku,
            "name": product.name,
            "unitPrice": _money(Money(product.unit_price_minor, product.currency)),
            "imageUrl": product.image_path,
            "active": True,
        }
        for product in DEMO_PRODUCTS
    ]
