"""Amounts and times in words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from app.domain.money import Money
from app.web.amounts import format_moment, format_money, negotiate_locale


@pytest.mark.parametrize(
    ("money", "locale", "expected"),
    [
        (Money(149_900, "INR"), "en-IN", "₹1,499.00"),
        (Money(12_345_678, "INR"), "en-IN", "₹1,23,456.78"),
        (Money(12_345_678, "INR"), "en-US", "₹123,456.78"),
        (Money(12_345_678, "EUR"), "en-DE", "123.456,78\N{NO-BREAK SPACE}€"),
        (Money(1_500, "JPY"), "en-IN", "JP¥1,500"),
        (Money(1_500, "KWD"), "en-US", "KWD\N{NO-BREAK SPACE}1.500"),
        (Money(1_500, "IQD"), "en-US", "IQD\N{NO-BREAK SPACE}1.500"),
        (Money(150_050, "LBP"), "en-US", "LBP\N{NO-BREAK SPACE}1,500.50"),
        (Money(-5_00, "USD"), "en-US", "-$5.00"),
        (Money(9_007_199_254_740_991, "INR"), "en-US", "₹90,071,992,547,409.91"),
    ],
)
def test_an_amount_keeps_every_digit_of_its_currency(money: Money, locale: str, expected: str) -> None:
    assert format_money(money, locale) == expected


@pytest.mark.parametrize(
    ("accept_language", "expected"),
    [
        ("en-GB,en;q=0.9", "en-GB"),
        ("fr-FR, en-AU;q=0.5", "en-FR"),
        ("", "en-IN"),
        ("en", "en-IN"),
        ("de-DE", "en-DE"),
        ("de-DE,de;q=0.9,en-US;q=0.8", "en-DE"),
        ("hi-IN", "en-IN"),
        ("en-XX, en-NZ", "en-NZ"),
        ("en-../../etc", "en-IN"),
        ("en-" + "a" * 5000, "en-IN"),
        (",".join(["xx"] * 1000) + ",en-GB", "en-IN"),
    ],
)
def test_the_first_known_english_is_taken(accept_language: str, expected: str) -> None:
    assert negotiate_locale(accept_language) == expected


def test_a_moment_is_written_in_utc() -> None:
    moment = datetime(2026, 11, 22, 2, 5, tzinfo=timezone(timedelta(hours=5, minutes=30)))

    assert format_moment(moment, "en-IN") == "21 Nov 2026, 20:35 UTC"
    assert format_moment(moment.astimezone(UTC), "en-US") == "21 Nov 2026, 20:35 UTC"
