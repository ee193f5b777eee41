"""PayPal's decimals."""

from __future__ import annotations

import pytest

from app.domain.money import Money
from app.gateways import GatewayError
from app.gateways.paypal.amounts import CURRENCIES, from_paypal, to_paypal


@pytest.mark.parametrize(
    ("money", "value"),
    [
        (Money(4990, "EUR"), "49.90"),
        (Money(1, "USD"), "0.01"),
        (Money(499, "JPY"), "499"),
        (Money(49900, "HUF"), "499"),
        (Money(100, "TWD"), "1"),
    ],
)
def test_an_amount_goes_out_and_comes_back(money: Money, value: str) -> None:
    assert to_paypal(money) == {"currency_code": money.currency, "value": value}
    assert from_paypal(value, money.currency) == money


@pytest.mark.parametrize(
    ("money", "code"),
    [
        (Money(49901, "HUF"), "amount_not_expressible"),
        (Money(150, "TWD"), "amount_not_expressible"),
        (Money(0, "EUR"), "amount_out_of_range"),
        (Money(49900, "INR"), "currency_not_supported"),
    ],
)
def test_what_paypal_does_not_take_is_rejected(money: Money, code: str) -> None:
    with pytest.raises(GatewayError) as refusal:
        to_paypal(money)

    assert refusal.value.code == code


@pytest.mark.parametrize(
    ("value", "currency"), [("1.001", "EUR"), ("-1.00", "EUR"), ("1e3", "EUR"), ("", "EUR"), ("1.00", "QQQ")]
)
def test_what_is_no_amount_is_a_value_error(value: str, currency: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        from_paypal(value, currency)


def test_rupees_are_not_offered() -> None:
    assert "INR" not in CURRENCIES
    assert len(CURRENCIES) == 23
