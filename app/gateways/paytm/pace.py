"""How often Paytm is asked by the reconciler."""

from __future__ import annotations

from typing import Final

from app.gateways.polling import PAYTM_STEPS, UPI_BY_METHOD, PollSchedule

POLLING: Final = PollSchedule(
    steps=PAYTM_STEPS, by_method=UPI_BY_METHOD, calls_per_second_max=5, backfill_every_seconds=None
)
"""Paytm publishes the steps and no limit on calls, and keeps no list of events.

Source: paytmpayments.com/docs/api/transaction-status-api, in a stored copy.
"""
