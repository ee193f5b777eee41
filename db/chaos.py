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
    disputed_minor: int = 0
    is_needed: bool = False
    """Whether its order is open and what was taken for it so far doesn't pay for it."""


async def known_payments(database: Database, gateway: str) -> list[KnownPayment]:
    """Return a gateway's payments. All of them: for small databases."""
    rows = await database.fetch(
        """SELECT p.reference, p.status, p.captured_minor, p.refunded_minor, p.disputed_minor,
                  o.status NOT IN ('CANCELED', 'EXPIRED') AND o.total_minor > (
                    SELECT sum(every.captured_minor) FROM payments every WHERE every.order_id = o.id) AS is_needed
             FROM payments p JOIN orders o ON o.id = p.order_id WHERE p.gateway = $1""",
        gateway,
    )
    return [KnownPayment(**dict(row)) for row in rows]
