"""The merchant's account: its id and key, and the ids that Paytm gives."""

from __future__ import annotations

import secrets
import string
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

_ALPHABET: Final = string.ascii_letters + string.digits
_KEY_CHARS: Final = 16
_INDIA: Final = timezone(timedelta(hours=5, minutes=30))


@dataclass(slots=True, kw_only=True)
class Account:
    """One merchant on staging."""

    mid: str
    key: str = field(repr=False)


def account_of(given: Mapping[str, str]) -> Account:
    """Return the account with these secrets; what is missing is made up."""
    return Account(
        mid=given.get("mid") or "SIMULA" + "".join(secrets.choice(string.digits) for _ in range(14)),
        key=given.get("merchant_key") or new_key(),
    )


def new_key() -> str:
    """Return a merchant key as Paytm gives them."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(_KEY_CHARS))


def new_number() -> str:
    """Return an id as Paytm writes them: a date, and digits after it."""
    return now().strftime("%Y%m%d") + "".join(secrets.choice(string.digits) for _ in range(27))


def new_token() -> str:
    """Return what an order's checkout is opened with."""
    return secrets.token_hex(16) + str(secrets.randbelow(10**13))


def now() -> datetime:
    """Return the time in India."""
    return datetime.now(UTC).astimezone(_INDIA)


def written(moment: datetime) -> str:
    """Return a time as Paytm writes it, e.g. `2020-07-24 15:13:02.0`."""
    return moment.strftime("%Y-%m-%d %H:%M:%S.0")
