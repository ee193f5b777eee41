"""What a gateway can take: by currency, amount, method and country, and only while it answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from app.domain.states import PaymentMethodType
from app.gateways.polling import UPI_METHODS

if TYPE_CHECKING:
    from app.domain.money import Money
    from app.gateways.contract import Gateway

RUPEES: Final = "INR"
INDIA: Final = "IN"
_INDIAN_METHODS: Final = frozenset({*UPI_METHODS, PaymentMethodType.NETBANKING})
"""What people pay with from accounts at banks in India alone. (That NPCI lets some foreign visitors and Indians abroad
use UPI is left to gateways' own pages.)"""


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
    """Return the methods by which a gateway takes a currency; none where it doesn't.

    UPI pays in rupees alone, and there it comes first, for it is what most people in India pay with.
    """
    if gateway.currencies and currency not in gateway.currencies:
        return ()
    if currency != RUPEES:
        return tuple(method for method in gateway.methods if method not in UPI_METHODS)
    return tuple(sorted(gateway.methods, key=lambda method: method not in UPI_METHODS))


def offer(gateway: Gateway, amount: Money, country: str | None = None) -> tuple[PaymentMethodType, ...]:
    """Return the methods by which a gateway takes an amount; none where it doesn't.

    `country` is where the shopper is, as ISO 3166-1 alpha-2; what nobody has there is left out.
    """
    if not gateway.limits.get(amount.currency, NO_LIMITS).allow(amount.minor):
        return ()
    methods = methods_in(gateway, amount.currency)
    if country in (None, INDIA):
        return methods
    return tuple(method for method in methods if method not in _INDIAN_METHODS)
