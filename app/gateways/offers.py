"""What a gateway can take: by currency, by amount, by method, and only while it answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from app.gateways.polling import UPI_METHODS

if TYPE_CHECKING:
    from app.domain.money import Money
    from app.domain.states import PaymentMethodType
    from app.gateways.contract import Gateway

INDIAN: Final = "INR"


@dataclass(frozen=True, slots=True)
class Limits:
    """The smallest and the largest payment in one currency, in its minor unit. None: no limit is published."""

    smallest_minor: int = 1
    largest_minor: int | None = None

    def allow(self, minor: int) -> bool:
        """Whether a payment of that much is taken."""
        return self.smallest_minor <= minor and (self.largest_minor is None or minor <= self.largest_minor)


NO_LIMITS: Final = Limits()


def methods_in(gateway: Gateway, currency: str) -> tuple[PaymentMethodType, ...]:
    """Return the methods by which a gateway takes a currency; none where it doesn't. UPI pays in rupees alone."""
    if gateway.currencies and currency not in gateway.currencies:
        return ()
    return tuple(method for method in gateway.methods if currency == INDIAN or method not in UPI_METHODS)


def offer(gateway: Gateway, amount: Money) -> tuple[PaymentMethodType, ...]:
    """Return the methods by which a gateway takes an amount; none where it doesn't."""
    limits = gateway.limits.get(amount.currency, NO_LIMITS)
    return methods_in(gateway, amount.currency) if limits.allow(amount.minor) else ()
