"""Suspense: money that is held and that no order may keep yet, until a rule or a person gives it a place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from app.domain.money import Money
    from app.domain.states import GatewayName, SuspenseReason, SuspenseResolution


@dataclass(frozen=True, slots=True, kw_only=True)
class SuspenseItem:
    """An amount that is held, or was. Of an unknown order neither the order nor the payment is known."""

    id: UUID
    reason: SuspenseReason
    gateway: GatewayName
    reference: str
    amount: Money
    order_id: UUID | None
    payment_id: UUID | None
    resolution: SuspenseResolution | None
    message: str | None
    created_at: datetime
    resolved_at: datetime | None
