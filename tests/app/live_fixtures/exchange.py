"""A broker inside the process, that can be taken away, slowed down and made deaf; and somebody who listens."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from broadcaster import BroadcastBackend, Event

if TYPE_CHECKING:
    from collections.abc import Iterable
    from uuid import UUID


class Exchange:
    """What several backends have in common."""

    def __init__(self) -> None:
        self.backends: list[ExchangeBackend] = []
        self.sent: list[tuple[str, str]] = []
        self.away = False
        self.open = asyncio.Event()
        self.open.set()

    def backend(self) -> ExchangeBackend:
        """Return a new connection to it."""
        return ExchangeBackend(self)


class ExchangeBackend(BroadcastBackend):
    """One connection. `deaf` until it is connected again: as a lost subscription is."""

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange
        self.channels: set[str] = set()
        self.inbox: asyncio.Queue[Event] = asyncio.Queue()
        self.deaf = False
        self.connects = 0

    async def connect(self) -> None:
        """Connect, if the broker is there."""
        self.connects += 1
        if self.exchange.away:
            raise ConnectionRefusedError
        self.deaf = False
        self.exchange.backends.append(self)

    async def disconnect(self) -> None:
        """Hang up."""
        self.exchange.backends.remove(self)

    async def subscribe(self, channel: str) -> None:
        """Want a channel."""
        self.channels.add(channel)

    async def unsubscribe(self, channel: str) -> None:
        """Want it no more."""
        self.channels.remove(channel)

    async def publish(self, channel: str, message: str) -> None:
        """Send to everybody, oneself included."""
        await self.exchange.open.wait()
        if self.exchange.away:
            raise ConnectionResetError
        self.exchange.sent.append((channel, message))
        for backend in self.exchange.backends:
            if channel in backend.channels and not backend.deaf:
                backend.inbox.put_nowait(Event(channel, message))

    async def next_published(self) -> Event:
        """Return what came."""
        return await self.inbox.get()


class Listener:
    """Stands where the hub does, and writes down what it is told."""

    def __init__(self) -> None:
        self.hints: list[tuple[UUID, int]] = []
        self.resyncs = 0

    def heard(self, hints: Iterable[tuple[UUID, int]]) -> None:
        """Take note."""
        self.hints.extend(hints)

    def resync(self) -> None:
        """Take note."""
        self.resyncs += 1
