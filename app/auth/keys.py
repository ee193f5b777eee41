"""The keys that JWTs are checked by: read from a JWK, a set of them, a PEM, or a shared secret."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol

import orjson
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, JWKRegistry, OctKey, OKPKey, RSAKey, import_key
from joserfc.jws import JWSRegistry

if TYPE_CHECKING:
    from collections.abc import Sequence

Key = RSAKey | ECKey | OKPKey | OctKey
KEYS_MAX: Final = 100
SECRET_BYTES_MIN: Final = 32
"""Of a shared secret: as long as the shortest hash. Source: RFC 7518 section 3.2."""
RSA_BITS_MIN: Final = 2048
"""Source: RFC 7518 section 3.3."""
_PEM_TYPES: Final = ("RSA", "EC", "OKP")


class JwtKeyError(ValueError):
    """What should be a key is none, or none to trust. The message never holds the key."""


class Keys(Protocol):
    """Where a JWT's key is looked up."""

    async def find(self, kid: str | None, algorithm: str) -> VerificationKey | None:
        """Return the one key that a token with this header must be signed by.

        Raises:
            KeysUnavailableError: there are no keys to look in.
        """

    def holds(self, thumbprint: str) -> bool:
        """Whether a key is still trusted."""

    async def aclose(self) -> None:
        """Stop what runs."""


@dataclass(frozen=True, slots=True, repr=False)
class VerificationKey:
    """A key, what it is called, and what it may be used with."""

    key: Key
    kid: str | None
    algorithm: str | None
    thumbprint: str

    def fits(self, algorithm: str) -> bool:
        """Whether it is of the type and curve that an algorithm works with, and not set aside for another."""
        if self.algorithm not in (None, algorithm):
            return False
        try:
            JWSRegistry.algorithms[algorithm].check_key(self.key)
        except JoseError:
            return False
        return True


class KeyRing:
    """A set of keys as of one moment."""

    def __init__(self, keys: Sequence[VerificationKey] = ()) -> None:
        self._keys = tuple(keys)
        self.thumbprints = frozenset(key.thumbprint for key in keys)

    def __bool__(self) -> bool:
        return bool(self._keys)

    def find(self, kid: str | None, algorithm: str) -> VerificationKey | None:
        """Return the key of that id, or without an id the only one that fits."""
        named = [key for key in self._keys if key.fits(algorithm) and (kid is None or key.kid == kid)]
        return named[0] if len(named) == 1 else None


class FixedKeys:
    """Keys from the settings: they change with a restart only."""

    def __init__(self, keys: Sequence[VerificationKey]) -> None:
        self._ring = KeyRing(keys)

    async def find(self, kid: str | None, algorithm: str) -> VerificationKey | None:
        """Return the key; one without an id is asked whatever id a token names."""
        found = self._ring.find(kid, algorithm)
        if found is None and kid is not None:
            unnamed = self._ring.find(None, algorithm)
            return unnamed if unnamed is not None and unnamed.kid is None else None
        return found

    def holds(self, thumbprint: str) -> bool:
        """Whether a key is still trusted."""
        return thumbprint in self._ring.thumbprints

    async def aclose(self) -> None:
        """There is nothing to stop."""


def import_keys(text: str) -> list[VerificationKey]:
    """Read keys from the settings: a JWK, a JWK Set, a PEM, or else a shared secret for HS algorithms.

    Raises:
        JwtKeyError: it is none of them, or too weak.
    """
    text = text.strip()
    if text.startswith("{"):
        return import_keyset(text.encode(), shared_secrets=True)
    if text.startswith("-----BEGIN"):
        return [_checked(_import_pem(text), {})]
    return [_checked(_import_secret(text.encode()), {})]


def import_keyset(content: bytes, *, shared_secrets: bool) -> list[VerificationKey]:
    """Read a JWK Set, or a single JWK; keys for encryption, and of types that are not known here, are left out.

    Raises:
        JwtKeyError: it is none, has too many keys, or holds a key that is not to be trusted.
    """
    try:
        told = orjson.loads(content)
    except orjson.JSONDecodeError:
        raise JwtKeyError("The keys are not JSON.") from None
    listed = told.get("keys", [told]) if isinstance(told, dict) else None
    if not isinstance(listed, list) or len(listed) > KEYS_MAX:
        raise JwtKeyError(f"The keys are not a JWK Set of at most {KEYS_MAX} keys.")
    usable = [jwk for jwk in listed if isinstance(jwk, dict) and _is_for_signatures(jwk)]
    if not shared_secrets and any(jwk["kty"] == "oct" for jwk in usable):
        raise JwtKeyError("A JWK Set that is fetched must not hold a shared secret.")
    return [_checked(_import_jwk(jwk), jwk) for jwk in usable]


def _is_for_signatures(jwk: dict[str, Any]) -> bool:
    return jwk.get("kty") in JWKRegistry.key_types and jwk.get("use", "sig") == "sig"


def _import_jwk(jwk: dict[str, Any]) -> Key:
    try:
        return JWKRegistry.import_key(jwk)
    except (JoseError, ValueError, TypeError, KeyError):
        raise JwtKeyError("A key of the JWK Set can't be read.") from None


def _import_secret(secret: bytes) -> OctKey:
    if len(secret) < SECRET_BYTES_MIN:
        raise JwtKeyError(f"A shared secret needs at least {SECRET_BYTES_MIN} bytes.")
    return OctKey.import_key(secret)


def _import_pem(text: str) -> Key:
    for key_type in _PEM_TYPES:
        try:
            return import_key(text, key_type)
        except (JoseError, ValueError, TypeError):
            continue
    raise JwtKeyError("The PEM holds no RSA, EC or Ed25519 key.")


def _checked(key: Key, jwk: dict[str, Any]) -> VerificationKey:
    if isinstance(key, OctKey) and len(key.raw_value) < SECRET_BYTES_MIN:
        raise JwtKeyError(f"A shared secret needs at least {SECRET_BYTES_MIN} bytes.")
    if isinstance(key, RSAKey) and key.raw_value.key_size < RSA_BITS_MIN:
        raise JwtKeyError(f"An RSA key needs at least {RSA_BITS_MIN} bits.")
    kid, algorithm = jwk.get("kid"), jwk.get("alg")
    return VerificationKey(
        key,
        kid if isinstance(kid, str) else None,
        algorithm if isinstance(algorithm, str) else None,
        key.thumbprint(),
    )
