"""The sandbox's webhook signature, apart because everything that a forger sends comes through here first."""

from __future__ import annotations

import hashlib
import hmac
import re
from typing import TYPE_CHECKING, Final

from app.gateways.contract import SignatureError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

TOLERANCE_SECONDS: Final = 300
_HEADER: Final = re.compile(rb"t=([0-9]{1,12})((?:,v[0-9]=[0-9a-f]{1,128}){1,8})")


def check_signature(header: str | None, body: bytes, secrets: Sequence[bytes], now: datetime) -> None:
    """Check `t=<unix>,v1=<hex HMAC-SHA256 of "<t>.<body>">`; several v1 and several secrets may overlap.

    Raises:
        SignatureError: `missing`, `malformed`, `mismatch`, or `stale` when the time is over five minutes off
            in either direction.
    """
    if header is None:
        raise SignatureError("missing")
    # A character beyond latin-1 is in no signature, and "?" is not either.
    match = _HEADER.fullmatch(header.encode("latin-1", "replace"))
    if match is None:
        raise SignatureError("malformed")
    timestamp, signatures = match.groups()
    given = [part[3:] for part in signatures.split(b",") if part.startswith(b"v1=")]
    if not _any_equal(_digests(timestamp + b"." + body, secrets), given):
        raise SignatureError("mismatch")
    if abs(now.timestamp() - int(timestamp)) > TOLERANCE_SECONDS:
        raise SignatureError("stale")


def _digests(signed: bytes, secrets: Sequence[bytes]) -> list[bytes]:
    return [hmac.new(secret, signed, hashlib.sha256).hexdigest().encode() for secret in secrets]


def _any_equal(expected: Sequence[bytes], given: Sequence[bytes]) -> bool:
    """Compare each with each to the end, so that the time taken tells nothing of which was equal."""
    found = False
    for one in expected:
        for other in given:
            found |= hmac.compare_digest(one, other)
    return found
