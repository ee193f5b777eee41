"""Payments: facts are the truth; attempts, refunds, disputes and the payment's own figures follow from them."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, UniqueConstraint
from sqlalchemy import text as sql
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
    SuspenseReason,
    SuspenseResolution,
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
        at_least("disputed_minor", 0),
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
    disputed_minor: int = Field(sa_column=minor_units(server_default=sql("0")))
    suspended_minor: int = Field(sa_column=minor_units(server_default=sql("0")))
    """How much of it is in suspense, in `currency`."""
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


class SuspenseItemRow(SQLModel, table=True):
    """Money that is held and that no order may keep yet, or that was."""

    __tablename__ = "suspense_items"
    __table_args__ = (
        one_of("reason", SuspenseReason),
        one_of("gateway", GatewayName),
        one_of("resolution", SuspenseResolution),
        at_least("amount_minor", 1),
        currency_code(),
        CheckConstraint("(resolution IS NULL) = (resolved_at IS NULL)", name="resolved"),
        CheckConstraint("payment_id IS NOT NULL OR reason = 'UNKNOWN_ORDER'", name="payment"),
        Index(None, "created_at", "id"),
        Index(None, "order_id"),
        Index("ix_suspense_items_open", "created_at", "id", postgresql_where=sql("resolution IS NULL")),
        Index(
            "ix_suspense_items_unknown",
            "gateway",
            "reference",
            postgresql_where=sql("resolution IS NULL AND payment_id IS NULL"),
        ),
    )

    id: UUID = Field(primary_key=True)
    reason: str = Field(sa_column=text())
    gateway: str = Field(sa_column=text())
    reference: str = Field(sa_column=text())
    """The gateway's id of the payment, or ours where the gateway never gave one."""
    amount_minor: int = Field(sa_column=minor_units())
    currency: str = Field(sa_column=text())
    order_id: UUID | None = Field(foreign_key="orders.id")
    payment_id: UUID | None = Field(foreign_key="payments.id")
    resolution: str | None = Field(sa_column=text(nullable=True))
    message: str | None = Field(sa_column=text(nullable=True))
    created_at: datetime = Field(sa_column=instant())
    resolved_at: datetime | None = Field(sa_column=instant(nullable=True))


class LedgerEntryRow(SQLModel, table=True):
    """Double entry: the amounts of one transaction add up to zero in each currency. Guarded by `db.guards`."""

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
