"""The relay: tells other processes what was committed here, and the hub what was committed there."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import secrets
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol, Self
from urllib.parse import urlsplit

from broadcaster import Broadcast, BroadcastBackend

from app.relay.hints import decode, encode, encode_echo, encode_everything
from app.relay.lines import RESYNC
from app.tasks import end_tasks, together

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable
    from uuid import UUID

    from broadcaster._base import Subscriber

    from app.domain.order import OrderChange

log = logging.getLogger(__name__)

_DOUBLINGS_MAX: Final = 16
_LOSE_SUBSCRIBERS: Final = frozenset({"postgres", "postgresql", "redis", "rediss", "redis-stream"})


class HintHearer(Protocol):
    """Who wants to know: the hub."""

    def heard(self, hints: Iterable[tuple[UUID, int]]) -> None:
        """Take note of versions committed by other processes."""

    def resync(self) -> None:
        """Take note that hints may have been missed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RelayLimits:
    """What bounds the relay's memory and waits."""

    unsent_max: int = 10_000
    """Orders that wait to be announced; with more, the others are told that any order may have changed."""
    echo_seconds: float = 3.0
    silence_seconds_max: float = 10.0
    """How long the relay may hear nothing of its own before it takes the broker for deaf and connects anew."""
    connect_seconds_max: float = 10.0
    publish_seconds_max: float = 5.0
    close_seconds_max: float = 5.0
    retry_seconds_first: float = 0.1
    retry_seconds_max: float = 5.0


_NO_LIMITS_GIVEN: Final = RelayLimits()


class BrokerSilentError(ConnectionError):
    """The broker takes what we send, and nothing of it arrives."""


class Relay:
    """Carries hints of order ids and versions between processes.

    The broker is never waited for by those who announce. A broker that is away, slow or deaf makes changes arrive
    elsewhere by the hub's heartbeat instead of at once; the relay goes on trying, and knows that it is connected by
    hearing its own voice.
    """

    def __init__(
        self,
        broker: str | BroadcastBackend,
        hub: HintHearer,
        *,
        namespace: str,
        limits: RelayLimits = _NO_LIMITS_GIVEN,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Describe the relay.

        Args:
            broker: `broadcaster`'s URL of a broker (`memory://` for a single process), or a backend. A backend must
                bear being connected again after a disconnect.
            hub: Who is told.
            namespace: Keeps deployments that share a broker apart.
            limits: What bounds memory and waits.
            clock: Seconds that never go back.

        Raises:
            ValueError: The URL is of a broker whose backend in `broadcaster` loses subscribers.
        """
        if isinstance(broker, str) and urlsplit(broker).scheme in _LOSE_SUBSCRIBERS:
            raise ValueError("PostgreSQL and Redis need a LineBackend")
        self._broker = broker
        self._hub = hub
        self._channel = f"{namespace}.orders"  # a name that Kafka takes, too
        self._limits = limits
        self._clock = clock
        self._origin = secrets.token_hex(8)
        self._unsent: dict[UUID, int] = {}
        self._everything = False
        self._some = asyncio.Event()
        self._all_sent = asyncio.Event()
        self._echo_now = asyncio.Event()
        self._heard_self_at = 0.0
        self._connected = False
        self._runner: asyncio.Task[None] | None = None

    @property
    def connected(self) -> bool:
        """Whether what is announced here arrived lately."""
        return self._connected

    async def __aenter__(self) -> Self:
        self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    def start(self) -> None:
        """Begin to connect; returns at once."""
        self._runner = self._runner or asyncio.create_task(self._run(), name="relay")

    async def stop(self) -> None:
        """Send what waits, if the broker takes it soon, and disconnect."""
        if self._runner is None:
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._limits.close_seconds_max if self._connected else 0):
                while self._unsent or self._everything:
                    self._all_sent.clear()
                    await self._all_sent.wait()
        # Longer than the session takes to close, which the runner waits for.
        await end_tasks(self._runner, again_seconds=2 * self._limits.close_seconds_max)

    def announce(self, changes: Iterable[OrderChange]) -> None:
        """Tell the other processes of commits, soon. Never waits, never raises; newer versions replace older ones."""
        self.announce_versions((change.order.id, change.order.version) for change in changes)

    def announce_versions(self, versions: Iterable[tuple[UUID, int]]) -> None:
        """Tell the other processes of versions, where the changes themselves are not at hand."""
        for order_id, version in versions:
            self._note(order_id, version)

    def _note(self, order_id: UUID, version: int) -> None:
        known = self._unsent.get(order_id, 0)
        if not known and len(self._unsent) >= self._limits.unsent_max:
            del self._unsent[next(iter(self._unsent))]
            self._everything = True
        self._unsent[order_id] = max(known, version)
        self._some.set()

    async def _run(self) -> None:
        failures = 0
        while True:
            session = asyncio.create_task(self._session(), name="relay-session")
            try:
                await asyncio.wait([session])
            finally:
                await end_tasks(session, again_seconds=1.5 * self._limits.close_seconds_max)
                why = "cancelled" if session.cancelled() else repr(session.exception())
                failures = 0 if self._connected else min(failures + 1, _DOUBLINGS_MAX)
                self._connected = False
            log.warning("relay.session_ended", extra={"error": why})
            await asyncio.sleep(self._pause_seconds(failures))

    async def _session(self) -> None:
        """Be connected for as long as it lasts. What goes wrong in closing must not keep us from the next one."""
        stack = contextlib.AsyncExitStack()
        try:
            async with asyncio.timeout(self._limits.connect_seconds_max):
                broker = self._broker
                broadcast = Broadcast(broker) if isinstance(broker, str) else Broadcast(backend=broker)
                await stack.enter_async_context(broadcast)
                subscriber = await stack.enter_async_context(broadcast.subscribe(self._channel))
            self._hub.resync()
            await _until_one_ends(self._hear(subscriber), self._send(broadcast), self._prove(broadcast))
        finally:
            async with asyncio.timeout(self._limits.close_seconds_max):
                await stack.aclose()

    async def _hear(self, subscriber: Subscriber) -> None:
        while True:
            event = await subscriber.get()
            self._take(event.message)

    def _take(self, message: object) -> None:
        if message == RESYNC:
            self._hub.resync()
            self._echo_now.set()
            return
        hints = decode(message)
        if hints is None:
            log.warning("relay.message_not_understood", extra={"received": repr(message)[:100]})
        elif hints.origin == self._origin:
            self._heard_self_at = self._clock()
            self._connected = True
        elif hints.everything:
            self._hub.resync()
        else:
            self._hub.heard(hints.versions)

    async def _send(self, broadcast: Broadcast) -> None:
        """Send what is announced; what is announced meanwhile is sent together afterwards."""
        failures = 0
        while True:
            await self._some.wait()
            try:
                await self._flush(broadcast)
                failures = 0
                self._all_sent.set()
            except Exception as error:  # noqa: BLE001 - the boundary to the broker: kept, and tried again
                self._connected = False
                log.warning("relay.publish_failed", extra={"error": repr(error)})
                await asyncio.sleep(self._pause_seconds(failures))
                failures = min(failures + 1, _DOUBLINGS_MAX)

    async def _flush(self, broadcast: Broadcast) -> None:
        unsent, self._unsent = self._unsent, {}
        everything, self._everything = self._everything, False
        self._some.clear()
        messages = [encode_everything(self._origin)] if everything else encode(self._origin, unsent.items())
        try:
            await self._publish(broadcast, messages)
        except BaseException:
            self._everything |= everything
            for order_id, version in unsent.items():
                self._note(order_id, version)
            raise

    async def _publish(self, broadcast: Broadcast, messages: Iterable[str]) -> None:
        async with asyncio.timeout(self._limits.publish_seconds_max):
            await together(*(broadcast.publish(self._channel, message) for message in messages))

    async def _prove(self, broadcast: Broadcast) -> None:
        """Say something now and then, and expect to hear it: no broker tells reliably that it went deaf.

        Raises:
            BrokerSilentError: Nothing was heard for too long.
        """
        self._heard_self_at = self._clock()
        while self._clock() - self._heard_self_at <= self._limits.silence_seconds_max:
            try:
                await self._publish(broadcast, [encode_echo(self._origin)])
            except Exception as error:  # noqa: BLE001 - the boundary to the broker: the silence will tell
                self._connected = False
                log.warning("relay.echo_failed", extra={"error": repr(error)})
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._limits.echo_seconds):
                    await self._echo_now.wait()
            self._echo_now.clear()
        raise BrokerSilentError(f"nothing heard for {self._limits.silence_seconds_max} s")

    def _pause_seconds(self, failures: int) -> float:
        longest = min(self._limits.retry_seconds_max, self._limits.retry_seconds_first * 2.0**failures)
        return longest * (0.5 + random.random() / 2)  # noqa: S311 - jitter is no secret


async def _until_one_ends(*loops: Coroutine[None, None, None]) -> None:
    """Run loops together until one ends, however it does; its exception is raised."""
    tasks = [asyncio.create_task(loop) for loop in loops]
    try:
        ended, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in ended:
            task.result()
    finally:
        await end_tasks(*tasks)
