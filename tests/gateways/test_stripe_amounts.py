"""Amounts at Stripe's edge: its minor units differ from ISO 4217's for some currencies."""

from __future__ import annotations

import pytest

from app.domain.money import CURRENCY_EXPONENTS, Money
from app.gateways.contract import GatewayError, GatewayErrorKind
from app.gateways.stripe.amounts import LIMITS, from_stripe, to_stripe


@pytest.mark.parametrize(
    ("decimal", "currency", "amount"),
    [
        ("10.99", "EUR", 1099),
        ("499.00", "INR", 49900),
        ("500", "JPY", 500),
        ("5", "ISK", 500),
        ("5", "UGX", 500),
        ("10.45", "HUF", 1045),
        ("800.45", "TWD", 80045),
        ("5.00", "MGA", 5),
        ("1.230", "KWD", 1230),
        ("1.23", "LYD", 123),
        ("0.01", "USD", 1),
    ],
)
def test_an_amount_goes_to_stripe_and_comes_back(decimal: str, currency: str, amount: int) -> None:
    money = Money.from_decimal(decimal, currency)

    assert to_stripe(money) == amount
    assert from_stripe(amount, currency.lower()) == money


@pytest.mark.parametrize(
    ("minor", "currency", "code"),
    [
        (501, "MGA", "amount_not_expressible"),
        (1231, "KWD", "amount_not_expressible"),
        (1231, "LYD", "amount_not_expressible"),
        (0, "EUR", "amount_out_of_range"),
        (-1, "EUR", "amount_out_of_range"),
        (2**53 - 1, "ISK", "amount_out_of_range"),
    ],
)
def test_what_stripe_cannot_express_is_refused_before_anything_is_sent(
    minor: int, currency: str, code: str
) -> None:
    with pytest.raises(GatewayError) as raised:
        to_stripe(Money(minor, currency))

    assert (raised.value.kind, raised.value.code) == (GatewayErrorKind.REJECTED, code)


@pytest.mark.parametrize("currency", sorted(CURRENCY_EXPONENTS))
def test_no_currency_loses_anything_on_the_way(currency: str) -> None:
    money = Money(123_000, currency)

    assert from_stripe(to_stripe(money), currency.lower()) == money


@pytest.mark.parametrize(("amount", "currency"), [(550, "isk"), (100, "xxx"), (100, ""), (2**53, "eur")])
def test_an_amount_that_cannot_be_is_refused(amount: int, currency: str) -> None:
    with pytest.raises(ValueError, match=r"currency code|no amount of"):
        from_stripe(amount, currency)


@pytest.mark.parametrize(
    ("currency", "largest"), [("USD", 99_999_999), ("INR", 999_999_999), ("JPY", 9_999_999_999)]
)
def test_a_payment_is_as_large_as_stripe_takes_in_its_currency(currency: str, largest: int) -> None:
    assert LIMITS[currency].allow(largest)
    assert not LIMITS[currency].allow(largest + 1)
