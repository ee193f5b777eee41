"""Prepared documents: each is prepared once, what is refused is remembered apart, and all of it stays small."""

from __future__ import annotations

from typing import Any

import pytest
from graphql import DocumentNode, GraphQLError, parse

from schema import build_schema
from schema import documents as module
from schema.documents import Documents
from schema.errors import BadRequestError
from schema.limits import DocumentLimits
from schema.remembered import Remembered

SCHEMA = build_schema()._schema
GOOD = "{ __typename }"
BAD = "{ nope }"


def documents() -> Documents:
    return Documents(SCHEMA, DocumentLimits(), introspection=True)


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The texts that were parsed."""
    texts: list[str] = []

    def counted(text: str, **options: Any) -> DocumentNode:  # noqa: ANN401 - graphql-core's
        texts.append(text)
        return parse(text, **options)

    monkeypatch.setattr(module, "parse", counted)
    return texts


def unique(number: int) -> str:
    return f"{{ a{number}: __typename }}"


def test_a_document_is_prepared_once_also_when_it_is_refused(parsed: list[str]) -> None:
    prepared = documents()

    for text in (GOOD, BAD, "{", GOOD, BAD, "{"):
        prepared.prepare(text)

    assert parsed == [GOOD, BAD, "{"]
    assert prepared.known(GOOD) is prepared.prepare(GOOD)


def test_refused_documents_cannot_push_out_good_ones(parsed: list[str]) -> None:
    prepared = documents()
    prepared.prepare(GOOD)

    for number in range(2 * module.REMEMBERED_MAX):
        prepared.prepare(f"{{ nope{number} }}")
    parsed.clear()
    prepared.prepare(GOOD)

    assert parsed == []


def test_a_document_in_use_outlasts_many_others(parsed: list[str]) -> None:
    prepared = documents()

    for number in range(2 * module.REMEMBERED_MAX):
        prepared.prepare(GOOD)
        prepared.prepare(unique(number))

    assert parsed.count(GOOD) == 1
    assert prepared.known(unique(0)) is None


def test_what_is_remembered_is_bounded_by_its_size() -> None:
    prepared = documents()
    padding = "#" + "x" * 30_000

    for number in range(20):
        prepared.prepare(unique(number) + padding)

    known = [prepared.known(unique(number) + padding) is not None for number in range(20)]
    assert known == [False] * 12 + [True] * 8  # of 262,144 characters


def test_a_refusal_holds_no_tree() -> None:
    prepared = documents().prepare(BAD)

    (error,) = prepared.errors
    assert prepared.document is None
    assert (error.nodes, error.source) == (None, None)
    assert error.formatted["locations"] == [{"line": 1, "column": 3}]


def test_a_message_that_quotes_the_document_is_cut() -> None:
    text = f"{{ order(id: {{a: [{', '.join(['PENDING'] * 900)}]}}) {{ id }} }}"

    (error, *_) = documents().prepare(text).errors

    assert len(error.message) == module.MESSAGE_CHARACTERS_MAX + 1


def test_a_document_says_what_each_operation_costs_and_does() -> None:
    text = """
    query A { order(id: 1) { id lines { sku } } }
    mutation B { ...F ... on Mutation { b: orderCreate(input: {lines: [], idempotencyKey: "k"}) { errors { code } } } }
    fragment F on Mutation { a: orderCreate(input: {lines: [], idempotencyKey: "k"}) { errors { code } } }
    """

    prepared = documents().prepare(text)

    assert prepared.errors == ()
    assert prepared.operation("A").cost == 7
    assert prepared.operation("A").fields == {}
    assert prepared.operation("B").fields == {"orderCreate": 2}


@pytest.mark.parametrize(
    ("text", "name"), [("query A { __typename } query B { __typename }", None), (GOOD, "A")]
)
def test_an_operation_that_is_not_there_is_a_bad_request(text: str, name: str | None) -> None:
    with pytest.raises(BadRequestError):
        documents().prepare(text).operation(name)


def test_without_suggestions_no_name_of_the_schema_is_given_away() -> None:
    prepared = Documents(SCHEMA, DocumentLimits(), introspection=False, suggestions=False)
    texts = [
        "{ ordr(id: 1) { id } }",
        "{ order(idd: 1) { id } }",
        "{ ...F } fragment F on Queri { __typename }",
        "query($a: OrderFiltr) { __typename }",
        "{ orders(filter: {statu: PENDING}) { nodes { id } } }",
        "{ stateMachine(kind: PAYMEN) { kind } }",
        "{ __typename @skp(if: true) }",
    ]

    messages = [error.message for text in texts for error in prepared.prepare(text).errors]

    assert len(messages) >= len(texts)
    assert [message for message in messages if "Did you mean" in message] == []


def test_a_memory_of_values_forgets_what_was_not_used_for_longest() -> None:
    memory = Remembered[int](entries_max=3, characters_max=100)
    for number in range(3):
        memory.put(str(number), number, 10)
    memory.get("0")

    memory.put("3", 3, 10)
    memory.put("big", 4, 90)
    memory.put("big", 5, 80)

    assert [memory.get(key) for key in ("0", "1", "2", "3", "big")] == [None, None, None, 3, 5]
    memory.put("too big", 6, 101)
    assert len(memory) == 0


def test_an_error_of_the_limits_keeps_its_code() -> None:
    (error,) = documents().prepare("{" + " ".join(f"a{n}: __typename" for n in range(31)) + "}").errors

    assert isinstance(error, GraphQLError)
    assert error.formatted["extensions"] == {"code": "INVALID"}
