"""A caller: whom they speak for, what they may do, and the credential that says so."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from app.scopes import Scope

if TYPE_CHECKING:
    from uuid import UUID

    from app.domain.order import Order


class CredentialKind(StrEnum):
    """What a caller showed."""

    JWT = "jwt"
    API_KEY = "api_key"
    ORDER_TOKEN = "order_token"  # noqa: S105 - a kind, not a token


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """What says who a caller is, for as long as it does. The secret itself is not kept."""

    kind: CredentialKind
    hash: bytes = field(repr=False)
    expires_at: float | None
    """Seconds since the epoch."""
    signed_by: str | None = None
    """The thumbprint of the key that a JWT was signed by."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who is asking. `order_id` is the one order that a guest's token opens."""

    subject: str
    scopes: frozenset[Scope] = frozenset()
    order_id: UUID | None = None
    customer_id: str | None = None
    credential: Credential | None = field(default=None, compare=False, repr=False)
    """None for what is good as long as the process runs."""

    @property
    def is_staff(self) -> bool:
        """Whether everything is theirs to see and change."""
        return Scope.STAFF in self.scopes

    def has(self, scope: Scope) -> bool:
        """Whether they may do what a scope names, on every order."""
        return scope in self.scopes or self.is_staff

    def owns(self, order: Order) -> bool:
        """Whether an order is their own: a guest's by its token, a customer's by its `customerId`."""
        return order.id == self.order_id or (
            self.customer_id is not None and order.customer_id == self.customer_id
        )

    def may_see(self, order: Order) -> bool:
        """Whether an order is theirs to see."""
        return self.has(Scope.READ) or self.owns(order)

    def may_change(self, order: Order, scope: Scope) -> bool:
        """Whether an order that they see is theirs to do to what the scope names."""
        return self.has(scope) or self.owns(order)


ANYONE: Final = Caller(subject="anyone")


class AuthenticationError(Exception):
    """The credentials are malformed, unknown, expired or revoked; which of these is not told."""

    def __init__(self) -> None:
        super().__init__(
            "The credentials are not valid. Leave them out, or send a current token, key or order token."
        )


class KeysUnavailableError(Exception):
    """The keys that JWTs are checked by could not be had, so nobody can say whether this one is good."""
