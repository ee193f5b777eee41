"""Whether each gateway's webhooks are taken here, and a warning before a gateway gives up sending them.

What is known is this process's own, since it started: enough to notice a secret that is wrong or a database that is
away, which is why deliveries fail for hours.
"""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.domain.states import GatewayName
    from app.gateways import Gateway

log = logging.getLogger(__name__)

WARN_AFTER: Final = 0.25
"""Of the time that a gateway goes on trying."""
WARN_EVERY_SECONDS: Final = 3600.0


class WebhookWatch:
    """Since when no delivery of a gateway was taken, though some came."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._failing_since: dict[GatewayName, float] = {}
        self._warned_at: dict[GatewayName, float] = {}

    def taken(self, gateway: Gateway) -> None:
        """Note a delivery that was answered well."""
        if self._failing_since.pop(gateway.name, None) is not None:
            self._warned_at.pop(gateway.name, None)

    def turned_away(self, gateway: Gateway) -> None:
        """Note one that was not, and warn when that goes on for too long."""
        now = self._clock()
        failing_seconds = now - self._failing_since.setdefault(gateway.name, now)
        ends_after_seconds = gateway.polling.webhooks_end_after_seconds
        if ends_after_seconds is None or failing_seconds < WARN_AFTER * ends_after_seconds:
            return
        if now - self._warned_at.get(gateway.name, now - WARN_EVERY_SECONDS) < WARN_EVERY_SECONDS:
            return
        self._warned_at[gateway.name] = now
        log.error(
            "webhook.about_to_be_switched_off",
            extra={
                "gateway": gateway.name,
                "failing_seconds": round(failing_seconds),
                "switched_off_after_seconds": round(ends_after_seconds),
            },
        )
