"""The simulator's own checksums: `base64(AES-128-CBC(hex(sha256(text + "|" + salt)) + salt))`.

Source: paytmpayments.com/docs/checksum, read in November 2026.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from typing import TYPE_CHECKING, Final

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

if TYPE_CHECKING:
    from collections.abc import Mapping

_IV: Final = b"@@@@&&&&####$$$$"
_BLOCK: Final = 16
_SALT_BYTES: Final = 3
"""Four characters in base64."""
_SALT_CHARS: Final = 4


def checksum(text: str, key: str) -> str:
    """Sign a text."""
    salt = base64.b64encode(secrets.token_bytes(_SALT_BYTES)).decode()
    plain = (hashlib.sha256(f"{text}|{salt}".encode()).hexdigest() + salt).encode()
    fill = _BLOCK - len(plain) % _BLOCK
    machine = Cipher(algorithms.AES(key.encode()), modes.CBC(_IV)).encryptor()
    return base64.b64encode(machine.update(plain + bytes([fill]) * fill) + machine.finalize()).decode()


def is_checksum(text: str, given: str, key: str) -> bool:
    """Whether a checksum is one of that text."""
    try:
        machine = Cipher(algorithms.AES(key.encode()), modes.CBC(_IV)).decryptor()
        padded = machine.update(base64.b64decode(given)) + machine.finalize()
        plain = padded[: -padded[-1]].decode()
    except (ValueError, IndexError):
        return False
    salt = plain[-_SALT_CHARS:]
    return plain == hashlib.sha256(f"{text}|{salt}".encode()).hexdigest() + salt


def form_checksum(fields: Mapping[str, str], key: str) -> str:
    """Sign a form: its values, in the order of their names."""
    return checksum("|".join(fields[name] for name in sorted(fields)), key)
