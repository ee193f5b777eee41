"""The schema as a page to read: `docs/api.md`, made from the descriptions that the schema itself holds."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLUnionType,
    build_schema,
    get_named_type,
    is_introspection_type,
    is_specified_scalar_type,
    print_ast,
)

from schema.printing import printed_schema

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import TypeAlias

    from graphql import GraphQLArgument, GraphQLInputField, GraphQLNamedType, GraphQLSchema, GraphQLType

    _Row: TypeAlias = GraphQLField | GraphQLArgument | GraphQLInputField

REFERENCE_PATH: Final = Path(__file__).parents[1] / "docs" / "api.md"
_INTRODUCTION: Final = """\
# API reference

One endpoint, `/graphql`: queries and mutations by POST as JSON, everything over websockets by graphql-transport-ws. Who
may ask what is in [authentication](authentication.md), how much at once in [limits](limits.md).

This page is made from the schema (`make schema`); the schema itself is
[schema.graphql](../schema/schema.graphql). `!` marks what is never null."""
_KINDS: Final[tuple[tuple[str, type[GraphQLNamedType]], ...]] = (
    ("Objects", GraphQLObjectType),
    ("Interfaces", GraphQLInterfaceType),
    ("Unions", GraphQLUnionType),
    ("Inputs", GraphQLInputObjectType),
    ("Enums", GraphQLEnumType),
    ("Scalars", GraphQLScalarType),
)


def printed_reference() -> str:
    """Return the page."""
    schema = build_schema(printed_schema())
    return "\n\n".join([_INTRODUCTION, *_operations(schema), *_types(schema)]) + "\n"


def _operations(schema: GraphQLSchema) -> Iterator[str]:
    roots = (
        ("Queries", "query", schema.query_type),
        ("Mutations", "mutation", schema.mutation_type),
        ("Subscriptions", "subscription", schema.subscription_type),
    )
    for title, kind, root in roots:
        assert root is not None, "the schema has all three"  # noqa: S101
        yield f"## {title}"
        yield _sentence(root.description or "")
        for name, field in root.fields.items():
            yield from _operation(kind, name, field)


def _operation(kind: str, name: str, field: GraphQLField) -> Iterator[str]:
    yield f"### {kind} {name}"
    if field.description:
        yield _sentence(field.description)
    yield _table("Argument", field.args)
    yield f"Returns {_linked(field.type)}."


def _types(schema: GraphQLSchema) -> Iterator[str]:
    roots = {schema.query_type, schema.mutation_type, schema.subscription_type}
    shown = [
        each
        for _, each in sorted(schema.type_map.items())
        if each not in roots and not is_introspection_type(each) and not is_specified_scalar_type(each)
    ]
    for title, kind in _KINDS:
        yield f"## {title}"
        for each in shown:
            if isinstance(each, kind):
                yield f"### {each.name}"
                yield _sentence(each.description or "")
                yield from _members(schema, each)


def _members(schema: GraphQLSchema, shown: GraphQLNamedType) -> Iterator[str]:
    if isinstance(shown, GraphQLObjectType | GraphQLInterfaceType | GraphQLInputObjectType):
        yield _table("Field", shown.fields)
    elif isinstance(shown, GraphQLEnumType):
        yield ", ".join(f"`{name}`" for name in shown.values)
    if isinstance(shown, GraphQLInterfaceType | GraphQLUnionType):
        yield f"One of {', '.join(_link(each.name) for each in schema.get_possible_types(shown))}."


def _table(title: str, rows: Mapping[str, _Row]) -> str:
    if not rows:
        return "No arguments."
    cells = [cells for name, row in rows.items() for cells in _rows(name, row)]
    shown = 3 if any(meaning for _, _, meaning in cells) else 2
    lines = ((title, "Type", "Meaning"), ("---",) * 3, *cells)
    return "\n".join(f"| {' | '.join(line[:shown])} |" for line in lines)


def _rows(name: str, row: _Row) -> Iterator[tuple[str, str, str]]:
    default = getattr(row.ast_node, "default_value", None)
    type_ = _linked(row.type) + (f" = `{print_ast(default)}`" if default else "")
    yield f"`{name}`", type_, _sentence(row.description).replace("|", r"\|")
    for argument, given in row.args.items() if isinstance(row, GraphQLField) else ():
        yield from _rows(f"{name}({argument}:)", given)


def _linked(type_: GraphQLType) -> str:
    """Return a type as it is written, its name a link to where it is described."""
    named = get_named_type(type_)
    before, after = str(type_).replace("[", r"\[").split(named.name)
    text = f"`{named.name}`" if is_specified_scalar_type(named) else _link(named.name)
    return f"{before}{text}{after}"


def _link(name: str) -> str:
    return f"[`{name}`](#{name.lower()})"


def _sentence(text: str | None) -> str:
    return " ".join((text or "").split())
