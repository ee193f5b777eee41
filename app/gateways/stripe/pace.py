"""How often Stripe is asked by the reconciler."""

from __future__ import annotations

from typing import Final

from app.gateways.polling import DAY, HOUR, MINUTE, UPI_BY_METHOD, PollSchedule, PollSteps

POLLING: Final = PollSchedule(
    steps=PollSteps(
        offsets_seconds=(
            MINUTE,
            3 * MINUTE,
            10 * MINUTE,
            30 * MINUTE,
            HOUR,
            3 * HOUR,
            12 * HOUR,
            24 * HOUR,
            48 * HOUR,
            72 * HOUR,
        ),
        then_every_seconds=DAY,
        ends_after_seconds=30 * DAY,
    ),
    calls_per_second_max=20,
    backfill_every_seconds=5 * MINUTE,
    by_method=UPI_BY_METHOD,
)
"""Asking after a payment with refunds and disputes takes three requests, and of 100 a second most are the shoppers'.

After 30 days its events are gone too. Source: docs.stripe.com/rate-limits and docs.stripe.com/api/events, read in
November 2026.
"""
