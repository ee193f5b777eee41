"""Signing webhooks: an authority made at start, a certificate of it with PayPal's name, and what the headers hold."""

from __future__ import annotations

import base64
import functools
import uuid
import zlib
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

if TYPE_CHECKING:
    from collections.abc import Mapping

SIGNING_NAME: Final = "messageverificationcerts.sandbox.paypal.com"
_LIVES: Final = timedelta(days=365)


class Authority:
    """Who vouches for certificates."""

    def __init__(self) -> None:
        self.key = _new_key()
        self.root = _root(self.key, datetime.now(UTC))


class Signer:
    """One certificate of an authority's. `root_pem` is what a merchant has to trust."""

    def __init__(
        self,
        webhook_id: str,
        certificate_url: str,
        name: str = SIGNING_NAME,
        authority: Authority | None = None,
        key: rsa.RSAPrivateKey | None = None,
    ) -> None:
        self._webhook_id = webhook_id
        self.url = certificate_url
        self.authority = authority or Authority()
        self._key = key or _new_key()
        leaf = _leaf(self._key, name, self.authority.root, self.authority.key, datetime.now(UTC))
        self.root_pem = self.authority.root.public_bytes(serialization.Encoding.PEM)
        self.chain_pem = leaf.public_bytes(serialization.Encoding.PEM)

    def headers(self, body: bytes) -> Mapping[str, str]:
        """Return the headers of one delivery, signed now."""
        transmission_id = str(uuid.uuid4())
        at = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        crc = zlib.crc32(body) & 0xFFFFFFFF
        message = "|".join((transmission_id, at, self._webhook_id, str(crc)))
        signature = self._key.sign(message.encode(), padding.PKCS1v15(), hashes.SHA256())
        return {
            "PAYPAL-TRANSMISSION-ID": transmission_id,
            "PAYPAL-TRANSMISSION-TIME": at,
            "PAYPAL-TRANSMISSION-SIG": base64.b64encode(signature).decode(),
            "PAYPAL-CERT-URL": self.url,
            "PAYPAL-AUTH-ALGO": "SHA256withRSA",
            "PAYPAL-AUTH-VERSION": "v2",
        }

    def is_own(self, transmission: Mapping[str, str], event: bytes) -> bool:
        """Whether a delivery, as posted back, was signed here."""
        names = ("transmission_id", "transmission_time", "webhook_id")
        crc = zlib.crc32(event) & 0xFFFFFFFF
        message = "|".join((*(transmission.get(name, "") for name in names), str(crc)))
        right = self._key.sign(message.encode(), padding.PKCS1v15(), hashes.SHA256())
        given = transmission.get("transmission_sig", "")
        known = transmission.get("webhook_id") == self._webhook_id
        return known and given == base64.b64encode(right).decode()


@functools.cache
def first_keys() -> tuple[Authority, rsa.RSAPrivateKey]:
    """Return an authority and a key that every simulator of this process begins with: they take long to make."""
    return Authority(), _new_key()


def _new_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _builder(
    subject: x509.Name, issuer: x509.Name, key: rsa.RSAPrivateKey, now: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + _LIVES)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _root(key: rsa.RSAPrivateKey, now: datetime) -> x509.Certificate:
    name = _name("Simulated authority")
    return (
        _builder(name, name, key, now)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )


def _leaf(
    key: rsa.RSAPrivateKey, name: str, root: x509.Certificate, authority: rsa.RSAPrivateKey, now: datetime
) -> x509.Certificate:
    usages = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
    issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.public_key())
    return (
        _builder(_name(name), root.subject, key, now)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(usages, critical=False)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(issuer, critical=False)
        .sign(authority, hashes.SHA256())
    )
