"""How much each may ask for in a minute."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowances:
    """What is allowed in a minute. An IPv6 network of 64 bits counts as one address."""

    requests: int = 1_200
    """Requests of the API and of tracking pages, and websockets opened, from one address."""
    values: int = 300_000
    """Values in answers, as operations weigh, for one caller: whoever has a key or a token, else an address."""
    orders: int = 60
    """Orders made by one caller. Keys of staff and services are not counted: they order for many."""
    payments: int = 60
    """Payments opened by one caller; likewise."""
    failed_signatures: int = 60
    """Webhooks from one address that no gateway signed."""
