"""A webhook whose proof can't be had at the moment is neither believed nor called a forgery."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pytest

from app.gateways import Gateway, GatewayError, GatewayErrorKind
from app.webhooks import _RefusedError, _translate

if TYPE_CHECKING:
    from app.gateways import Verified


class OutOfReach:
    """A gateway whose certificates can't be fetched."""

    async def verify(self, *_: object) -> Verified:
        """Fail as a fetch does."""
        raise GatewayError(GatewayErrorKind.UNAVAILABLE, "No answer.")


async def test_it_is_answered_with_come_again() -> None:
    gateway = cast("Gateway", cast("Any", OutOfReach()))

    with pytest.raises(_RefusedError) as refusal:
        await _translate(gateway, {}, b"{}", 0.0)

    assert (refusal.value.status, refusal.value.outcome) == (503, "unverified")
