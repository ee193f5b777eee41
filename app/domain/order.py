"""What an order is: three axes, of which the money's is derived from its payments."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from app.domain.money import Money
from app.domain.states import (
    CaptureMethod,
    DisputeStatus,
    FulfillmentStatus,
    GatewayName,
    LatePaymentPolicy,
    OrderAdjustmentKind,
    OrderPaymentStatus,
    OrderStatus,
    PaymentMethodType,
    PaymentStatus,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime
    from uuid import UUID

    from app.domain.events import OrderEvent
    from app.domain.facts import Failure
    from app.domain.payment import PaymentAttempt, PaymentState
    from app.domain.refunds import Dispute, Refund


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """An order as its row holds it. Amounts are in `currency`'s minor unit."""

    id: UUID
    number: str
    status: OrderStatus
    payment_status: OrderPaymentStatus
    fulfillment_status: FulfillmentStatus
    version: int
    currency: str
    total_minor: int
    paid_minor: int
    refunded_minor: int
    payment_in_progress: bool
    customer_id: str | None
    customer_email: str | None
    late_payment_policy: LatePaymentPolicy
    expires_at: datetime | None
    metadata: Mapping[str, object]
    created_at: datetime
    updated_at: datetime
    has_suspense: bool = False
    """Whether any of its money is or was in suspense."""
    called_off: bool = False
    """Whether a person canceled it after it was promised or paid on: then late money doesn't reopen it."""

    @property
    def is_open(self) -> bool:
        """Whether the shop still means to deliver, and so may keep money up to the total."""
        return self.status not in CLOSED_STATUSES

    @property
    def balance(self) -> Money:
        """What is left to pay on an open order, never below zero."""
        left = self.total_minor - self.paid_minor + self.refunded_minor if self.is_open else 0
        return Money(max(left, 0), self.currency)

    @property
    def surplus(self) -> Money:
        """Money held beyond what the order may keep."""
        keeps = self.total_minor if self.is_open else 0
        return Money(max(self.paid_minor - self.refunded_minor - keeps, 0), self.currency)


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment:
    """A payment as its row holds it: what was asked, and the newest summary of its facts."""

    id: UUID
    order_id: UUID
    gateway: GatewayName
    method: PaymentMethodType | None
    status: PaymentStatus
    capture_method: CaptureMethod
    currency: str
    amount_minor: int
    authorized_minor: int
    captured_minor: int
    refunded_minor: int
    reference: str | None
    next_action: Mapping[str, object] | None
    last_error: Failure | None
    late_authorized: bool
    created_at: datetime
    updated_at: datetime
    disputed_minor: int = 0
    suspended_minor: int = 0
    """How much of it is in suspense, in `currency`."""

    @property
    def amount(self) -> Money:
        """What was asked."""
        return Money(self.amount_minor, self.currency)


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderLine:
    """What was ordered. Fixed when the order is created."""

    position: int
    sku: str
    name: str
    quantity: int
    unit_price: Money

    @property
    def total(self) -> Money:
        """Quantity times unit price."""
        return self.unit_price * self.quantity


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderAdjustment:
    """An amount beside the lines; a discount is negative. Fixed when the order is created."""

    position: int
    kind: OrderAdjustmentKind
    label: str
    amount: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentDetails:
    """A payment with everything that belongs to it."""

    payment: Payment
    attempts: tuple[PaymentAttempt, ...]
    refunds: tuple[Refund, ...]
    disputes: tuple[Dispute, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderChange:
    """One committed change of an order: the order and all its payments after it, and its events, in order.

    The events' versions are contiguous and end at `order.version`.
    """

    order: Order
    payments: tuple[PaymentDetails, ...]
    events: tuple[OrderEvent, ...]
    received_at: float | None = None
    """When the delivery that caused it came in, on this process's monotonic clock."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderSnapshot:
    """An order with all that belongs to it, at `order.version`."""

    order: Order
    lines: tuple[OrderLine, ...]
    adjustments: tuple[OrderAdjustment, ...]
    payments: tuple[PaymentDetails, ...]


CLOSED_STATUSES: Final = frozenset({OrderStatus.CANCELED, OrderStatus.EXPIRED})


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderMoney:
    """The sums over all payments of one order, in minor units of the order's currency."""

    paid: int
    refunded: int
    authorized: int
    disputed: bool
    under_way: bool

    @property
    def cover(self) -> int:
        """What is there or held for the order."""
        return self.paid - self.refunded + self.authorized


def order_money(states: Iterable[PaymentState]) -> OrderMoney:
    """Add up the payments. Money of a conflicted payment is nobody's yet and counts for nothing."""
    paid = refunded = authorized = 0
    disputed = under_way = False
    for state in states:
        under_way = under_way or state.under_way
        disputed = disputed or any(dispute.status in _CONTESTED for dispute in state.disputes)
        if state.status is PaymentStatus.CONFLICTED:
            continue
        paid += state.captured.minor
        refunded += state.refunded.minor
        if state.status in _HOLDS_AUTHORIZATION:
            authorized += state.capturable.minor
    return OrderMoney(
        paid=paid, refunded=refunded, authorized=authorized, disputed=disputed, under_way=under_way
    )


_CONTESTED: Final = frozenset({DisputeStatus.NEEDS_RESPONSE, DisputeStatus.UNDER_REVIEW})
_HOLDS_AUTHORIZATION: Final = frozenset({PaymentStatus.REQUIRES_CAPTURE, PaymentStatus.PARTIALLY_CAPTURED})


def order_payment_status(  # noqa: PLR0911 - a table
    total: int, money: OrderMoney, *, review: bool
) -> OrderPaymentStatus:
    """Derive what the money says: the first line that holds. `review`: some of it is in suspense."""
    if review:
        return OrderPaymentStatus.REVIEW
    if money.disputed:
        return OrderPaymentStatus.DISPUTED
    if money.refunded > 0:
        whole = money.refunded >= money.paid > 0
        return OrderPaymentStatus.REFUNDED if whole else OrderPaymentStatus.PARTIALLY_REFUNDED
    if money.paid > total:
        return OrderPaymentStatus.OVERPAID
    if money.paid == total:
        return OrderPaymentStatus.PAID
    if money.paid > 0:
        return OrderPaymentStatus.PARTIALLY_PAID
    if money.authorized >= total:
        return OrderPaymentStatus.AUTHORIZED
    return OrderPaymentStatus.PENDING if money.under_way else OrderPaymentStatus.UNPAID


def order_status(order: Order, money: OrderMoney, *, ever_covered: bool = False) -> OrderStatus:
    """Derive what the shop promises once the money says this; `order` is as it was before. COMPLETED stays.

    `ever_covered`: its payments once reached the total, though they don't any more.
    """
    covered = money.cover >= order.total_minor or ever_covered
    if order.status is OrderStatus.PENDING and covered:
        return OrderStatus.CONFIRMED
    if _is_revived(order, money) and money.paid - money.refunded >= order.total_minor:
        return OrderStatus.CONFIRMED
    return order.status


def _is_revived(order: Order, money: OrderMoney) -> bool:
    """Whether late money came in, and reopens the order. One canceled after it was paid is owed a refund instead."""
    if order.status not in CLOSED_STATUSES or order.late_payment_policy is not LatePaymentPolicy.HONOR:
        return False
    return money.paid > order.paid_minor and not order.called_off


def is_complete(order: Order) -> bool:
    """Whether a confirmed order is delivered and captured; refunds and disputes move the other axis."""
    return (
        order.status is OrderStatus.CONFIRMED
        and order.fulfillment_status is FulfillmentStatus.DELIVERED
        and order.paid_minor >= order.total_minor
    )
