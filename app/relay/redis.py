"""A line to Redis, by redis-py's connections alone: its subscribers come back by themselves and don't tell."""

from __future__ import annotations

import asyncio
import contextlib
import math
from typing import TYPE_CHECKING, Any, Final

from redis.asyncio import ConnectionPool
from redis.exceptions import RedisError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from redis.asyncio import Connection

_SCHEMES: Final = ("redis://", "rediss://", "unix://")
_SECONDS_MAX: Final = 5.0
"""For connecting, and for each answer on a line that doesn't listen; the backend's own limits are no longer."""


class RedisLine:
    """Listens or publishes over one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._listener: asyncio.Task[None] | None = None
        self._subscribed = asyncio.Event()
        self._answered = asyncio.Event()
        self._lost: Callable[[], None] | None = None

    @staticmethod
    def leads_to(url: str) -> bool:
        """Whether a URL is a Redis's: redis://, rediss:// (TLS) or unix://."""
        return url.startswith(_SCHEMES)

    @classmethod
    async def open(cls, url: str) -> RedisLine:
        """Connect; name, password and number of the database as in the URL.

        Raises:
            ConnectionError: Nothing answers there, or it doesn't let us in.
            ValueError: The URL makes no sense.
        """
        pool = ConnectionPool.from_url(
            url,
            protocol=2,  # in which a listening connection has one kind of message
            decode_responses=True,
            encoding_errors="replace",
            socket_timeout=_SECONDS_MAX,
            socket_connect_timeout=_SECONDS_MAX,
        )
        line = cls(pool.make_connection())
        try:
            with _plain_errors():
                await line._connection.connect()
        except BaseException:
            line.cut()
            raise
        return line

    async def listen(self, channel: str, heard: Callable[[str], None]) -> None:
        """Call `heard` with every message on a channel from now on; returns once Redis has subscribed us.

        Raises:
            ConnectionError: The connection ended before, or Redis refuses us the channel.
        """
        with _plain_errors():
            await self._connection.send_command("SUBSCRIBE", channel)
        self._listener = asyncio.create_task(self._hear(heard), name="redis-listener")
        self._listener.add_done_callback(self._ended)
        await self._hold(self._subscribed)

    async def notify(self, channel: str, payloads: Sequence[str]) -> None:
        """Send messages in one go, and wait until Redis has taken them all.

        Raises:
            ConnectionError: It has not; some may have arrived.
        """
        commands = [("PUBLISH", channel, payload) for payload in payloads]
        with _plain_errors():
            await self._connection.send_packed_command(self._connection.pack_commands(commands))
            for _ in commands:
                await self._connection.read_response()

    async def ping(self) -> None:
        """Ask for a sign of life.

        Raises:
            ConnectionError: The connection ended meanwhile.
        """
        self._answered.clear()
        with _plain_errors():
            await self._connection.send_command("PING")
            if self._listener is None:
                await self._connection.read_response()
                return
        await self._hold(self._answered)

    def on_lost(self, lost: Callable[[], None]) -> None:
        """Have `lost` called when a connection that listens ends; one that publishes finds out when it does."""
        self._lost = lost

    def cut(self) -> None:
        """Close the connection at once, without a word to the other end."""
        if self._listener is not None:
            self._listener.cancel()
        writer = self._connection._writer  # noqa: SLF001 - redis-py closes in words, and waits for their delivery
        self._connection._close()  # noqa: SLF001 - else it counts as left open
        if writer is not None:
            writer.transport.abort()

    async def _hear(self, heard: Callable[[str], None]) -> None:
        """Read for as long as the connection lasts. An answer to a PING comes between the messages."""
        while True:
            answer: Any = await self._connection.read_response(timeout=math.inf, disconnect_on_error=False)
            match answer:
                case ["message", _, payload]:
                    heard(payload)
                case ["subscribe", *_]:
                    self._subscribed.set()
                case ["pong", *_]:
                    self._answered.set()

    async def _hold(self, answer: asyncio.Event) -> None:
        """Wait for an answer that the listener hears, or for its end: Redis may refuse us the channel."""
        assert self._listener is not None, "who listens hears"  # noqa: S101 - set by `listen`
        waiting = asyncio.create_task(answer.wait())
        try:
            await asyncio.wait((waiting, self._listener), return_when=asyncio.FIRST_COMPLETED)
        finally:
            waiting.cancel()
        if not answer.is_set():
            why = None if self._listener.cancelled() else self._listener.exception()
            raise ConnectionError(f"the connection to Redis ended: {why or 'cut by us'}")

    def _ended(self, listener: asyncio.Task[None]) -> None:
        with contextlib.suppress(asyncio.CancelledError, RedisError, OSError):
            listener.result()
        if self._lost is not None:
            self._lost()


@contextlib.contextmanager
def _plain_errors() -> Iterator[None]:
    """Raise ConnectionError for whatever redis-py raises, whose own errors don't say in their `repr` what it was."""
    try:
        yield
    except RedisError as error:
        raise ConnectionError(str(error)) from error
