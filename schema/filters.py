"""The filters of lists, and what they become in the terms of the read side."""

from datetime import datetime

import strawberry

from app.domain.errors import DomainError, ErrorCode
from app.staff import InboxCriteria, PaymentCriteria
from app.views import OrderCriteria
from schema.cursors import decode_inbox_event, decode_order, decode_payment
from schema.enums import (
    FulfillmentStatus,
    Gateway,
    InboxEventStatus,
    OrderPaymentStatus,
    OrderSort,
    OrderStatus,
    PaymentStatus,
)


@strawberry.input(description="Which orders. Fields that are left out, and empty lists, mean any.")
class OrderFilter:
    """A filter of orders."""

    status: list[OrderStatus] | None = None
    payment_status: list[OrderPaymentStatus] | None = None
    fulfillment_status: list[FulfillmentStatus] | None = None
    customer_email: str | None = None
    number: str | None = None
    created_after: datetime | None = strawberry.field(default=None, description="At this instant, or later.")
    created_before: datetime | None = strawberry.field(default=None, description="Before this instant.")


@strawberry.input(description="Which deliveries. Fields that are left out, and an empty list, mean any.")
class InboxFilter:
    """A filter of deliveries."""

    gateway: Gateway | None = None
    status: list[InboxEventStatus] | None = None
    type: str | None = None


@strawberry.input(description="Which payments. Fields that are left out, and an empty list, mean any.")
class PaymentFilter:
    """A filter of payments."""

    gateway: Gateway | None = None
    status: list[PaymentStatus] | None = None
    reference: str | None = strawberry.field(default=None, description="The gateway's own id of the payment.")
    created_after: datetime | None = strawberry.field(default=None, description="At this instant, or later.")
    created_before: datetime | None = strawberry.field(default=None, description="Before this instant.")
    awaited: bool | None = strawberry.field(
        default=None,
        description="True for those alone whose gateway is asked after them by its schedule. They are found at once.",
    )


def payment_criteria_of(given: PaymentFilter | None, after: str | None) -> PaymentCriteria:
    """Return which payments are asked for.

    Raises:
        DomainError: INVALID.
    """
    wanted = given or PaymentFilter()
    return PaymentCriteria(
        gateway=wanted.gateway,
        statuses=tuple(dict.fromkeys(wanted.status or ())),
        reference=_searchable(wanted.reference, "reference"),
        created_after=wanted.created_after,
        created_before=wanted.created_before,
        awaited=wanted.awaited is True,
        before=None if after is None else decode_payment(after),
    )


def inbox_criteria_of(given: InboxFilter | None, after: str | None) -> InboxCriteria:
    """Return which deliveries are asked for.

    Raises:
        DomainError: INVALID.
    """
    wanted = given or InboxFilter()
    return InboxCriteria(
        gateway=wanted.gateway,
        statuses=tuple(dict.fromkeys(wanted.status or ())),
        type=_searchable(wanted.type, "type"),
        before=None if after is None else decode_inbox_event(after),
    )


def criteria_of(given: OrderFilter | None, sort: OrderSort, after: str | None) -> OrderCriteria:
    """Return which orders are asked for, and in which order.

    Raises:
        DomainError: INVALID.
    """
    wanted = given or OrderFilter()
    return OrderCriteria(
        statuses=tuple(dict.fromkeys(wanted.status or ())),
        payment_statuses=tuple(dict.fromkeys(wanted.payment_status or ())),
        fulfillment_statuses=tuple(dict.fromkeys(wanted.fulfillment_status or ())),
        customer_email=_searchable(wanted.customer_email, "customerEmail"),
        number=_searchable(wanted.number, "number"),
        created_after=wanted.created_after,
        created_before=wanted.created_before,
        sort_column="updated_at" if sort is OrderSort.UPDATED_AT_DESC else "created_at",
        descending=sort is not OrderSort.CREATED_AT_ASC,
        after=None if after is None else decode_order(after, sort),
    )


def _searchable(text: str | None, field: str) -> str | None:
    """Return a text that the database can compare with."""
    if text is not None and "\x00" in text:
        raise DomainError(ErrorCode.INVALID, f"{field} holds a control character.", ("filter", field))
    return text
