"""Who is asking: customers by JWT, staff and services by key, guests by the token of one order, or anyone."""

from app.auth.authenticator import (
    API_KEY_PREFIX,
    ORDER_TOKEN_PREFIX,
    Authenticator,
    KnowsCredentials,
    hash_secret,
    new_api_key,
)
from app.auth.caller import (
    ANYONE,
    AuthenticationError,
    Caller,
    Credential,
    CredentialKind,
    KeysUnavailableError,
)
from app.auth.keys import FixedKeys, JwtKeyError, VerificationKey, import_keys
from app.auth.keyset_url import KeySetUrl, check_keyset_url
from app.auth.token import ALGORITHMS, JwtRules, JwtVerifier

__all__ = [
    "ALGORITHMS",
    "ANYONE",
    "API_KEY_PREFIX",
    "ORDER_TOKEN_PREFIX",
    "AuthenticationError",
    "Authenticator",
    "Caller",
    "Credential",
    "CredentialKind",
    "FixedKeys",
    "JwtKeyError",
    "JwtRules",
    "JwtVerifier",
    "KeySetUrl",
    "KeysUnavailableError",
    "KnowsCredentials",
    "VerificationKey",
    "check_keyset_url",
    "hash_secret",
    "import_keys",
    "new_api_key",
]
