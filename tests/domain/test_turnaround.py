"""When refunds must have arrived: calendar days in India's time."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from app.domain.turnaround import turnaround_due_at


@pytest.mark.parametrize(
    ("begun_at", "due_at"),
    [
        # 18:29 UTC is 23:59 in India, 18:30 the next day.
        (datetime(2026, 11, 26, 18, 29, 59, tzinfo=UTC), datetime(2026, 12, 1, 18, 30, tzinfo=UTC)),
        (datetime(2026, 11, 26, 18, 30, tzinfo=UTC), datetime(2026, 12, 2, 18, 30, tzinfo=UTC)),
        (datetime(2028, 2, 27, 0, 0, tzinfo=UTC), datetime(2028, 3, 3, 18, 30, tzinfo=UTC)),
    ],
)
def test_rupees_are_back_by_the_end_of_the_fifth_day(begun_at: datetime, due_at: datetime) -> None:
    assert turnaround_due_at("INR", begun_at) == due_at


def test_other_currencies_have_no_such_rule() -> None:
    assert turnaround_due_at("EUR", datetime(2026, 11, 26, tzinfo=UTC)) is None
