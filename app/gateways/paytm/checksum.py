"""Paytm's checksum, apart because everything that a forger sends comes through here first.

A text is hashed with a salt of four characters, and hash and salt are encrypted with the merchant's key:
`base64(AES-128-CBC(hex(sha256(text + "|" + salt)) + salt))`. Whoever can make one has the key.
Source: paytmpayments.com/docs/checksum, read in November 2026.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
import string
from typing import TYPE_CHECKING, Final

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7

from app.gateways.contract import SignatureError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_VECTOR: Final = b"@@@@&&&&####$$$$"
_SALT_CHARS: Final = 4
_HASH_CHARS: Final = 64
_BLOCK_BITS: Final = 128
_CHECKSUM_BYTES: Final = 80
"""Of a hash, a salt and their padding."""
_ALPHABET: Final = string.ascii_letters + string.digits
CHECKSUM_FIELD: Final = "CHECKSUMHASH"


def sign(text: str, key: bytes) -> str:
    """Return the checksum of a text under a fresh salt."""
    salt = "".join(secrets.choice(_ALPHABET) for _ in range(_SALT_CHARS))
    padder = PKCS7(_BLOCK_BITS).padder()
    padded = padder.update(_digest(text, salt)) + padder.finalize()
    encryptor = Cipher(algorithms.AES(key), modes.CBC(_VECTOR)).encryptor()
    return base64.b64encode(encryptor.update(padded) + encryptor.finalize()).decode()


def check(text: str, checksum: str | None, key: bytes) -> None:
    """Check a text's checksum.

    Raises:
        SignatureError: `missing`, `malformed` or `mismatch`.
    """
    check_any([text], checksum, key)


def check_form(fields: Mapping[str, str], key: bytes) -> None:
    """Check the checksum among a form's fields.

    It covers the values, in the order of their names, and not the names themselves: who has one signed form can put its
    values under others. So a form proves that Paytm wrote these values, and nothing of what they mean.

    Raises:
        SignatureError: `missing`, `malformed` or `mismatch`.
    """
    check_any(form_texts(fields), fields.get(CHECKSUM_FIELD), key)


def check_any(texts: list[str], checksum: str | None, key: bytes) -> None:
    """Check that a checksum is of one of these texts.

    Raises:
        SignatureError: `missing`, `malformed` or `mismatch`.
    """
    if not checksum:
        raise SignatureError("missing")
    plain = _decrypted(checksum, key)
    salt = plain[_HASH_CHARS:]
    # Each is compared to the end, so that the time taken tells nothing of which was equal.
    found = False
    for text in texts:
        found |= hmac.compare_digest(plain, _digest(text, salt.decode("latin-1"), "latin-1"))
    if not found:
        raise SignatureError("mismatch")


def form_texts(fields: Mapping[str, str]) -> list[str]:
    """Return what a form's checksum may cover: Paytm's libraries disagree on whether the word null is empty."""
    values = list(_signed_values(fields))
    emptied = ["" if value.lower() == "null" else value for value in values]
    return ["|".join(emptied)] if values == emptied else ["|".join(emptied), "|".join(values)]


def _signed_values(fields: Mapping[str, str]) -> Iterator[str]:
    return (value for name, value in sorted(fields.items()) if name != CHECKSUM_FIELD)


def _digest(text: str, salt: str, salt_encoding: str = "ascii") -> bytes:
    salted = salt.encode(salt_encoding)
    hashed = hashlib.sha256(text.encode("utf-8", "surrogatepass") + b"|" + salted).hexdigest()
    return hashed.encode() + salted


def _decrypted(checksum: str, key: bytes) -> bytes:
    """Return hash and salt. Only base64 as an encoder writes it is taken, so that a checksum has one spelling."""
    try:
        encrypted = base64.b64decode(checksum.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        raise SignatureError("malformed") from None
    if len(encrypted) != _CHECKSUM_BYTES or base64.b64encode(encrypted).decode() != checksum:
        raise SignatureError("malformed")
    decryptor = Cipher(algorithms.AES(key), modes.CBC(_VECTOR)).decryptor()
    unpadder = PKCS7(_BLOCK_BITS).unpadder()
    try:
        plain = unpadder.update(decryptor.update(encrypted) + decryptor.finalize()) + unpadder.finalize()
    except ValueError:
        raise SignatureError("mismatch") from None
    if len(plain) != _HASH_CHARS + _SALT_CHARS:
        raise SignatureError("mismatch")
    return plain
