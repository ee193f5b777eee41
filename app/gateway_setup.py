"""Which gateways are set up: each gets what the settings say of it, and its module builds it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.gateways import load_gateways
from app.gateways.paypal import LIVE_BASE as PAYPAL_LIVE_BASE
from app.gateways.paypal import PayPalSettings, WebhookCheck
from app.gateways.paytm import PaytmSettings
from app.gateways.paytm.options import LIVE_BASE as PAYTM_LIVE_BASE
from app.gateways.razorpay import RazorpaySettings
from app.gateways.sandbox import SandboxSettings
from app.gateways.stripe import StripeSettings
from app.settings import SettingsError

if TYPE_CHECKING:
    from pathlib import Path

    from pydantic import SecretStr

    from app.gateways import GatewayRegistry
    from app.settings import Settings


def gateways_of(settings: Settings) -> GatewayRegistry:
    """Build the gateways that are set up.

    Raises:
        SettingsError: a gateway's settings don't make sense.
    """
    try:
        return load_gateways(gateway_settings(settings))
    except ValueError as error:
        raise SettingsError(str(error)) from error


def gateway_settings(settings: Settings) -> dict[str, object]:
    """Return what each gateway is set up with, by the name of its module; one without its secret is not.

    Raises:
        ValueError: a gateway's settings don't make sense.
    """
    given = {
        "stripe": _stripe(settings),
        "razorpay": _razorpay(settings),
        "paytm": _paytm(settings),
        "paypal": _paypal(settings),
        "sandbox": _sandbox(settings),
    }
    return {name: value for name, value in given.items() if value is not None}


def reveal(secrets: tuple[SecretStr, ...]) -> tuple[str, ...]:
    """Return secrets as they are."""
    return tuple(secret.get_secret_value() for secret in secrets)


def _stripe(settings: Settings) -> StripeSettings | None:
    if settings.stripe_secret_key is None:
        return None
    return StripeSettings(
        secret_key=settings.stripe_secret_key.get_secret_value(),
        publishable_key=settings.stripe_publishable_key,
        webhook_secrets=reveal(settings.stripe_webhook_secrets),
        api_base=settings.stripe_api_base,
        minimal_parameters=settings.stripe_minimal_parameters,
        automatic_payment_methods=settings.stripe_automatic_payment_methods,
        upi=settings.stripe_upi,
        email_receipts=settings.stripe_email_receipts,
        statement_descriptor_suffix=settings.stripe_statement_descriptor_suffix,
        return_url=settings.stripe_return_url,
        max_network_retries=settings.stripe_max_network_retries,
        timeout_seconds=settings.gateway_timeout_seconds,
    )


def _razorpay(settings: Settings) -> RazorpaySettings | None:
    if settings.razorpay_key_secret is None:
        return None
    return RazorpaySettings(
        key_id=settings.razorpay_key_id,
        key_secret=settings.razorpay_key_secret.get_secret_value(),
        webhook_secrets=reveal(settings.razorpay_webhook_secrets),
        api_base=settings.razorpay_api_base,
        currencies=settings.razorpay_currencies,
        business_name=settings.razorpay_business_name,
        contact=settings.razorpay_contact,
        email=settings.razorpay_email,
        timeout_seconds=settings.gateway_timeout_seconds,
    )


def _paytm(settings: Settings) -> PaytmSettings | None:
    if settings.paytm_merchant_key is None:
        return None
    return PaytmSettings(
        mid=settings.paytm_mid,
        merchant_key=settings.paytm_merchant_key.get_secret_value(),
        website=settings.paytm_website,
        api_base=settings.paytm_api_base or PAYTM_LIVE_BASE,
        timeout_seconds=settings.gateway_timeout_seconds,
    )


def _paypal(settings: Settings) -> PayPalSettings | None:
    if settings.paypal_client_id is None or settings.paypal_client_secret is None:
        return None
    return PayPalSettings(
        client_id=settings.paypal_client_id,
        client_secret=settings.paypal_client_secret.get_secret_value(),
        webhook_id=settings.paypal_webhook_id,
        api_base=settings.paypal_api_base or PAYPAL_LIVE_BASE,
        webhook_check=WebhookCheck(settings.paypal_webhook_check),
        trust_roots_pem=_contents(settings.paypal_trust_roots),
        timeout_seconds=settings.gateway_timeout_seconds,
    )


def _sandbox(settings: Settings) -> SandboxSettings | None:
    if settings.sandbox_url is None or settings.sandbox_secret_key is None:
        return None
    return SandboxSettings(
        api_base=settings.sandbox_url,
        secret_key=settings.sandbox_secret_key.get_secret_value(),
        webhook_secrets=reveal(settings.sandbox_webhook_secrets),
        timeout_seconds=settings.gateway_timeout_seconds,
    )


def _contents(path: Path | None) -> bytes | None:
    """Return what is in a file of the settings.

    Raises:
        ValueError: it can't be read.
    """
    try:
        return None if path is None else path.read_bytes()
    except OSError as error:
        raise ValueError(f"{path} can't be read: {error.strerror}.") from error
