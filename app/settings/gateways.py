"""What is set of the gateways: without its keys, a gateway isn't offered."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - the settings' fields are made from their annotations

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from app.settings.fields import PREFIX, CommaSeparated, Secrets


class GatewaySettings(BaseSettings):
    """The keys and choices of every gateway."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="ignore", hide_input_in_errors=True)

    stripe_secret_key: SecretStr | None = None
    """`sk_…` or a restricted `rk_…`. Without it, there is no Stripe."""
    stripe_publishable_key: str = ""
    """`pk_…`, which the shop hands to Stripe.js."""
    stripe_webhook_secrets: Secrets = ()
    """`whsec_…`; two while one takes the place of the other."""
    stripe_api_base: str | None = None
    """Another address of Stripe's API, such as a simulator's."""
    stripe_minimal_parameters: bool = False
    """Whether only what every account and simulator understands is asked of Stripe."""
    stripe_automatic_payment_methods: bool = True
    """Whether Stripe offers what the account's dashboard turns on; else cards alone."""
    stripe_upi: bool = False
    """Whether Stripe offers UPI for rupees; the account must have it."""
    stripe_email_receipts: bool = False
    """Whether Stripe sends receipts of its own."""
    stripe_statement_descriptor_suffix: str | None = None
    """What the shopper's statement says behind the business's name."""
    stripe_return_url: str | None = None
    """Where a redirect of Stripe's comes back to when the front end names no other place."""
    stripe_max_network_retries: int = Field(default=2, ge=0, le=5)
    """How often one call of Stripe is repeated."""
    razorpay_key_id: str = ""
    """`rzp_…`. Without it, there is no Razorpay."""
    razorpay_key_secret: SecretStr | None = None
    """The key's secret."""
    razorpay_webhook_secrets: Secrets = ()
    """As set in its dashboard; two while one takes the place of the other."""
    razorpay_business_name: str | None = None
    """What its checkout shows; else what its dashboard says."""
    razorpay_contact: str = "+919999999999"
    """The shopper's number, in UPI links of orders that name none: Razorpay asks for one."""
    razorpay_email: str = "void@razorpay.com"
    """The shopper's address, likewise."""
    razorpay_currencies: CommaSeparated = ("INR",)
    """What it takes; others than INR once Razorpay has activated them."""
    razorpay_api_base: str | None = None
    """Another address of Razorpay's API, such as a simulator's."""
    paytm_mid: str = ""
    """The merchant id. Without it, there is no Paytm."""
    paytm_merchant_key: SecretStr | None = None
    """16 characters; checksums are made by it."""
    paytm_website: str = "DEFAULT"
    """What Paytm's dashboard calls the website; WEBSTAGING on its staging."""
    paytm_api_base: str | None = None
    """Another address, such as a simulator's or Paytm's staging."""
    paypal_client_id: str | None = None
    """Without it, there is no PayPal."""
    paypal_client_secret: SecretStr | None = None
    """The app's secret."""
    paypal_webhook_id: str = ""
    """The id that PayPal gave the registered webhook: its signatures cover it."""
    paypal_api_base: str | None = None
    """https://api-m.sandbox.paypal.com for PayPal's sandbox; without it, live."""
    paypal_trust_roots: Path | None = None
    """A PEM file of the authorities that PayPal's webhook certificates lead to, instead of the system's."""
    paypal_webhook_check: str = Field(default="offline", pattern="^(offline|postback)$")
    """`offline`, by PayPal's certificate, or `postback`, by asking PayPal."""
    sandbox_url: str | None = None
    """Where the sandbox gateway is. Never in production."""
    sandbox_secret_key: SecretStr | None = None
    """What its API is called with."""
    sandbox_webhook_secrets: Secrets = ()
    """What its webhooks are signed with."""
