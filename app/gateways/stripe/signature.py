"""The `Stripe-Signature` header: what it must hold for a webhook to be Stripe's.

Our own rather than the SDK's, whose tolerance is one-sided: it lets timestamps of any future through.
"""

from __future__ import annotations

import hmac
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from app.gateways.contract import SignatureError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

TOLERANCE_SECONDS: Final = 300
_SCHEME: Final = "v1"
_PARTS_MAX: Final = 32
"""Stripe sends one value per secret, two while a secret is rolled, and a v0 in test mode."""
_TIMESTAMP_DIGITS_MAX: Final = 12


def check_signature(header: str | None, body: bytes, secrets: Sequence[str], now: datetime) -> None:
    """Check that one of `secrets` signed the raw bytes within 300 s of `now`, before or after.

    Source: docs.stripe.com/webhooks, "Verify manually", read in November 2026: HMAC-SHA256 in hex of
    `{t}.{body}`, scheme v1 alone, any of several values.

    Raises:
        SignatureError: missing_header, malformed_header, no_supported_scheme, no_secret, mismatch,
            timestamp_too_old or timestamp_in_future.
    """
    if not header:
        raise SignatureError("missing_header")
    if not secrets:
        raise SignatureError("no_secret")
    timestamp, signatures = _read(header)
    signed = timestamp.encode("ascii") + b"." + body
    expected = [hmac.new(secret.encode(), signed, sha256).hexdigest().encode() for secret in secrets]
    # No short cut: how long it takes must not tell which value came close.
    matches = [hmac.compare_digest(good, given) for good in expected for given in signatures]
    if not any(matches):
        raise SignatureError("mismatch")
    age_seconds = now.timestamp() - int(timestamp)
    if age_seconds > TOLERANCE_SECONDS:
        raise SignatureError("timestamp_too_old")
    if age_seconds < -TOLERANCE_SECONDS:
        raise SignatureError("timestamp_in_future")


def _read(header: str) -> tuple[str, list[bytes]]:
    """Return the timestamp as it was written, for that is what was signed, and the values of the scheme."""
    parts = header.split(",")
    # Bytes, because digests of text outside ASCII cannot be compared; digits, because "²" counts as one.
    if not header.isascii() or len(parts) > _PARTS_MAX:
        raise SignatureError("malformed_header")
    pairs = [part.strip().partition("=") for part in parts]
    timestamps = [value for name, _, value in pairs if name == "t"]
    if len(timestamps) != 1 or not timestamps[0].isdigit() or len(timestamps[0]) > _TIMESTAMP_DIGITS_MAX:
        raise SignatureError("malformed_header")
    signatures = [value.encode("ascii") for name, _, value in pairs if name == _SCHEME]
    if not signatures:
        raise SignatureError("no_supported_scheme")
    return timestamps[0], signatures
