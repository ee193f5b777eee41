"""The merchant's account: its keys, and the ids that Stripe gives."""

from __future__ import annotations

import secrets
import string
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

API_VERSION: Final = "2026-07-29.dahlia"
"""What the account is set to: the version of a call that names none, and of every event. It is older than
2026-09-30.endive, for `stripe trigger` names none and still sends `payment_method_types`."""
_ALPHABET: Final = string.ascii_letters + string.digits
_ID_CHARS: Final = 24


@dataclass(slots=True, kw_only=True)
class Account:
    """One merchant in a sandbox."""

    secret_key: str = field(repr=False)
    publishable_key: str
    webhook_secret: str = field(repr=False)


def account_of(given: Mapping[str, str]) -> Account:
    """Return the account with these secrets; what is missing is made up."""
    return Account(
        secret_key=given.get("secret_key") or new_id("sk_test"),
        publishable_key=given.get("publishable_key") or new_id("pk_test"),
        webhook_secret=given.get("webhook_secret") or new_id("whsec"),
    )


def new_id(prefix: str) -> str:
    """Return an id as Stripe writes them, e.g. `pi_` and 24 letters and digits."""
    return f"{prefix}_{new_word()}"


def new_word() -> str:
    """Return what is unlike any other."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(_ID_CHARS))
