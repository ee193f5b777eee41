"""Scalars: what can't be kept exactly is refused with a word on what to send."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

import pytest
from graphql import GraphQLError, GraphQLScalarType, parse_const_value

from schema import build_schema

SCHEMA: Final = build_schema()._schema


def scalar(name: str) -> GraphQLScalarType:
    found = SCHEMA.type_map[name]
    assert isinstance(found, GraphQLScalarType)
    return found


def nested(levels: int) -> object:
    value: object = "leaf"
    for _ in range(levels - 1):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("name", "given", "read"),
    [
        ("Decimal", "499.00", Decimal("499.00")),
        ("Decimal", "-0.5", Decimal("-0.5")),
        ("Decimal", 5, Decimal(5)),
        ("BigInt", 2**53 - 1, 2**53 - 1),
        ("CurrencyCode", "JPY", "JPY"),
        ("DateTime", "2026-11-22T15:04:05Z", datetime(2026, 11, 22, 15, 4, 5, tzinfo=UTC)),
        (
            "DateTime",
            "2026-11-22T15:04:05.123456+05:30",
            datetime(2026, 11, 22, 9, 34, 5, 123456, tzinfo=UTC),
        ),
        ("DateTime", "2026-11-22t15:04:05.1z", datetime(2026, 11, 22, 15, 4, 5, 100000, tzinfo=UTC)),
        ("JSON", {"a": [1, None, True, "x", 1.5]}, {"a": [1, None, True, "x", 1.5]}),
        ("JSON", nested(16), nested(16)),
        ("Cursor", "AXYAAAAB", "AXYAAAAB"),
    ],
)
def test_what_is_exact_is_read(name: str, given: object, read: object) -> None:
    assert scalar(name).parse_value(given) == read


@pytest.mark.parametrize(
    ("name", "given", "hint"),
    [
        ("Decimal", 4.99, "a float would not be exact"),
        ("Decimal", True, "string of digits"),
        ("Decimal", "1e5", "string of digits"),
        ("Decimal", "NaN", "string of digits"),
        ("Decimal", "Infinity", "string of digits"),
        ("Decimal", "", "string of digits"),
        ("Decimal", "٣", "string of digits"),
        ("Decimal", "1" * 21, "string of digits"),
        ("Decimal", 2**53, "string of digits"),
        ("Decimal", None, "string of digits"),
        ("BigInt", 2**53, "within"),
        ("BigInt", -(2**53), "within"),
        ("BigInt", "1", "within"),
        ("BigInt", True, "within"),
        ("BigInt", 1.0, "within"),
        ("CurrencyCode", "inr", "ISO 4217"),
        ("CurrencyCode", "XAU", "ISO 4217"),
        ("CurrencyCode", 356, "ISO 4217"),
        ("DateTime", "2026-11-22", "RFC 3339"),
        ("DateTime", "2026-11-22T15:04:05", "RFC 3339"),
        ("DateTime", "2026-02-30T15:04:05Z", "RFC 3339"),
        ("DateTime", "2026-W01-1T00:00:00Z", "RFC 3339"),
        ("DateTime", "2026-11-22T15:04:05.1234567Z", "RFC 3339"),
        ("DateTime", "0001-01-01T00:00:00+14:00", "RFC 3339"),
        ("DateTime", 1790000000, "RFC 3339"),
        ("JSON", nested(17), "16 levels"),
        ("JSON", ["x"] * 2000, "2000 values"),
        ("JSON", {"a": "\x00"}, "NUL"),
        ("JSON", {"\x00": "a"}, "NUL"),
        ("JSON", [2**60], "larger ones as strings"),
        ("Cursor", 7, "a string that this API gave"),
        ("Cursor", "x" * 129, "a string that this API gave"),
    ],
)
def test_what_is_not_exact_is_refused(name: str, given: object, hint: str) -> None:
    with pytest.raises(GraphQLError, match=hint) as caught:
        scalar(name).parse_value(given)

    assert caught.value.extensions == {"code": "INVALID"}


@pytest.mark.parametrize(
    ("name", "literal", "read"),
    [
        ("Decimal", '"499.00"', Decimal("499.00")),
        ("Decimal", "5", Decimal(5)),
        ("JSON", "{ a: [1, null] }", {"a": [1, None]}),
    ],
)
def test_literals_are_read_like_values(name: str, literal: str, read: object) -> None:
    assert scalar(name).parse_literal(parse_const_value(literal)) == read


@pytest.mark.parametrize(("name", "literal"), [("Decimal", "4.99"), ("CurrencyCode", "INR"), ("JSON", "INR")])
def test_literals_are_as_strict_as_values(name: str, literal: str) -> None:
    with pytest.raises(GraphQLError):
        scalar(name).parse_literal(parse_const_value(literal))


@pytest.mark.parametrize(
    ("name", "value", "written"),
    [
        ("DateTime", datetime(2026, 11, 22, 15, 4, 5, tzinfo=UTC), "2026-11-22T15:04:05.000000Z"),
        ("DateTime", datetime(999, 1, 2, tzinfo=UTC), "0999-01-02T00:00:00.000000Z"),
        ("Decimal", Decimal("499.00"), "499.00"),
        ("Decimal", Decimal("1E+3"), "1000"),
        ("BigInt", 49900, 49900),
    ],
)
def test_values_are_written_in_full(name: str, value: object, written: object) -> None:
    assert scalar(name).serialize(value) == written


def test_an_integer_that_json_would_not_keep_is_never_written() -> None:
    with pytest.raises(ValueError, match="beyond"):
        scalar("BigInt").serialize(2**53)
