"""How often Razorpay is asked by the reconciler."""

from __future__ import annotations

from typing import Final

from app.gateways.polling import DAY, UPI_BY_METHOD, UPI_STEPS, PollSchedule

POLLING: Final = PollSchedule(
    steps=UPI_STEPS,
    by_method=UPI_BY_METHOD,
    calls_per_second_max=5,
    backfill_every_seconds=None,
    webhooks_end_after_seconds=DAY,
)
"""What the shopper pays with is chosen in Razorpay's checkout and often UPI, so its steps hold for all. They end where
Razorpay stops asking the bank and returns what was not captured: on the fifth day.

It switches a webhook off that failed for 24 hours, and mails the owner of the account.
Source: razorpay.com/docs/webhooks/best-practices, read in November 2026.

Asking after a payment takes two to four requests, and the limit on them is not published. There is no list of events.
Source: razorpay.com/docs/payments/payments/capture-settings/api and razorpay.com/docs/api/understand, "Rate limiting",
read in November 2026.
"""
