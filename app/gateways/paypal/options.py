"""What the PayPal adapter is told: credentials, where the API is, and how webhooks are checked."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from app.gateways.http import check_base, is_local

LIVE_BASE: Final = "https://api-m.paypal.com"
SANDBOX_BASE: Final = "https://api-m.sandbox.paypal.com"


class WebhookCheck(StrEnum):
    """How a webhook's signature is checked."""

    OFFLINE = "offline"
    """Here, with the certificate that the delivery names."""
    POSTBACK = "postback"
    """By PayPal, which is sent the delivery."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PayPalSettings:
    """One app of one PayPal account.

    `webhook_id` is PayPal's id of the registered webhook, which is part of what is signed; without one no webhook is
    believed. `trust_roots_pem` replaces the system's certificate authorities; an `api_base` on this machine may also
    serve the certificate.
    """

    client_id: str
    client_secret: str = field(repr=False)
    webhook_id: str = ""
    api_base: str = LIVE_BASE
    webhook_check: WebhookCheck = WebhookCheck.OFFLINE
    trust_roots_pem: bytes | None = field(default=None, repr=False)
    timeout_seconds: float = 20.0

    def __post_init__(self) -> None:
        for word in (self.client_id, self.client_secret):
            if not word or not word.isascii() or not word.isprintable() or " " in word:
                raise ValueError("PayPal's client id and secret must be words of ASCII.")
        if ":" in self.client_id:
            raise ValueError("PayPal's client id must not have a colon.")
        if not self.webhook_id.isascii() or "|" in self.webhook_id:
            raise ValueError("PayPal's webhook id must be a word of ASCII.")
        if self.webhook_check not in set(WebhookCheck):
            raise ValueError(f"PayPal's webhook check is one of {', '.join(WebhookCheck)}.")
        check_base("PayPal", self.api_base)
        if self.timeout_seconds <= 0:
            raise ValueError("PayPal's time-out must be positive.")

    @property
    def is_local(self) -> bool:
        """Whether the API is a simulator on this machine."""
        return is_local(self.api_base)
