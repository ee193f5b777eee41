"""Orders, and what is fixed with them or told of them. The order row is the mutex for everything below it."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Boolean, CheckConstraint, Index, LargeBinary, Text, UniqueConstraint
from sqlalchemy import Column as SqlColumn
from sqlalchemy import text as sql
from sqlmodel import Field, SQLModel

from app.domain.states import (
    EventSource,
    FulfillmentStatus,
    LatePaymentPolicy,
    OrderAdjustmentKind,
    OrderEventType,
    OrderPaymentStatus,
    OrderStatus,
)
from db.columns import (
    Xid8,
    at_least,
    currency_code,
    instant,
    json,
    minor_units,
    one_of,
    text,
)


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
    has_suspense: bool = Field(sa_column=SqlColumn(Boolean, nullable=False, server_default=sql("false")))
    """Whether any of its money is or was in suspense: only then are its items read with it."""
    called_off: bool = Field(sa_column=SqlColumn(Boolean, nullable=False, server_default=sql("false")))
    """Whether a person canceled it after it was promised or paid on."""
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


class ApiKeyRow(SQLModel, table=True):
    """A service's key and what it may do. Only its hash is kept."""

    __tablename__ = "api_keys"
    __table_args__ = (UniqueConstraint("key_hash"),)

    id: UUID = Field(primary_key=True)
    key_hash: bytes = Field(sa_column=SqlColumn(LargeBinary, nullable=False))
    name: str = Field(sa_column=text())
    scopes: list[str] = Field(sa_column=SqlColumn(ARRAY(Text), nullable=False))
    created_at: datetime = Field(sa_column=instant())
    expires_at: datetime | None = Field(sa_column=instant(nullable=True))
    revoked_at: datetime | None = Field(sa_column=instant(nullable=True))
