"""Reading what hangs on many things at once: one statement for each kind of thing, however many ask."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from strawberry.dataloader import DataLoader

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence
    from uuid import UUID

    from app.domain.events import OrderEvent
    from app.domain.order import Order, OrderAdjustment, OrderLine, Payment
    from app.domain.payment import PaymentAttempt
    from app.domain.refunds import Dispute, Refund
    from app.views import Page, Views

_T = TypeVar("_T")


class EventsKey(NamedTuple):
    """A page of one order's events."""

    order_id: UUID
    after_version: int
    first: int


class Loaders:
    """The reads of one moment. They remember what they read, so each operation and each change has its own."""

    def __init__(self, views: Views) -> None:
        self.orders: DataLoader[UUID, Order | None] = DataLoader(_one(views.orders_of))
        self.payment: DataLoader[UUID, Payment | None] = DataLoader(_one(views.payments_by_id))
        self.lines: DataLoader[UUID, Sequence[OrderLine]] = DataLoader(_many(views.lines_of))
        self.adjustments: DataLoader[UUID, Sequence[OrderAdjustment]] = DataLoader(
            _many(views.adjustments_of)
        )
        self.payments: DataLoader[UUID, Sequence[Payment]] = DataLoader(_many(views.payments_of))
        self.attempts: DataLoader[UUID, Sequence[PaymentAttempt]] = DataLoader(_many(views.attempts_of))
        self.refunds: DataLoader[UUID, Sequence[Refund]] = DataLoader(_many(views.refunds_of))
        self.disputes: DataLoader[UUID, Sequence[Dispute]] = DataLoader(_many(views.disputes_of))
        self.events: DataLoader[EventsKey, Page[OrderEvent]] = DataLoader(_event_pages(views))


def _one(
    read: Callable[[Sequence[UUID]], Awaitable[Mapping[UUID, _T]]],
) -> Callable[[list[UUID]], Awaitable[list[_T | None]]]:
    async def load(ids: list[UUID]) -> list[_T | None]:
        found = await read(ids)
        return [found.get(key) for key in ids]

    return load


def _many(
    read: Callable[[Sequence[UUID]], Awaitable[Mapping[UUID, list[_T]]]],
) -> Callable[[list[UUID]], Awaitable[list[Sequence[_T]]]]:
    async def load(ids: list[UUID]) -> list[Sequence[_T]]:
        found = await read(ids)
        return [found.get(key, ()) for key in ids]

    return load


def _event_pages(views: Views) -> Callable[[list[EventsKey]], Awaitable[list[Page[OrderEvent]]]]:
    async def load(keys: list[EventsKey]) -> list[Page[OrderEvent]]:
        """Read the pages of one size, from one position of each order, together."""
        rounds: dict[tuple[int, int], dict[UUID, int]] = {}
        turns: dict[tuple[UUID, int], int] = defaultdict(int)
        placed: list[tuple[int, int]] = []
        for key in keys:
            turn = (key.first, turns[key.order_id, key.first])
            turns[key.order_id, key.first] += 1
            rounds.setdefault(turn, {})[key.order_id] = key.after_version
            placed.append(turn)
        read = {turn: await views.events_of(after, turn[0]) for turn, after in rounds.items()}
        return [read[turn][key.order_id] for turn, key in zip(placed, keys, strict=True)]

    return load
