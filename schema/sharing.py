"""Executions that websockets share: one for each change, however many ask for the same and may see as much.

A result is executed and serialised once, and written to each of its sockets, a slice of them in a turn of the loop. A
socket is a position and nothing else: one that takes nothing is passed over, and goes on from where it is, which costs
the others nothing.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias

import orjson

from app.error_catalog import CloseCode
from app.live import HubStoppedError
from schema.context import Context
from schema.errors import content_of, could_not_run
from schema.events import OrderEvent
from schema.orders import Order
from schema.subscriptions import FollowedEvents, shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from uuid import UUID

    from graphql import GraphQLError

    from app.auth import Caller
    from app.live import LiveHub, Watch
    from schema.build import Asked, OrderpulseSchema, Shareable
    from schema.context import Services

log = logging.getLogger(__name__)

SLICE_MAX: Final = 128
"""Sockets that are written to in one turn of the loop, so that webhooks are answered in between."""
KEPT_MAX: Final = 32
"""Events that are kept as they are sent, while somebody is on his way through them."""

Key: TypeAlias = tuple[object, ...]


class Member(Protocol):
    """An operation that shares its executions."""

    seen: int
    """The version that it was sent last; 0 for none."""

    @property
    def is_writable(self) -> bool:
        """Whether it takes what it is sent."""

    def send_next(self, payload: bytes, order_id: UUID, version: int) -> None:
        """Send a result."""

    def refuse(self, errors: list[GraphQLError]) -> None:
        """Say what went wrong, and be over."""

    def break_off(self, code: int) -> None:
        """Have the client come again: the stream is not over, but can't go on here."""

    def fail(self, error: Exception) -> None:
        """Say what went wrong, and be over."""


class SharedStreams:
    """The shared streams of one process."""

    def __init__(self, services: Services, schema: OrderpulseSchema) -> None:
        self.services = services
        self.schema = schema
        self._streams: dict[Key, Stream] = {}

    @property
    def number(self) -> int:
        """How many different ones there are."""
        return len(self._streams)

    async def join(self, member: Member, shareable: Shareable, caller: Caller) -> Stream:
        """Begin to send a member what comes, and what there is: first of all, or from a cursor on.

        Raises:
            HubFullError, HubStoppedError, LookupError: as of the hub.
        """
        hub, source = self.services.hub, shareable.source
        wants_events = isinstance(source, FollowedEvents)
        watch = hub.enter(source.known.id)
        watch.event_readers += wants_events
        try:
            if isinstance(source, FollowedEvents):
                member.seen = await hub.arrive_for_events(watch, source.after)
            else:
                member.seen = (await hub.arrive(watch)).order.version - 1  # nothing older is shown
        except BaseException:
            self._leave(watch, wants_events=wants_events)
            raise
        key = (source.known.id, *_key(shareable.asked, caller))
        stream = self._streams.get(key)
        if stream is None:
            made = _SharedEvents if wants_events else _SharedOrder
            stream = self._streams[key] = made(self, key, shareable.asked, caller, watch)
            watch.changed.listen(stream.changed)
        stream.members[member] = None
        stream.go_on(member)
        return stream

    def part(self, stream: Stream, member: Member) -> None:
        """Send a member nothing more."""
        if member not in stream.members:
            return
        del stream.members[member]
        if not stream.members:
            stream.watch.changed.ignore(stream.changed)
            stream.stop()
            del self._streams[stream.key]
        self._leave(stream.watch, wants_events=isinstance(stream, _SharedEvents))

    def _leave(self, watch: Watch, *, wants_events: bool) -> None:
        watch.event_readers -= wants_events
        self.services.hub.leave(watch)


class Stream:
    """One document with one set of variables, for those who may see as much as each other."""

    __slots__ = ("_asked", "_caller", "_streams", "_working", "key", "members", "watch")

    def __init__(self, streams: SharedStreams, key: Key, asked: Asked, caller: Caller, watch: Watch) -> None:
        self._streams = streams
        self._asked = asked
        self._caller = caller
        self._working: asyncio.Task[None] | None = None
        self.key = key
        self.watch = watch
        self.members: dict[Member, None] = {}

    @property
    def _hub(self) -> LiveHub:
        return self._streams.services.hub

    def changed(self) -> None:
        """Send what is new, in a later turn of the loop: who caused it is answered first."""
        if self._working is None:
            self._working = asyncio.get_running_loop().create_task(self._work(), name="shared-stream")

    def go_on(self, member: Member) -> None:
        """Send a member what there is, if it is at hand; else as soon as it is."""
        if member.seen < self.watch.version and member.is_writable and not self._send(member):
            self.changed()

    def stop(self) -> None:
        """Work no more."""
        if self._working is not None and self._working is not asyncio.current_task():
            self._working.cancel()

    async def _work(self) -> None:
        """Work until nobody who takes anything is behind."""
        try:
            while not self._hub.is_stopped and (behind := self._behind()):
                try:
                    await self._prepare(behind)
                except HubStoppedError:
                    break
                except Exception as error:  # noqa: BLE001 - the boundary of the stream: who waits for it is told
                    self._fail_last(behind, shown(error) if isinstance(error, LookupError) else error)
                await self._send_to(behind)
        finally:
            self._working = None
            self._forget()
        if self._hub.is_stopped:
            for member in tuple(self.members):
                member.break_off(CloseCode.SERVICE_RESTART)

    def _fail_last(self, behind: Iterable[Member], error: Exception) -> None:
        """Tell those furthest behind, for whom something was to be prepared; the others' turn is still to come."""
        position = min(member.seen for member in behind)
        for member in behind:
            if member.seen == position:
                member.fail(error)

    def _behind(self) -> list[Member]:
        version = self.watch.version
        return [member for member in self.members if member.seen < version and member.is_writable]

    async def _send_to(self, members: Sequence[Member]) -> None:
        for start in range(0, len(members), SLICE_MAX):
            for member in members[start : start + SLICE_MAX]:
                if member in self.members and member.is_writable:
                    self._send(member)
            await asyncio.sleep(0)

    async def _answer(self, source: object) -> bytes | None:
        """Return the result for one thing, as it is sent; None when it is none, and all who waited know."""
        context = Context.of(self._streams.services, self._caller)
        result = await self._streams.schema.answer(self._asked, source, context)
        if could_not_run(result):
            for member in self._behind():
                member.refuse(result.errors or [])
            return None
        return orjson.dumps(content_of(result))

    async def _prepare(self, behind: Iterable[Member]) -> None:
        """Have at hand what is to be sent."""
        raise NotImplementedError

    def _send(self, member: Member) -> bool:
        """Send a member all that is at hand for it; whether that was anything."""
        raise NotImplementedError

    def _forget(self) -> None:
        """Keep nothing at hand: what is wanted later is made anew."""
        raise NotImplementedError


class _SharedOrder(Stream):
    """The newest state of an order; whoever is slow skips what was in between."""

    __slots__ = ("_newest",)

    def __init__(self, streams: SharedStreams, key: Key, asked: Asked, caller: Caller, watch: Watch) -> None:
        super().__init__(streams, key, asked, caller, watch)
        self._newest: tuple[int, bytes] | None = None

    async def _prepare(self, behind: Iterable[Member]) -> None:
        del behind  # all are sent the same
        snapshot = self.watch.snapshot
        if snapshot is None or (self._newest is not None and self._newest[0] == snapshot.order.version):
            return
        payload = await self._answer(Order.of_snapshot(snapshot))
        if payload is not None:
            self._newest = (snapshot.order.version, payload)

    def _send(self, member: Member) -> bool:
        if self._newest is None or self._newest[0] <= member.seen:
            return False
        version, payload = self._newest
        member.seen = version
        member.send_next(payload, self.watch.order_id, version)
        return True

    def _forget(self) -> None:
        if len(self.members) == 1:
            self._newest = None


class _SharedEvents(Stream):
    """Every event of an order, in order: from what the hub holds, and behind that from the log."""

    __slots__ = ("_at_hand",)

    def __init__(self, streams: SharedStreams, key: Key, asked: Asked, caller: Caller, watch: Watch) -> None:
        super().__init__(streams, key, asked, caller, watch)
        self._at_hand: dict[int, bytes] = {}

    async def _prepare(self, behind: Iterable[Member]) -> None:
        """Make what the one furthest behind needs next."""
        position = min(member.seen for member in behind)
        if position + 1 in self._at_hand:
            return
        event = self.watch.event_after(position)
        page = await self._hub.page(self.watch.order_id, position) if event is None else (event,)
        for each in page[:KEPT_MAX]:
            snapshot = self.watch.snapshot
            if snapshot is None or each.version > snapshot.order.version:
                return  # the log was read after the order
            payload = await self._answer(OrderEvent.of(each, holder=Order.of_snapshot(snapshot)))
            if payload is None:
                return
            self._at_hand[each.version] = payload
        while len(self._at_hand) > KEPT_MAX:
            del self._at_hand[next(iter(self._at_hand))]

    def _send(self, member: Member) -> bool:
        sent = False
        while member.is_writable and (payload := self._at_hand.get(member.seen + 1)) is not None:
            member.seen += 1
            member.send_next(payload, self.watch.order_id, member.seen)
            sent = True
        return sent and member.seen == self.watch.version

    def _forget(self) -> None:
        self._at_hand.clear()


def _key(asked: Asked, caller: Caller) -> Key:
    """Return what an execution depends on: what is asked for, and as what kind of caller."""
    given = asked.variables or {}
    variables = {name: value for name, value in given.items() if name != asked.operation.cursor}
    return (
        id(asked.document),
        asked.operation.name,
        orjson.dumps(variables, option=orjson.OPT_SORT_KEYS).decode(),  # its bytes keep a buffer of 4 KiB
        caller.scopes,
        caller.customer_id,
        caller.order_id,
    )
