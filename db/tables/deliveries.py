"""What keeps every delivery, call and piece of work to exactly once."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Boolean, CheckConstraint, Index, LargeBinary, UniqueConstraint
from sqlalchemy import Column as SqlColumn
from sqlalchemy import text as sql
from sqlmodel import Field, SQLModel

from app.domain.states import (
    GatewayName,
    InboxEventStatus,
    JobKind,
)
from db.columns import (
    at_least,
    instant,
    json,
    one_of,
    text,
)


class InboxEventRow(SQLModel, table=True):
    """One webhook delivery as it came, kept with whatever became of it."""

    __tablename__ = "inbox_events"
    __table_args__ = (
        UniqueConstraint("gateway", "external_id"),
        one_of("gateway", GatewayName),
        one_of("status", InboxEventStatus),
        at_least("deliveries", 0),
        at_least("attempts", 0),
        Index(None, "payment_id"),
        Index(
            "ix_inbox_events_waiting_by_reference",
            "gateway",
            "reference",
            postgresql_where=sql("status = 'UNMATCHED'"),
        ),
        Index(
            "ix_inbox_events_waiting_by_payment",
            "named_payment_id",
            postgresql_where=sql("status = 'UNMATCHED'"),
        ),
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
    named_payment_id: UUID | None
    """The payment of ours that it names, whether or not there is one."""
    reference: str | None = Field(sa_column=text(nullable=True))
    """The gateway's id of the payment that it names."""
    asks: bool = Field(
        default=False, sa_column=SqlColumn(Boolean, nullable=False, server_default=sql("false"))
    )
    """Whether it said no more than that the gateway is to be asked."""
    received_at: datetime = Field(sa_column=instant())
    applied_at: datetime | None = Field(sa_column=instant(nullable=True))


class IdempotencyKeyRow(SQLModel, table=True):
    """A caller's key: what it was first used with, and the answer that it got."""

    __tablename__ = "idempotency_keys"
    __table_args__ = (UniqueConstraint("scope", "key"), Index(None, "created_at"))

    id: UUID = Field(primary_key=True)
    scope: str = Field(sa_column=text())
    key: str = Field(sa_column=text())
    request_hash: bytes = Field(sa_column=SqlColumn(LargeBinary, nullable=False))
    intent: dict[str, Any] | None = Field(sa_column=json(nullable=True))
    """What its first use set out to do, where what it finds would say something else to the next one."""
    answer: dict[str, Any] | None = Field(sa_column=json(nullable=True))
    locked_until: datetime | None = Field(sa_column=instant(nullable=True))
    created_at: datetime = Field(sa_column=instant())


class JobRow(SQLModel, table=True):
    """Work that is owed, written in the transaction that owes it.

    Whoever works on it holds it until `leased_until` under a lease of its own; a holder that was paused past that
    finds another lease in the row, and changes nothing. While it is held it is due when the lease ends, and sooner
    only if it was owed again meanwhile. A dead job is one that was given up, for people to look at.
    """

    __tablename__ = "jobs"
    __table_args__ = (
        UniqueConstraint("kind", "subject_id"),
        one_of("kind", JobKind),
        one_of("gateway", GatewayName),
        at_least("attempts", 0),
        CheckConstraint("(lease_id IS NULL) = (leased_until IS NULL)", name="lease"),
        Index("ix_jobs_due", "gateway", "due_at", postgresql_where=sql("died_at IS NULL")),
        Index("ix_jobs_dead", "died_at", postgresql_where=sql("died_at IS NOT NULL")),
    )

    id: UUID = Field(primary_key=True)
    kind: str = Field(sa_column=text())
    subject_id: UUID
    gateway: str | None = Field(sa_column=text(nullable=True))
    """The gateway that will be asked, so that none is asked more often than it allows."""
    due_at: datetime = Field(sa_column=instant())
    attempts: int
    lease_id: UUID | None
    leased_until: datetime | None = Field(sa_column=instant(nullable=True))
    last_error: str | None = Field(sa_column=text(nullable=True))
    created_at: datetime = Field(sa_column=instant())
    died_at: datetime | None = Field(sa_column=instant(nullable=True))


class GatewayStateRow(SQLModel, table=True):
    """What all processes share about one gateway."""

    __tablename__ = "gateway_states"
    __table_args__ = (one_of("gateway", GatewayName),)

    gateway: str = Field(sa_column=text(primary_key=True))
    next_call_at: datetime = Field(sa_column=instant())
    """When the next call may be made that nobody has taken yet: calls follow each other at the gateway's limit."""
    rests_until: datetime | None = Field(sa_column=instant(nullable=True))
    """Until when it is left alone, since it said so or could not be reached."""
    listed_until: datetime | None = Field(sa_column=instant(nullable=True))
    """How far its list of events was read."""
