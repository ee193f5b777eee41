"""What staff see and do beyond orders: deliveries, suspense, the ledger, figures. Everybody else is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from app.checkout.access import order_for, require
from app.domain.errors import DomainError, ErrorCode
from app.domain.states import InboxEventStatus
from app.identity import new_id
from app.pages import Page
from app.scopes import Scope
from db import staff, suspense
from db.staff import Activity, InboxCriteria, InboxEvent, LedgerEntry, PaymentCriteria, Statistics

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from app.auth import Caller
    from app.domain.order import Payment
    from app.domain.suspense import SuspenseItem
    from db.pool import Database, Reader

__all__ = [
    "Activity",
    "InboxCriteria",
    "InboxEvent",
    "LedgerEntry",
    "PaymentCriteria",
    "Replays",
    "StaffViews",
    "Statistics",
]

MINUTES_MAX: Final = 1_440
"""Of one answer about what payments came to: a day."""


class StaffViews:
    """The read side for staff. Single things are simply missing for others, as foreign orders are."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    async def inbox_event(self, caller: Caller, event_id: UUID) -> InboxEvent | None:
        """Return a delivery."""
        if not caller.has(Scope.INBOX):
            return None
        return (await staff.inbox_events(self._reader, [event_id])).get(event_id)

    async def inbox_events(self, caller: Caller, criteria: InboxCriteria, first: int) -> Page[InboxEvent]:
        """Return a page of deliveries, newest first.

        Raises:
            DomainError: FORBIDDEN.
        """
        require(caller, Scope.INBOX)
        found = await staff.inbox_page(self._reader, criteria, first + 1)
        return Page(items=found[:first], has_more=len(found) > first)

    async def payments(self, caller: Caller, criteria: PaymentCriteria, first: int) -> Page[Payment]:
        """Return a page of every order's payments, newest first.

        Raises:
            DomainError: FORBIDDEN.
        """
        require(caller, Scope.READ)
        found = await staff.payments_page(self._reader, criteria, first + 1)
        return Page(items=found[:first], has_more=len(found) > first)

    async def suspense_item(self, caller: Caller, item_id: UUID) -> SuspenseItem | None:
        """Return a suspense item."""
        if not caller.has(Scope.SUSPENSE):
            return None
        return (await suspense.items(self._reader, [item_id])).get(item_id)

    async def suspense_items(
        self, caller: Caller, *, is_open: bool | None, before: tuple[datetime, UUID] | None, first: int
    ) -> Page[SuspenseItem]:
        """Return a page of suspense items, newest first.

        Raises:
            DomainError: FORBIDDEN.
        """
        require(caller, Scope.SUSPENSE)
        found = await staff.suspense_page(self._reader, is_open=is_open, before=before, limit=first + 1)
        return Page(items=found[:first], has_more=len(found) > first)

    async def ledger_entries(self, caller: Caller, order_id: UUID | None) -> list[LedgerEntry]:
        """Return everything that was booked for an order, oldest first.

        Raises:
            DomainError: FORBIDDEN or NOT_FOUND.
        """
        require(caller, Scope.BOOKS)
        order = await order_for(self._reader, caller, order_id, "orderId")
        return await staff.ledger_entries(self._reader, order.id)

    async def statistics(self, caller: Caller, since: datetime) -> Statistics:
        """Return what came in since then, and what waits now.

        Raises:
            DomainError: FORBIDDEN.
        """
        require(caller, Scope.BOOKS)
        return await staff.statistics(self._reader, since)

    async def activity(self, caller: Caller, minutes: int) -> list[Activity]:
        """Return what the payments opened in the last minutes came to, by minute and gateway.

        Raises:
            DomainError: FORBIDDEN, or INVALID unless it is 1 to MINUTES_MAX.
        """
        require(caller, Scope.BOOKS)
        if not 1 <= minutes <= MINUTES_MAX:
            raise DomainError(ErrorCode.INVALID, f"minutes is 1 to {MINUTES_MAX}.", ("minutes",))
        return await staff.activity(self._reader, minutes)


class Replays:
    """Has deliveries that could not be applied tried again, by whichever worker is free."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def replay(self, caller: Caller, event_id: UUID | None) -> None:
        """Owe the replay of a delivery, due at once.

        Raises:
            DomainError: FORBIDDEN, NOT_FOUND, or INVALID_STATE when there is nothing left to do.
        """
        require(caller, Scope.INBOX)
        found = await staff.inbox_events(self._database, [event_id]) if event_id is not None else {}
        event = found.get(event_id) if event_id is not None else None
        if event is None:
            raise DomainError(ErrorCode.NOT_FOUND, "There is no such delivery.", ("id",))
        if event.status in (InboxEventStatus.APPLIED, InboxEventStatus.IGNORED):
            raise DomainError(
                ErrorCode.INVALID_STATE, f"The delivery is {event.status}: there is nothing left to do."
            )
        await staff.owe_replay(self._database, new_id(), event.id)
