"""Amounts of money, out and in."""

from decimal import Decimal
from typing import Self

import strawberry

from app.domain import money
from app.domain.errors import DomainError
from schema.scalars import BigInt, CurrencyCode


@strawberry.type(description="An amount of money. Stored in minor units; never a float.")
class Money:
    """An amount as the API shows it."""

    amount: Decimal = strawberry.field(description="In the currency's major unit (rupees, dollars).")
    minor_units: BigInt = strawberry.field(
        description=(
            "The same amount in the currency's minor unit (paise, cents; ISO 4217 exponent: JPY 0, KWD 3)."
        )
    )
    currency: CurrencyCode

    @classmethod
    def of(cls, given: money.Money) -> Self:
        """Return the API's form of an amount."""
        return cls(
            amount=given.to_decimal(),
            minor_units=BigInt(given.minor),
            currency=CurrencyCode(given.currency),
        )

    @classmethod
    def of_minor(cls, minor: int, currency: str) -> Self:
        """Return the API's form of a column of minor units."""
        return cls.of(money.Money(minor, currency))


@strawberry.input(description="An exact amount of money.")
class MoneyInput:
    """An amount as callers send it."""

    amount: Decimal = strawberry.field(
        description="In the currency's major unit, with at most as many decimals as the currency has."
    )
    currency: CurrencyCode

    def to_domain(self, *field: str) -> money.Money:
        """Return the amount; `field` is the path of this input.

        Raises:
            DomainError: INVALID or AMOUNT_TOO_LARGE.
        """
        try:
            return money.Money.from_decimal(self.amount, self.currency)
        except DomainError as error:
            raise DomainError(error.code, error.message, (*field, "amount")) from error
