"""Instants as people type them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final

from app.cli.output import CommandError
from app.error_catalog import ExitCode

_AGO: Final = re.compile(r"(\d{1,6})([smhd])")
_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def read_moment(text: str) -> datetime:
    """Return the instant of `15m`, `2h`, `3d` ago, or of an ISO 8601 time; without a zone it is UTC.

    Raises:
        CommandError: it is neither.
    """
    ago = _AGO.fullmatch(text.strip())
    if ago:
        return datetime.now(UTC) - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise CommandError(
            f"{text!r} is no time.", ExitCode.USAGE, "Write 15m, 2h or 3d ago, or 2026-11-27T09:00:00Z."
        ) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def clock(moment: str) -> str:
    """Return an RFC 3339 instant of the API's as people read it here."""
    return f"{datetime.fromisoformat(moment).astimezone():%Y-%m-%d %H:%M:%S}"
