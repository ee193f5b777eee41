"""A card number in any field of any mutation is refused before anything is done, kept or logged."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLScalarType,
    get_named_type,
)

from app.card_numbers import holds_card_number
from schema.build import build_schema
from tests.schema.shop import STAFF

if TYPE_CHECKING:
    from collections.abc import Iterator

    from graphql import GraphQLInputType, GraphQLSchema

    from tests.schema.shop import Shop

CARD = "4242424242424242"


def schema() -> GraphQLSchema:
    return build_schema()._schema


def places(kind: GraphQLInputType, depth: int = 0) -> Iterator[Any]:
    """Yield values of an input type, each with the card number in one place of it."""
    if isinstance(kind, GraphQLNonNull):
        yield from places(kind.of_type, depth)
    elif isinstance(kind, GraphQLList):
        yield from ([inner] for inner in places(kind.of_type, depth))
    elif isinstance(kind, GraphQLInputObjectType):
        for name, field in kind.fields.items():
            yield from ({name: inner} for inner in places(field.type, depth + 1))
    elif isinstance(kind, GraphQLScalarType) and kind.name in {"String", "ID", "JSON", "Decimal"}:
        yield CARD if kind.name != "JSON" else {"nested": [f"my card is {CARD}"]}


def attempts() -> Iterator[tuple[str, str, Any]]:
    """Yield name, document and variable of every mutation with the card number in every field."""
    mutation = schema().mutation_type
    assert mutation is not None
    for name, field in mutation.fields.items():
        for argument, definition in field.args.items():
            for value in places(definition.type):
                selection = (
                    "" if isinstance(get_named_type(field.type), GraphQLEnumType) else "{ __typename }"
                )
                document = f"mutation ($v: {definition.type}) {{ {name}({argument}: $v) {selection} }}"
                yield name, document, value


@pytest.mark.parametrize(
    "text",
    [
        CARD,
        "4242 4242 4242 4242",
        "4242-4242-4242-4242",
        f"pay with {CARD}, please",
        "378282246310005",
        f"5 of {CARD} 12 27",
        f"5 {CARD}",
        "12 4242 4242 4242 4242 12 27",
        "4242-4242-4242-4242 123",
        "1 3782 822463 10005 1",
    ],
)
def test_numbers_of_cards_are_known(text: str) -> None:
    assert holds_card_number({"a": [text]})


@pytest.mark.parametrize(
    "text",
    [
        "4242424242424241",
        "01a21836-5ca5-7160-afa4-10371f016a23",
        "ord_4242424242424242",
        "4242424242424242.50",
        "424242424242",
        "",
    ],
)
def test_other_numbers_are_left_alone(text: str) -> None:
    assert not holds_card_number({text: [text, 7, None, True, 1.5]})


def test_more_long_numbers_than_anybody_means_to_send_are_not_looked_at_one_by_one() -> None:
    assert not holds_card_number(["4242424242424241"] * 1_000)
    assert holds_card_number(["4242424242424241"] * 1_001)


async def test_a_card_number_in_any_field_leaves_no_trace(
    shop: Shop, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    tried = set()
    for name, document, value in attempts():
        answer = await shop.send(document, {"v": value}, key=STAFF)

        tried.add(name)
        (error,) = answer["errors"]
        assert error["extensions"]["code"] == "CARD_NUMBER", (document, value)
        assert CARD not in json.dumps(answer)

    assert {"orderCreate", "paymentCreate", "paymentConfirm", "refundCreate", "productUpsert"} <= tried
    assert CARD not in caplog.text
    tables = await shop.database.fetch(
        "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'"
    )
    for row in tables:
        found = await shop.database.fetch(
            f'SELECT 1 FROM "{row["table_name"]}" t WHERE t::text LIKE $1',  # noqa: S608 - its own tables
            f"%{CARD}%",
        )
        assert found == [], row["table_name"]


async def test_a_card_number_written_into_the_document_itself_is_refused(shop: Shop) -> None:
    document = (
        f'mutation {{ orderCancel(input: {{orderId: "x", reason: "{CARD}"}}) {{ errors {{ code }} }} }}'
    )

    answer = await shop.send(document, key=STAFF)

    assert answer["errors"][0]["extensions"]["code"] == "CARD_NUMBER"
    assert "data" not in answer
