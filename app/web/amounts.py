"""Amounts and times in the reader's way of writing English; the pages' words are English too."""

from __future__ import annotations

import copy
import re
from datetime import UTC
from typing import TYPE_CHECKING, Final

from babel import Locale, UnknownLocaleError
from babel.dates import format_datetime

from app.domain.money import currency_exponent

if TYPE_CHECKING:
    from datetime import datetime

    from app.domain.money import Money

DEFAULT_LOCALE: Final = "en-IN"
_LANGUAGES_MAX: Final = 10
_ENGLISH: Final = re.compile(r"en-(?:[A-Z]{2}|[0-9]{3})")
_REGION: Final = re.compile(r"\A[a-z]{2,3}-([A-Z]{2})\Z")
_LETTER_THEN_DIGIT: Final = re.compile(r"(?<=[A-Za-z])(?=\d)")


def negotiate_locale(accept_language: str) -> str:
    """Return the first kind of English that an Accept-Language header leads to, as a BCP 47 tag.

    A reader of another language gets the English of their country where there is one, so that a German reads
    `1.234,56 €`; the pages' words are English all the same.
    """
    tags = (part.partition(";")[0].strip() for part in accept_language.split(",")[:_LANGUAGES_MAX])
    english = (tag if _ENGLISH.fullmatch(tag) else _REGION.sub(r"en-\1", tag) for tag in tags)
    return next((tag for tag in english if _ENGLISH.fullmatch(tag) and _is_known(tag)), DEFAULT_LOCALE)


def format_money(money: Money, locale: str) -> str:
    """Return e.g. `₹1,499.00` or `KWD 1.500`, with exactly the currency's ISO 4217 digits.

    CLDR rounds some currencies to fewer digits than ISO 4217 (IQD, LBP), so its own digits are not used;
    and Babel leaves out CLDR's space between a code in letters and the digits, which browsers write.
    """
    parsed = Locale.parse(locale, sep="-")
    pattern = copy.copy(parsed.currency_formats["standard"])
    digits = currency_exponent(money.currency)
    pattern.frac_prec = (digits, digits)
    text: str = pattern.apply(money.to_decimal(), parsed, currency=money.currency, currency_digits=False)
    return _LETTER_THEN_DIGIT.sub("\N{NO-BREAK SPACE}", text)


def format_moment(moment: datetime, locale: str) -> str:
    """Return e.g. `22 Nov 2026, 14:05 UTC`; the browser's script turns it into local time."""
    in_utc = moment.astimezone(UTC)
    return format_datetime(in_utc, "d MMM y, HH:mm 'UTC'", locale=Locale.parse(locale, sep="-"))


def _is_known(tag: str) -> bool:
    try:
        Locale.parse(tag, sep="-")
    except UnknownLocaleError:
        return False
    return True
