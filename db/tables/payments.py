"""Payments: facts are the truth; attempts, refunds, disputes and the payment's own figures follow from them."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from app.domain.facts import FactKind
from app.domain.states import (
    CaptureMethod,
    DisputeStatus,
    GatewayName,
    LedgerAccount,
    PaymentAttemptStatus,
    PaymentMethodType,
    PaymentStatus,
    RefundInitiator,
    RefundStatus,
)
from db.columns import (
    at_least,
    currency_code,
    instant,
    json,
    minor_units,
    one_of,
    text,
)


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
