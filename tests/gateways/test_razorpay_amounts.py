"""Amounts, settings and texts at the edge to Razorpay."""

from __future__ import annotations

from typing import Any

import pytest

from app.domain.money import Money
from app.gateways import GatewayError, GatewayErrorKind
from app.gateways.razorpay import RazorpaySettings
from app.gateways.razorpay.amounts import CURRENCIES, from_razorpay, to_razorpay
from app.gateways.razorpay.failures import masked
from app.gateways.razorpay.parameters import refund_key


@pytest.mark.parametrize(
    ("money", "amount"),
    [
        (Money(49900, "INR"), 49900),
        (Money(100, "INR"), 100),
        (Money(295, "JPY"), 295),
        (Money(295990, "KWD"), 295990),
        (Money(99990, "BHD"), 99990),
        (Money(1999, "USD"), 1999),
    ],
)
def test_amounts_go_there_and_back(money: Money, amount: int) -> None:
    assert to_razorpay(money) == amount
    assert from_razorpay(amount, money.currency) == money


@pytest.mark.parametrize(
    ("money", "code"),
    [
        (Money(99, "INR"), "amount_out_of_range"),
        (Money(0, "USD"), "amount_out_of_range"),
        (Money(-100, "INR"), "amount_out_of_range"),
        (Money(99991, "KWD"), "amount_not_expressible"),
        (Money(99999, "OMR"), "amount_not_expressible"),
        (Money(100, "LYD"), "currency_not_supported"),
    ],
)
def test_amounts_that_razorpay_does_not_take_are_refused(money: Money, code: str) -> None:
    with pytest.raises(GatewayError) as raised:
        to_razorpay(money)

    assert (raised.value.kind, raised.value.code) == (GatewayErrorKind.REJECTED, code)


@pytest.mark.parametrize(("amount", "currency"), [(100, "ZZZ"), (2**53, "INR"), (100, "inr")])
def test_amounts_that_make_no_sense_are_not_read(amount: int, currency: str) -> None:
    with pytest.raises(ValueError, match=r"currency|amount"):
        from_razorpay(amount, currency)


def test_the_table_of_currencies_is_whole() -> None:
    assert len(CURRENCIES) == 125
    assert {"INR", "USD", "KWD", "JPY"} <= CURRENCIES


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Paid by gaurav.kumar@upi.", "Paid by ga****@upi."),
        ("9000090000@okaxis failed", "90****@okaxis failed"),
        ("Write to a@example.com", "Write to a****@example.com"),
        ("Card 4111 1111 1111 1111 declined", "Card … declined"),
        ("Call +919000090000", "Call +…"),
        ("Key rzp_live_abc123 is wrong", "Key rzp_live_… is wrong"),
        ("Order 12345 costs 499", "Order 12345 costs 499"),
    ],
)
def test_what_names_a_person_is_masked(text: str, shown: str) -> None:
    assert masked(text) == shown


def test_a_long_text_is_masked_before_it_is_cut() -> None:
    assert masked("x" * 490 + " gaurav.kumar@upi") == "x" * 490 + " ga****@up"


@pytest.mark.parametrize(
    ("key", "header"),
    [
        ("0190f5e6-0000-7000-8000-000000000003", "0190f5e6-0000-7000-8000-000000000003"),
        ("abc_123-XYZ", "abc_123-XYZ"),
    ],
)
def test_a_key_that_razorpay_takes_goes_as_it_is(key: str, header: str) -> None:
    assert refund_key(key) == header


@pytest.mark.parametrize("key", ["short", "with:colon-and-more", "ü" * 20, "k" * 65])
def test_another_key_goes_as_its_digest(key: str) -> None:
    assert len(refund_key(key)) == 64
    assert refund_key(key) == refund_key(key) != refund_key(f"{key}.")


GOOD: dict[str, Any] = {"key_id": "rzp_test_1", "key_secret": "s3cret", "webhook_secrets": ("wh0ok",)}


@pytest.mark.parametrize(
    "change",
    [
        {"key_id": "sk_test_1"},
        {"key_id": "rzp_test_"},
        {"key_secret": " "},
        {"key_secret": "schlüssel"},
        {"webhook_secrets": ("good", "")},
        {"api_base": "http://api.razorpay.com"},
        {"api_base": "ftp://127.0.0.1"},
        {"timeout_seconds": 0},
        {"currencies": ()},
        {"currencies": ("INR", "ZZZ")},
        {"contact": "none"},
        {"email": "none"},
    ],
)
def test_settings_that_make_no_sense_are_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="Razorpay"):
        RazorpaySettings(**{**GOOD, **change})


def test_settings_keep_their_secrets() -> None:
    settings = RazorpaySettings(**GOOD, api_base="http://127.0.0.1:8123")

    assert not settings.live
    assert "s3cret" not in repr(settings)
    assert "wh0ok" not in repr(settings)
    assert RazorpaySettings(**{**GOOD, "key_id": "rzp_live_1"}).live
