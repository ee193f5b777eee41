"""What the Stripe adapter is told: keys, secrets, where the API is, and how patient to be."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from app.gateways.http import check_base

_LIVE_PREFIXES: Final = ("sk_live_", "rk_live_")
_SUFFIX: Final = re.compile(r"(?=.*[A-Za-z])[^<>\\'\"*]{1,22}")
"""Source: docs.stripe.com/get-started/account/statement-descriptors, read in November 2026."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StripeSettings:
    """One Stripe account.

    `webhook_secrets` holds every endpoint secret that may sign now (`whsec_…`; two while one is rolled). Set the
    endpoint's API version to 2025-03-31.basil or later: older ones report what was never captured as a refund.
    `return_url` is where a shopper comes back to after a redirect when the front end names no other place.
    `automatic_payment_methods` offers whatever the account's dashboard turns on; without it, cards alone.
    `upi` offers UPI for rupees, to accounts in India that have turned it on; cards stay without it.
    `minimal_parameters` keeps to what simulators of old API versions take; a live key refuses it.
    """

    secret_key: str = field(repr=False)
    publishable_key: str
    webhook_secrets: tuple[str, ...] = field(default=(), repr=False)
    api_base: str | None = None
    minimal_parameters: bool = False
    timeout_seconds: float = 20.0
    connect_timeout_seconds: float = 5.0
    max_network_retries: int = 2
    retry_delay_seconds: float = 0.5
    statement_descriptor_suffix: str | None = None
    return_url: str | None = None
    email_receipts: bool = False
    automatic_payment_methods: bool = True
    upi: bool = False

    def __post_init__(self) -> None:
        if not self.secret_key.startswith(("sk_", "rk_")):
            raise ValueError("The Stripe secret key must begin with sk_ or rk_.")
        if not self.publishable_key.startswith("pk_"):
            raise ValueError("The Stripe publishable key must begin with pk_.")
        if not all(secret.isascii() and secret.strip() for secret in self.webhook_secrets):
            raise ValueError("A Stripe webhook secret is empty or not ASCII.")
        if self.minimal_parameters and self.live:
            raise ValueError("Minimal parameters are for simulators, not for a live Stripe key.")
        if self.api_base is not None:
            check_base("Stripe", self.api_base)
        _check_words(self.statement_descriptor_suffix, self.return_url)
        if self.timeout_seconds <= 0 or self.connect_timeout_seconds <= 0 or self.max_network_retries < 0:
            raise ValueError("Stripe's time-outs must be positive, and its retries not negative.")

    @property
    def live(self) -> bool:
        """Whether real money moves."""
        return self.secret_key.startswith(_LIVE_PREFIXES)


def _check_words(suffix: str | None, return_url: str | None) -> None:
    """Refuse at the start what Stripe would refuse of every payment."""
    if suffix is not None and not (suffix.isascii() and suffix.isprintable() and _SUFFIX.fullmatch(suffix)):
        raise ValueError(
            "The Stripe statement descriptor suffix needs a letter, and up to 22 characters but none of < > \\ ' \" *."
        )
    parts = urlsplit(return_url or "https://unset")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("The Stripe return URL must be an address of the web.")
