"""What a process may serve."""

from __future__ import annotations

from enum import StrEnum


class Role(StrEnum):
    """What one process serves; health and figures are everywhere."""

    ALL = "all"
    API = "api"
    """GraphQL over HTTP, and pages."""
    WEBHOOKS = "webhooks"
    LIVE = "live"
    """Websockets and event streams, and the tracking page."""
    WORKER = "worker"
    """Nothing; it does owed work."""
