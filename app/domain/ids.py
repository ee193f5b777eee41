"""Public ids: a type prefix and the 128 bits of the row's UUID in Crockford base32, e.g. `ord_01jd…`.

They sort as the UUIDs do (UUIDv7: by time), can be read out, and say what they name.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final
from uuid import UUID

_ALPHABET: Final = "0123456789abcdefghjkmnpqrstvwxyz"
_VALUES: Final = {char: value for value, char in enumerate(_ALPHABET)}
_LENGTH: Final = 26


class IdPrefix(StrEnum):
    """What a public id may name."""

    ORDER = "ord"
    PAYMENT = "pay"
    REFUND = "ref"
    DISPUTE = "dsp"
    PRODUCT = "prd"
    INBOX_EVENT = "inb"
    SUSPENSE_ITEM = "sus"
    LEDGER_TRANSACTION = "ltx"
    JOB = "job"
    IDEMPOTENCY_KEY = "key"


_PREFIXES: Final = frozenset(member.value for member in IdPrefix)


def encode_id(prefix: IdPrefix, value: UUID) -> str:
    """Return the public form of a row's UUID."""
    number = value.int
    chars = [""] * _LENGTH
    for index in range(_LENGTH - 1, -1, -1):
        chars[index] = _ALPHABET[number & 31]
        number >>= 5
    return f"{prefix}_{''.join(chars)}"


def decode_id(public_id: str) -> tuple[IdPrefix, UUID] | None:
    """Return what a public id names, or None when it is none of ours."""
    prefix, _, text = public_id.partition("_")
    if prefix not in _PREFIXES or len(text) != _LENGTH:
        return None
    number = 0
    for char in text:
        value = _VALUES.get(char)
        if value is None:
            return None
        number = number << 5 | value
    return (IdPrefix(prefix), UUID(int=number)) if number < 1 << 128 else None


def decode_as(prefix: IdPrefix, public_id: str) -> UUID | None:
    """Return the UUID of a public id of the given type, or None when it is of another or malformed."""
    decoded = decode_id(public_id)
    return decoded[1] if decoded and decoded[0] is prefix else None
