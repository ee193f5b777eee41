"""PayPal's webhook signature: what the headers must hold, and what was signed.

Source: developer.paypal.com/api/rest/webhooks/rest, "Verify manually", read in November 2026: RSA with SHA-256
(PKCS #1 v1.5) over `transmission id|transmission time|webhook id|CRC-32 of the raw body, in decimal`. A CRC is no
digest: who has seen one delivery of a webhook can make another body with the same one, so TLS has to keep them secret.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from zlib import crc32

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256

from app.gateways.contract import SignatureError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

ALGORITHM: Final = "SHA256withRSA"
_ID: Final = re.compile(r"[A-Za-z0-9-]{1,100}")
_TIME: Final = re.compile(r"[0-9TZ:.+-]{1,40}")
_SIGNATURE_CHARS_MAX: Final = 2048
_URL_CHARS_MAX: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Transmission:
    """The headers that prove a delivery."""

    id: str
    time: str
    signature: str
    certificate_url: str

    def check(self, body: bytes, webhook_id: str, key: RSAPublicKey) -> None:
        """Check the signature over the raw bytes.

        Raises:
            SignatureError: malformed_header or mismatch.
        """
        signed = f"{self.id}|{self.time}|{webhook_id}|{crc32(body)}".encode("ascii")
        try:
            key.verify(_decoded(self.signature), signed, PKCS1v15(), SHA256())
        except InvalidSignature:
            raise SignatureError("mismatch") from None


def read_transmission(headers: Mapping[str, str]) -> Transmission:
    """Read the headers; `headers` has lower-case names.

    Raises:
        SignatureError: missing_header, malformed_header or unsupported_algorithm.
    """
    names = ("transmission-id", "transmission-time", "transmission-sig", "cert-url", "auth-algo")
    told = [headers.get(f"paypal-{name}", "") for name in names]
    if not all(told):
        raise SignatureError("missing_header")
    transmission_id, time, signature, url, algorithm = told
    if algorithm != ALGORITHM:
        raise SignatureError("unsupported_algorithm")
    fits = len(signature) <= _SIGNATURE_CHARS_MAX and len(url) <= _URL_CHARS_MAX
    if not fits or not _ID.fullmatch(transmission_id) or not _TIME.fullmatch(time):
        raise SignatureError("malformed_header")
    _decoded(signature)
    return Transmission(id=transmission_id, time=time, signature=signature, certificate_url=url)


def _decoded(signature: str) -> bytes:
    """Decode Base64 that is written in the one right way, so that a changed bit can't go unnoticed."""
    try:
        raw = base64.b64decode(signature.encode("ascii"), validate=True)
    except (UnicodeEncodeError, binascii.Error):
        raise SignatureError("malformed_header") from None
    if base64.b64encode(raw).decode() != signature:
        raise SignatureError("malformed_header")
    return raw
