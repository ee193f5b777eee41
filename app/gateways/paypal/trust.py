"""Whether a certificate is PayPal's for signing webhooks: its chain, its validity, and its name."""

from __future__ import annotations

import re
import ssl
import warnings
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.utils import CryptographyDeprecationWarning
from cryptography.x509.oid import NameOID
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

from app.gateways.contract import SignatureError

if TYPE_CHECKING:
    from datetime import datetime

_NAME: Final = re.compile(r"messageverificationcerts(?:\.[a-z0-9-]{1,40}){0,3}\.paypal\.com")
"""Source: PayPal's Java SDK, which asks for this common name, read in November 2026."""
_CERTIFICATES_MAX: Final = 8
_BLOCK: Final = re.compile(rb"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)
_KEY_BITS_MIN: Final = 2048


def read_chain(pem: bytes) -> tuple[x509.Certificate, ...]:
    """Read certificates, the signer's first.

    Raises:
        SignatureError: bad_certificate.
    """
    try:
        chain = tuple(x509.load_pem_x509_certificates(pem))
    except ValueError:
        raise SignatureError("bad_certificate") from None
    if not 0 < len(chain) <= _CERTIFICATES_MAX:
        raise SignatureError("bad_certificate")
    return chain


def check_chain(chain: tuple[x509.Certificate, ...], roots: Store, now: datetime) -> RSAPublicKey:
    """Return the key that signs, once the chain leads to a root and everything in it is good at `now`.

    Raises:
        SignatureError: untrusted_certificate or bad_certificate.
    """
    leaf, *others = chain
    names = leaf.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    name = names[0].value if len(names) == 1 else ""
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise SignatureError("untrusted_certificate")
    verifier = PolicyBuilder().store(roots).time(now).build_server_verifier(x509.DNSName(name))
    try:
        verifier.verify(leaf, others)
    except VerificationError:
        raise SignatureError("untrusted_certificate") from None
    key = leaf.public_key()
    if not isinstance(key, RSAPublicKey) or key.key_size < _KEY_BITS_MIN:
        raise SignatureError("bad_certificate")
    return key


def given_roots(pem: bytes) -> Store:
    """Return the roots of a PEM text.

    Raises:
        ValueError: there is none in it.
    """
    return Store(x509.load_pem_x509_certificates(pem))


@cache
def system_roots() -> Store:
    """Return the roots that this machine trusts, without those that can't be read.

    Raises:
        ValueError: it trusts none.
    """
    found = ssl.create_default_context().get_ca_certs(binary_form=True)
    path = ssl.get_default_verify_paths().cafile
    if not found and path is not None:
        blocks = _BLOCK.findall(Path(path).read_bytes())
        found = [ssl.PEM_cert_to_DER_cert(pem.decode("ascii")) for pem in blocks]
    return Store([root for der in found for root in _read_root(der)])


def _read_root(der: bytes) -> list[x509.Certificate]:
    """Read a root, unless it is written against the rules, as some old ones are."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", CryptographyDeprecationWarning)
        try:
            return [x509.load_der_x509_certificate(der)]
        except (ValueError, CryptographyDeprecationWarning):
            return []
