"""The merchant's account: its keys, and the ids that Razorpay gives."""

from __future__ import annotations

import secrets
import string
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

_ALPHABET: Final = string.ascii_letters + string.digits
_ID_CHARS: Final = 14


@dataclass(slots=True, kw_only=True)
class Account:
    """One merchant in test mode. `webhook_secret` is another than the key's, as the merchant chose it."""

    id: str
    key_id: str
    key_secret: str = field(repr=False)
    webhook_secret: str = field(repr=False)


def account_of(given: Mapping[str, str]) -> Account:
    """Return the account with these secrets; what is missing is made up."""
    return Account(
        id=new_id("acc"),
        key_id=given.get("key_id") or new_id("rzp_test"),
        key_secret=given.get("key_secret") or secrets.token_urlsafe(18),
        webhook_secret=given.get("webhook_secret") or secrets.token_urlsafe(18),
    )


def new_id(prefix: str) -> str:
    """Return an id as Razorpay writes them, e.g. `order_RB58MiP5SPFYyM`."""
    return f"{prefix}_{new_word()}"


def new_word() -> str:
    """Return what is unlike any other, e.g. the id of an event."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(_ID_CHARS))
