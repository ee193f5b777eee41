"""Lines to PostgreSQL's notifications under a name, so that a test cuts its own and nobody else's."""

from __future__ import annotations

from db.notifications import NotificationLine
from db.pool import connect


async def open_line(dsn: str, *, application_name: str = "orderpulse-test") -> NotificationLine:
    """Connect."""
    return NotificationLine(await connect(dsn, application_name=application_name))
