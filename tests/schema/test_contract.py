"""The printed schema and the public contract: every name of the contract exists here and means the same."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLUnionType,
    build_schema,
    is_introspection_type,
    is_specified_scalar_type,
    print_ast,
)
from graphql import GraphQLSchema as Schema

from schema.printing import SDL_PATH, printed_schema
from schema.reference import REFERENCE_PATH, printed_reference

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from graphql import GraphQLArgument, GraphQLField, GraphQLInputField, GraphQLNamedType

CONTRACT: Final = Path(__file__).with_name("contract.graphql")
MISSING: Final = Path(__file__).with_name("missing.txt")


def test_the_checked_in_schema_is_the_printed_one() -> None:
    assert SDL_PATH.read_text("utf-8") == printed_schema(), "run `make schema`"


def test_the_checked_in_reference_is_the_printed_one_and_its_links_lead_somewhere() -> None:
    page = printed_reference()

    headings = [line.lstrip("# ").lower().replace(" ", "-") for line in page.splitlines() if line[:1] == "#"]
    assert REFERENCE_PATH.read_text("utf-8") == page, "run `make schema`"
    assert len(headings) == len(set(headings)), "two headings have one anchor"
    assert set(re.findall(r"\(#([^)]+)\)", page)) <= set(headings)


def test_nothing_of_the_contract_differs_and_what_is_missing_is_listed() -> None:
    missing, different = compare(contract(), ours())

    assert different == []
    assert missing == MISSING.read_text("utf-8").splitlines()


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        ("number: String!", "number: Int!", ["Order.number"]),
        ("number: String!", "number: String! colour: Int", ["Order.colour"]),
        (
            "first: Int = 50, after: Cursor): OrderEvent",
            "first: Int = 51): OrderEvent",
            ["Order.events(first)"],
        ),
        ("order(id: ID!)", "order(id: ID! at: Int)", ["Query.order(at)"]),
        ("enum DisputeStatus { NEEDS", "enum DisputeStatus { ASLEEP NEEDS", ["DisputeStatus.ASLEEP"]),
        (
            "type OrderLine {",
            "type OrderLine implements Node { id: ID!",
            ["OrderLine implements Node", "OrderLine.id"],
        ),
        ("union NextAction =", "union NextAction = Money |", ["NextAction = Money"]),
        ("LatePaymentPolicy = REFUND", "LatePaymentPolicy = HOLD", ["OrderCreateInput(latePaymentPolicy)"]),
        ("input MoneyInput { amount: Decimal!", "input MoneyInput { amount: Decimal", ["MoneyInput(amount)"]),
        ("orderUpdated(id: ID!)", "orderUpdated(id: ID)", ["Subscription.orderUpdated(id)"]),
        ("scalar JSON", "scalar JSON scalar Colour", ["Colour"]),
    ],
)
def test_every_part_of_the_contract_is_compared(before: str, after: str, found: list[str]) -> None:
    text = CONTRACT.read_text("utf-8")
    assert text.count(before) == 1

    missing, different = compare(build_schema(text.replace(before, after)), ours())

    known = MISSING.read_text("utf-8").splitlines()
    assert [name for name in missing if name not in known] + [
        line.partition(":")[0] for line in different
    ] == found


def test_every_type_is_described() -> None:
    undescribed = [
        name for name, type_ in ours().type_map.items() if is_of_the_contract(type_) and not type_.description
    ]

    assert undescribed == []


def contract() -> Schema:
    return build_schema(CONTRACT.read_text("utf-8"))


def ours() -> Schema:
    """Return our schema as its readers see it."""
    return build_schema(printed_schema())


def is_of_the_contract(type_: GraphQLNamedType) -> bool:
    return not is_introspection_type(type_) and not is_specified_scalar_type(type_)


def compare(wanted: Schema, given: Schema) -> tuple[list[str], list[str]]:
    """Return the names that are missing here, and what differs."""
    missing, different = [], []
    for name, type_ in wanted.type_map.items():
        if not is_of_the_contract(type_):
            continue
        if name not in given.type_map:
            missing.append(name)
        else:
            there = dict(parts(given.type_map[name]))
            for part, shape in parts(type_):
                if part not in there:
                    missing.append(part)
                elif there[part] != shape:
                    different.append(f"{part}: the contract says {shape}, the schema {there[part]}")
    return sorted(missing), sorted(different)


def parts(type_: GraphQLNamedType) -> Iterator[tuple[str, str]]:
    """Yield every part of a type under its own name, with its shape as text."""
    yield type_.name, type(type_).__name__
    match type_:
        case GraphQLObjectType() | GraphQLInterfaceType():
            for interface in type_.interfaces:
                yield f"{type_.name} implements {interface.name}", "implements"
            for name, field in type_.fields.items():
                yield from field_parts(f"{type_.name}.{name}", field)
        case GraphQLInputObjectType():
            yield from inputs(type_.name, type_.fields)
        case GraphQLEnumType():
            yield from ((f"{type_.name}.{value}", "value") for value in type_.values)
        case GraphQLUnionType():
            yield from ((f"{type_.name} = {member.name}", "member") for member in type_.types)


def field_parts(name: str, field: GraphQLField) -> Iterator[tuple[str, str]]:
    yield name, str(field.type)
    yield from inputs(name, field.args)


def inputs(
    owner: str, given: Mapping[str, GraphQLArgument] | Mapping[str, GraphQLInputField]
) -> Iterator[tuple[str, str]]:
    for name, item in given.items():
        yield f"{owner}({name})", f"{item.type} = {default_of(item)}"


def default_of(item: GraphQLArgument | GraphQLInputField) -> str:
    """Return the default as GraphQL writes it."""
    return print_ast(item.default.literal) if item.default and item.default.literal else "none"
