"""Column types and constraints that the tables share: states as checked text, instants, JSON, money."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import BigInteger, CheckConstraint, Column, DateTime, Text, types
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.dialects.postgresql.base import ischema_names
from sqlmodel import SQLModel

if TYPE_CHECKING:
    from enum import StrEnum

NAMING_CONVENTION = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


# Before the first table is defined, which imports this: its constraints are named when it is.
SQLModel.metadata.naming_convention = NAMING_CONVENTION


class Xid8(types.UserDefinedType[int]):
    """PostgreSQL's 64-bit transaction id: orders events by commit, once older ones are known to be done."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:  # noqa: ANN401 - SQLAlchemy's signature
        """Return the type's name in DDL."""
        return "xid8"


ischema_names["xid8"] = Xid8


def one_of(column: str, states: type[StrEnum]) -> CheckConstraint:
    """Return the CHECK that holds a text column to the members of an enum of the domain."""
    members = ", ".join(f"'{state}'" for state in states)
    return CheckConstraint(f"{column} IN ({members})", name=column)


def at_least(column: str, lowest: int) -> CheckConstraint:
    """Return the CHECK that a number is not below `lowest`."""
    return CheckConstraint(f"{column} >= {lowest}", name=column)


def currency_code(column: str = "currency") -> CheckConstraint:
    """Return the CHECK that a text looks like an ISO 4217 code."""
    return CheckConstraint(f"{column} ~ '^[A-Z]{{3}}$'", name=column)


def text(**options: Any) -> Column[str]:  # noqa: ANN401 - passed on to Column
    """Return a NOT NULL text column unless told otherwise."""
    return Column(Text, **{"nullable": False, **options})


def minor_units(**options: Any) -> Column[int]:  # noqa: ANN401 - passed on to Column
    """Return a NOT NULL column for an amount in the currency's minor unit."""
    return Column(BigInteger, **{"nullable": False, **options})


def instant(**options: Any) -> Column[Any]:  # noqa: ANN401 - passed on to Column
    """Return a NOT NULL column for a point in time."""
    return Column(DateTime(timezone=True), **{"nullable": False, **options})


def json(**options: Any) -> Column[Any]:  # noqa: ANN401 - passed on to Column
    """Return a JSONB column."""
    return Column(JSONB, **options)
