"""How often PayPal is asked by the reconciler."""

from __future__ import annotations

from typing import Final

from app.gateways.polling import DAY, HOUR, MINUTE, PollSchedule, PollSteps

POLLING: Final = PollSchedule(
    steps=PollSteps(
        offsets_seconds=(2 * MINUTE, 10 * MINUTE, 30 * MINUTE, 2 * HOUR, 6 * HOUR, DAY),
        then_every_seconds=DAY,
        ends_after_seconds=30 * DAY,
        again_seconds_min=30.0,
    ),
    calls_per_second_max=3,
    backfill_every_seconds=15 * MINUTE,
)
"""PayPal publishes no limits and asks not to poll; an authorisation lives for 29 days and events are listed for 30.

Source: developer.paypal.com/api/rest/reference/rate-limiting and docs/api/webhooks/v1.
"""
