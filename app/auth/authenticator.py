"""Turns what a request shows into a caller: a JWT, a staff key, a service's API key, or the token of one order."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
import secrets
from base64 import b32encode
from typing import TYPE_CHECKING, Final, Protocol

from app.auth.caller import ANYONE, AuthenticationError, Caller, Credential, CredentialKind
from app.auth.token import TOKEN_LENGTH_MAX
from app.auth.vigil import Vigil
from app.scopes import Scope

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Sequence
    from uuid import UUID

    from app.auth.token import JwtVerifier

ORDER_TOKEN_PREFIX: Final = "oat_"  # noqa: S105 - the public part of every token
API_KEY_PREFIX: Final = "osk_"
_ORDER_TOKEN_LENGTH: Final = 26
"""Characters of base32 after the prefix: 130 bits."""
_API_KEY_BYTES: Final = 32
_SECRET_LENGTH_MAX: Final = 512
_AUTHORIZATION_LENGTH_MAX: Final = TOKEN_LENGTH_MAX + 16
_SCOPES: Final = {scope.value: scope for scope in Scope}
_ALL_SCOPES: Final = frozenset(Scope)
_JWT_DOTS: Final = 2


class OpenOrder(Protocol):
    """The order that a token opens now, and until when, in seconds since the epoch."""

    @property
    def order_id(self) -> UUID: ...  # noqa: D102 - said above
    @property
    def expires_at(self) -> float: ...  # noqa: D102


class ApiKey(Protocol):
    """A service's key that is good now, and until when, in seconds since the epoch."""

    @property
    def id(self) -> UUID: ...  # noqa: D102 - said above
    @property
    def scopes(self) -> Sequence[str]: ...  # noqa: D102
    @property
    def expires_at(self) -> float | None: ...  # noqa: D102


class KnowsCredentials(Protocol):
    """Where hashes of credentials are kept."""

    async def open_order(self, token_hash: bytes) -> OpenOrder | None:
        """Return the order that a token opens now."""

    async def api_key(self, key_hash: bytes) -> ApiKey | None:
        """Return a key that is good now."""

    async def valid(self, order_tokens: Sequence[bytes], api_keys: Sequence[bytes]) -> set[bytes]:
        """Return those hashes that still open something."""


class Authenticator:
    """Turns an Authorization header, or a secret alone, into a Caller, and sees to it that it stays true."""

    def __init__(
        self,
        *,
        staff_keys: Iterable[str],
        secret: str,
        store: KnowsCredentials,
        jwt: JwtVerifier | None = None,
    ) -> None:
        """`secret` is what order tokens derive from."""
        self._staff_hashes = tuple(hash_secret(key) for key in staff_keys)
        self._secret = secret.encode()
        self._store = store
        self._jwt = jwt
        self.vigil = Vigil(self._still_valid)

    async def identify(self, authorization: str | None) -> Caller:
        """Return who sends this Authorization header (`Bearer …`), or anyone when there is none.

        Raises:
            AuthenticationError: there is one, and it opens nothing.
            KeysUnavailableError: it is a JWT, and nobody can say whether it is good.
        """
        if not authorization:
            return ANYONE
        scheme, _, secret = authorization.partition(" ")
        if scheme.lower() != "bearer" or not secret or len(authorization) > _AUTHORIZATION_LENGTH_MAX:
            raise AuthenticationError
        return await self.identify_secret(secret.strip())

    async def identify_secret(self, secret: str) -> Caller:
        """Return whose JWT, key or order token this is.

        Raises:
            AuthenticationError: it is nobody's.
            KeysUnavailableError: it is a JWT, and nobody can say whether it is good.
        """
        if self._jwt is not None and secret.count(".") == _JWT_DOTS:
            return await self._jwt.verify(secret, hash_secret(secret))
        if len(secret) > _SECRET_LENGTH_MAX:
            raise AuthenticationError
        hashed = hash_secret(secret)
        known = [hmac.compare_digest(hashed, staff_hash) for staff_hash in self._staff_hashes]
        if any(known):
            return Caller(subject=f"staff:{hashed.hex()[:12]}", scopes=_ALL_SCOPES)
        if secret.startswith(API_KEY_PREFIX):
            return await self._service(hashed)
        return await self._guest(secret, hashed)

    async def _service(self, hashed: bytes) -> Caller:
        key = await self._store.api_key(hashed)
        if key is None:
            raise AuthenticationError
        credential = Credential(kind=CredentialKind.API_KEY, hash=hashed, expires_at=key.expires_at)
        scopes = frozenset(_SCOPES[name] for name in key.scopes if name in _SCOPES)
        return Caller(subject=f"service:{key.id}", scopes=scopes, credential=credential)

    async def _guest(self, token: str, hashed: bytes) -> Caller:
        opened = await self._store.open_order(hashed) if token.startswith(ORDER_TOKEN_PREFIX) else None
        if opened is None:
            raise AuthenticationError
        credential = Credential(kind=CredentialKind.ORDER_TOKEN, hash=hashed, expires_at=opened.expires_at)
        return Caller(subject=f"order:{opened.order_id}", order_id=opened.order_id, credential=credential)

    async def order_of(self, token: str) -> UUID | None:
        """Return the order that a token opens now, or None."""
        if not token.startswith(ORDER_TOKEN_PREFIX) or len(token) > _SECRET_LENGTH_MAX:
            return None
        opened = await self._store.open_order(hash_secret(token))
        return opened.order_id if opened else None

    def order_token(self, token_id: UUID) -> str:
        """Return the token of a given id: the same one each time, so that a repeated answer can hold it again."""
        digest = hmac.digest(self._secret, b"order-access-token:" + token_id.bytes, "sha256")
        return ORDER_TOKEN_PREFIX + b32encode(digest).decode().lower()[:_ORDER_TOKEN_LENGTH]

    @contextlib.asynccontextmanager
    async def while_valid(self, caller: Caller) -> AsyncIterator[None]:
        """Run a block for as long as the caller's credential is good. A block that takes long costs nothing meanwhile.

        Raises:
            AuthenticationError: it is no longer good, at the beginning or since.
        """
        credential = caller.credential
        if credential is None:
            yield
            return
        if credential.hash not in await self._still_valid([credential]):
            raise AuthenticationError
        ended = False
        limit = asyncio.timeout(None)

        def end() -> None:
            nonlocal ended
            ended = True
            limit.reschedule(asyncio.get_running_loop().time())

        try:
            async with limit:
                with self.vigil.watching(credential, end):
                    yield
        except TimeoutError:
            if ended:
                raise AuthenticationError from None
            raise

    async def watch(self, caller: Caller, on_end: Callable[[], None]) -> Callable[[], None]:
        """Call `on_end` when the caller's credential ends; return what is called to have it watched no more.

        Raises:
            AuthenticationError: it is no longer good.
        """
        credential = caller.credential
        if credential is None:
            return _nothing
        if credential.hash not in await self._still_valid([credential]):
            raise AuthenticationError
        return self.vigil.watch(credential, on_end)

    async def _still_valid(self, credentials: Sequence[Credential]) -> set[bytes]:
        """Return the hashes of those that are. A JWT is asked of the issuer's keys, all others in one statement."""
        valid = {
            credential.hash
            for credential in credentials
            if credential.kind is CredentialKind.JWT
            and self._jwt is not None
            and self._jwt.is_valid(credential)
        }
        tokens = [c.hash for c in credentials if c.kind is CredentialKind.ORDER_TOKEN]
        keys = [c.hash for c in credentials if c.kind is CredentialKind.API_KEY]
        if tokens or keys:
            valid |= await self._store.valid(tokens, keys)
        return valid

    async def aclose(self) -> None:
        """Stop what runs."""
        if self._jwt is not None:
            await self._jwt.aclose()


def _nothing() -> None:
    """Do it."""


def new_api_key() -> str:
    """Return a service's key: 256 bits, shown once and kept by its hash."""
    return API_KEY_PREFIX + secrets.token_urlsafe(_API_KEY_BYTES)


def hash_secret(secret: str) -> bytes:
    """Return what is stored and compared in place of a secret. SHA-256 suffices: secrets here are long and random."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()
