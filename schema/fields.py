"""Fields with a resolver and a description, typed: Strawberry's own decorators lose the types of what they decorate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import strawberry

if TYPE_CHECKING:
    from collections.abc import Callable


def field(description: str) -> Callable[[Callable[..., object]], Any]:
    """Make a resolver a field of an object, a query or a mutation."""

    def decorate(resolver: Callable[..., object]) -> Any:  # noqa: ANN401 - what Strawberry makes of it
        return strawberry.field(resolver, description=description)

    return decorate


def subscription(description: str) -> Callable[[Callable[..., object]], Any]:
    """Make a resolver a subscription."""

    def decorate(resolver: Callable[..., object]) -> Any:  # noqa: ANN401 - what Strawberry makes of it
        return strawberry.subscription(resolver, description=description)

    return decorate
