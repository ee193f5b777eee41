"""A backend for `broadcaster` over lines to PostgreSQL or Redis, since its own ones lose subscribers silently.

Its own overwrite subscribers that come while the first one is being subscribed, and stay deaf when their connection is
lost. This one listens on a line of its own to a single channel of the broker, which carries all of `broadcaster`'s; a
lost line is opened again, and each time the subscribers are told by a RESYNC that they may have missed something.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import re
from collections import deque
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Final, Protocol

from broadcaster import BroadcastBackend, Event

from app.tasks import end_tasks

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

log = logging.getLogger(__name__)

RESYNC: Final = "\0resync"
"""The message that stands for "something may have been missed here". No line brings it, so it is ours."""

_PAYLOAD_BYTES_MAX: Final = 7_999
"""PostgreSQL's, the least of the brokers'."""
_NAMESPACE: Final = re.compile(r"[a-z][a-z0-9_]{0,39}")
_DOUBLINGS_MAX: Final = 16


class Line(Protocol):
    """A direct connection to a broker: to PostgreSQL not by way of a pooler, which drops notifications."""

    async def listen(self, channel: str, heard: Callable[[str], None]) -> None:
        """Call `heard` with every message on a channel from now on."""

    async def notify(self, channel: str, payloads: Sequence[str]) -> None:
        """Send messages, all of them in one go; of equal ones, one may arrive for all."""

    async def ping(self) -> None:
        """Ask for a sign of life."""

    def on_lost(self, lost: Callable[[], None]) -> None:
        """Have `lost` called when the connection ends."""

    def cut(self) -> None:
        """Close the connection at once, without a word to the other end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LineLimits:
    """What bounds the backend's queues and waits."""

    inbox_max: int = 10_000
    outbox_max: int = 10_000
    batch_max: int = 500
    answer_seconds_max: float = 5.0
    """For everything that a broker answers; a line that doesn't is taken for dead."""
    ping_seconds: float = 5.0
    retry_seconds_first: float = 0.05
    retry_seconds_max: float = 5.0


_NO_LIMITS_GIVEN: Final = LineLimits()


class LineBackend(BroadcastBackend):
    """Messages for `Broadcast(backend=...)`, that survive the loss of connections.

    `connect` returns at once; a RESYNC on each subscribed channel says that listening began, first or again.
    """

    def __init__(
        self,
        open_line: Callable[[], Awaitable[Line]],
        *,
        namespace: str,
        limits: LineLimits = _NO_LIMITS_GIVEN,
    ) -> None:
        """Describe the backend.

        Args:
            open_line: Makes a connection to the broker.
            namespace: Keeps deployments that share a broker apart; lower-case letters, digits and `_`.
            limits: What bounds queues and waits.

        Raises:
            ValueError: The namespace is not plain.
        """
        if not _NAMESPACE.fullmatch(namespace):
            raise ValueError(f"not a plain lower-case name: {namespace!r}")
        self._open_line = open_line
        self._line_channel = f"{namespace}_hints"
        self._limits = limits
        self._channels: set[str] = set()
        self._resync: set[str] = set()
        self._inbox: deque[Event] = deque()
        self._some = asyncio.Event()
        self._listener: asyncio.Task[None] | None = None
        self._outbox: deque[tuple[str, asyncio.Future[None]]] = deque()
        self._sending = asyncio.Lock()
        self._line: Line | None = None
        self.listening = False
        """Whether messages arrive at this moment, as far as is known."""

    async def connect(self) -> None:
        """Begin to listen, and go on until `disconnect`."""
        if self._listener is None:
            self._start_listener()

    async def disconnect(self) -> None:
        """Stop listening and publishing."""
        listener, self._listener = self._listener, None
        if listener is not None:
            await end_tasks(listener)
        self._hang_up()
        self._inbox.clear()
        self._resync.clear()

    async def subscribe(self, channel: str) -> None:
        """Pass a channel's messages on. Never suspends, so that no second subscriber can come in between."""
        self._channels.add(channel)

    async def unsubscribe(self, channel: str) -> None:
        """Pass them on no more."""
        self._channels.discard(channel)

    async def next_published(self) -> Event:
        """Return the next message of a subscribed channel, RESYNC before all others."""
        while not self._resync and not self._inbox:
            self._some.clear()
            await self._some.wait()
        return Event(self._resync.pop(), RESYNC) if self._resync else self._inbox.popleft()

    async def publish(self, channel: str, message: str) -> None:
        """Send a message; returns when the broker has it.

        What is published in one turn of the loop goes in one go; what comes while that is on its way, in the next.

        Raises:
            ValueError: The message is too long for a line.
            ConnectionError: It could not be sent, too many wait already, or the backend is not connected.
        """
        payload = f"{channel}\n{message}"
        if len(payload.encode()) > _PAYLOAD_BYTES_MAX:
            raise ValueError(f"longer than {_PAYLOAD_BYTES_MAX} bytes")
        if self._listener is None:
            raise ConnectionError("not connected")
        if len(self._outbox) >= self._limits.outbox_max:
            raise ConnectionError(f"{len(self._outbox)} messages wait to be sent")
        sent = asyncio.get_running_loop().create_future()
        self._outbox.append((payload, sent))
        try:
            async with self._sending:
                await asyncio.sleep(0)  # for those who publish in the same turn
                while not sent.done():
                    await self._send_batch()
        except asyncio.CancelledError:
            sent.cancel()
            raise
        await sent

    async def _send_batch(self) -> None:
        batch = list(islice(self._outbox, self._limits.batch_max))
        failure: Exception | None = None
        try:
            async with asyncio.timeout(self._limits.answer_seconds_max):
                line = self._line or await self._call()
                await line.notify(self._line_channel, [payload for payload, sent in batch if not sent.done()])
        except asyncio.CancelledError:
            self._hang_up()  # in the middle of an answer; the batch is left to the next in line
            raise
        except Exception as error:  # noqa: BLE001 - the boundary to the line: each sender is told
            self._hang_up()
            failure = error
        for _, sent in batch:
            self._outbox.popleft()
            if sent.done():
                continue
            if failure is None:
                sent.set_result(None)
            else:
                sent.set_exception(ConnectionError(f"not sent: {failure!r}"))

    async def _call(self) -> Line:
        self._line = line = await self._open_line()
        line.on_lost(lambda: self._hang_up(line))
        return line

    def _hang_up(self, lost: Line | None = None) -> None:
        """Close the publishing connection, or only the given one if a newer one has taken its place."""
        line = self._line
        if line is not None and lost in (None, line):
            self._line = None
            line.cut()

    def _start_listener(self) -> None:
        self._listener = asyncio.create_task(self._keep_listening(), name="relay-listener")
        self._listener.add_done_callback(self._listener_ended)

    def _listener_ended(self, listener: asyncio.Task[None]) -> None:
        """Start it again, unless we ended it: a cancellation that leaks from a connection ends it unasked."""
        if listener is self._listener:
            log.error("relay.listener_ended", extra={"cancelled": listener.cancelled()})
            asyncio.get_running_loop().call_later(self._limits.retry_seconds_first, self._restart, listener)

    def _restart(self, ended: asyncio.Task[None]) -> None:
        if ended is self._listener:
            self._start_listener()

    async def _keep_listening(self) -> None:
        failures = 0
        while True:
            try:
                await self._listen()
                failures = 0
                log.warning("relay.connection_lost")
            except Exception as error:  # noqa: BLE001 - the boundary of the loop: whatever it was, try again
                failures = 0 if self.listening else min(failures + 1, _DOUBLINGS_MAX)
                log.warning("relay.listen_failed", extra={"error": repr(error)})
            self.listening = False
            longest = min(self._limits.retry_seconds_max, self._limits.retry_seconds_first * 2.0**failures)
            await asyncio.sleep(longest * (0.5 + random.random() / 2))  # noqa: S311 - jitter is no secret

    async def _listen(self) -> None:
        """Listen until the connection is lost.

        Raises:
            TimeoutError: It is half-open: nothing says that it is lost, and nothing comes.
        """
        async with asyncio.timeout(self._limits.answer_seconds_max):
            line = await self._open_line()
        lost = asyncio.Event()
        try:
            line.on_lost(lost.set)
            async with asyncio.timeout(self._limits.answer_seconds_max):
                await line.listen(self._line_channel, self._heard)
            self.listening = True
            self._resync_all()
            while not lost.is_set():
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self._limits.ping_seconds):
                        await lost.wait()
                        return
                async with asyncio.timeout(self._limits.answer_seconds_max):
                    await line.ping()
        finally:
            line.cut()

    def _heard(self, payload: str) -> None:
        channel, _, message = payload.partition("\n")
        if channel not in self._channels:
            return
        if len(self._inbox) >= self._limits.inbox_max:
            self._inbox.clear()
            self._resync_all()
            return
        self._inbox.append(Event(channel, message))
        self._some.set()

    def _resync_all(self) -> None:
        self._resync |= self._channels
        self._some.set()
