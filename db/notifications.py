"""A connection for LISTEN and NOTIFY, apart from all others. It must be direct: a pooler drops notifications."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from db.pool import connect

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from db.pool import Connection

_NOTIFY: Final = "SELECT pg_notify($1, payload) FROM unnest($2::text[]) AS payload"


class NotificationLine:
    """Listens and notifies over one connection. Errors are those of a database that is away."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @classmethod
    async def open(cls, dsn: str) -> NotificationLine:
        """Connect.

        Raises:
            DatabaseUnavailableError: nothing answers at the DSN.
        """
        return cls(await connect(dsn, application_name="orderpulse-notifications"))

    async def listen(self, channel: str, heard: Callable[[str], None]) -> None:
        """Call `heard` with the payload of every notification on a channel from now on."""

        def on_notification(_connection: Any, _pid: int, _channel: str, payload: Any) -> None:  # noqa: ANN401
            heard(str(payload))

        await self._connection.add_listener(channel, on_notification)

    async def notify(self, channel: str, payloads: Sequence[str]) -> None:
        """Send notifications, all of them in one statement."""
        await self._connection.execute(_NOTIFY, channel, list(payloads))

    async def ping(self) -> None:
        """Ask for a sign of life."""
        await self._connection.execute("SELECT 1")

    def on_lost(self, lost: Callable[[], None]) -> None:
        """Have `lost` called when the connection ends."""
        self._connection.add_termination_listener(lambda _connection: lost())

    def cut(self) -> None:
        """Close the connection at once, without a word to the other end."""
        self._connection.terminate()
