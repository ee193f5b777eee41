"""A line to PostgreSQL's notifications over asyncpg, as `app.relay` wants it. Direct: poolers drop notifications."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from db.pool import Connection, connect

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_NOTIFY: Final = "SELECT pg_notify($1, payload) FROM unnest($2::text[]) AS payload"
_PING: Final = "SELECT 1"


class NotificationLine:
    """A connection that is kept for notifications alone."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def listen(self, channel: str, heard: Callable[[str], None]) -> None:
        """Call `heard` with the payload of every notification on a channel from now on."""
        await self._connection.add_listener(
            channel, lambda _connection, _pid, _channel, payload: heard(payload)
        )

    async def notify(self, channel: str, payloads: Sequence[str]) -> None:
        """Send notifications, all of them in one statement."""
        await self._connection.execute(_NOTIFY, channel, list(payloads))

    async def ping(self) -> None:
        """Ask for a sign of life."""
        await self._connection.execute(_PING)

    def on_lost(self, lost: Callable[[], None]) -> None:
        """Have `lost` called when the connection ends."""
        self._connection.add_termination_listener(lambda _connection: lost())

    def cut(self) -> None:
        """Close the connection at once, without a word to the other end."""
        self._connection.terminate()


async def open_line(dsn: str, *, application_name: str = "orderpulse-relay") -> NotificationLine:
    """Connect.

    Raises:
        DatabaseUnavailableError: Nothing answers at the DSN.
    """
    return NotificationLine(await connect(dsn, application_name=application_name))
