"""What the Razorpay adapter is told: keys, secrets, where the API is, and how patient to be."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

from app.gateways.http import check_base
from app.gateways.razorpay.amounts import CURRENCIES

API_BASE: Final = "https://api.razorpay.com"
_KEY_ID: Final = re.compile(r"rzp_(test|live)_[A-Za-z0-9]{1,64}")
_CONTACT: Final = re.compile(r"\+?[0-9]{8,15}")


@dataclass(frozen=True, slots=True, kw_only=True)
class RazorpaySettings:
    """One Razorpay account.

    `webhook_secrets` holds every secret that may sign now: deliveries that are repeated after the secret was changed
    are still signed with the old one. `currencies` are those that the account may take; more than INR needs
    Razorpay's activation. `business_name` is what its checkout shows. `contact` and `email` stand in for a shopper's
    in UPI intent payments, which must name both: the placeholders in Razorpay's own samples of payments without them
    (razorpay.com/docs/api/orders/fetch-payments, read in November 2026).
    """

    key_id: str
    key_secret: str = field(repr=False)
    webhook_secrets: tuple[str, ...] = field(default=(), repr=False)
    api_base: str | None = None
    currencies: tuple[str, ...] = ("INR",)
    business_name: str | None = None
    contact: str = "+919999999999"
    email: str = "void@razorpay.com"
    timeout_seconds: float = 20.0

    def __post_init__(self) -> None:
        if not _KEY_ID.fullmatch(self.key_id):
            raise ValueError("The Razorpay key id must begin with rzp_test_ or rzp_live_.")
        if not (self.key_secret.isascii() and self.key_secret.strip()):
            raise ValueError("The Razorpay key secret is empty or not ASCII.")
        if not all(secret.isascii() and secret.strip() for secret in self.webhook_secrets):
            raise ValueError("A Razorpay webhook secret is empty or not ASCII.")
        if not self.currencies or not CURRENCIES.issuperset(self.currencies):
            raise ValueError("Razorpay's currencies must be codes that it takes, at least one.")
        if not _CONTACT.fullmatch(self.contact) or "@" not in self.email:
            raise ValueError("Razorpay's stand-in contact must be a phone number, and the email one.")
        if self.api_base is not None:
            check_base("Razorpay", self.api_base)
        if self.timeout_seconds <= 0:
            raise ValueError("Razorpay's time-out must be positive.")

    @property
    def live(self) -> bool:
        """Whether real money moves."""
        return self.key_id.startswith("rzp_live_")
