"""Who is asking: staff and services by key, guests by the access token of one order, or nobody in particular."""

from __future__ import annotations

import hashlib
import hmac
from base64 import b32encode
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable
    from uuid import UUID

    from app.domain.order import Order

ORDER_TOKEN_PREFIX: Final = "oat_"  # noqa: S105 - the public part of every token
_ORDER_TOKEN_LENGTH: Final = 26
"""Characters of base32 after the prefix: 130 bits."""
_AUTHORIZATION_LENGTH_MAX: Final = 512


class Scope(StrEnum):
    """What a key may do beyond what everybody may."""

    STAFF = "staff"
    """See and change every order."""
    PRICE = "orders:price"
    """Set names, prices, adjustments and customers of new orders."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who is asking. `order_id` is the one order that a guest's token opens."""

    subject: str
    scopes: frozenset[Scope] = frozenset()
    order_id: UUID | None = None
    customer_id: str | None = None

    @property
    def is_staff(self) -> bool:
        """Whether every order is theirs to see and change."""
        return Scope.STAFF in self.scopes

    def may_see(self, order: Order) -> bool:
        """Whether an order is theirs to see and to pay."""
        return (
            self.is_staff
            or order.id == self.order_id
            or (self.customer_id is not None and order.customer_id == self.customer_id)
        )


ANYONE: Final = Caller(subject="anyone")


class AuthenticationError(Exception):
    """The credentials are malformed, unknown, expired or revoked; which of these is not told."""

    def __init__(self) -> None:
        super().__init__(
            "The credentials are not valid. Leave them out, or send a current key or order token."
        )


class Authenticator:
    """Turns an Authorization header, or an order token, into a Caller."""

    def __init__(
        self,
        *,
        staff_keys: Iterable[str],
        secret: str,
        find_order: Callable[[bytes], Awaitable[UUID | None]],
    ) -> None:
        """`find_order` returns the order that a token's hash opens now; `secret` is what tokens derive from."""
        self._staff_hashes = tuple(hash_secret(key) for key in staff_keys)
        self._secret = secret.encode()
        self._find_order = find_order

    async def identify(self, authorization: str | None) -> Caller:
        """Return who sends this Authorization header (`Bearer …`), or anyone when there is none.

        Raises:
            AuthenticationError: there is one, and it opens nothing.
        """
        if not authorization:
            return ANYONE
        scheme, _, secret = authorization.partition(" ")
        if scheme.lower() != "bearer" or not secret or len(authorization) > _AUTHORIZATION_LENGTH_MAX:
            raise AuthenticationError
        return await self.identify_secret(secret.strip())

    async def identify_secret(self, secret: str) -> Caller:
        """Return whose key or order token this is.

        Raises:
            AuthenticationError: it is nobody's.
        """
        hashed = hash_secret(secret)
        known = [hmac.compare_digest(hashed, staff_hash) for staff_hash in self._staff_hashes]
        if any(known):
            return Caller(subject=f"staff:{hashed.hex()[:12]}", scopes=frozenset(Scope))
        order_id = await self.order_of(secret)
        if order_id is None:
            raise AuthenticationError
        return Caller(subject=f"order:{order_id}", order_id=order_id)

    async def order_of(self, token: str) -> UUID | None:
        """Return the order that a token opens now, or None."""
        if not token.startswith(ORDER_TOKEN_PREFIX) or len(token) > _AUTHORIZATION_LENGTH_MAX:
            return None
        return await self._find_order(hash_secret(token))

    def order_token(self, token_id: UUID) -> str:
        """Return the token of a given id: the same one each time, so that a repeated answer can hold it again."""
        digest = hmac.digest(self._secret, b"order-access-token:" + token_id.bytes, "sha256")
        return ORDER_TOKEN_PREFIX + b32encode(digest).decode().lower()[:_ORDER_TOKEN_LENGTH]


def hash_secret(secret: str) -> bytes:
    """Return what is stored and compared in place of a secret. SHA-256 suffices: secrets here are long and random."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()
