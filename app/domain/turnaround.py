"""When money on its way back must have arrived, where a country's rules say so.

In India a debit that didn't come to its end is to be turned back by the end of the fifth calendar day after it, and
whoever holds it longer owes the customer for each day. We hold refunds to the same time.
Source: RBI/2019-20/67, DPSS.CO.PD No.629/02.01.014/2019-20 of 20 September 2019, read in November 2026.
"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Final

IST: Final = timezone(timedelta(hours=5, minutes=30))
"""India's time, the same all year."""
INDIA_DAYS: Final = 5


def turnaround_due_at(currency: str, begun_at: datetime) -> datetime | None:
    """Return the end of the last day on which money of that currency may arrive; None where no rule is known."""
    if currency != "INR":
        return None
    last_day = begun_at.astimezone(IST).date() + timedelta(days=INDIA_DAYS)
    return datetime(last_day.year, last_day.month, last_day.day, tzinfo=IST) + timedelta(days=1)
