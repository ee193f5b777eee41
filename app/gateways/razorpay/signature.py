"""Razorpay's two signatures, apart because everything that a forger sends comes through here first."""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING

from app.gateways.contract import SignatureError

if TYPE_CHECKING:
    from collections.abc import Sequence


def check_webhook(header: str | None, body: bytes, secrets: Sequence[bytes]) -> None:
    """Check `X-Razorpay-Signature`: the hex HMAC-SHA256 of the raw body; several secrets may overlap.

    Source: razorpay.com/docs/webhooks/validate-test, read in November 2026. There is no time in it, so a delivery that
    is played again is told by its id.

    Raises:
        SignatureError: `missing` or `mismatch`.
    """
    if not header:
        raise SignatureError("missing")
    given = _as_bytes(header)
    # Each is compared to the end, so that the time taken tells nothing of which was equal.
    found = False
    for secret in secrets:
        found |= hmac.compare_digest(_digest(secret, body), given)
    if not found:
        raise SignatureError("mismatch")


def is_callback_signed(reference: str, razorpay_payment_id: str, signature: str, key_secret: bytes) -> bool:
    """Whether the checkout's callback is Razorpay's: the hex HMAC-SHA256 of `order|payment` with the key secret.

    `reference` is the order as we know it, never as the browser names it. Source:
    razorpay.com/docs/payments/payment-gateway/web-integration/standard/integration-steps, read in November 2026.
    """
    signed = f"{reference}|{razorpay_payment_id}".encode("utf-8", "replace")
    return hmac.compare_digest(_digest(key_secret, signed), _as_bytes(signature))


def _digest(secret: bytes, signed: bytes) -> bytes:
    return hmac.new(secret, signed, hashlib.sha256).hexdigest().encode()


def _as_bytes(text: str) -> bytes:
    # What is not ASCII is in no signature; comparing texts with it would raise.
    return text.encode("ascii", "replace")
