"""What the chaos compares with what the gateways say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from db.pool import Database


@dataclass(frozen=True, slots=True)
class KnownPayment:
    """A payment as it is here, in minor units."""

    reference: str | None
    status: str
    captured_minor: int
    refunded_minor: int


async def known_payments(database: Database, gateway: str) -> list[KnownPayment]:
    """Return a gateway's payments. All of them: for small databases."""
    rows = await database.fetch(
        "SELECT reference, status, captured_minor, refunded_minor FROM payments WHERE gateway = $1", gateway
    )
    return [KnownPayment(**dict(row)) for row in rows]
