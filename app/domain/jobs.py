"""Work that a decision owes: written in its transaction, done later, and safe to do twice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from uuid import UUID

    from app.domain.states import GatewayName, JobKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One piece of work. There is at most one of a kind for a subject; owed again, the earlier time holds."""

    kind: JobKind
    subject_id: UUID
    """The payment, refund, order, delivery or suspense item that it is about."""
    gateway: GatewayName | None
    """Who will be asked."""
    delay_seconds: float = 0.0
    """From the commit on."""
