"""Documents that ask for too much are refused for next to nothing; ordinary ones pass."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Final

import pytest
from graphql import get_introspection_query, parse

from schema import build_schema
from schema.documents import Documents
from schema.limits import DocumentLimits

CPU_SECONDS_MAX: Final = 0.1
WEB: Final = Path(__file__).parents[2] / "web" / "src"
ORDER: Final = 'order(id: "ord_1")'


def doubling(count: int) -> str:
    """Return fragments that each spread the next one twice."""
    links = [f"fragment F{n} on Query {{ ...F{n + 1} ...F{n + 1} }}" for n in range(count)]
    return "{ ...F0 } " + " ".join(links) + f" fragment F{count} on Query {{ {ORDER} {{ id }} }}"


def pages(levels: int, first: str = "100") -> str:
    inner = "id"
    for _ in range(levels):
        inner = f"events(first: {first}) {{ nodes {{ order {{ {inner} }} }} }}"
    return f"query($n: Int) {{ orders(first: {first}) {{ nodes {{ {inner} }} }} }}"


HOSTILE: Final = {
    "depth": ("{ " + ORDER + "{ payments { order " * 7 + "{ id }" + "} }" * 7 + " }", "levels of fields"),
    "depth in inline fragments": ("{" + "... {" * 150 + "__typename" + "}" * 150 + "}", "selections inside"),
    "fields": ("{" + " ".join(f"a{n}" for n in range(501)) + "}", "too many fields:"),
    "one field again and again": ("{" + "__typename " * 400 + "}", "fields of one name"),
    "conflicts": (
        "{" + " ".join(f'order(id: "{n}") {{ id }}' for n in range(100)) + "}",
        "fields of one name",
    ),
    "fields that nearly exist": ("{" + " ".join(f"order{n}" for n in range(450)) + "}", "Did you mean"),
    "aliases": ("{" + " ".join(f"a{n}: __typename" for n in range(31)) + "}", "aliases"),
    "directives": ("{ __typename " + "@include(if: true) " * 51 + "}", "directives"),
    "fragments": (
        "{ __typename }" + " ".join(f"fragment F{n} on Query {{ __typename }}" for n in range(21)),
        "fragments",
    ),
    "fragments that double": (doubling(18), "fields of one name"),
    "fragments that double what is inside": (
        doubling(18)
        .replace("...F0", "... { order(id: 1) { ...G0 } }")
        .replace("on Query", "on Order")
        .replace("F", "G")
        .replace(ORDER + " { id }", "id"),
        "fields of one name",
    ),
    "pages inside pages": (pages(2), "values in the answer"),
    "pages of a variable's size": (pages(2, "$n"), "values in the answer"),
    "introspection in circles": (
        "{ __schema { types { fields { type { fields { type { fields { type { fields { name } } } } } } } } } }",
        "Maximum introspection depth",
    ),
    "tokens": ("{" + ORDER + "{" + "id " * 1000 + "} }", "more than 1000 tokens"),
    "characters": ("{ __typename #" + "x" * 32_768 + "\n}", "at most 32768 characters"),
    "nested lists": ("{ order(id: " + "[" * 900 + "]" * 900 + ") { id } }", "nested too deeply"),
    "nested selections": ("{ a " * 600 + "}" * 600, "nested too deeply"),
    "fragments in circles": (
        "{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }",
        "Cannot spread fragment",
    ),
}


SCHEMA: Final = build_schema()._schema


def documents(limits: DocumentLimits | None = None) -> Documents:
    return Documents(SCHEMA, limits or DocumentLimits(), introspection=True)


def refusal(prepared: Documents, text: str) -> str:
    """Return why a document is refused."""
    errors = prepared.prepare(text).errors
    return errors[0].message if errors else ""


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_document_is_refused_for_little(name: str) -> None:
    text, reason = HOSTILE[name]
    messages, took = set(), []

    for _ in range(3):  # the least of them, for the machine has other things to do
        prepared = documents()
        began = time.thread_time()
        messages.add(refusal(prepared, text))
        took.append(time.thread_time() - began)

    (message,) = messages
    assert reason in message
    assert min(took) < CPU_SECONDS_MAX


@pytest.mark.parametrize("count", [5, 10, 18])
def test_the_work_grows_with_the_document_and_not_with_what_it_spreads(
    count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    from schema import limits as module  # noqa: PLC0415 - to count what it does

    weighed = 0
    original = module._Scale._selections

    def counted(*arguments: object) -> object:
        nonlocal weighed
        weighed += 1
        return original(*arguments)  # type: ignore[arg-type]  # the very same arguments

    monkeypatch.setattr(module._Scale, "_selections", counted)
    no_limits = DocumentLimits(fields_max=10**9, repeats_max=10**9, cost_max=10**9)
    costs = module.weigh(SCHEMA, parse(doubling(count)), no_limits)

    assert costs == {"": 2 * 2**count}
    assert weighed == count + 3  # each fragment once, the operation, and the order in the last fragment


@pytest.mark.parametrize(
    ("field", "text", "over"),
    [
        ("depth_max", "{ order(id: 1) { total { amount } } }", 2),
        ("fields_max", "{ order(id: 1) { id number ...F } } fragment F on Order { id number }", 4),
        ("aliases_max", "{ a: order(id: 1) { b: id } }", 1),
        ("repeats_max", "{ order(id: 1) { id } ...F } fragment F on Query { order(id: 1) { number } }", 1),
        ("directives_max", "{ order(id: 1) @skip(if: false) { id @skip(if: true) } }", 1),
        ("fragments_max", "{ ...F } fragment F on Query { __typename }", 0),
        ("cost_max", "{ orders(first: 10) { nodes { id } } }", 20),
        ("cost_max", "{ orders { edges { cursor } } }", 40),
        ("cost_max", "{ order(id: 1) { lines { sku name } } }", 9),
        ("tokens_max", "{ __typename }", 2),
        ("characters_max", "{ __typename }", 13),
    ],
)
def test_each_limit_is_exact(field: str, text: str, over: int) -> None:
    at_the_limit = documents(DocumentLimits(**{field: over + 1}))
    beyond = documents(DocumentLimits(**{field: over}))

    assert refusal(at_the_limit, text) == ""
    assert "at most" in (message := refusal(beyond, text)) or "more than" in message


def test_the_shops_own_documents_pass() -> None:
    paths = sorted(WEB.rglob("*.graphql"))
    prepared = documents()

    refused = {path.name: refusal(prepared, path.read_text("utf-8")) for path in paths}

    assert len(paths) >= 10
    assert {name: reason for name, reason in refused.items() if reason} == {}


def test_the_ides_introspection_passes_when_it_is_on() -> None:
    query = get_introspection_query(specified_by_url=True, input_value_deprecation=True)

    assert refusal(documents(), query) == ""


def test_introspection_can_be_switched_off() -> None:
    prepared = Documents(SCHEMA, DocumentLimits(), introspection=False)

    assert "introspection has been disabled" in refusal(prepared, "{ __schema { types { name } } }")
    assert refusal(prepared, "{ __typename }") == ""


def test_a_document_is_prepared_once() -> None:
    prepared = documents()

    assert prepared.prepare("{ __typename }") is prepared.prepare("{ __typename }")
    assert prepared.prepare("{ nope }") is prepared.prepare("{ nope }")
