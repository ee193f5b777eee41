"""The tables. What must be unique, present, positive or one of a few words is so by the database, not by care.

`money` columns are integers of the currency's minor unit. Facts are the truth; payments, attempts, refunds and
disputes are what follows from them, kept for reading. The order row is the mutex for everything below it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, LargeBinary, UniqueConstraint
from sqlalchemy import Column as SqlColumn
from sqlalchemy import text as sql
from sqlmodel import Field, SQLModel

from app.domain.facts import FactKind
from app.domain.states import (
    CaptureMethod,
    DisputeStatus,
    EventSource,
    FulfillmentStatus,
    GatewayName,
    InboxEventStatus,
    LatePaymentPolicy,
    LedgerAccount,
    OrderAdjustmentKind,
    OrderEventType,
    OrderPaymentStatus,
    OrderStatus,
    PaymentAttemptStatus,
    PaymentMethodType,
    PaymentStatus,
    RefundInitiator,
    RefundStatus,
)
from db.columns import (
    NAMING_CONVENTION,
    Xid8,
    at_least,
    currency_code,
    instant,
    json,
    minor_units,
    one_of,
    text,
)

SQLModel.metadata.naming_convention = NAMING_CONVENTION


class ProductRow(SQLModel, table=True):
    """What the shop sells, and at what price."""

    __tablename__ = "products"
    __table_args__ = (
        UniqueConstraint("sku"),
        at_least("unit_price_minor", 0),
        currency_code(),
    )

    id: UUID = Field(primary_key=True)
    sku: str = Field(sa_column=text())
    name: str = Field(sa_column=text())
    unit_price_minor: int = Field(sa_column=minor_units())
    currency: str = Field(sa_column=text())
    image_url: str | None = Field(sa_column=text(nullable=True))
    active: bool
    created_at: datetime = Field(sa_column=instant())
    updated_at: datetime = Field(sa_column=instant())


class OrderRow(SQLModel, table=True):
    """An order. Locked first, always, in id order."""

    __tablename__ = "orders"
    __table_args__ = (
        UniqueConstraint("number"),
        one_of("status", OrderStatus),
        one_of("payment_status", OrderPaymentStatus),
        one_of("fulfillment_status", FulfillmentStatus),
        one_of("late_payment_policy", LatePaymentPolicy),
        currency_code(),
        at_least("version", 1),
        at_least("total_minor", 0),
        at_least("paid_minor", 0),
        at_least("refunded_minor", 0),
        Index(None, "created_at", "id"),
        Index(None, "updated_at", "id"),
        Index(None, "customer_id", "created_at", "id"),
        Index(None, "customer_email"),
        Index(
            "ix_orders_expiring",
            "expires_at",
            postgresql_where=sql("status = 'PENDING' AND expires_at IS NOT NULL"),
        ),
        {"postgresql_with": {"fillfactor": "80"}},
    )

    id: UUID = Field(primary_key=True)
    number: str = Field(sa_column=text())
    status: str = Field(sa_column=text())
    payment_status: str = Field(sa_column=text())
    fulfillment_status: str = Field(sa_column=text())
    version: int
    currency: str = Field(sa_column=text())
    total_minor: int = Field(sa_column=minor_units())
    paid_minor: int = Field(sa_column=minor_units())
    refunded_minor: int = Field(sa_column=minor_units())
    payment_in_progress: bool
    customer_id: str | None = Field(sa_column=text(nullable=True))
    customer_email: str | None = Field(sa_column=text(nullable=True))
    late_payment_policy: str = Field(sa_column=text())
    expires_at: datetime | None = Field(sa_column=instant(nullable=True))
    meta: dict[str, Any] = Field(sa_column=json(name="metadata", nullable=False))
    created_at: datetime = Field(sa_column=instant())
    updated_at: datetime = Field(sa_column=instant())


class OrderLineRow(SQLModel, table=True):
    """What was ordered; fixed when the order is created."""

    __tablename__ = "order_lines"
    __table_args__ = (at_least("quantity", 1), at_least("unit_price_minor", 0), currency_code())

    order_id: UUID = Field(primary_key=True, foreign_key="orders.id")
    position: int = Field(primary_key=True)
    sku: str = Field(sa_column=text())
    name: str = Field(sa_column=text())
    quantity: int
    unit_price_minor: int = Field(sa_column=minor_units())
    currency: str = Field(sa_column=text())


class OrderAdjustmentRow(SQLModel, table=True):
    """An amount beside the lines; fixed when the order is created."""

    __tablename__ = "order_adjustments"
    __table_args__ = (one_of("kind", OrderAdjustmentKind), currency_code())

    order_id: UUID = Field(primary_key=True, foreign_key="orders.id")
    position: int = Field(primary_key=True)
    kind: str = Field(sa_column=text())
    label: str = Field(sa_column=text())
    amount_minor: int = Field(sa_column=minor_units())
    currency: str = Field(sa_column=text())


class OrderAccessTokenRow(SQLModel, table=True):
    """A guest's key to one order. Only its hash is kept."""

    __tablename__ = "order_access_tokens"
    __table_args__ = (UniqueConstraint("token_hash"), Index(None, "order_id"))

    id: UUID = Field(primary_key=True)
    order_id: UUID = Field(foreign_key="orders.id")
    token_hash: bytes = Field(sa_column=SqlColumn(LargeBinary, nullable=False))
    expires_at: datetime = Field(sa_column=instant())
    revoked_at: datetime | None = Field(sa_column=instant(nullable=True))
    created_at: datetime = Field(sa_column=instant())


class PaymentRow(SQLModel, table=True):
    """A payment: what was asked of a gateway, and the newest summary of its facts."""

    __tablename__ = "payments"
    __table_args__ = (
        one_of("gateway", GatewayName),
        one_of("method", PaymentMethodType),
        one_of("status", PaymentStatus),
        one_of("capture_method", CaptureMethod),
        currency_code(),
        at_least("amount_minor", 1),
        at_least("authorized_minor", 0),
        at_least("captured_minor", 0),
        at_least("refunded_minor", 0),
        UniqueConstraint("gateway", "reference"),
        Index(None, "order_id"),
        {"postgresql_with": {"fillfactor": "80"}},
    )

    id: UUID = Field(primary_key=True)
    order_id: UUID = Field(foreign_key="orders.id")
    gateway: str = Field(sa_column=text())
    method: str | None = Field(sa_column=text(nullable=True))
    status: str = Field(sa_column=text())
    capture_method: str = Field(sa_column=text())
    currency: str = Field(sa_column=text())
    amount_minor: int = Field(sa_column=minor_units())
    authorized_minor: int = Field(sa_column=minor_units())
    captured_minor: int = Field(sa_column=minor_units())
    refunded_minor: int = Field(sa_column=minor_units())
    reference: str | None = Field(sa_column=text(nullable=True))
    next_action: dict[str, Any] | None = Field(sa_column=json(nullable=True))
    last_error: dict[str, Any] | None = Field(sa_column=json(nullable=True))
    late_authorized: bool
    created_at: datetime = Field(sa_column=instant())
    updated_at: datetime = Field(sa_column=instant())


class FactRow(SQLModel, table=True):
    """One thing that a gateway is known to have said, stored once."""

    __tablename__ = "facts"
    __table_args__ = (
        one_of("gateway", GatewayName),
        one_of("kind", FactKind),
        one_of("method", PaymentMethodType),
        one_of("initiator", RefundInitiator),
        CheckConstraint("(amount_minor IS NULL) = (currency IS NULL)", name="amount_has_currency"),
        at_least("amount_minor", 0),
        Index(None, "payment_id"),
    )

    gateway: str = Field(sa_column=text(primary_key=True))
    object_id: str = Field(sa_column=text(primary_key=True))
    kind: str = Field(sa_column=text(primary_key=True))
    payment_id: UUID = Field(foreign_key="payments.id")
    amount_minor: int | None = Field(sa_column=minor_units(nullable=True))
    currency: str | None = Field(sa_column=text(nullable=True))
    attempt_id: str | None = Field(sa_column=text(nullable=True))
    own_id: UUID | None
    method: str | None = Field(sa_column=text(nullable=True))
    failure: dict[str, Any] | None = Field(sa_column=json(nullable=True))
    initiator: str | None = Field(sa_column=text(nullable=True))
    detail: str | None = Field(sa_column=text(nullable=True))
    respond_by: datetime | None = Field(sa_column=instant(nullable=True))
    reported_at: datetime | None = Field(sa_column=instant(nullable=True))
    recorded_at: datetime = Field(sa_column=instant())


class PaymentAttemptRow(SQLModel, table=True):
    """One try of the shopper, as its facts say."""

    __tablename__ = "payment_attempts"
    __table_args__ = (one_of("status", PaymentAttemptStatus), one_of("method", PaymentMethodType))

    payment_id: UUID = Field(primary_key=True, foreign_key="payments.id")
    reference: str = Field(sa_column=text(primary_key=True))
    status: str = Field(sa_column=text())
    method: str | None = Field(sa_column=text(nullable=True))
    failure: dict[str, Any] | None = Field(sa_column=json(nullable=True))
    failed: bool
    created_at: datetime = Field(sa_column=instant())


class RefundRow(SQLModel, table=True):
    """One refund, as its facts say."""

    __tablename__ = "refunds"
    __table_args__ = (
        one_of("status", RefundStatus),
        one_of("initiated_by", RefundInitiator),
        at_least("amount_minor", 0),
        currency_code(),
        UniqueConstraint("payment_id", "reference"),
    )

    id: UUID = Field(primary_key=True)
    payment_id: UUID = Field(foreign_key="payments.id")
    reference: str | None = Field(sa_column=text(nullable=True))
    status: str = Field(sa_column=text())
    amount_minor: int = Field(sa_column=minor_units())
    currency: str = Field(sa_column=text())
    initiated_by: str = Field(sa_column=text())
    reason: str | None = Field(sa_column=text(nullable=True))
    created_at: datetime = Field(sa_column=instant())


class DisputeRow(SQLModel, table=True):
    """One dispute, as its facts say."""

    __tablename__ = "disputes"
    __table_args__ = (
        one_of("status", DisputeStatus),
        at_least("amount_minor", 0),
        currency_code(),
        UniqueConstraint("payment_id", "reference"),
    )

    id: UUID = Field(primary_key=True)
    payment_id: UUID = Field(foreign_key="payments.id")
    reference: str = Field(sa_column=text())
    status: str = Field(sa_column=text())
    amount_minor: int = Field(sa_column=minor_units())
    currency: str = Field(sa_column=text())
    reason: str | None = Field(sa_column=text(nullable=True))
    respond_by: datetime | None = Field(sa_column=instant(nullable=True))
    created_at: datetime = Field(sa_column=instant())


class InboxEventRow(SQLModel, table=True):
    """One webhook delivery as it came, kept with whatever became of it."""

    __tablename__ = "inbox_events"
    __table_args__ = (
        UniqueConstraint("gateway", "external_id"),
        one_of("gateway", GatewayName),
        one_of("status", InboxEventStatus),
        at_least("deliveries", 1),
        at_least("attempts", 0),
        Index(None, "payment_id"),
        Index(
            "ix_inbox_events_unapplied",
            "received_at",
            postgresql_where=sql("status IN ('RECEIVED', 'UNMATCHED', 'FAILED')"),
        ),
    )

    id: UUID = Field(primary_key=True)
    gateway: str = Field(sa_column=text())
    external_id: str = Field(sa_column=text())
    type: str = Field(sa_column=text())
    status: str = Field(sa_column=text())
    deliveries: int
    attempts: int
    error: str | None = Field(sa_column=text(nullable=True))
    body: bytes = Field(sa_column=SqlColumn(LargeBinary, nullable=False))
    payment_id: UUID | None = Field(foreign_key="payments.id")
    received_at: datetime = Field(sa_column=instant())
    applied_at: datetime | None = Field(sa_column=instant(nullable=True))


class OrderEventRow(SQLModel, table=True):
    """The log: one committed change of one order, and its version."""

    __tablename__ = "order_events"
    __table_args__ = (
        one_of("type", OrderEventType),
        one_of("source", EventSource),
        one_of("status", OrderStatus),
        one_of("payment_status", OrderPaymentStatus),
        one_of("fulfillment_status", FulfillmentStatus),
        CheckConstraint("(amount_minor IS NULL) = (currency IS NULL)", name="amount_has_currency"),
        at_least("version", 1),
        Index(None, "xid", "order_id", "version"),
    )

    order_id: UUID = Field(primary_key=True, foreign_key="orders.id")
    version: int = Field(primary_key=True)
    type: str = Field(sa_column=text())
    source: str = Field(sa_column=text())
    status: str = Field(sa_column=text())
    payment_status: str = Field(sa_column=text())
    fulfillment_status: str = Field(sa_column=text())
    payment_id: UUID | None = Field(foreign_key="payments.id")
    amount_minor: int | None = Field(sa_column=minor_units(nullable=True))
    currency: str | None = Field(sa_column=text(nullable=True))
    message: str | None = Field(sa_column=text(nullable=True))
    occurred_at: datetime = Field(sa_column=instant())
    reported_at: datetime | None = Field(sa_column=instant(nullable=True))
    xid: int = Field(sa_column=SqlColumn(Xid8, nullable=False, server_default=sql("pg_current_xact_id()")))


class LedgerEntryRow(SQLModel, table=True):
    """Double entry: the amounts of one transaction add up to zero in each currency."""

    __tablename__ = "ledger_entries"
    __table_args__ = (
        one_of("account", LedgerAccount),
        currency_code(),
        CheckConstraint("amount_minor <> 0", name="amount_minor"),
        Index(None, "order_id"),
    )

    transaction_id: UUID = Field(primary_key=True)
    position: int = Field(primary_key=True)
    order_id: UUID = Field(foreign_key="orders.id")
    payment_id: UUID = Field(foreign_key="payments.id")
    account: str = Field(sa_column=text())
    amount_minor: int = Field(sa_column=minor_units())
    currency: str = Field(sa_column=text())
    description: str = Field(sa_column=text())
    created_at: datetime = Field(sa_column=instant())


class IdempotencyKeyRow(SQLModel, table=True):
    """A caller's key: what it was first used with, and the answer that it got."""

    __tablename__ = "idempotency_keys"
    __table_args__ = (UniqueConstraint("scope", "key"), Index(None, "created_at"))

    id: UUID = Field(primary_key=True)
    scope: str = Field(sa_column=text())
    key: str = Field(sa_column=text())
    request_hash: bytes = Field(sa_column=SqlColumn(LargeBinary, nullable=False))
    answer: dict[str, Any] | None = Field(sa_column=json(nullable=True))
    locked_until: datetime | None = Field(sa_column=instant(nullable=True))
    created_at: datetime = Field(sa_column=instant())


class JobRow(SQLModel, table=True):
    """Work that is owed, written in the transaction that owes it."""

    __tablename__ = "jobs"
    __table_args__ = (
        UniqueConstraint("kind", "subject_id"),
        at_least("attempts", 0),
        Index(None, "due_at"),
    )

    id: UUID = Field(primary_key=True)
    kind: str = Field(sa_column=text())
    subject_id: UUID
    due_at: datetime = Field(sa_column=instant())
    attempts: int
    locked_until: datetime | None = Field(sa_column=instant(nullable=True))
    last_error: str | None = Field(sa_column=text(nullable=True))
    created_at: datetime = Field(sa_column=instant())
