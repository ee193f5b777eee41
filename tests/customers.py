"""An issuer of JWTs for the tests: its key, what it signs, and a verifier that believes it."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any, Final

from joserfc import jwt
from joserfc.jwk import ECKey

from app.auth import FixedKeys, JwtRules, JwtVerifier, import_keys

if TYPE_CHECKING:
    from collections.abc import Callable

ISSUER: Final = "https://id.shop.example/"
AUDIENCE: Final = "orderpulse"
KEY: Final = ECKey.generate_key("P-256", {"kid": "of-the-tests"})
RULES: Final = JwtRules(algorithms=frozenset({"ES256"}), issuer=ISSUER, audience=AUDIENCE)


def verifier(clock: Callable[[], float] = time.time) -> JwtVerifier:
    """Return a verifier of what `token` signs."""
    return JwtVerifier(RULES, FixedKeys(import_keys(json.dumps(KEY.as_dict(private=False)))), clock=clock)


def by(rules: JwtRules, key: str) -> JwtVerifier:
    """Return a verifier by a key of the settings."""
    return JwtVerifier(rules, FixedKeys(import_keys(key)))


def claims(customer: str = "alice", **more: Any) -> dict[str, Any]:  # noqa: ANN401 - claims are anything
    """Return the claims of a good token, and `more`; one that is None is left out."""
    now = int(time.time())
    given = {"iss": ISSUER, "aud": AUDIENCE, "sub": customer, "iat": now, "exp": now + 600, **more}
    return {name: value for name, value in given.items() if value is not None}


def token(customer: str = "alice", **more: Any) -> str:  # noqa: ANN401 - as above
    """Return a signed token of a customer."""
    return jwt.encode({"alg": "ES256", "kid": KEY.kid}, claims(customer, **more), KEY)
