"""Money is read and written exactly, or refused by name."""

from __future__ import annotations

import operator
from decimal import Decimal, localcontext
from typing import TYPE_CHECKING, Final

import pytest
from babel.numbers import get_currency_precision, list_currencies
from hypothesis import given
from hypothesis import strategies as st

from app.domain.errors import DomainError, ErrorCode
from app.domain.money import AMOUNT_MINOR_MAX, CURRENCY_EXPONENTS, Money, currency_exponent
from tests.domain.told import examples

if TYPE_CHECKING:
    from collections.abc import Callable

CASH_PRACTICE: Final = dict.fromkeys("AFN ALL IQD IRR KPW LAK LBP MGA MMK RSD SOS SYP YER".split(), 0)
"""Where CLDR gives the digits that are in use in practice; ISO 4217, and with it gateways, keep two (IQD: three).

Source: Unicode Technical Standard 35, part 3, "Supplemental Currency Data".
"""


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [
        ("499.00", "INR", 49_900),
        ("499", "INR", 49_900),
        ("0.5", "INR", 50),
        ("-0.01", "INR", -1),
        ("007.10", "USD", 710),
        ("1.500", "INR", 150),
        ("0", "INR", 0),
        ("100", "JPY", 100),
        ("100.0", "JPY", 100),
        ("1.234", "KWD", 1_234),
        ("90071992547409.91", "INR", AMOUNT_MINOR_MAX),
        ("-90071992547409.91", "INR", -AMOUNT_MINOR_MAX),
        ("9007199254740991", "JPY", AMOUNT_MINOR_MAX),
        ("9007199254740.991", "KWD", AMOUNT_MINOR_MAX),
    ],
)
def test_a_decimal_is_read_exactly(text: str, currency: str, minor: int) -> None:
    assert Money.from_decimal(text, currency) == Money(minor, currency)


@pytest.mark.parametrize(
    ("minor", "currency", "text"),
    [
        (49_900, "INR", "499.00"),
        (5, "USD", "0.05"),
        (-5, "USD", "-0.05"),
        (0, "USD", "0.00"),
        (100, "JPY", "100"),
        (1, "KWD", "0.001"),
        (AMOUNT_MINOR_MAX, "INR", "90071992547409.91"),
    ],
)
def test_an_amount_is_written_with_its_currency_s_digits(minor: int, currency: str, text: str) -> None:
    money = Money(minor, currency)

    assert format(money.to_decimal(), "f") == text
    assert str(money) == f"{text} {currency}"


@pytest.mark.parametrize(
    "text",
    [
        "", " ", " 1", "1 ", "1\n", "NaN", "sNaN", "Infinity", "-inf", "1e2", "1E+400", "1e400", "1e-400", "1_000",
        "1,000.00", "1.", ".5", "+1", "--1", "٣", "\uff11", "0x10", "1.001", "0.999999999", "1" * 41,
        "1.0000000000000000000000000000000000000001",
    ],
)  # fmt: skip
def test_what_is_no_exact_amount_is_refused(text: str) -> None:
    with pytest.raises(DomainError) as refused:
        Money.from_decimal(text, "INR")

    assert refused.value.code is ErrorCode.INVALID
    assert len(refused.value.message) < 200


@pytest.mark.parametrize(("text", "currency"), [("0.5", "JPY"), ("0.0001", "KWD"), ("1.234", "INR")])
def test_more_decimals_than_the_currency_has_are_refused(text: str, currency: str) -> None:
    with pytest.raises(DomainError) as refused:
        Money.from_decimal(text, currency)

    assert refused.value.code is ErrorCode.INVALID


@pytest.mark.parametrize(
    "amount",
    [
        "90071992547409.92",
        "-90071992547409.92",
        "1" * 17,
        "9" * 40,
        Decimal("1e400"),
        Decimal("-1e400"),
        Decimal("1e17"),
    ],
)
def test_an_amount_that_json_could_not_keep_exact_is_refused(amount: str | Decimal) -> None:
    with pytest.raises(DomainError) as refused:
        Money.from_decimal(amount, "INR")

    assert refused.value.code is ErrorCode.AMOUNT_TOO_LARGE


@pytest.mark.parametrize(
    "amount",
    [
        Decimal("NaN"),
        Decimal("sNaN"),
        Decimal("Infinity"),
        Decimal("1e-400"),
        Decimal("1.0000000000000000000000000000001"),
    ],
)
def test_a_decimal_object_is_no_way_around_the_rules(amount: Decimal) -> None:
    with pytest.raises(DomainError) as refused:
        Money.from_decimal(amount, "INR")

    assert refused.value.code is ErrorCode.INVALID


@pytest.mark.parametrize("code", ["", "inr", "XTS", "XAU", "ABC", "INR ", "UYI", "CLF"])
def test_an_unknown_currency_is_refused(code: str) -> None:
    with pytest.raises(DomainError) as refused:
        Money.from_decimal("1", code)

    assert refused.value.code is ErrorCode.INVALID


@examples(500)
@given(st.integers(-AMOUNT_MINOR_MAX, AMOUNT_MINOR_MAX), st.sampled_from(sorted(CURRENCY_EXPONENTS)))
def test_writing_and_reading_an_amount_changes_nothing(minor: int, currency: str) -> None:
    money = Money(minor, currency)

    assert Money.from_decimal(money.to_decimal(), currency) == money
    assert Money.from_decimal(format(money.to_decimal(), "f"), currency) == money


@examples(500)
@given(st.decimals(allow_nan=False, allow_infinity=False), st.sampled_from(["JPY", "INR", "KWD"]))
def test_reading_is_exact_or_refused(amount: Decimal, currency: str) -> None:
    try:
        money = Money.from_decimal(amount, currency)
    except DomainError:
        return

    with localcontext() as context:
        context.prec = 2_000
        assert Decimal(money.minor) == amount.scaleb(currency_exponent(currency))


@pytest.mark.parametrize(
    "reckon", [operator.add, operator.sub, operator.lt, operator.le, operator.gt, operator.ge]
)
def test_currencies_are_never_mixed(reckon: Callable[[Money, Money], object]) -> None:
    with pytest.raises(DomainError) as refused:
        reckon(Money(1, "INR"), Money(1, "USD"))

    assert refused.value.code is ErrorCode.CURRENCY_MISMATCH


def test_the_same_number_in_two_currencies_is_not_equal() -> None:
    assert Money(1, "INR") != Money(1, "USD")


def test_amounts_of_one_currency_are_reckoned() -> None:
    one, two = Money(1, "INR"), Money(2, "INR")

    assert (one + two, one - two, two * 3) == (Money(3, "INR"), Money(-1, "INR"), Money(6, "INR"))
    assert [one < two, one <= two, two > one, two >= one] == [True] * 4
    assert [two < one, two <= one, one > two, one >= two] == [False] * 4
    same = Money(1, "INR")
    assert [one < same, one <= same, one > same, one >= same] == [False, True, False, True]


def test_a_product_beyond_the_bound_is_refused() -> None:
    with pytest.raises(DomainError) as refused:
        Money(AMOUNT_MINOR_MAX, "INR") * 2

    assert refused.value.code is ErrorCode.AMOUNT_TOO_LARGE


def test_exponents_agree_with_cldr_but_for_cash_practice() -> None:
    precisions = {code: get_currency_precision(code) for code in CURRENCY_EXPONENTS}

    assert CURRENCY_EXPONENTS.keys() <= set(list_currencies())
    assert precisions == {**CURRENCY_EXPONENTS, **CASH_PRACTICE}
