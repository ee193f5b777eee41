"""JWTs: what is checked before one is believed. Source: RFC 7519, RFC 8725 (best practices), RFC 9068 (typ)."""

from __future__ import annotations

import json
import time
import warnings
from base64 import urlsafe_b64decode
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from joserfc.errors import JoseError, SecurityWarning
from joserfc.jws import JWSRegistry, deserialize_compact
from joserfc.jwt import ClaimsOption, JWTClaimsRegistry

from app.auth.caller import AuthenticationError, Caller, Credential, CredentialKind
from app.scopes import Scope

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from app.auth.keys import Keys

ALGORITHMS: Final = frozenset(
    "RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 ES512 EdDSA Ed25519 HS256 HS384 HS512".split()
)
TOKEN_LENGTH_MAX: Final = 8192
CACHE_MAX: Final = 10_000
"""Tokens whose signature need not be checked again. The longest unused is forgotten first."""
_HEADER_LENGTH_MAX: Final = 4096
_ID_LENGTH_MAX: Final = 200
_TYPES: Final = frozenset({"jwt", "at+jwt", "application/at+jwt"})
_SCOPES: Final = {scope.value: scope for scope in Scope}
_SEGMENTS: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class JwtRules:
    """Which tokens are believed, and what their claims mean here."""

    algorithms: frozenset[str]
    issuer: str | None
    audience: str | None
    customer_claim: str = "sub"
    scope_claims: tuple[str, ...] = ("scope", "permissions")
    skew_seconds: int = 30
    """By how much the issuer's clock and ours may differ."""


class JwtVerifier:
    """Turns a JWT into a caller, and remembers those it has checked until they expire."""

    def __init__(self, rules: JwtRules, keys: Keys, *, clock: Callable[[], float] = time.time) -> None:
        """`clock` tells seconds since the epoch."""
        self._rules = rules
        self._keys = keys
        self._clock = clock
        self._known: OrderedDict[bytes, Caller] = OrderedDict()
        self._registry = _Registry(algorithms=sorted(rules.algorithms), strict_check_header=False)
        self._claims = JWTClaimsRegistry(
            now=lambda: int(clock()),
            leeway=rules.skew_seconds,
            exp={"essential": True},
            iss=_wanted(rules.issuer),
            aud=_wanted(rules.audience),
        )

    async def verify(self, token: str, hashed: bytes) -> Caller:
        """Return whom a token speaks for; `hashed` is what it is remembered by.

        Raises:
            AuthenticationError: it is not one that is believed.
            KeysUnavailableError: there is no key yet to check it by.
        """
        known = self._known.get(hashed)
        if known is not None and self.is_valid(known.credential):
            self._known.move_to_end(hashed)
            return known
        self._known.pop(hashed, None)
        caller = await self._check(token, hashed)
        self._known[hashed] = caller
        if len(self._known) > CACHE_MAX:
            self._known.popitem(last=False)
        return caller

    def is_valid(self, credential: Credential | None) -> bool:
        """Whether a token that was believed still is: not expired, and its key not withdrawn."""
        return (
            credential is not None
            and credential.expires_at is not None
            and self._clock() < credential.expires_at + self._rules.skew_seconds
            and credential.signed_by is not None
            and self._keys.holds(credential.signed_by)
        )

    async def aclose(self) -> None:
        """Stop what runs."""
        await self._keys.aclose()

    async def _check(self, token: str, hashed: bytes) -> Caller:
        algorithm, kid = self._header(token)
        key = await self._keys.find(kid, algorithm)
        if key is None:
            raise AuthenticationError
        try:
            with warnings.catch_warnings():
                # EdDSA is what issuers call it yet; RFC 9864's names are taken, too.
                warnings.simplefilter("ignore", SecurityWarning)
                signed = deserialize_compact(token.encode(), key.key, registry=self._registry)
            claims = _strict_json(signed.payload)
            self._claims.validate(claims)
            expires_at = float(claims["exp"])
        except (JoseError, ValueError, TypeError, OverflowError, RecursionError):
            raise AuthenticationError from None
        credential = Credential(
            kind=CredentialKind.JWT, hash=hashed, expires_at=expires_at, signed_by=key.thumbprint
        )
        return self._caller(claims, credential)

    def _header(self, token: str) -> tuple[str, str | None]:
        """Read what names the key. Keys and addresses of keys that a token brings along are not looked at."""
        segment = token.partition(".")[0]
        if len(token) > TOKEN_LENGTH_MAX or not token.isascii() or len(segment) > _HEADER_LENGTH_MAX:
            raise AuthenticationError
        try:
            header = _strict_json(urlsafe_b64decode(segment + "=" * (-len(segment) % 4)))
        except (ValueError, RecursionError):
            raise AuthenticationError from None
        algorithm, kid, kind = header.get("alg"), header.get("kid"), header.get("typ", "JWT")
        understood = "crit" not in header and "b64" not in header
        if not understood or not isinstance(kind, str) or kind.lower() not in _TYPES:
            raise AuthenticationError
        if not isinstance(algorithm, str) or algorithm not in self._rules.algorithms:
            raise AuthenticationError
        if kid is not None and (not isinstance(kid, str) or not 0 < len(kid) <= _ID_LENGTH_MAX):
            raise AuthenticationError
        return algorithm, kid

    def _caller(self, claims: dict[str, Any], credential: Credential) -> Caller:
        customer_id = claims.get(self._rules.customer_claim)
        if (
            not isinstance(customer_id, str)
            or not 0 < len(customer_id) <= _ID_LENGTH_MAX
            or not customer_id.isprintable()
        ):
            raise AuthenticationError
        return Caller(
            subject=f"customer:{customer_id}",
            scopes=_scopes_in([claims.get(name) for name in self._rules.scope_claims]),
            customer_id=customer_id,
            credential=credential,
        )


class _Registry(JWSRegistry):
    """Bounds that hold a real token and no more."""

    max_header_length = _HEADER_LENGTH_MAX
    max_payload_length = TOKEN_LENGTH_MAX
    max_signature_length = 2048


def _wanted(value: str | None) -> ClaimsOption:
    return {"essential": True, "value": value} if value is not None else {}


def _scopes_in(claims: Sequence[object]) -> frozenset[Scope]:
    """Return the scopes that claims name, as words or as a list; those of other applications are passed over."""
    words: list[object] = []
    for claim in claims:
        words += claim.split(" ") if isinstance(claim, str) else claim if isinstance(claim, list) else []
    return frozenset(_SCOPES[word] for word in words if isinstance(word, str) and word in _SCOPES)


def _strict_json(content: bytes | None) -> dict[str, Any]:
    """Read an object in which no name stands twice: two readers could take either for the one that counts."""
    found = json.loads(content or b"", object_pairs_hook=_object)
    if not isinstance(found, dict):
        raise ValueError("not an object")  # noqa: TRY004 - like all else that is wrong in it
    return found


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice")
    return found
