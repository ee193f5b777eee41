"""Every code that an answer may carry is explained, nothing else is, and errors lead there."""

from __future__ import annotations

import ast
import inspect
import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

from strawberry.http import async_base_view
from strawberry.subscriptions.protocols.graphql_transport_ws import handlers

from app.domain.errors import ErrorCode
from app.error_catalog import CATALOG, CloseCode, ExitCode, RequestCode, find
from tests.schema.errors_page import PAGE, page

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT: Final = Path(__file__).parents[2]
OF_GRAPHQL: Final = [*sorted((ROOT / "schema").glob("*.py")), ROOT / "app" / "edge.py"]


def codes_by_hand(source: str) -> Iterator[object]:
    """Yield the codes that are written out where one of the enumerations' members belongs."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Dict):
            pairs = zip(node.keys, node.values, strict=True)
            yield from (
                value.value
                for key, value in pairs
                if isinstance(key, ast.Constant) and key.value == "code" and isinstance(value, ast.Constant)
            )
        elif isinstance(node, ast.Call) and _name(node.func) in ("close", "BadRequestError", "DomainError"):
            yield from (
                argument.value
                for argument in node.args
                if isinstance(argument, ast.Constant)
                and re.fullmatch(r"[1-4]\d{3}|[A-Z]+(_[A-Z]+)+", str(argument.value))
            )


def _name(function: ast.expr) -> str:
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def test_every_code_is_explained_and_no_other() -> None:
    known = [
        *ErrorCode,
        *RequestCode,
        *(str(code.value) for code in CloseCode),
        *(f"EXIT_{code.value}" for code in ExitCode),
    ]

    assert list(CATALOG) == known
    assert [entry.code for entry in CATALOG.values() if not (entry.happened and entry.to_do)] == []


def test_the_schema_takes_its_codes_from_the_enumerations() -> None:
    planted = 'close(4400, "x")\nerror = {"code": "OOPS"}\nBadRequestError(400, "No.", "BAD_WORD")\n'

    assert list(codes_by_hand(planted)) == [4400, "OOPS", "BAD_WORD"]
    assert [found for path in OF_GRAPHQL for found in codes_by_hand(path.read_text())] == []


def test_every_code_that_strawberry_closes_with_is_known() -> None:
    source = inspect.getsource(handlers) + inspect.getsource(async_base_view)

    closes = {int(code) for code in re.findall(r"close\(\s*(?:code=)?(\d{4})", source)}

    assert closes - set(CloseCode) == set()
    assert CloseCode.SUBSCRIBER_EXISTS in closes


def test_the_page_is_what_the_catalogue_says() -> None:
    assert PAGE.read_text() == page(), "run: make docs"


def test_a_code_is_found_however_people_write_it() -> None:
    assert [getattr(find(code), "code", None) for code in ("not-found", "4403", "exit-3", "3", "OOPS")] == [
        "NOT_FOUND",
        "4403",
        "EXIT_3",
        "EXIT_3",
        None,
    ]
