"""The scalars of the contract, read strictly: what can't be kept exactly is refused with a word on what to send.

Input that is at fault raises GraphQLError, which callers are shown; output that is at fault is a bug and masked.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, NewType

import strawberry
from graphql import EnumValueNode, GraphQLError, value_from_ast_untyped

from app.domain.errors import ErrorCode
from app.domain.money import AMOUNT_MINOR_MAX, CURRENCY_EXPONENTS

if TYPE_CHECKING:
    from collections.abc import Callable

    from graphql import ValueNode
    from strawberry.types.scalar import ScalarDefinition

BigInt = NewType("BigInt", int)
CountryCode = NewType("CountryCode", str)
CurrencyCode = NewType("CurrencyCode", str)
Cursor = NewType("Cursor", str)
JSON = NewType("JSON", object)

CURSOR_LENGTH_MAX: Final = 128
JSON_DEPTH_MAX: Final = 16
JSON_VALUES_MAX: Final = 2_000
_JSON_INT_MAX: Final = 2**53 - 1
_INSTANT: Final = re.compile(
    r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(?:\.\d{1,6})?(?:[Zz]|[+-]\d{2}:\d{2})", re.ASCII
)
_COUNTRY: Final = re.compile(r"[A-Z]{2}")
_DECIMAL: Final = re.compile(r"-?\d{1,20}(?:\.\d{1,20})?", re.ASCII)


def _refused(message: str) -> GraphQLError:
    return GraphQLError(message, extensions={"code": ErrorCode.INVALID})


def write_instant(value: datetime) -> str:
    """Return an instant as RFC 3339 in UTC with microseconds."""
    return value.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def read_instant(value: Any) -> datetime:  # noqa: ANN401 - whatever the caller sent
    """Read an RFC 3339 instant. One without an offset is refused: it names no instant."""
    if isinstance(value, str) and _INSTANT.fullmatch(value):
        try:
            return datetime.fromisoformat(value.upper()).astimezone(UTC)
        except (ValueError, OverflowError):
            pass  # the 30th of February, or beyond the calendar
    raise _refused("A DateTime is RFC 3339 with an offset, like 2026-11-22T15:04:05.000000Z.")


def _write_decimal(value: Decimal) -> str:
    return f"{value:f}"


def _read_decimal(value: Any) -> Decimal:  # noqa: ANN401 - whatever the caller sent
    if isinstance(value, float):
        raise _refused('A Decimal is sent as a string, like "499.00": a float would not be exact.')
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) <= AMOUNT_MINOR_MAX:
        return Decimal(value)
    if isinstance(value, str) and _DECIMAL.fullmatch(value):
        return Decimal(value)
    raise _refused('A Decimal is a string of digits with an optional fraction, like "499.00".')


def _write_big_int(value: int) -> int:
    if abs(value) > AMOUNT_MINOR_MAX:
        raise ValueError(f"{value} is beyond ±2^53")
    return value


def _read_big_int(value: Any) -> int:  # noqa: ANN401 - whatever the caller sent
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) <= AMOUNT_MINOR_MAX:
        return value
    raise _refused("A BigInt is an integer within ±2^53.")


def _read_currency(value: Any) -> str:  # noqa: ANN401 - whatever the caller sent
    if isinstance(value, str) and value in CURRENCY_EXPONENTS:
        return value
    raise _refused("A CurrencyCode is an ISO 4217 alphabetic code in capitals, like INR.")


def _read_country(value: Any) -> str:  # noqa: ANN401 - whatever the caller sent
    if isinstance(value, str) and _COUNTRY.fullmatch(value):
        return value
    raise _refused("A CountryCode is an ISO 3166-1 alpha-2 code in capitals, like IN.")


def _read_cursor(value: Any) -> str:  # noqa: ANN401 - whatever the caller sent
    if isinstance(value, str) and len(value) <= CURSOR_LENGTH_MAX:
        return value
    raise _refused("A Cursor is a string that this API gave.")


def _read_json(value: Any) -> Any:  # noqa: ANN401 - any JSON
    """Check size and depth without recursion, and that PostgreSQL and JavaScript can hold every value."""
    seen = 0
    level: list[Any] = [value]
    for _ in range(JSON_DEPTH_MAX):
        following: list[Any] = []
        for item in level:
            seen += 1
            if isinstance(item, dict):
                following.extend(item.values())
                following.extend(item.keys())
            elif isinstance(item, list):
                following.extend(item)
            else:
                _check_json_leaf(item)
        if seen + len(following) > JSON_VALUES_MAX:
            raise _refused(f"JSON holds at most {JSON_VALUES_MAX} values here.")
        if not following:
            return value
        level = following
    raise _refused(f"JSON is at most {JSON_DEPTH_MAX} levels deep here.")


def _check_json_leaf(item: object) -> None:
    if isinstance(item, str) and "\x00" in item:
        raise _refused("JSON strings must not hold the NUL character here.")
    if isinstance(item, int) and not isinstance(item, bool) and abs(item) > _JSON_INT_MAX:
        raise _refused("JSON integers are within ±2^53 here; send larger ones as strings.")


def _same(value: Any) -> Any:  # noqa: ANN401 - a value that is written as it is
    return value


def _scalar(
    name: str,
    description: str,
    *,
    serialize: Callable[[Any], Any],
    parse_value: Callable[[Any], Any],
    specified_by_url: str | None = None,
) -> ScalarDefinition:
    def parse_literal(node: ValueNode, variables: dict[str, Any] | None = None) -> Any:  # noqa: ANN401 - as above
        if isinstance(node, EnumValueNode):
            raise _refused(f"Put quotes around the {name} {node.value}.")
        return parse_value(value_from_ast_untyped(node, variables))

    return strawberry.scalar(
        name=name,
        description=description,
        serialize=serialize,
        parse_value=parse_value,
        parse_literal=parse_literal,
        specified_by_url=specified_by_url,
    )


SCALARS: Final[dict[object, ScalarDefinition]] = {
    datetime: _scalar(
        "DateTime",
        "An instant, RFC 3339 in UTC with microseconds.",
        serialize=write_instant,
        parse_value=read_instant,
    ),
    Decimal: _scalar(
        "Decimal",
        'An exact decimal number, written as a string in the currency\'s major unit: "499.00".',
        serialize=_write_decimal,
        parse_value=_read_decimal,
    ),
    BigInt: _scalar(
        "BigInt",
        "An integer within ±2^53, so that JSON and JavaScript keep it exact.",
        serialize=_write_big_int,
        parse_value=_read_big_int,
    ),
    CurrencyCode: _scalar(
        "CurrencyCode",
        "An ISO 4217 alphabetic code, e.g. INR.",
        serialize=_same,
        parse_value=_read_currency,
    ),
    CountryCode: _scalar(
        "CountryCode",
        "An ISO 3166-1 alpha-2 code, e.g. IN.",
        serialize=_same,
        parse_value=_read_country,
    ),
    Cursor: _scalar(
        "Cursor",
        "An opaque position in an event log. Compare for equality only.",
        serialize=_same,
        parse_value=_read_cursor,
    ),
    JSON: _scalar(
        "JSON",
        "Any JSON value, bounded in depth and size.",
        serialize=_same,
        parse_value=_read_json,
    ),
}
