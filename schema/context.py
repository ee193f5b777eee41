"""What resolvers are given: the use cases, who is asking, and the reads of this moment."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol, TypeAlias

import strawberry

from app.auth import ANYONE, Caller
from app.rates import OpenStreams, Unlimited
from app.views import MomentaryViews
from schema.loaders import Loaders

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from uuid import UUID

    from app.auth import Authenticator
    from app.checkout import Catalog, Ordering, Paying, Suspense
    from app.integrity import Auditor
    from app.live import LiveHub
    from app.views import Views


class OperationFigures(Protocol):
    """What is counted of operations."""

    def operation(self, kind: str, *, failed: bool) -> None:
        """Count one operation: `kind` is query, mutation or subscription."""

    def push_latency(self, since: datetime) -> tuple[float, float] | None:
        """Return the median and 99th percentile of the seconds from webhook to frame since then, if there were any."""


class ReplaysDeliveries(Protocol):
    """Has deliveries that could not be applied tried again."""

    async def replay(self, caller: Caller, event_id: UUID | None) -> None:
        """Try a delivery again. Raises DomainError FORBIDDEN, NOT_FOUND or INVALID_STATE."""


class OperationRates(Protocol):
    """Counts what callers ask for."""

    async def spend(
        self, caller: Caller, address: str, *, values: int, mutations: Mapping[str, int] = ...
    ) -> None:
        """Count an operation. Raises RateLimitedError when it is more than the caller may ask for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """Everything that the GraphQL layer calls. Made by the composition root."""

    views: Views
    catalog: Catalog
    ordering: Ordering
    paying: Paying
    suspense: Suspense
    hub: LiveHub
    authenticator: Authenticator
    metrics: OperationFigures
    auditor: Auditor
    replays: ReplaysDeliveries
    rates: OperationRates = field(default_factory=Unlimited)
    event_streams: OpenStreams = field(default_factory=OpenStreams)


@dataclass(frozen=True, slots=True)
class Change:
    """A committed change that is on its way to a subscriber: which version of which order."""

    order_id: UUID
    version: int


@dataclass(slots=True)
class Context:
    """One operation's context."""

    services: Services
    loaders: Loaders
    caller: Caller = ANYONE
    address: str = ""
    """Where the client is, for the rates."""
    change: Change | None = None
    """What the subscription's present frame tells of; None for one that only says how things stand."""
    close_code: int | None = field(default=None)
    """With what the websocket is to be closed: the stream is not over, but can't go on here."""

    @classmethod
    def of(cls, services: Services, caller: Caller = ANYONE, address: str = "") -> Context:
        """Return a context that has read nothing yet."""
        return cls(services, Loaders(services.views), caller, address)

    @classmethod
    def at_one_moment(
        cls, services: Services, views: MomentaryViews, caller: Caller, address: str = ""
    ) -> Context:
        """Return a context whose reads agree with each other, until it is told to forget."""
        return cls(replace(services, views=views), Loaders(views), caller, address)

    def forget(self) -> None:
        """Read everything anew from here on: something has changed."""
        views = self.services.views
        if isinstance(views, MomentaryViews):
            views.renew()
        self.loaders = Loaders(views)


Info: TypeAlias = strawberry.Info[Context, None]
