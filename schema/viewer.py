"""Who is asking, as they see it: so that a front end can say beforehand what they may not do."""

from datetime import UTC, datetime
from typing import Self

import strawberry

from app.auth import Caller
from app.scopes import Scope


@strawberry.type(description="Who is asking, and what they may do.")
class Viewer:
    """A caller."""

    scopes: list[str] = strawberry.field(
        description="What the credentials may do on every order, e.g. `refunds:write`; empty for shoppers."
    )
    expires_at: datetime | None = strawberry.field(
        description="Until when the credentials are good; null when that has no end."
    )

    @classmethod
    def of(cls, caller: Caller) -> Self:
        """Return the API's form of a caller."""
        credential = caller.credential
        expires_at = credential.expires_at if credential else None
        return cls(
            scopes=[scope.value for scope in Scope if caller.has(scope)],
            expires_at=None if expires_at is None else datetime.fromtimestamp(expires_at, UTC),
        )
